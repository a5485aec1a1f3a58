"""Many senders, clocks that move and contracts that dig: the chain goes on."""

from __future__ import annotations

import contextlib
import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import rlp
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st
from web3 import Web3
from web3.exceptions import ContractLogicError

from certledger.ledger.devchain.errors import BlockMalformedError
from certledger.ledger.devchain.node import NodeSettings, RunningNode
from certledger.ledger.devchain.replay import ChainReplica
from certledger.ledger.devchain.rlp_depth import check_nesting
from tests.ledger.devchain.conftest import (
    CHAIN_ID,
    FUNDED,
    GENESIS_TIME,
    OTHER,
    RICH,
    ask,
    call,
    deploy_code,
    post,
    transfer,
)
from tests.ledger.devchain.test_durable import GENESIS
from tests.ledger.devchain.test_rpc import from_proof

# Calls itself with all the gas it has, until that runs out.
DIGGER = bytes.fromhex("60006000600060006000305af100")
# Reverts with Error("no") whatever is asked.
REASON = (
    bytes.fromhex("08c379a0") + (32).to_bytes(32, "big") + (2).to_bytes(32, "big") + b"no".ljust(32)
)
REFUSER = bytes.fromhex("6064600c60003960646000fd") + REASON


class Clock:
    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def deployed(url: str, nonce: int, runtime: bytes) -> str:
    made: Any = {
        "nonce": nonce, "gas": 300_000, "value": 0, "data": deploy_code(runtime),
        "maxFeePerGas": 10**10, "maxPriorityFeePerGas": 1, "chainId": CHAIN_ID,
    }  # fmt: skip
    raw = RICH.sign_transaction(made).raw_transaction.hex()
    sent = call(url, "eth_sendRawTransaction", "0x" + raw)
    address: str = call(url, "eth_getTransactionReceipt", sent)["contractAddress"]
    return address


def test_transactions_of_a_batch_share_a_block(chain: RunningNode) -> None:
    batch = [
        {"jsonrpc": "2.0", "id": n, "method": "eth_sendRawTransaction", "params": [transfer(n)]}
        for n in range(30)
    ] + [{"jsonrpc": "2.0", "id": 30, "method": "eth_getBalance", "params": [OTHER, "latest"]}]

    answers = post(chain.url, json.dumps(batch).encode())

    assert [answer["id"] for answer in answers] == list(range(31))
    assert int(answers[30]["result"], 16) == 30, "what follows in the batch sees them mined"
    assert int(call(chain.url, "eth_blockNumber"), 16) <= 15


def test_a_gap_is_refused_and_the_rest_of_the_batch_is_mined(chain: RunningNode) -> None:
    batch = [
        {"jsonrpc": "2.0", "id": n, "method": "eth_sendRawTransaction", "params": [transfer(n)]}
        for n in (0, 2, 1)
    ]

    answers = post(chain.url, json.dumps(batch).encode())

    assert ["result" in answer for answer in answers] == [True, False, True]
    assert "nonce too high" in answers[1]["error"]["message"]
    assert int(call(chain.url, "eth_getTransactionCount", RICH.address, "pending"), 16) == 2


def test_readers_are_answered_while_many_write(chain: RunningNode) -> None:
    raws = [transfer(nonce) for nonce in range(40)]

    def send(raw: str) -> Any:
        return ask(chain.url, "eth_sendRawTransaction", raw)

    with ThreadPoolExecutor(8) as pool:
        sending = pool.submit(lambda: [send(raw) for raw in raws])
        balances = [
            list(pool.map(lambda _: int(call(chain.url, "eth_getBalance", OTHER), 16), range(8)))
            for _ in range(5)
        ]
        assert all("result" in answer for answer in sending.result())

    flat = [balance for row in balances for balance in row]
    assert all(0 <= balance <= 40 for balance in flat)
    assert int(call(chain.url, "eth_getBalance", OTHER), 16) == 40


@pytest.mark.parametrize("moved_to", [GENESIS_TIME - 10**6, GENESIS_TIME + 10**6])
def test_a_clock_that_is_set_does_not_stop_the_chain(tmp_path: Path, moved_to: int) -> None:
    clock = Clock(GENESIS_TIME + 100)
    settings = NodeSettings(
        chain_id=CHAIN_ID, funded=FUNDED, timestamp=GENESIS_TIME, max_lead=0.0, clock=clock
    )
    with RunningNode(tmp_path, settings) as node:
        call(node.url, "eth_sendRawTransaction", transfer(0))
        clock.now = moved_to
        call(node.url, "eth_sendRawTransaction", transfer(1))

        first, second = (
            int(call(node.url, "eth_getBlockByNumber", n, False)["timestamp"], 16)
            for n in ("0x1", "0x2")
        )

    assert first == GENESIS_TIME + 100
    assert second == max(first + 1, moved_to)


def test_a_contract_that_calls_itself_without_end_only_runs_out_of_gas(chain: RunningNode) -> None:
    address = deployed(chain.url, 0, DIGGER)

    assert call(chain.url, "eth_call", {"to": address}, "latest") == "0x"
    sent = call(
        chain.url,
        "eth_sendRawTransaction",
        transfer(1, to=bytes.fromhex(address[2:]), value=0, gas=29_000_000),
    )
    assert call(chain.url, "eth_getTransactionReceipt", sent)["status"] == "0x1"


def test_a_reason_reaches_the_caller(chain: RunningNode) -> None:
    address = deployed(chain.url, 0, REFUSER)

    for method in ("eth_call", "eth_estimateGas"):
        error = ask(chain.url, method, {"to": address, "input": "0x01"})["error"]
        assert error["code"] == 3
        assert error["message"] == "execution reverted: no"
        assert error["data"] == "0x" + REASON.hex()
    with pytest.raises(ContractLogicError, match="no"):
        Web3(Web3.HTTPProvider(chain.url)).eth.call({"to": Web3.to_checksum_address(address)})


def test_an_account_that_is_not_there_is_proved_absent(chain: RunningNode) -> None:
    call(chain.url, "eth_sendRawTransaction", transfer(0))
    absent = "0x" + "9c" * 20

    proof = call(chain.url, "eth_getProof", absent, ["0x0"], "latest")

    root = call(chain.url, "eth_getBlockByNumber", "latest", False)["stateRoot"]
    nodes = [bytes.fromhex(node[2:]) for node in proof["accountProof"]]
    key = keccak(bytes.fromhex(absent[2:]))
    assert from_proof(bytes.fromhex(root[2:]), key, nodes) == b""
    assert proof["nonce"] == proof["balance"] == "0x0"


def test_fee_history_tells_the_tips_that_were_paid(chain: RunningNode) -> None:
    call(chain.url, "eth_sendRawTransaction", transfer(0, maxPriorityFeePerGas=9))

    history = call(chain.url, "eth_feeHistory", "0x2", "latest", [0, 50, 100])

    assert history["oldestBlock"] == "0x0"
    assert history["baseFeePerGas"] == ["0x7"] * 3
    assert history["reward"] == [["0x0"] * 3, ["0x9"] * 3]
    assert ask(chain.url, "eth_feeHistory", "0x2", "latest", 5)["error"]["code"] == -32602


def test_a_block_filter_tells_the_blocks_since(chain: RunningNode) -> None:
    search = call(chain.url, "eth_newBlockFilter")

    call(chain.url, "eth_sendRawTransaction", transfer(0))

    head = call(chain.url, "eth_getBlockByNumber", "latest", False)
    assert call(chain.url, "eth_getFilterChanges", search) == [head["hash"]]
    assert call(chain.url, "eth_getFilterChanges", search) == []
    assert call(chain.url, "eth_uninstallFilter", search) is True
    assert "not found" in ask(chain.url, "eth_getFilterChanges", search)["error"]["message"]


@pytest.mark.parametrize(
    "body",
    [b"[" * 100_000, b'{"id":' * 50_000, b"NaN", b'{"id":Infinity}', b"1" * 10_000, b"\xff\xfe"],
    ids=["deep list", "deep object", "nan", "infinity", "long number", "no text"],
)
def test_what_is_no_json_is_a_parse_error(chain: RunningNode, body: bytes) -> None:
    assert post(chain.url, body)["error"]["code"] == -32700


def nested(depth: int) -> bytes:
    """Return lists in lists, `depth` of them, in RLP."""
    item = b"\xc0"
    for _ in range(depth):
        size = len(item)
        if size < 56:
            item = bytes([0xC0 + size]) + item
        else:
            length = size.to_bytes((size.bit_length() + 7) // 8, "big")
            item = bytes([0xF7 + len(length)]) + length + item
    return item


@pytest.mark.parametrize("kind", [b"", b"\x02", b"\x01"], ids=["legacy", "fees", "access list"])
def test_a_transaction_of_nested_lists_is_refused(chain: RunningNode, kind: bytes) -> None:
    raw = "0x" + (kind + nested(20_000)).hex()

    error = ask(chain.url, "eth_sendRawTransaction", raw)["error"]

    assert error["code"] == -32000
    assert "invalid transaction" in error["message"]


def test_a_list_of_accesses_is_not_too_deep(chain: RunningNode, tmp_path: Path) -> None:
    listed = [{"address": OTHER, "storageKeys": ["0x" + "07" * 32, "0x" + "08" * 32]}] * 3

    sent = call(chain.url, "eth_sendRawTransaction", transfer(0, accessList=listed, gas=100_000))

    found = call(chain.url, "eth_getTransactionByHash", sent)
    assert found["accessList"] == listed
    follower = ChainReplica(tmp_path / "followed.sqlite", GENESIS)
    follower.take(bytes.fromhex(call(chain.url, "debug_getRawBlock", "0x1")[2:]))
    follower.close()


@pytest.mark.parametrize("place", [0, 1, 2], ids=["header", "transactions", "uncles"])
@pytest.mark.parametrize("typed", [False, True], ids=["list", "bytes"])
def test_a_block_of_nested_lists_is_refused(tmp_path: Path, place: int, typed: bool) -> None:
    deep: Any = b"\x02" + nested(20_000) if typed else rlp.decode(nested(50))
    block: list[Any] = [[], [], []]
    block[place] = [deep]
    follower = ChainReplica(tmp_path / "followed.sqlite", GENESIS)

    with pytest.raises(BlockMalformedError):
        follower.take(rlp.encode(block))
    follower.close()


@given(raw=st.binary(max_size=300))
def test_any_bytes_can_be_walked(raw: bytes) -> None:
    with contextlib.suppress(ValueError):
        check_nesting(raw, 3)


def test_a_notification_that_fails_has_no_answer(chain: RunningNode) -> None:
    assert post(chain.url, b'{"jsonrpc":"2.0","method":"no_such"}') is None


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("Host", "evil.example", 403),
        ("Host", "127.0.0.1.evil.example", 403),
        ("Origin", "https://evil.example", 403),
        ("Origin", "null", 403),
        ("Host", "localhost:1", 200),
        ("Origin", "http://localhost:8000", 200),
    ],
)
def test_a_page_of_another_site_gets_nothing(
    chain: RunningNode, header: str, value: str, status: int
) -> None:
    parts = urlsplit(chain.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    body = b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}'

    connection.request("POST", "/", body, {header: value})

    assert connection.getresponse().status == status
    connection.close()
