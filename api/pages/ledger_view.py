"""What the explorer and the auditor's page show: numbers, checkpoints, witnesses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median_low

from certledger.api.service import Service
from certledger.ledger.core.values import Backlog, Block, IssuerRow, StoredCheckpoint
from certledger.ledger.reform.figures import MAX_WAITS
from certledger.verifier.formats.checkpoint import Note, check_cosignature, parse_note
from certledger.verifier.formats.policy import TrustPolicy
from certledger.verifier.vocabulary import IssuerKind, Standing

SHOWN_CHECKPOINTS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class WitnessRow:
    """A witness of the policy: how many of the newest checkpoints it cosigned, and the last."""

    name: str
    operator: str
    signed: int
    last: int | None
    signs_newest: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckpointRow:
    """A checkpoint, and the operators whose witnesses cosigned it."""

    checkpoint: StoredCheckpoint
    operators: Sequence[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerView:
    """The ledger now; `waits` is the median in seconds.

    `agreeing` operators cosigned the newest checkpoint, and `threshold` are needed.
    """

    name: str
    identity: bytes
    address: bytes
    chain_id: int
    now: int
    head: Block | None
    final: int
    issuers: Mapping[IssuerKind, int]
    standings: Mapping[Standing, int]
    on_hold: int
    batches: int
    certificates: int
    status_changes: int
    backlog: Backlog
    waits: int
    reorganisations: int
    regions: Sequence[int]
    threshold: int
    agreeing: int
    checkpoints: Sequence[CheckpointRow]
    witnesses: Sequence[WitnessRow]


def load_ledger(service: Service) -> LedgerView:
    """Return the ledger as the database shows it."""
    ledger, pin = service.ledger, service.ledger.pin
    policy = None if ledger.policy is None else ledger.policy.policy
    with service.store.begin(write=False) as unit:
        rows = unit.issuers()
        stored = unit.newest_checkpoints(SHOWN_CHECKPOINTS)
        waits = unit.final_waits(MAX_WAITS)
        notes = [parse_note(one.note) for one in stored]
        return LedgerView(
            name=pin.name,
            identity=pin.identity,
            address=pin.address,
            chain_id=pin.chain_id,
            now=int(service.clock()),
            head=unit.head(),
            final=unit.final_block(),
            issuers=_kinds(rows),
            standings=_standings(rows),
            on_hold=sum(one.on_hold for one in rows),
            batches=sum(one.state.batches for one in rows),
            certificates=sum(one.state.certificates for one in rows),
            status_changes=sum(one.state.epoch for one in rows),
            backlog=unit.backlog(),
            waits=median_low(waits) if waits else 0,
            reorganisations=len(unit.reorganisations()),
            regions=[one.region for one in unit.registrars() if any(one.account)],
            agreeing=len(operators_of(notes[0], policy)) if notes else 0,
            threshold=0 if policy is None else policy.trust.threshold,
            checkpoints=[
                CheckpointRow(checkpoint=one, operators=operators_of(note, policy))
                for one, note in zip(stored, notes, strict=True)
            ],
            witnesses=_witnesses(notes, policy),
        )


def _kinds(rows: Sequence[IssuerRow]) -> Mapping[IssuerKind, int]:
    counts = {kind: sum(one.state.kind is kind for one in rows) for kind in IssuerKind}
    return {kind: count for kind, count in counts.items() if count}


def _standings(rows: Sequence[IssuerRow]) -> Mapping[Standing, int]:
    counts = {one: sum(row.state.standing is one for row in rows) for one in Standing}
    return {standing: count for standing, count in counts.items() if count}


def operators_of(note: Note, policy: TrustPolicy | None) -> Sequence[str]:
    """Return the operators of the policy whose witnesses cosigned a note, each once."""
    if policy is None:
        return ()
    return sorted({operator for operator, _ in _signers(note, policy)})


def _signers(note: Note, policy: TrustPolicy) -> Sequence[tuple[str, str]]:
    """Return operator and name of each witness whose cosignature verifies and counts."""
    found = []
    for line in note.cosignatures:
        witness = policy.find_witness(line)
        if (
            witness is not None
            and witness.in_service(note.checkpoint)
            and check_cosignature(note.checkpoint, line, witness.key)
        ):
            found.append((witness.operator, witness.name))
    return found


def _witnesses(notes: Sequence[Note], policy: TrustPolicy | None) -> Sequence[WitnessRow]:
    if policy is None:
        return ()
    signed: dict[str, list[int]] = {}
    for note in notes:
        for _, name in _signers(note, policy):
            signed.setdefault(name, []).append(note.checkpoint.number)
    newest = notes[0].checkpoint.number if notes else None
    return [
        WitnessRow(
            name=one.name,
            operator=one.operator,
            signed=len(signed.get(one.name, ())),
            last=max(signed.get(one.name, ()), default=None),
            signs_newest=newest in signed.get(one.name, ()),
        )
        for one in policy.witnesses
    ]
