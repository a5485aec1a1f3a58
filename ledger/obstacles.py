"""What stands in an act's way to the chain: nothing, something that may pass, or its end.

An act that can no longer be anchored must not count as the oldest that waits: one issuer whose
key has ended would close intake for all.  What is said here is only what the mirror shows for
certain; whatever else the contract refuses is set aside by the name of its error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.acts import ACTS, ActKind, Lane
from ledger.keys import recover
from ledger.ports import Act, BodySeen, Unit
from verifier.state import BodyState
from verifier.statements import Batch, CatalogChange
from verifier.vocabulary import Purpose, Standing


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


_SIGNED_BY_KEY = {
    ActKind.BATCH: Purpose.BATCHES,
    ActKind.STATUS: Purpose.STATUS,
    ActKind.CATALOG: Purpose.CATALOG,
}
"""Acts whose first signature is by a key of the issuer, and what the key must be for."""
_COUNTED = {
    Lane.SEQUENCE: lambda state: state.batches,
    Lane.EPOCH: lambda state: state.epoch,
    Lane.VERSION: lambda state: state.catalog_version,
    Lane.REVISION: lambda state: state.revision,
}
_WORKS = {
    ActKind.BATCH: {Standing.ACTIVE},
    ActKind.STATUS: {Standing.ACTIVE, Standing.CLOSED},
    ActKind.CATALOG: {Standing.ACTIVE},
}
"""In which standing of its issuer an act goes through; the others' is the contract's affair."""


def obstacles(unit: Unit, waiting: Sequence[Act]) -> list[Obstacle]:
    """Return what stands in the way of the first act of each lane among those that wait."""
    first: dict[tuple[str, Lane], Act] = {}
    for act in waiting:
        place = place_of(act)
        if place not in first or act.counter < first[place].counter:
            first[place] = act
    head = unit.head()
    block = 0 if head is None else head.number + 1
    found = []
    for (subject, lane), act in first.items():
        seen = unit.body(subject) if lane in _COUNTED else None
        if seen is not None and (met := _met(unit, seen, act, block)) is not None:
            found.append(Obstacle(act=act, reason=met[0], final=met[1]))
    return found


def _met(unit: Unit, seen: BodySeen, act: Act, block: int) -> tuple[str, bool] | None:
    """Return the reason and whether it is final, None where the act may go."""
    state, lane = seen.state, ACTS[act.kind].lane
    place = _COUNTED[lane](state)
    if act.counter <= place:
        return "counter.passed", True
    if act.counter > place + 1:
        return _gap(unit, act, lane)
    works = _WORKS.get(act.kind)
    if works is not None and state.standing not in works:
        return f"issuer.{state.standing}", state.standing is not Standing.SUSPENDED
    if seen.held and act.kind in (ActKind.BATCH, ActKind.STATUS) and len(act.signatures) == 1:
        return "issuer.held", False
    return _key_obstacle(state, act, block) or _builds_on_other(unit, state, act)


def _gap(unit: Unit, act: Act, lane: Lane) -> tuple[str, bool] | None:
    """Return what an act meets whose turn has not come: is the one before it still alive?"""
    before = unit.act_at(act.subject, lane, act.counter - 1)
    if before is None:
        return "act.before_it_ended", True
    return None if before.reason is None else ("act.before_it_waits", False)


def _key_obstacle(state: BodyState, act: Act, block: int) -> tuple[str, bool] | None:
    purpose = _SIGNED_BY_KEY.get(act.kind)
    if purpose is None or (act.kind is ActKind.CATALOG and len(act.signatures) == 1):
        return None
    signer = recover(act.digest, act.signatures[0])
    key = next((key for key in state.keys if key.address == signer), None)
    if key is None or purpose not in key.purposes:
        return "key.unknown", True
    return ("key.ended", True) if block >= key.end else None


def _builds_on_other(unit: Unit, state: BodyState, act: Act) -> tuple[str, bool] | None:
    """Return what a batch meets that names another predecessor, or a catalog not in force."""
    said = act.statement
    if not isinstance(said, Batch):
        return None
    if (said.previous, said.first) != (state.last, state.certificates):
        return "batch.previous_differs", True
    if said.catalog == state.catalog:
        return None
    coming = (one.statement for one in unit.queue(act.subject, Lane.VERSION))
    if any(isinstance(one, CatalogChange) and one.root == said.catalog for one in coming):
        return None
    return "catalog.not_in_force", True
