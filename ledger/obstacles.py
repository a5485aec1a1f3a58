"""What stands in an act's way to the chain: nothing, something that may pass, or its end.

An act that can no longer be anchored must not count as the oldest that waits: one issuer whose
key has ended would close intake for all.  The contract's rules (`verifier.contract_rules`) decide
on the mirror's state; an act that breaks a rule without a reason of ours is set aside by its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from certledger.ledger.acts import ACTS, ActKind, Lane
from certledger.ledger.contract_view import after_act, ledger_state
from certledger.ledger.ports import Act, BodySeen, Unit
from certledger.verifier.contract_state import Issuer, LedgerState, RuleBroken
from certledger.verifier.state import BodyState
from certledger.verifier.statements import Batch, CatalogChange
from certledger.verifier.vocabulary import Standing


@dataclass(frozen=True, kw_only=True, slots=True)
class Obstacle:
    """Why the first act of a lane cannot go; `final` where it never will."""

    act: Act
    reason: str
    final: bool

    @property
    def place(self) -> tuple[str, Lane]:
        """The lane in which all wait for the act."""
        return place_of(self.act)


def place_of(act: Act) -> tuple[str, Lane]:
    """Return the lane of an act: its subject, and the counter that it moves."""
    return act.subject, ACTS[act.kind].lane


_COUNTED = {
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
"""Rules of the contract that an act of an issuer's key breaks for ever, and what it is told."""


def obstacles(unit: Unit, waiting: Sequence[Act], identity: bytes) -> list[Obstacle]:
    """Return what stands in the way of the first act of each lane among those that wait.

    `identity` is the ledger's.
    """
    first: dict[tuple[str, Lane], Act] = {}
    for act in waiting:
        place = place_of(act)
        if place not in first or act.counter < first[place].counter:
            first[place] = act
    head = unit.head()
    block = 0 if head is None else head.number + 1
    ledger = ledger_state(identity, unit.registrars(), {})
    found = []
    for (subject, lane), act in first.items():
        seen = unit.body(subject) if lane in _COUNTED else None
        if seen is not None and (met := _met(unit, ledger, seen, act, block)) is not None:
            found.append(Obstacle(act=act, reason=met[0], final=met[1]))
    return found


def _met(
    unit: Unit, ledger: LedgerState, seen: BodySeen, act: Act, block: int
) -> tuple[str, bool] | None:
    """Return the reason and whether it is final, None where the act may go."""
    state, lane = seen.state, ACTS[act.kind].lane
    place = _COUNTED[lane](state)
    if act.counter <= place:
        return "counter.passed", True
    if act.counter > place + 1:
        return _gap(unit, act, lane)
    # What lasts beyond the brake counts first: an act that never goes need not wait for it.
    for held in sorted({False, seen.held}):
        issuer = Issuer(state=state, held=held)
        try:
            after_act(replace(ledger, issuers={state.issuer: issuer}), act, state.issuer, block)
        except RuleBroken as broken:
            return _reason(unit, state, act, broken.rule)
    return None


def _reason(unit: Unit, state: BodyState, act: Act, rule: str) -> tuple[str, bool] | None:
    """Return the reason for a rule that an act breaks, and whether it breaks it for ever."""
    if rule == "BodyHeld":
        return "issuer.held", False
    if act.kind in (ActKind.KEYS, ActKind.STANDING):
        return f"contract.{rule}", False
    if rule == "StandingForbids":
        return f"issuer.{state.standing}", state.standing is not Standing.SUSPENDED
    if rule == "SignerWrong" and isinstance(act.statement, Batch):
        return _builds_on_other(unit, state, act.statement)
    return (_NEVER[rule], True) if rule in _NEVER else (f"contract.{rule}", False)


def _gap(unit: Unit, act: Act, lane: Lane) -> tuple[str, bool] | None:
    """Return what an act meets whose turn has not come: is the one before it still alive?"""
    before = unit.act_at(act.subject, lane, act.counter - 1)
    if before is None:
        return "act.before_it_ended", True
    return None if before.reason is None else ("act.before_it_waits", False)


def _builds_on_other(unit: Unit, state: BodyState, said: Batch) -> tuple[str, bool] | None:
    """Return what a batch meets that names another predecessor, or a catalog not in force."""
    if said.previous != state.last:
        return "batch.previous_differs", True
    coming = (one.statement for one in unit.queue(state.issuer, Lane.VERSION))
    if any(isinstance(one, CatalogChange) and one.root == said.catalog for one in coming):
        return None
    return "catalog.not_in_force", True
