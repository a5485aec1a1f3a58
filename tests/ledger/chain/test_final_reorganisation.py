"""A reorganisation below what was final is an alarm, and whoever was told is told again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from certledger.ledger.chain.follower import Follower
from certledger.ledger.core.service_values import (
    BATCH_FINAL,
    BATCH_REORGANISED,
    STATUS_CHANGED,
    Hook,
    Watch,
)
from certledger.ledger.core.values import Block
from certledger.ledger.node import Ledger
from certledger.ledger.webhooks.events import EventDispatcher
from certledger.verifier.vocabulary import Status
from tests.ledger.live import LiveIssuer, open_live


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


def watch(ledger: Ledger, issuer: LiveIssuer, index: int) -> None:
    """Watch a certificate under its issuer's own name, so that one feed has all events."""
    with ledger.store.begin() as unit:
        place = unit.place_at(issuer.issuer, index)
        assert place is not None
        unit.add_watch(
            Watch(
                caller=f"body:{issuer.issuer}",
                issuer=issuer.issuer,
                index=index,
                leaf=unit.leaves(place.root)[index],
                status="valid",
                created=ledger.clock(),
            )
        )


def told(teller: EventDispatcher, ledger: Ledger, issuer: str) -> list[str]:
    teller.step()
    with ledger.store.begin(write=False) as unit:
        events = unit.events_of(f"body:{issuer}", after=0, limit=10)
    return [event.kind for event in events]


def test_it_is_recorded_and_a_batch_that_is_final_again_is_told_again(ledger: Ledger) -> None:
    issuer = LiveIssuer(ledger)
    issuer.register()
    before = ledger.chain.head().number
    issuer.submit(2)
    ledger.run_until_idle()
    teller = EventDispatcher(store=ledger.store, pepper=bytes(32), clock=ledger.clock)
    assert told(teller, ledger, issuer.issuer) == [BATCH_FINAL]
    with ledger.store.begin() as unit:
        hook = Hook(
            id="hook_1",
            caller=f"body:{issuer.issuer}",
            url="https://127.0.0.1/",
            kinds=frozenset({BATCH_FINAL}),
            created=0,
        )
        unit.add_hook(hook)
    chain: Any = Changed(ledger.chain)
    follower = Follower(ledger.store, chain, ledger.deployment.block or 0)
    chain.after = before
    follower._take_back()
    with ledger.store.begin(write=False) as unit:
        (found,) = unit.reorganisations()
        assert unit.backlog().acts == 1
    assert (found.fork, found.final > before) == (before, True)

    taken_back = [BATCH_FINAL, BATCH_REORGANISED]
    assert told(teller, ledger, issuer.issuer) == taken_back
    assert told(teller, ledger, issuer.issuer) == taken_back, "once"
    with ledger.store.begin(write=False) as unit:
        final, reorganised = unit.events_of(f"body:{issuer.issuer}", after=0, limit=10)
        hooked = unit.failing_of(f"body:{issuer.issuer}", 10)
    assert final.body == reorganised.body
    assert [event.kind for event, _ in hooked] == [BATCH_REORGANISED], "as the hook for the first"

    ledger.run_until_idle()

    assert told(teller, ledger, issuer.issuer) == [*taken_back, BATCH_FINAL]


def test_a_status_is_not_told_twice_at_a_checkpoint_that_came_back(ledger: Ledger) -> None:
    issuer = LiveIssuer(ledger)
    issuer.register()
    batch = issuer.submit(1)
    ledger.run_until_idle()
    watch(ledger, issuer, 0)
    before = ledger.chain.head().number
    issuer.change([batch.statement.first], Status.REVOKED, "R01")
    ledger.run_until_idle()
    teller = EventDispatcher(store=ledger.store, pepper=bytes(32), clock=ledger.clock)
    assert told(teller, ledger, issuer.issuer) == [BATCH_FINAL, STATUS_CHANGED]
    chain: Any = Changed(ledger.chain)
    chain.after = before
    Follower(ledger.store, chain, ledger.deployment.block or 0)._take_back()
    assert told(teller, ledger, issuer.issuer) == [BATCH_FINAL, STATUS_CHANGED], "no checkpoint yet"

    ledger.run_until_idle()

    assert told(teller, ledger, issuer.issuer) == [BATCH_FINAL, STATUS_CHANGED]


def test_one_above_what_was_final_is_none(ledger: Ledger) -> None:
    issuer = LiveIssuer(ledger)
    issuer.register()
    head = ledger.chain.head().number
    ledger.mine_heartbeat_block()
    chain: Any = Changed(ledger.chain)
    chain.after = head
    Follower(ledger.store, chain, ledger.deployment.block or 0)._take_back()
    with ledger.store.begin(write=False) as unit:
        assert unit.final_block() == head
        assert unit.reorganisations() == []
