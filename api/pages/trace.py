"""A batch or certificate traced to its block: each step with what it rests on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from certledger.api.pages.ledger_view import operators_of
from certledger.api.service import Service
from certledger.ledger.core.acts import Lane
from certledger.ledger.core.values import AnchoredBatch
from certledger.ledger.keys import KeyUnusableError, recover
from certledger.ledger.publish.evidence import (
    EvidenceInconsistentError,
    EvidencePendingError,
    EvidenceUnknownError,
)
from certledger.ledger.store.unit_of_work import Unit
from certledger.verifier.formats.checkpoint import parse_note
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.formats.issuer_state import NO_END
from certledger.verifier.formats.merkle import root
from certledger.verifier.formats.statements import address_of
from certledger.verifier.formats.status_tree import read_cell

_BATCH = re.compile(r"([0-9A-Z]{18})\s*/\s*([0-9]{1,10})")
_CERTIFICATE = re.compile(r"([0-9A-Z]{18})\s*#\s*([0-9]{1,10})")
_LEAF = re.compile(r"(?:0x)?([0-9a-f]{64})", re.IGNORECASE)
MAX_ASKED_CHARACTERS = 80


@dataclass(frozen=True, kw_only=True, slots=True)
class TraceStep:
    """One step: its name in the words, whether it holds, and facts by name.

    `holds` is None for information that is not checked here.
    """

    name: str
    holds: bool | None = True
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """The steps to what was asked for; `trouble` is why there are none."""

    steps: Sequence[TraceStep] = ()
    trouble: str = ""
    detail: str = ""

    @property
    def holds(self) -> bool:
        """Whether no step fails."""
        return bool(self.steps) and all(step.holds is not False for step in self.steps)


def trace(service: Service, asked: str) -> Trace:
    """Trace `ISSUER/BATCH`, `ISSUER#INDEX`, or the leaf hash of a certificate."""
    try:
        if (batch := _BATCH.fullmatch(asked)) is not None:
            return _trace_batch(service, batch[1], int(batch[2]))
        with service.making:
            if (one := _CERTIFICATE.fullmatch(asked)) is not None:
                evidence = service.ledger.maker.at(one[1], int(one[2]))
            elif (leaf := _LEAF.fullmatch(asked)) is not None:
                evidence = service.ledger.maker.of_leaf(bytes.fromhex(leaf[1]))
            else:
                return Trace(trouble="unreadable")
    except EvidenceUnknownError:
        return Trace(trouble="unknown")
    except EvidencePendingError:
        return Trace(trouble="pending")
    except EvidenceInconsistentError as error:
        return Trace(trouble="inconsistent", detail=str(error))
    return Trace(steps=list(_certificate_steps(service, evidence)))


def _certificate_steps(service: Service, evidence: Evidence) -> Iterator[TraceStep]:
    """Yield the steps of evidence, every link of which its maker has checked."""
    record, state = evidence.record, evidence.issuer
    yield from _batch_of_certificate(evidence)
    with service.store.begin(write=False) as unit:
        anchored = unit.anchored(record.issuer, evidence.statement.sequence)
        yield from _anchor_steps(unit, anchored)
    yield TraceStep(
        name="issuer_state",
        facts={
            "name": state.name,
            "standing": str(state.standing),
            "batches": state.batches,
            "digest": state.digest().hex(),
        },
    )
    yield TraceStep(
        name="status",
        facts={
            "status": str(read_cell(evidence.word.word, record.index)),
            "root": state.status.hex(),
        },
    )
    yield from _checkpoint_steps(service, evidence.checkpoint)


def _batch_of_certificate(evidence: Evidence) -> Iterator[TraceStep]:
    """Yield the steps from the record to the batch that its issuer signed."""
    record, statement = evidence.record, evidence.statement
    yield TraceStep(
        name="record",
        facts={
            "issuer": record.issuer,
            "index": record.index,
            "category": record.category,
            "edition": record.edition,
            "leaf": record.leaf().hex(),
        },
    )
    yield TraceStep(
        name="inclusion",
        facts={
            "root": statement.root.hex(),
            "hashes": len(evidence.path),
            "certificates": statement.count,
        },
    )
    yield TraceStep(
        name="signature",
        facts={
            "sequence": statement.sequence,
            "address": f"0x{address_of(evidence.signer).hex()}",
            "key": evidence.anchor.key,
        },
    )
    yield TraceStep(
        name="catalog",
        facts={"category": evidence.catalog.entry.category, "root": statement.catalog.hex()},
    )


def _checkpoint_steps(service: Service, text: str) -> Iterator[TraceStep]:
    note, policy = parse_note(text), service.ledger.policy
    point = note.checkpoint
    yield TraceStep(name="state_proof", facts={"root": point.state_root.hex()})
    yield TraceStep(
        name="checkpoint",
        facts={"block": point.number, "hash": point.block_hash.hex(), "time": point.time},
    )
    operators = operators_of(note, None if policy is None else policy.policy)
    threshold = 0 if policy is None else policy.policy.trust.threshold
    yield TraceStep(
        name="witnesses",
        holds=len(operators) >= threshold if operators else None,
        facts={"operators": ", ".join(operators) or "0", "threshold": threshold},
    )


def _anchor_steps(unit: Unit, anchored: AnchoredBatch | None) -> Iterator[TraceStep]:
    if anchored is None:
        return
    block = unit.block(anchored.block)
    facts: dict[str, object] = {"block": anchored.block, "transaction": f"0x{anchored.tx.hex()}"}
    if block is not None:
        facts |= {"hash": block.hash.hex(), "time": block.time}
    yield TraceStep(name="block", holds=anchored.block <= unit.final_block(), facts=facts)


def _trace_batch(service: Service, issuer: str, sequence: int) -> Trace:
    with service.store.begin(write=False) as unit:
        anchored = unit.anchored(issuer, sequence)
        if anchored is None:
            waiting = unit.act_at(issuer, Lane.SEQUENCE, sequence)
            return Trace(trouble="unknown" if waiting is None else "pending")
        steps = [*_batch_steps(service, unit, anchored), *_anchor_steps(unit, anchored)]
        checkpoint = unit.checkpoint()
    if checkpoint is not None and checkpoint.number >= anchored.block:
        steps.extend(_checkpoint_steps(service, checkpoint.note))
    return Trace(steps=steps)


def _batch_steps(service: Service, unit: Unit, anchored: AnchoredBatch) -> Iterator[TraceStep]:
    statement, identity = anchored.statement, service.ledger.pin.identity
    last = anchored.first + anchored.count - 1
    yield TraceStep(
        name="batch",
        holds=statement.digest(identity) == anchored.digest,
        facts={
            "issuer": anchored.issuer,
            "sequence": anchored.sequence,
            "certificates": anchored.count,
            "indexes": f"{anchored.first}-{last}",
            "digest": anchored.digest.hex(),
        },
    )
    yield _signature_step(unit, anchored)
    leaves = unit.leaves(anchored.root)
    yield TraceStep(
        name="records",
        holds=root(leaves) == anchored.root if leaves else None,
        facts={"stored": len(leaves), "root": anchored.root.hex()},
    )
    act = unit.act(anchored.digest)
    if act is not None:
        facts: dict[str, object] = {"accepted": act.accepted, "not_after": act.not_after}
        yield TraceStep(name="receipt", facts=facts)


def _signature_step(unit: Unit, anchored: AnchoredBatch) -> TraceStep:
    row = unit.issuer(anchored.issuer)
    keys = () if row is None else row.state.keys
    try:
        signer = recover(anchored.digest, anchored.signature)
    except KeyUnusableError:
        return TraceStep(name="signature", holds=False)
    known = anchored.key < len(keys) and keys[anchored.key].address == signer
    ends = keys[anchored.key].end if known else NO_END
    facts = {"address": f"0x{signer.hex()}", "key": anchored.key}
    return TraceStep(
        name="signature", holds=known and (ends == NO_END or anchored.block < ends), facts=facts
    )
