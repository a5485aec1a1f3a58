"""Audit verification receipts: their chain, their rows, and the operator's batches."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, exists, func, select

from certledger.ledger.audit.receipt_chains import ReceiptChainCheck
from certledger.ledger.audit.sample_check import SampleCoverage
from certledger.ledger.core.receipt_chain import ReceiptChain
from certledger.ledger.store.bulk_queries import PLACES, PREFIX
from certledger.ledger.store.tables import (
    ACTS,
    ANCHORED,
    BATCHES,
    CERTIFICATES,
    RECEIPT_BATCHES,
    VERIFICATIONS,
)
from certledger.ledger.verification.verification_receipt import VerificationReceipt
from certledger.verifier.audit.findings import AuditFault, fault
from certledger.verifier.audit.replay import Replay
from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.errors import CertledgerError, MalformedError
from certledger.verifier.formats.canonical_json import parse_time
from certledger.verifier.reform.operator_record import OperatorRecord
from certledger.verifier.verify.receipt import MAX_ANCHORING_SECONDS
from certledger.verifier.vocabulary import IssuerKind

_AT_ONCE = 1_000
_DIGEST = 32
SignedReceipt = VerificationReceipt | OperatorRecord


class EventComparison:
    """Compares receipts of verifications.

    `operator` (20 bytes) signs them, None if unknown; `now` in seconds.
    """

    def __init__(self, connection: Connection, *, operator: bytes | None, now: int) -> None:
        self._connection, self._operator, self._now = connection, operator, now
        self.chain = ReceiptChainCheck(connection, ReceiptChain.VERIFICATIONS)
        self._samples = SampleCoverage()

    def run(self, replay: Replay) -> Iterator[AuditFault]:
        """Yield the faults of receipts, of their rows, and of the batches they are in."""
        operators = _operators(replay, self._operator)
        query = select(VERIFICATIONS).order_by(VERIFICATIONS.c.number)
        rows = self._connection.execute(query.execution_options(yield_per=_AT_ONCE))
        for place, row in enumerate(rows):
            if place == 0 and not operators:
                yield fault("receipt.unregistered", "database/verifications", "")
            replay.count("database_verifications")
            yield from self._row(row, operators)
        yield from self.chain.end()
        yield from self._batches(replay, operators)

    def _row(self, row: Any, operators: Collection[str]) -> Iterator[AuditFault]:
        where = f"database/verifications/{row.reference}"
        yield from self.chain.take(row.number, row.receipt, where)
        try:
            receipt = parse_signed(row.receipt)
            receipt.check(self._operator)
        except CertledgerError as error:
            yield fault("receipt.unusable", where, str(error))
            return
        record = receipt if isinstance(receipt, OperatorRecord) else None
        if record is not None and (reason := self._samples.take(record, row.receipt)):
            yield fault("receipt.unusable", where, reason)
        changed = [
            name for name, value in receipt_columns(receipt).items() if getattr(row, name) != value
        ]
        if sha256(row.leaves or b"").hex() != receipt.content["leaves"]:
            changed.append("leaves")
        if changed:
            yield fault("receipt.unusable", where, f"its row has another {', '.join(changed)}")
        elif operators and row.sequence is None and row.checked + MAX_ANCHORING_SECONDS < self._now:
            yield fault("receipt.unanchored", where, "", receipt=row.receipt.decode())
        elif operators and row.sequence is not None:
            yield from self._sealed(row, receipt, operators, where)

    def _sealed(
        self, row: Any, receipt: SignedReceipt, operators: Collection[str], where: str
    ) -> Iterator[AuditFault]:
        """Yield a fault if a receipt is not in the batch that its row names, or is late."""
        batches = anchored_batches_of(self._connection, receipt.lookup)
        if any((issuer, row.sequence) in batches for issuer in operators):
            return
        overdue = row.checked + MAX_ANCHORING_SECONDS < self._now
        waits = select(exists().where(RECEIPT_BATCHES.c.sequence == row.sequence))
        anchored = select(
            exists().where(ANCHORED.c.issuer.in_(operators), ANCHORED.c.sequence == row.sequence)
        )
        sealed = self._connection.execute(waits).scalar_one()
        if overdue:
            yield fault("receipt.unanchored", where, "", receipt=row.receipt.decode())
        elif not sealed or self._connection.execute(anchored).scalar_one():
            yield fault("receipt.unusable", where, f"it is not in batch {row.sequence}")

    def _batches(self, replay: Replay, operators: Collection[str]) -> Iterator[AuditFault]:
        """Yield batches with more or fewer receipts than rows that name them."""
        counted = select(VERIFICATIONS.c.sequence, func.count()).group_by(VERIFICATIONS.c.sequence)
        counts = dict(map(tuple, self._connection.execute(counted).all()))
        sealed = {row.sequence: row for row in self._connection.execute(select(RECEIPT_BATCHES))}
        for sequence in sorted(counts.keys() - sealed.keys() - {None}):
            yield fault("database.row_missing", f"database/receipt_batches/{sequence}")
        for sequence, row in sorted(sealed.items()):
            where = f"database/receipt_batches/{sequence}"
            query = select(ANCHORED.c.size, ANCHORED.c.digest).where(
                ANCHORED.c.issuer.in_(operators), ANCHORED.c.sequence == sequence
            )
            anchored = self._connection.execute(query).first()
            if not self._is_as_far(row, None if anchored is None else anchored.digest):
                yield fault("database.row_changed", where, "its progress differs from the chain's")
            elif anchored is not None and anchored.size != counts.get(sequence, 0):
                detail = f"{anchored.size} receipts anchored, {counts.get(sequence, 0)} have rows"
                yield fault("receipt.gap", where, detail)
        yield from self._sealed_here(replay, operators, sealed.keys())

    def _is_as_far(self, row: Any, anchored: bytes | None) -> bool:
        """Return whether the columns of a sealed batch agree with each other and with the chain."""
        if row.submission == b"":
            return bool(row.handed_in) and anchored is not None
        if not row.handed_in:
            return len(row.submission) > _DIGEST and anchored is None
        known = select(exists().where(ACTS.c.digest == row.submission))
        return bool(self._connection.execute(known).scalar_one()) and (
            anchored in (None, row.submission)
        )

    def _sealed_here(
        self, replay: Replay, operators: Collection[str], known: Collection[int]
    ) -> Iterator[AuditFault]:
        """Yield anchored batches that the operator's key signed and that have no row."""
        for issuer in operators:
            keys = replay.issuers[issuer].state.keys
            for sequence, _, count, key, _ in replay.marks.get(issuer, ()):
                ours = key < len(keys) and keys[key].address == self._operator
                if ours and sequence not in known:
                    where = f"database/receipt_batches/{sequence}"
                    yield fault("database.row_missing", where, f"{count} receipts were anchored")


def parse_signed(data: bytes) -> SignedReceipt:
    """Return the verification receipt, or the operator's record of another type, of a row.

    Raises:
        MalformedError: it is neither.
    """
    try:
        return VerificationReceipt.parse(data)
    except MalformedError as error:
        if error.code != "schema.version":
            raise
    return OperatorRecord.parse(data)


def receipt_columns(receipt: SignedReceipt) -> dict[str, Any]:
    """Return the columns that follow from a receipt."""
    if isinstance(receipt, OperatorRecord):
        return receipt.columns
    content = receipt.content
    verdicts: Any = content["verdicts"]
    single = content["count"] == 1
    return {
        "number": receipt.number,
        "reference": receipt.reference,
        "caller": content["caller"],
        "checked": parse_time(str(content["checked"])),
        "verdict": next(iter(verdicts)) if single else "several",
    }


def _operators(replay: Replay, operator: bytes | None) -> Collection[str]:
    """Return the codes of issuers whose batches may contain the receipts."""
    return [
        code
        for code, issuer in replay.issuers.items()
        if issuer.state.kind is IssuerKind.OPERATOR
        and (operator is None or any(key.address == operator for key in issuer.state.keys))
    ]


def anchored_batches_of(connection: Connection, lookup: bytes) -> Sequence[tuple[str, int]]:
    """Return issuer and sequence of each anchored batch with a record under `lookup`.

    Whether the stored records are those of the batch is compared by other parts of the audit.
    """
    query = (
        select(ANCHORED.c.issuer, ANCHORED.c.sequence)
        .join(
            BATCHES, (BATCHES.c.root == ANCHORED.c.root) & (BATCHES.c.issuer == ANCHORED.c.issuer)
        )
        .join(CERTIFICATES, CERTIFICATES.c.place // PLACES == BATCHES.c.number)
        .where(CERTIFICATES.c.lookup == lookup[:PREFIX])
    )
    return [(row.issuer, row.sequence) for row in connection.execute(query)]
