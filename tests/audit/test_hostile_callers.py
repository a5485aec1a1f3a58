"""Whoever calls the contract, with whatever arguments: every reader of its logs goes on."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from certledger.contracts import calls
from certledger.contracts.loader import load_artifact
from certledger.ledger.chain.client import Payment, sign_transaction
from certledger.ledger.chain.follower import Follower
from certledger.ledger.intake.batches import submit_batch
from certledger.ledger.node import Ledger
from certledger.ledger.store import open_store
from certledger.ledger.witness.nodes import ExecutingNode, RpcSource
from certledger.verifier.formats.contract_events import Skipped, parse_log
from tests.audit import little
from tests.audit.conftest import Auditor

SELECTORS = tuple(load_artifact().selectors.values())
GAS = 2_000_000
TOGETHER = 15
"""Transactions of so much gas fill a block."""
CALLS = int(os.environ.get("CERTLEDGER_ATTACK_CALLS", "60"))
"""`make attack` sends 10,000."""


@dataclass(frozen=True)
class Rubbish:
    """A state of any words, as a hostile caller may hand it in."""

    handed: tuple[bytes, ...]
    peaks: tuple[bytes, ...] = ()

    def words(self) -> tuple[bytes, ...]:
        return self.handed

    def key_words(self) -> tuple[bytes, ...]:
        return ()


@pytest.fixture
def draw() -> random.Random:
    return random.Random(4)


def send(ledger: Ledger, payloads: Sequence[bytes]) -> None:
    """Send calls whether or not the contract would take them, as many a block as its gas allows."""
    first = ledger.chain.next_nonce()
    with ThreadPoolExecutor(TOGETHER) as senders:
        for at in range(0, len(payloads), TOGETHER):
            waiting = []
            for nonce, data in enumerate(payloads[at : at + TOGETHER], first + at):
                payment = Payment(
                    chain_id=ledger.pin.chain_id,
                    nonce=nonce,
                    gas=GAS,
                    to=ledger.pin.address,
                    data=data,
                )
                raw = sign_transaction(ledger.node, ledger.operator, payment).raw
                waiting.append(senders.submit(ledger.chain.broadcast, raw))
                # The node takes an account's transactions in turn only.
                while ledger.chain.next_nonce() <= nonce and not waiting[-1].done():
                    pass
            for one in waiting:
                one.result()


def good_entry(ledger: Ledger, police: little.LittleIssuer) -> Any:
    """Return an entry of `anchor` that anchors one more batch, whose records are handed in."""
    state = police.state
    sealed = police.seal([police.issue(f"X{state.batches}")])
    submit_batch(ledger.intake, sealed.submission())
    packed = calls.pack_batch(sealed.statement, key=0, signature=sealed.signature)
    return state, [packed]


def words(draw: random.Random, most: int = 9) -> tuple[bytes, ...]:
    return tuple(draw.randbytes(32) for _ in range(draw.randrange(most)))


def rubbish(draw: random.Random, honest: Any) -> Any:
    """Return an entry whose state or batches are anything."""
    handed = draw.choice([words(draw), (b"\xff" * 32,), honest[0].words(), ()])
    batches = [tuple(draw.randbytes(32) for _ in range(5)) for _ in range(draw.randrange(3))]
    return Rubbish(handed), draw.choice([batches, [*honest[1], *batches]])


def garbled(draw: random.Random, data: bytes) -> bytes:
    """Return calldata with some bytes changed, behind a selector of the contract."""
    body = bytearray(data[4:])
    for _ in range(draw.randrange(4)):
        body[draw.randrange(len(body))] = draw.randrange(256)
    return draw.choice([data[:4], *SELECTORS]) + bytes(body)


def test_a_caller_of_every_function_stops_no_reader(
    home: Path, auditor: Auditor, draw: random.Random, tmp_path: Path
) -> None:
    with little.opened(home) as ledger:
        police = little.LittleIssuer(ledger, little.POLICE)
        honest = good_entry(ledger, police)
        entries = [honest, (Rubbish((b"\xff" * 32,)), []), *(rubbish(draw, honest) for _ in "123")]
        send(ledger, [calls.anchor(entries)])
        send(
            ledger,
            [garbled(draw, calls.anchor([honest, rubbish(draw, honest)])) for _ in range(CALLS)],
        )

        ledger.run_until_idle()

        told = ledger.chain.logs(0, ledger.chain.head().number)
        events = [parse_log(one.topics, one.data) for one in told]
        skipped = {one.issuer for one in events if isinstance(one, Skipped)}
        assert skipped <= {little.POLICE}, "nothing is told of a state that was not checked"
        assert police.state.batches == honest[0].batches + 1
        source = RpcSource(lambda method, params: ledger.node.call(method, *params))
        witness = ExecutingNode(
            tmp_path / "witness", source, ledger.pin.genesis, lag=600, clock=ledger.clock
        )
        witness.advance()
        assert witness.final().number == ledger.chain.head().number
        witness.close()
        rebuilt = open_store(f"sqlite:///{tmp_path}/rebuilt.db")
        Follower(rebuilt, ledger.chain, 0).follow()
        with rebuilt.begin(write=False) as unit:
            again = unit.issuer(little.POLICE)
        rebuilt.close()
        assert again is not None
        assert again.state.digest() == police.state.digest()
    report = auditor.home(home)
    assert (report.verdict, report.faults) == ("clean", [])
