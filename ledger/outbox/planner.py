"""Plan the next calls of the contract for waiting acts, on the newest known issuer states."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from certledger.contracts import calls
from certledger.ledger.chain.client import MAX_CALLDATA_BYTES
from certledger.ledger.core.acts import ACTS, ActKind, Lane
from certledger.ledger.core.contract_calls import STATELESS
from certledger.ledger.core.contract_state import after_act, ledger_state, signing_key
from certledger.ledger.core.values import IssuerRow, SubmittedAct
from certledger.ledger.store.unit_of_work import Unit
from certledger.verifier.contract_state import Issuer, RuleBrokenError, issuers_of
from certledger.verifier.formats.issuer_state import IssuerState
from certledger.verifier.formats.statements import Batch, StatusChange
from certledger.verifier.formats.status_tree import StatusTree

MAX_CALL_BATCHES = 96
"""Batches of one call: about 45,000 gas each, together under half of a block's gas limit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ContractCall:
    """One call of the contract: its calldata, and the numbers of the acts in it."""

    data: bytes
    acts: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Entry:
    """The next batches of one issuer, in order, with the state that they apply to."""

    state: IssuerState
    packed: tuple[tuple[bytes, ...], ...]
    acts: tuple[int, ...]


def touched(act: SubmittedAct) -> frozenset[str]:
    """Return the subjects whose state an act changes: its own and the issuers it names."""
    statement = act.statement
    return frozenset({act.subject, *issuers_of(statement)})


def plan(unit: Unit, waiting: Sequence[SubmittedAct], identity: bytes) -> list[ContractCall]:
    """Return the calls to send now for waiting acts on the ledger `identity`.

    Of each subject either its next batches or one other act is sent, whichever was accepted
    first: each changes the state that the next one must name.  A lane whose next act the contract
    would refuse does not block the subject's other lanes.
    """
    entries: list[_Entry] = []
    singles: list[ContractCall] = []
    for subject, lanes in _by_subject(waiting).items():
        seen = unit.issuer(subject)
        for lane, acts in lanes.items():
            if lane is Lane.SEQUENCE:
                found: list[Any] = _entry(unit, seen, acts, identity)
                entries += found
            else:
                found = _single(unit, seen, acts[0])
                singles += found
            if found:
                break
    return [*_anchor_calls(entries), *singles]


def _by_subject(waiting: Sequence[SubmittedAct]) -> dict[str, dict[Lane, list[SubmittedAct]]]:
    """Return the acts by subject and lane, by counter; lanes in the order of their first act."""
    subjects: dict[str, dict[Lane, list[SubmittedAct]]] = {}
    for act in waiting:
        lanes = subjects.setdefault(act.subject, {})
        lanes.setdefault(ACTS[act.kind].lane, []).append(act)
    for lanes in subjects.values():
        for acts in lanes.values():
            acts.sort(key=lambda act: act.counter)
    return subjects


# Batches ---------------------------------------------------------------------------------------


def _entry(
    unit: Unit, seen: IssuerRow | None, acts: Sequence[SubmittedAct], identity: bytes
) -> list[_Entry]:
    """Return the issuer's next batches up to the first invalid one, at most `MAX_CALL_BATCHES`.

    The contract skips an invalid batch, and would be paid gas for it again in every round.
    """
    if seen is None:
        return []
    head, code = unit.head(), seen.state.issuer
    block = 0 if head is None else head.number + 1
    # Batches take no registrar's signature, so no seats are needed.
    ledger = ledger_state(identity, (), {code: Issuer(state=seen.state, on_hold=seen.on_hold)})
    packed: list[tuple[bytes, ...]] = []
    for act in acts[:MAX_CALL_BATCHES]:
        statement = act.statement
        key = signing_key(seen.state, statement, act.digest, act.signatures)
        if not isinstance(statement, Batch) or key is None:
            break
        try:
            ledger = after_act(ledger, act, code, block)
        except RuleBrokenError:
            break
        packed.append(calls.pack_batch(statement, key=key, signature=act.signatures[0]))
    if not packed:
        return []
    numbers = tuple(act.number for act in acts[: len(packed)])
    return [_Entry(state=seen.state, packed=tuple(packed), acts=numbers)]


def _anchor_calls(entries: Iterable[_Entry]) -> list[ContractCall]:
    """Return `anchor` calls within the bounds of batches and of calldata."""
    found: list[ContractCall] = []
    room: list[_Entry] = []
    for entry in entries:
        if room and (
            _batches([*room, entry]) > MAX_CALL_BATCHES
            or _bytes([*room, entry]) > MAX_CALLDATA_BYTES
        ):
            found.append(_anchor(room))
            room = []
        room.append(entry)
    return [*found, _anchor(room)] if room else found


def _batches(entries: Sequence[_Entry]) -> int:
    return sum(len(entry.packed) for entry in entries)


def _bytes(entries: Sequence[_Entry]) -> int:
    """Return an upper bound of the calldata of entries, in bytes."""
    words = sum(
        16 + 5 * len(entry.packed) + len(entry.state.keys) + len(entry.state.peaks)
        for entry in entries
    )
    return 32 * words


def _anchor(entries: Sequence[_Entry]) -> ContractCall:
    data = calls.anchor((entry.state, entry.packed) for entry in entries)
    return ContractCall(data=data, acts=tuple(number for entry in entries for number in entry.acts))


# Other acts ------------------------------------------------------------------------------------


def _single(unit: Unit, seen: IssuerRow | None, act: SubmittedAct) -> list[ContractCall]:
    """Return the call for one act that is not a batch, none if its issuer is unknown here."""
    if act.kind in STATELESS:
        data = STATELESS[act.kind](act.statement, act.signatures)
        return [ContractCall(data=data, acts=(act.number,))]
    if act.kind is ActKind.RESTORE:
        return _restore(unit, act)
    if seen is None:
        return []
    return [ContractCall(data=_STATED[act.kind](unit, seen.state, act), acts=(act.number,))]


def _status(unit: Unit, state: IssuerState, act: SubmittedAct) -> bytes:
    statement = act.statement
    assert isinstance(statement, StatusChange)
    tree = StatusTree(unit.words(state.issuer))
    proof = tree.prove_many(statement.words)
    return calls.change_status(
        state,
        statement,
        key=_signing_key(state, act),
        signatures=act.signatures,
        witness=calls.StatusProof(
            words=[tree.word(position) for position in statement.words],
            marks=proof.marks,
            siblings=proof.siblings,
        ),
    )


def _catalog(unit: Unit, state: IssuerState, act: SubmittedAct) -> bytes:
    key = _signing_key(state, act)
    return calls.change_catalog(state, act.statement, key=key, signatures=act.signatures)


def _keys(unit: Unit, state: IssuerState, act: SubmittedAct) -> bytes:
    key = _signing_key(state, act)
    return calls.change_keys(state, act.statement, key=key, signatures=act.signatures)


def _restore(unit: Unit, act: SubmittedAct) -> list[ContractCall]:
    """Return the call that restores issuers, none if one of them is unknown here."""
    issuers = [unit.issuer(code) for code in issuers_of(act.statement)]
    states = [issuer.state for issuer in issuers if issuer is not None]
    if len(states) != len(issuers):
        return []
    data = calls.restore(states, act.statement, signatures=act.signatures)
    return [ContractCall(data=data, acts=(act.number,))]


_STATED: Mapping[ActKind, Callable[[Unit, IssuerState, SubmittedAct], bytes]] = {
    ActKind.STATUS: _status,
    ActKind.CATALOG: _catalog,
    ActKind.KEYS: _keys,
    ActKind.STANDING: lambda unit, state, act: calls.change_standing(
        state, act.statement, signatures=act.signatures
    ),
}


def _signing_key(state: IssuerState, act: SubmittedAct) -> int:
    """Return the index of the issuer's key that signed, `NO_KEY` (255) for none."""
    index = signing_key(state, act.statement, act.digest, act.signatures)
    return calls.NO_KEY if index is None else index
