"""What criminals need: the database under the ledger, and the chain past its intake."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from certledger.contracts import calls
from certledger.ledger.audit.database_source import unpacked
from certledger.ledger.intake.batch_submission import parse_submission
from certledger.ledger.sealing.batch import SealedBatch
from certledger.ledger.store.record_chunks import pack_frame
from certledger.verifier.audit.report import AuditReport, AuditVerdict
from tests.audit.little import POLICE, LittleIssuer


def sql(home: Path, statement: str, *values: Any) -> list[Any]:
    """Run a statement on the home's database, behind the ledger's back."""
    with sqlite3.connect(home / "ledger.db") as connection:
        return connection.execute(statement, values).fetchall()


def edit_records(home: Path, edit: Callable[[list[bytes]], list[bytes]], *, frame: int = 0) -> None:
    """Edit the records in a frame of the police's first batch."""
    query = (
        "SELECT batch, data FROM record_frames JOIN batches ON batch = number"
        " WHERE issuer = ? AND first = 0 AND frame = ?"
    )
    batch, data = sql(home, query, POLICE, frame)[0]
    packed = pack_frame(edit(unpacked(data)))
    sql(
        home,
        "UPDATE record_frames SET data = ? WHERE batch = ? AND frame = ?",
        packed,
        batch,
        frame,
    )


def carry(issuer: LittleIssuer, data: bytes) -> None:
    """Carry a call to the chain as anybody may, past the ledger's intake."""
    chain = issuer.ledger.chain
    chain.broadcast(chain.sign(data, nonce=chain.next_nonce()).raw)
    issuer.ledger.run_until_idle()


def smuggle(issuer: LittleIssuer, batch: SealedBatch, *, kept: bool = True) -> SealedBatch:
    """Anchor a batch that intake would not take; `kept` puts its records into the database."""
    if kept:
        submission = parse_submission(batch.submission())
        with issuer.ledger.store.begin() as unit:
            unit.add_records(
                batch.statement.root,
                issuer.issuer,
                batch.statement.first,
                submission.records(),
                submission.lookups,
            )
    packed = calls.pack_batch(batch.statement, key=0, signature=batch.signature)
    carry(issuer, calls.anchor([(issuer.state, [packed])]))
    return batch


def told(report: AuditReport, code: str) -> list[str]:
    """Return the places where the report tells a fault of this code."""
    return [one.where for one in report.faults if one.code == code]


def assert_told(report: AuditReport, code: str, where: str) -> None:
    assert report.verdict is AuditVerdict.FAULTS
    found = [(one.code, one.where) for one in report.faults]
    assert any(one == (code, where) for one in found), found


def codes(found: Sequence[Any]) -> set[str]:
    return {one.code for one in found}
