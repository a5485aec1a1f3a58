"""What callers were told, held against the operator's own batches: every receipt, in time."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import Connection, exists, select

from ledger.service.receipts import VerificationReceipt
from ledger.store.base import table
from ledger.store.bulk import PLACES, PREFIX
from ledger.store.service_tables import VerificationRow
from ledger.store.tables import AnchoredRow, BatchRow, CertificateRow
from verifier.audit.faults import Fault, fault
from verifier.audit.replay import Replay
from verifier.errors import Refused
from verifier.receipts import LONGEST_WAIT
from verifier.vocabulary import BodyKind

ANCHORED, BATCHES = table(AnchoredRow), table(BatchRow)
CERTIFICATES, VERIFICATIONS = table(CertificateRow), table(VerificationRow)
_AT_ONCE = 1_000


def check_told(
    connection: Connection, replay: Replay, *, operator: bytes | None, now: int
) -> Iterator[Fault]:
    """Yield what is wrong with receipts of verifications.

    `operator` is who signs them (20 bytes), None where nobody knows; `now` in seconds.
    """
    bodies = _operators(replay, operator)
    query = select(VERIFICATIONS).order_by(VERIFICATIONS.c.number)
    for number, row in enumerate(connection.execute(query.execution_options(yield_per=_AT_ONCE))):
        if number == 0 and not bodies:
            yield fault("receipt.unregistered", "database/verifications", "")
        replay.count("database_verifications")
        where = f"database/verifications/{row.reference}"
        try:
            receipt = VerificationReceipt.parse(row.receipt)
            receipt.check(operator)
        except Refused as error:
            yield fault("receipt.unusable", where, str(error))
            continue
        if receipt.reference != row.reference:
            yield fault("receipt.unusable", where, f"it is the receipt of {receipt.reference}")
        elif bodies and _is_overdue(row, now) and not _anchored(connection, receipt, bodies):
            yield fault("receipt.unanchored", where, "", receipt=row.receipt.decode())


def _operators(replay: Replay, operator: bytes | None) -> Collection[str]:
    """Return the codes of bodies in whose batches the receipts may stand."""
    return [
        code
        for code, body in replay.bodies.items()
        if body.state.kind is BodyKind.OPERATOR
        and (operator is None or any(key.address == operator for key in body.state.keys))
    ]


def _is_overdue(row: Any, now: int) -> bool:
    return bool(row.checked + LONGEST_WAIT < now)


def _anchored(
    connection: Connection, receipt: VerificationReceipt, bodies: Collection[str]
) -> bool:
    """Return whether a batch of one of the bodies that was anchored has the receipt's record.

    That kept records and lookup rows are those of the batch is for other parts of the audit.
    """
    stands = (
        (CERTIFICATES.c.lookup == receipt.lookup[:PREFIX])
        & (BATCHES.c.number == CERTIFICATES.c.place // PLACES)
        & (ANCHORED.c.issuer == BATCHES.c.issuer)
        & (ANCHORED.c.root == BATCHES.c.root)
        & BATCHES.c.issuer.in_(bodies)
    )
    return bool(connection.execute(select(exists().where(stands))).scalar_one())
