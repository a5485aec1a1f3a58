"""What blocks an act from the chain: a broken rule of the contract or a gap in its counters.

An act that can never be anchored is rejected, because intake closes when the oldest waiting act
is too old.  `verifier.contract_rules` decides on the mirror's state; the reason is a code of ours
or, where there is none, `contract.` and the name of the contract's error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from certledger.ledger.core.acts import ACTS, Lane
from certledger.ledger.core.contract_state import after_act, ledger_state
from certledger.ledger.core.values import IssuerRow, SubmittedAct
from certledger.ledger.store.unit_of_work import Unit
from certledger.verifier.contract_state import Issuer, LedgerState, RuleBrokenError
from certledger.verifier.formats.issuer_state import IssuerState
from certledger.verifier.formats.statements import (
    Batch,
    CatalogChange,
    KeysChange,
    StandingChange,
    Statement,
)
from certledger.verifier.vocabulary import Standing


@dataclass(frozen=True, kw_only=True, slots=True)
class Obstacle:
    """Why the first act of a lane cannot be sent; `final` if it never can."""

    act: SubmittedAct
    reason: str
    final: bool

    @property
    def place(self) -> tuple[str, Lane]:
        """Subject and lane of the act: all later acts of it wait too."""
        return place_of(self.act)


def place_of(act: SubmittedAct) -> tuple[str, Lane]:
    """Return subject and lane of an act; the lane is the counter that it advances."""
    return act.subject, ACTS[act.kind].lane


COUNTED: Mapping[Lane, Callable[[IssuerState], int]] = {
    Lane.SEQUENCE: lambda state: state.batches,
    Lane.EPOCH: lambda state: state.epoch,
    Lane.VERSION: lambda state: state.catalog_version,
    Lane.REVISION: lambda state: state.revision,
}
_NEVER = {
    "KeyUnknown": "key.unknown",
    "KeyPurpose": "key.unknown",
    "KeyEnded": "key.ended",
    "FirstWrong": "batch.previous_differs",
}
"""Rules that an act signed by an issuer's key breaks for good, with the code of the rejection."""
_CATALOG = "catalog.not_in_force"
_OWN_STANDING = (KeysChange, StandingChange)
"""Acts that change keys or standing, on which they are judged: never rejected for them."""
PASSED, BEFORE_ENDED = "counter.passed", "act.before_it_ended"


def obstacles(unit: Unit, waiting: Sequence[SubmittedAct], identity: bytes) -> list[Obstacle]:
    """Return the obstacle of the first waiting act of each lane, if it has one.

    `identity` is the ledger's (32 bytes).
    """
    first: dict[tuple[str, Lane], SubmittedAct] = {}
    for act in waiting:
        place = place_of(act)
        if place not in first or act.counter < first[place].counter:
            first[place] = act
    head = unit.head()
    block = 0 if head is None else head.number + 1
    ledger = ledger_state(identity, unit.registrars(), {})
    found = []
    for (subject, lane), act in first.items():
        seen = unit.issuer(subject) if lane in COUNTED else None
        if seen is not None and (met := _met(unit, ledger, seen, act, block)) is not None:
            found.append(Obstacle(act=act, reason=met[0], final=met[1]))
    return found


def _met(
    unit: Unit, ledger: LedgerState, seen: IssuerRow, act: SubmittedAct, block: int
) -> tuple[str, bool] | None:
    """Return the reason and whether it is final, None if the act can be sent."""
    state, lane = seen.state, ACTS[act.kind].lane
    place = COUNTED[lane](state)
    if act.counter <= place:
        return PASSED, True
    if act.counter > place + 1:
        return _gap(unit, act, lane)
    # Without the hold first: what is final then is final whether the issuer is on hold or not.
    for current in sorted({False, seen.on_hold}):
        issuer = Issuer(state=state, on_hold=current)
        try:
            after_act(replace(ledger, issuers={state.issuer: issuer}), act, state.issuer, block)
        except RuleBrokenError as broken:
            return _reason(unit, state, act, broken.rule)
    return None


def _reason(
    unit: Unit, state: IssuerState, act: SubmittedAct, rule: str
) -> tuple[str, bool] | None:
    """Return the reason for a broken rule and whether it is final, None if the act can be sent."""
    if rule == "BodyHeld":
        return "issuer.held", False
    never = final_reason(state, act.statement, rule)
    if never == _CATALOG and _is_filed_soon(unit, state, act.statement):
        return None
    if never is not None:
        return never, True
    suspended = rule == "StandingForbids" and not isinstance(act.statement, _OWN_STANDING)
    return (f"issuer.{state.standing}" if suspended else f"contract.{rule}"), False


def final_reason(state: IssuerState, statement: Statement, rule: str) -> str | None:
    """Return why an act that breaks a rule of the contract is rejected, None if it may wait.

    The audit checks rejections with it, on the issuer's state at the block of the rejection.
    """
    if isinstance(statement, _OWN_STANDING):
        return None
    if rule == "StandingForbids":
        return None if state.standing is Standing.SUSPENDED else f"issuer.{state.standing}"
    if rule == "SignerWrong" and isinstance(statement, Batch):
        return _NEVER["FirstWrong"] if statement.previous != state.last else _CATALOG
    return _NEVER.get(rule)


def _gap(unit: Unit, act: SubmittedAct, lane: Lane) -> tuple[str, bool] | None:
    """Return the obstacle of an act whose predecessor is not included; final if that is gone."""
    before = unit.act_at(act.subject, lane, act.counter - 1)
    if before is None:
        return BEFORE_ENDED, True
    return None if before.reason is None else ("act.before_it_waits", False)


def _is_filed_soon(unit: Unit, state: IssuerState, statement: Statement) -> bool:
    """Return whether a change of catalog is queued that files the catalog of this batch."""
    coming = (one.statement for one in unit.queue(state.issuer, Lane.VERSION))
    return isinstance(statement, Batch) and any(
        isinstance(one, CatalogChange) and one.root == statement.catalog for one in coming
    )
