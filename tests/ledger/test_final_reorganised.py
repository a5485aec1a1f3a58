"""A reorganisation below what was final is an alarm, and whoever was told is told again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ledger.chain.follow import Follower
from ledger.node import Ledger
from ledger.ports import Block
from ledger.service.telling import BATCH_FINAL, Teller
from tests.ledger.live import Body, open_live


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_live(tmp_path / "home") as opened:
        yield opened


class Changed:
    """The ledger's chain, whose blocks after a number are others for a while."""

    def __init__(self, real: Any) -> None:
        self._real, self.after = real, 2**40

    def block(self, number: int) -> Block | None:
        found: Block | None = self._real.block(number)
        if found is None or number <= self.after:
            return found
        return replace(found, hash=b"\x01" * 32)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def told(teller: Teller, ledger: Ledger, issuer: str) -> list[str]:
    teller.step()
    with ledger.store.begin(write=False) as unit:
        events = unit.events_of(f"body:{issuer}", after=0, limit=10)
    return [event.kind for event in events]


def test_it_is_recorded_and_a_batch_that_is_final_again_is_told_again(ledger: Ledger) -> None:
    body = Body(ledger)
    body.register()
    before = ledger.chain.head().number
    body.submit(2)
    ledger.settle()
    teller = Teller(store=ledger.store, pepper=bytes(32), clock=ledger.clock)
    assert told(teller, ledger, body.issuer) == [BATCH_FINAL]
    chain: Any = Changed(ledger.chain)
    follower = Follower(ledger.store, chain, ledger.deployment.block or 0)
    chain.after = before
    follower._take_back()
    with ledger.store.begin(write=False) as unit:
        (found,) = unit.reorganisations()
        assert unit.backlog().acts == 1
    assert (found.fork, found.final > before) == (before, True)

    ledger.settle()

    assert told(teller, ledger, body.issuer) == [BATCH_FINAL] * 2


def test_one_above_what_was_final_is_none(ledger: Ledger) -> None:
    body = Body(ledger)
    body.register()
    head = ledger.chain.head().number
    ledger.beat()
    chain: Any = Changed(ledger.chain)
    chain.after = head
    Follower(ledger.store, chain, ledger.deployment.block or 0)._take_back()
    with ledger.store.begin(write=False) as unit:
        assert unit.final_block() == head
        assert unit.reorganisations() == []
