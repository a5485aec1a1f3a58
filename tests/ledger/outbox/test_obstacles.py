"""An act that cannot move is given up or set aside, and counts for its issuer alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from certledger.contracts import calls
from certledger.ledger.core.acts import ActState, Lane
from certledger.ledger.core.values import Backlog, SubmittedAct
from certledger.ledger.intake.acts import submit_act
from certledger.ledger.intake.batches import submit_batch
from certledger.ledger.intake.errors import ActDeadError, IntakeOverloadedError
from certledger.ledger.intake.pending_state import IntakeLimits, head
from certledger.ledger.issuer.signed_acts import sign_statement
from certledger.ledger.node import Ledger
from certledger.verifier.formats.canonical_json import format_canonical
from certledger.verifier.formats.statements import (
    Hold,
    KeysChange,
    Restore,
    StandingChange,
    Statement,
)
from certledger.verifier.vocabulary import Standing
from tests.ledger.live import DAY, LiveIssuer, open_live, registrar

OTHER = "12320000XX00000276"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_live(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def issuer(ledger: Ledger) -> LiveIssuer:
    made = LiveIssuer(ledger)
    made.register()
    return made


@pytest.fixture
def other(ledger: Ledger) -> LiveIssuer:
    made = LiveIssuer(ledger, issuer=OTHER, name="江苏省示例中心")
    made.register()
    return made


def hand_in(ledger: Ledger, said: Statement, *signers: Any) -> None:
    act = sign_statement(said, signers, ledger.pin.identity)
    submit_act(ledger.intake, format_canonical(act.to_json()))


def until() -> int:
    return int(time.time()) + DAY


def newest(ledger: Ledger) -> int:
    return ledger.chain.head().number


def end_own_key(issuer: LiveIssuer, block: int, revision: int = 1) -> None:
    said = KeysChange(
        issuer=issuer.issuer.encode(),
        revision=revision,
        added=(),
        ends=(bytes([0]) + block.to_bytes(5, "big"),),
        not_after=until(),
    )
    hand_in(issuer.ledger, said, issuer.key)


def carry_hold(issuer: LiveIssuer, nonce: int = 1) -> None:
    """Hold the issuer past this service, which hears of it from the chain."""
    ledger = issuer.ledger
    said = Hold(
        region=int(issuer.issuer[2:4]),
        issuers=(issuer.issuer.encode(),),
        nonce=nonce,
        not_after=until(),
    )
    data = calls.hold(said, [issuer.registrar.sign(said.digest(ledger.pin.identity))])
    ledger.chain.broadcast(ledger.chain.sign(data, nonce=ledger.chain.next_nonce()).raw)


def carry_standing(issuer: LiveIssuer, standing: Standing, revision: int) -> None:
    """Change the standing past this service."""
    ledger = issuer.ledger
    said = StandingChange(
        issuer=issuer.issuer.encode(),
        revision=revision,
        standing=standing.number,
        not_after=until(),
    )
    digest = said.digest(ledger.pin.identity)
    signers = [issuer.registrar, *([registrar(32)] if standing is Standing.STRUCK else [])]
    with ledger.store.begin(write=False) as unit:
        seen = unit.issuer(issuer.issuer)
    assert seen is not None
    data = calls.change_standing(seen.state, said, signatures=[one.sign(digest) for one in signers])
    ledger.chain.broadcast(ledger.chain.sign(data, nonce=ledger.chain.next_nonce()).raw)


def batches(ledger: Ledger, issuer: LiveIssuer) -> list[SubmittedAct]:
    with ledger.store.begin(write=False) as unit:
        found = [
            unit.acts_at(issuer.issuer, Lane.SEQUENCE, one.statement.sequence)[-1]
            for one in issuer.sealed
        ]
    return list(found)


def oldest(ledger: Ledger) -> int | None:
    with ledger.store.begin(write=False) as unit:
        return unit.backlog().oldest


def states(ledger: Ledger, issuer: LiveIssuer) -> list[tuple[ActState, str | None]]:
    return [(act.state, act.reason) for act in batches(ledger, issuer)]


def restore(issuer: LiveIssuer) -> None:
    said = Restore(
        term=1, issuers=(issuer.issuer.encode(),), standings=(1,), ends=(), not_after=until()
    )
    hand_in(issuer.ledger, said, *[registrar(region) for region in (31, 32, 33)])


def test_batches_of_a_key_that_has_ended_are_given_up_and_those_of_others_go_on(
    ledger: Ledger, issuer: LiveIssuer, other: LiveIssuer
) -> None:
    end_own_key(issuer, newest(ledger) + 4)
    ledger.run_until_idle()
    for _ in range(3):
        issuer.submit(1)
    for _ in range(3):
        ledger.mine_heartbeat_block()
    other.submit(1)

    ledger.run_until_idle()

    assert states(ledger, issuer) == [(ActState.REJECTED, "key.ended")] * 3
    assert states(ledger, other) == [(ActState.FINAL, None)]
    assert oldest(ledger) is None
    assert head(ledger.store, issuer.issuer).batches == 0
    with pytest.raises(ActDeadError, match=r"key\.ended"):
        submit_batch(ledger.intake, issuer.sealed[0].submission())


@pytest.mark.parametrize(
    ("standing", "state"),
    [(Standing.SUSPENDED, ActState.ACCEPTED), (Standing.STRUCK, ActState.REJECTED)],
)
def test_what_a_standing_stops_is_set_aside_or_given_up(
    standing: Standing, state: ActState, ledger: Ledger, issuer: LiveIssuer
) -> None:
    issuer.submit(1)
    carry_standing(issuer, standing, 1)

    ledger.run_until_idle()

    assert states(ledger, issuer) == [(state, f"issuer.{standing}")]


def test_what_a_hold_stops_waits_until_it_is_lifted_and_then_goes(
    ledger: Ledger, issuer: LiveIssuer
) -> None:
    issuer.submit(1)
    issuer.submit(1)
    carry_hold(issuer)
    ledger.run_until_idle()
    assert states(ledger, issuer) == [(ActState.ACCEPTED, "issuer.held")] * 2

    restore(issuer)
    ledger.run_until_idle()

    assert states(ledger, issuer) == [(ActState.FINAL, None)] * 2


def test_an_act_that_the_contract_alone_refuses_is_set_aside_by_the_name_of_the_error(
    ledger: Ledger, issuer: LiveIssuer
) -> None:
    said = KeysChange(
        issuer=issuer.issuer.encode(),
        revision=1,
        added=(),
        ends=(bytes([0]) + (newest(ledger) + 2).to_bytes(5, "big"),),
        not_after=until(),
    )
    hand_in(ledger, said, issuer.key)
    for _ in range(3):
        ledger.mine_heartbeat_block()

    ledger.run_until_idle()

    with ledger.store.begin(write=False) as unit:
        (act,) = unit.acts_at(issuer.issuer, Lane.REVISION, 1)
        assert (act.state, act.reason) == (ActState.ACCEPTED, "contract.EndAlone")
        assert unit.backlog() == Backlog(acts=0, certificates=0, oldest=None, set_aside=1)
        assert unit.backlog_of(issuer.issuer).acts == 1


def test_an_issuer_whose_acts_are_stuck_closes_intake_for_nobody_else(
    ledger: Ledger, issuer: LiveIssuer, other: LiveIssuer
) -> None:
    issuer.submit(1)
    carry_hold(issuer)
    ledger.run_until_idle()
    limits = IntakeLimits()
    later = int(time.time()) + limits.longest_wait + 60
    intake = replace(ledger.intake, clock=lambda: later, limits=limits)

    submit_batch(intake, other.seal(1).submission())

    assert states(ledger, issuer) == [(ActState.ACCEPTED, "issuer.held")]
    with ledger.store.begin(write=False) as unit:
        assert unit.backlog().acts == 1


def test_each_issuer_has_room_of_its_own(
    ledger: Ledger, issuer: LiveIssuer, other: LiveIssuer
) -> None:
    intake = replace(ledger.intake, limits=IntakeLimits(issuer_acts=2, issuer_certificates=10))
    for _ in range(2):
        submit_batch(intake, issuer.seal(1).submission())
    with pytest.raises(IntakeOverloadedError):
        submit_batch(intake, issuer.seal(1).submission())
    with pytest.raises(IntakeOverloadedError):
        submit_batch(intake, other.seal(11).submission())


def test_one_issuer_does_not_fill_a_round(
    ledger: Ledger, issuer: LiveIssuer, other: LiveIssuer
) -> None:
    for _ in range(5):
        issuer.submit(1)
    other.submit(1)
    with ledger.store.begin(write=False) as unit:
        assert [act.subject for act in unit.waiting(10, 2)] == [issuer.issuer] * 2 + [other.issuer]


def test_a_batch_given_up_comes_back_where_the_chain_takes_back_what_ended_it(
    ledger: Ledger, issuer: LiveIssuer
) -> None:
    issuer.submit(1)
    carry_standing(issuer, Standing.STRUCK, 1)
    before = newest(ledger) - 1
    ledger.run_until_idle()
    assert states(ledger, issuer) == [(ActState.REJECTED, "issuer.struck")]

    with ledger.store.begin() as unit:
        unit.rollback(before)

    assert states(ledger, issuer) == [(ActState.ACCEPTED, None)]


def test_what_was_given_up_and_comes_to_the_chain_all_the_same_counts(
    ledger: Ledger, issuer: LiveIssuer
) -> None:
    issuer.submit(1)
    (act,) = batches(ledger, issuer)
    with ledger.store.begin() as unit:
        unit.reject(act, "key.ended", newest(ledger))
        unit.mark_included(
            issuer.issuer, Lane.SEQUENCE, 1, act.digest, block=newest(ledger), tx=bytes(32)
        )
    assert states(ledger, issuer) == [(ActState.INCLUDED, None)]


def test_what_a_standing_ends_does_not_wait_for_a_hold_to_be_lifted(
    ledger: Ledger, issuer: LiveIssuer
) -> None:
    issuer.submit(1)
    carry_hold(issuer)
    carry_standing(issuer, Standing.STRUCK, 1)

    ledger.run_until_idle()

    assert states(ledger, issuer) == [(ActState.REJECTED, "issuer.struck")]
