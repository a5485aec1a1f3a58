"""Submission of a batch: validate, then one transaction for statement, records and lookups."""

from __future__ import annotations

from typing import IO

from certledger.ledger.core.acts import ActKind, Lane
from certledger.ledger.core.values import AnchoredBatch, IssuerRow, NewAct
from certledger.ledger.intake.batch_submission import Submission, parse_submission
from certledger.ledger.intake.catalog_check import check_editions, check_entitled, entries_of
from certledger.ledger.intake.contract_check import check_contract
from certledger.ledger.intake.errors import (
    BatchConflictError,
    CatalogNotInForceError,
    FirstWrongError,
    PreviousWrongError,
    SequenceWrongError,
)
from certledger.ledger.intake.pending_state import (
    Intake,
    check_time,
    earlier_receipt,
    head_of,
    require_issuer,
)
from certledger.ledger.store.unit_of_work import Unit
from certledger.verifier.formats.statements import Batch


def submit_batch(intake: Intake, data: bytes | IO[bytes]) -> bytes:
    """Check and store a submission (SPEC section 20); return the receipt's file.

    The same statement gets the same receipt, from any caller and in any JSON spelling.  Records
    that the store has lost are stored again.  Once it returns, statement and records are durable
    and will be anchored.

    Raises:
        CertledgerError: with the code of the broken rule; nothing was stored.
        StoreBusyError: other transactions took too long; run again.
    """
    submission = parse_submission(data, intake.limits.submission_bytes)
    digest = submission.statement.digest(intake.identity)
    with intake.store.begin(write=False) as unit:
        receipt = earlier_receipt(unit.act(digest))
        if receipt is not None and unit.records_whole(submission.statement.root):
            return receipt
        if receipt is None and not _is_anchored(unit, submission.statement, digest):
            check_entitled(submission.kinds, entries_of(unit, submission.statement.catalog))
    with intake.store.begin() as unit:
        unit.lock(submission.statement.issuer.decode("ascii"))
        if (receipt := earlier_receipt(unit.act(digest))) is not None:
            _add_records(unit, submission)  # The store had lost them; the root identifies them.
            return receipt
        return _take_in(intake, unit, submission, digest)


def _take_in(intake: Intake, unit: Unit, submission: Submission, digest: bytes) -> bytes:
    statement, now = submission.statement, intake.clock()
    issuer = statement.issuer.decode("ascii")
    anchored = unit.anchored(issuer, statement.sequence)
    if anchored is None:
        _check_admissible(unit, submission, intake.identity, now)
        intake.check_room(unit, issuer, statement.count)
    elif anchored.digest != digest:
        raise BatchConflictError(f"the chain has another batch {statement.sequence} of {issuer}")
    if anchored is None:
        check_editions(unit, submission)
    _add_records(unit, submission)
    # Lock order: subject, then the receipt chain, which all submissions share: it is locked last,
    # after the slow insert of records.
    number, receipt = intake.receipt_for(unit, statement, now)
    unit.add_act(
        NewAct(
            kind=ActKind.BATCH,
            statement=statement,
            digest=digest,
            signatures=(submission.signature if anchored is None else anchored.signature,),
            accepted=now,
            receipt=receipt,
            certificates=statement.count,
            number=number,
        )
    )
    if anchored is not None:
        _mark_included(unit, anchored)
    return receipt


def _is_anchored(unit: Unit, statement: Batch, digest: bytes) -> bool:
    """Return whether the chain has this very batch, so that its records need no check."""
    anchored = unit.anchored(statement.issuer.decode("ascii"), statement.sequence)
    return anchored is not None and anchored.digest == digest


def _add_records(unit: Unit, submission: Submission) -> None:
    statement = submission.statement
    unit.add_records(
        statement.root,
        statement.issuer.decode("ascii"),
        statement.first,
        submission.records(),
        submission.lookups,
    )


def _mark_included(unit: Unit, anchored: AnchoredBatch) -> None:
    """Mark the batch included: the issuer anchored it before it submitted the records."""
    unit.mark_included(
        anchored.issuer,
        Lane.SEQUENCE,
        anchored.sequence,
        anchored.digest,
        block=anchored.block,
        tx=anchored.tx,
    )


def _check_admissible(unit: Unit, submission: Submission, identity: bytes, now: int) -> None:
    """Check the contract's rules on the state after all queued acts."""
    statement = submission.statement
    issuer = require_issuer(unit, statement.issuer.decode("ascii"))
    check_time(statement.not_after, now)
    if unit.act_at(issuer.state.issuer, Lane.SEQUENCE, statement.sequence) is not None:
        raise BatchConflictError(f"another batch {statement.sequence} was accepted before")
    _check_follows(unit, issuer, statement)
    check_contract(unit, statement, (submission.signature,), identity=identity, now=now)


def _check_follows(unit: Unit, issuer: IssuerRow, statement: Batch) -> None:
    """Check that the batch continues the issuer's batches."""
    head = head_of(unit, issuer)
    if statement.sequence != head.batches + 1:
        raise SequenceWrongError(f"batch {statement.sequence} where {head.batches + 1} is next")
    if statement.previous != head.last:
        raise PreviousWrongError(f"previous is {statement.previous.hex()}, not {head.last.hex()}")
    if statement.first != head.certificates:
        raise FirstWrongError(f"the batch starts at {statement.first}, not {head.certificates}")
    if statement.catalog != head.catalog:
        raise CatalogNotInForceError(
            f"catalog {statement.catalog.hex()} where {head.catalog.hex()} is in force"
        )
