"""What is sent next: calls of the contract for the acts that wait, on the newest known states."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from contracts import calls
from ledger.acts import ActKind
from ledger.keys import recover
from ledger.ports import Act, Unit
from verifier.state import BodyState
from verifier.statements import Batch, StatusChange
from verifier.status import StatusTree

MOST_BYTES = 100_000
"""Calldata of one call; geth refuses a transaction over 131,072 bytes."""
MOST_BATCHES = 96
"""Batches of one call: at some 45,000 gas each this stays below half of the gas allowed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One call of the contract: its data, and the numbers of the acts it carries."""

    data: bytes
    acts: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Entry:
    """The batches of one body that can be anchored on its state, in order."""

    state: BodyState
    packed: tuple[tuple[bytes, ...], ...]
    acts: tuple[int, ...]


def plan(unit: Unit, waiting: Sequence[Act]) -> list[Call]:
    """Return calls for acts that wait, given in the order they were accepted.

    Of each subject only what its present state allows is sent: either its next batches, all of
    them, or one other act, whichever was accepted first.  The rest follows in later rounds.
    """
    by_subject: dict[str, list[Act]] = {}
    for act in waiting:
        by_subject.setdefault(act.subject, []).append(act)
    entries, found = [], []
    for subject, acts in by_subject.items():
        if acts[0].kind is ActKind.BATCH:
            entries += _entry(unit, subject, acts)
        else:
            found += _single(unit, acts[0])
    return [*_anchor_calls(entries), *found]


# Batches ---------------------------------------------------------------------------------------


def _entry(unit: Unit, issuer: str, acts: Sequence[Act]) -> list[_Entry]:
    """Return the body's batches up to the first act that must come between, at most one call's."""
    seen = unit.body(issuer)
    if seen is None:
        return []
    sequence, packed, numbers = seen.state.batches, [], []
    for act in acts[:MOST_BATCHES]:
        said = act.statement
        key = _key_index(seen.state, act.digest, act.signatures[0])
        if not isinstance(said, Batch) or said.sequence != sequence + 1:
            break
        if key is None or said.catalog != seen.state.catalog:
            break
        packed.append(calls.pack_batch(said, key=key, signature=act.signatures[0]))
        numbers.append(act.number)
        sequence += 1
    if not packed:
        return []
    return [_Entry(state=seen.state, packed=tuple(packed), acts=tuple(numbers))]


def _anchor_calls(entries: Iterable[_Entry]) -> list[Call]:
    """Return calls that anchor `entries`, each within the bounds of one transaction."""
    found: list[Call] = []
    room: list[_Entry] = []
    for entry in entries:
        if room and (
            _batches([*room, entry]) > MOST_BATCHES or _bytes([*room, entry]) > MOST_BYTES
        ):
            found.append(_anchor(room))
            room = []
        room.append(entry)
    return [*found, _anchor(room)] if room else found


def _batches(entries: Sequence[_Entry]) -> int:
    return sum(len(entry.packed) for entry in entries)


def _bytes(entries: Sequence[_Entry]) -> int:
    """Return how much calldata entries take, from above."""
    words = sum(
        16 + 5 * len(entry.packed) + len(entry.state.keys) + len(entry.state.peaks)
        for entry in entries
    )
    return 32 * words


def _anchor(entries: Sequence[_Entry]) -> Call:
    data = calls.anchor((entry.state, entry.packed) for entry in entries)
    return Call(data=data, acts=tuple(number for entry in entries for number in entry.acts))


# Other acts ------------------------------------------------------------------------------------


def _single(unit: Unit, act: Act) -> list[Call]:
    """Return the call that carries one act, none where its body is not known here."""
    if act.kind in _STATELESS:
        return [Call(data=_STATELESS[act.kind](act), acts=(act.number,))]
    seen = unit.body(act.subject)
    if seen is None:
        return []
    return [Call(data=_STATED[act.kind](unit, seen.state, act), acts=(act.number,))]


def _status(unit: Unit, state: BodyState, act: Act) -> bytes:
    said = act.statement
    assert isinstance(said, StatusChange)
    tree = StatusTree(unit.words(state.issuer))
    proof = tree.prove_many(said.words)
    return calls.change_status(
        state,
        said,
        key=_signing_key(state, act, 0),
        signatures=act.signatures,
        witness=calls.Witness(
            words=[tree.word(position) for position in said.words],
            marks=proof.marks,
            siblings=proof.siblings,
        ),
    )


def _catalog(unit: Unit, state: BodyState, act: Act) -> bytes:
    key = _signing_key(state, act, 0)
    return calls.change_catalog(state, act.statement, key=key, signatures=act.signatures)


def _keys(unit: Unit, state: BodyState, act: Act) -> bytes:
    """The registrar signs first, unless a key ends itself alone."""
    place = 0 if len(act.signatures) == 1 else 1
    key = _signing_key(state, act, place)
    return calls.change_keys(state, act.statement, key=key, signatures=act.signatures)


_STATELESS: Mapping[ActKind, Callable[[Act], bytes]] = {
    ActKind.REGISTER: lambda act: calls.register(act.statement, act.signatures),
    ActKind.HOLD: lambda act: calls.hold(act.statement, act.signatures[0]),
    ActKind.REGISTRAR: lambda act: calls.change_registrar(act.statement, act.signatures),
}
_STATED: Mapping[ActKind, Callable[[Unit, BodyState, Act], bytes]] = {
    ActKind.STATUS: _status,
    ActKind.CATALOG: _catalog,
    ActKind.KEYS: _keys,
    ActKind.STANDING: lambda unit, state, act: calls.change_standing(
        state, act.statement, signatures=act.signatures
    ),
    ActKind.RESTORE: lambda unit, state, act: calls.restore(
        state, act.statement, signatures=act.signatures
    ),
}


def _signing_key(state: BodyState, act: Act, place: int) -> int:
    """Return the index of the body's key that made the signature at `place`, 255 for none."""
    index = _key_index(state, act.digest, act.signatures[place])
    return calls.NO_KEY if index is None else index


def _key_index(state: BodyState, digest: bytes, signature: bytes) -> int | None:
    signer = recover(digest, signature)
    return next((at for at, key in enumerate(state.keys) if key.address == signer), None)
