"""What was acknowledged is there after any death of the process; half a block never is."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from certledger.ledger.devchain.chain import DurableChain, open_chain
from certledger.ledger.devchain.db import SqliteDB, connect_writer
from certledger.ledger.devchain.errors import GenesisMismatchError, HomeInUseError
from certledger.ledger.devchain.genesis import Genesis
from certledger.ledger.devchain.miner import parse_transaction
from certledger.ledger.devchain.node import open_node
from certledger.ledger.devchain.replay import ChainReplica
from certledger.ledger.devchain.view import View
from tests.ledger.devchain import conftest as world
from tests.ledger.devchain.conftest import (
    CHAIN_ID,
    FUNDED,
    GENESIS_TIME,
    OTHER,
    call,
    transfer,
)

GENESIS = Genesis(chain_id=CHAIN_ID, timestamp=GENESIS_TIME, alloc=FUNDED)


class Killed(Exception):
    """The process died here."""


class DyingDB(SqliteDB):
    """A database that dies at the n-th statement that changes something."""

    def __init__(self, connection: sqlite3.Connection, dies_at: int | None = None) -> None:
        super().__init__(connection)
        self.dies_at, self.writes = dies_at, 0

    def execute(self, statement: str, values: Any = ()) -> sqlite3.Cursor:
        if not statement.startswith("SELECT"):
            self.writes += 1
            if self.writes == self.dies_at:
                raise Killed(statement)
        return super().execute(statement, values)


def mine_one(chain: DurableChain, nonce: int) -> None:
    raw = bytes.fromhex(transfer(nonce)[2:])
    chain.mine([parse_transaction(raw)], GENESIS_TIME + 10 * (nonce + 1))


def seen(path: Path) -> tuple[int, int, int]:
    """Return (head, balance of the receiver, receipts) as a fresh process sees them."""
    db = SqliteDB(connect_writer(path))
    view = View(db, CHAIN_ID)
    head = view.head()
    balance = view.state(head).get_balance(bytes.fromhex(OTHER[2:]))  # type: ignore[arg-type]
    receipts = sum(
        len(view.body(header).receipts)
        for number in range(head.block_number + 1)
        if (header := view.header_by_number(number)) is not None
    )
    db.close()
    return head.block_number, balance, receipts


def test_a_kill_at_any_write_of_a_block_leaves_the_chain_before_or_after_it(tmp_path: Path) -> None:
    path = tmp_path / "chain.sqlite"
    counted = DyingDB(connect_writer(tmp_path / "count.sqlite"))
    mine_one(open_chain(counted, GENESIS), 0)
    before = counted.writes
    mine_one(DurableChain(counted, CHAIN_ID), 1)
    writes_of_a_block = counted.writes - before
    begun = SqliteDB(connect_writer(path))
    mine_one(open_chain(begun, GENESIS), 0)
    begun.close()

    for dies_at in range(1, writes_of_a_block + 1):
        db = DyingDB(connect_writer(path), dies_at)
        with pytest.raises(Killed):
            mine_one(DurableChain(db, CHAIN_ID), 1)
        db._connection.close()
        assert seen(path) == (1, 1, 1), f"write {dies_at} of {writes_of_a_block}"

    assert writes_of_a_block > 8
    last = SqliteDB(connect_writer(path))
    mine_one(DurableChain(last, CHAIN_ID), 1)
    last.close()
    assert seen(path) == (2, 2, 2)


WORKER = """
import sys
from pathlib import Path
from tests.ledger.devchain.conftest import call, open_chain, transfer
node = open_chain(Path(sys.argv[1]))
nonce = int(call(node.url, "eth_getTransactionCount", sys.argv[2], "latest"), 16)
while True:
    print(nonce, call(node.url, "eth_sendRawTransaction", transfer(nonce)), flush=True)
    nonce += 1
"""


def test_nothing_acknowledged_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    home, acknowledged = tmp_path / "chain", []

    for stop_after in (1, 4, 9):
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(home), world.RICH.address],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert worker.stdout is not None
        for _ in range(stop_after):
            acknowledged.append(worker.stdout.readline().split())
        os.kill(worker.pid, signal.SIGKILL)
        acknowledged += [line.split() for line in worker.stdout.read().splitlines()]
        worker.wait()

    with world.open_chain(home) as node:
        for nonce, tx_hash in acknowledged:
            found = call(node.url, "eth_getTransactionByHash", tx_hash)
            assert int(found["nonce"], 16) == int(nonce)
            assert call(node.url, "eth_getTransactionReceipt", tx_hash)["status"] == "0x1"


def test_a_second_node_on_a_home_is_refused(chain: Any, home: Path) -> None:
    with pytest.raises(HomeInUseError):
        open_node(home)


def test_a_home_of_another_chain_is_refused(home: Path) -> None:
    world.open_chain(home).close()

    with pytest.raises(GenesisMismatchError):
        open_node(home, chain_id=CHAIN_ID + 1)


def test_a_new_home_draws_a_chain_id_of_its_own(tmp_path: Path) -> None:
    with open_node(tmp_path / "a") as one, open_node(tmp_path / "b") as other:
        assert one.chain_id != other.chain_id

        assert call(one.url, "eth_chainId") == hex(one.chain_id)


def test_equal_parameters_give_an_equal_genesis(tmp_path: Path) -> None:
    with world.open_chain(tmp_path / "a") as one, world.open_chain(tmp_path / "b") as other:
        assert one.genesis_hash == other.genesis_hash


def test_an_idle_chain_beats(home: Path) -> None:
    with world.open_chain(home, heartbeat=0.01) as node:
        first = int(call(node.url, "eth_blockNumber"), 16)
        while int(call(node.url, "eth_blockNumber"), 16) < first + 3:
            pass

        blocks = [call(node.url, "eth_getBlockByNumber", hex(n), False) for n in range(3)]

    times = [int(block["timestamp"], 16) for block in blocks]
    assert times == sorted(set(times))


def test_a_follower_executes_every_block_to_the_same_state(chain: Any, tmp_path: Path) -> None:
    for nonce in range(4):
        call(chain.url, "eth_sendRawTransaction", transfer(nonce))
    follower = ChainReplica(tmp_path / "followed.sqlite", GENESIS)

    for number in range(1, 5):
        follower.take(bytes.fromhex(call(chain.url, "debug_getRawBlock", hex(number))[2:]))

    latest = call(chain.url, "eth_getBlockByNumber", "latest", False)
    assert follower.head.hash.hex() == latest["hash"][2:]
    follower.close()
