"""Audit stored checkpoints: notes, slot proofs, and cosignatures found in other files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, select

from certledger.ledger.audit.database_source import StoredFiles
from certledger.ledger.publish.checkpoints import ROLL_NAME
from certledger.ledger.store import rows
from certledger.ledger.store.base import newest
from certledger.ledger.store.tables import CHECKPOINTS, ISSUERS, SLOT_PROOFS
from certledger.verifier.audit.findings import AuditFault, fault
from certledger.verifier.audit.replay import Replay
from certledger.verifier.audit.runner import Job
from certledger.verifier.errors import CertledgerError, ProofInvalidError
from certledger.verifier.formats.checkpoint import (
    CheckpointUnusableError,
    Note,
    check_cosignature,
    parse_note,
)
from certledger.verifier.formats.issuer_state import without_brake
from certledger.verifier.formats.state_proof import ROLL, check_account, check_slot, slot_position
from certledger.verifier.node_rpc import NodeBlock
from certledger.verifier.verify.block_trust import as_block


class CheckpointComparison:
    """Compares checkpoints and slot proofs with the blocks and issuers they are of."""

    def __init__(
        self, stored: StoredFiles, connection: Connection, job: Job, replay: Replay
    ) -> None:
        self._files_at, self._connection, self._job, self._replay = stored, connection, job, replay

    def run(self) -> Iterator[AuditFault]:
        """Yield the faults of checkpoints and proofs."""
        rows_of = self._connection.execute(select(CHECKPOINTS).order_by(CHECKPOINTS.c.number)).all()
        for row in rows_of:
            where = f"database/checkpoints/{row.number}"
            try:
                checkpoint = parse_note(row.note).checkpoint
            except CheckpointUnusableError:
                continue  # Reported with all notes, by `verifier.audit.checkpoints`.
            if block_of_row(row) != as_block(checkpoint):
                yield fault("database.row_changed", where, "", note=row.note)
                continue
            yield from self._slot_proofs(row, where)
        yield from self._orphans({row.number for row in rows_of})
        yield from self._check_other_files({row.number: row.note for row in rows_of})

    def _orphans(self, stored: set[int]) -> Iterator[AuditFault]:
        for number in self._connection.execute(select(SLOT_PROOFS.c.number).distinct()).scalars():
            if number not in stored:
                yield fault("database.row_missing", f"database/checkpoints/{number}")

    def _check_other_files(self, stored: dict[int, str]) -> Iterator[AuditFault]:
        """Yield checkpoints and cosignatures that files of the home have and the database lacks.

        Checkpoints are deleted oldest first, so one newer than a stored one cannot be missing.
        """
        policy, oldest = self._job.policy, min(stored, default=None)
        for where, text in self._files_at.file_notes():
            try:
                note = parse_note(text)
            except CheckpointUnusableError:
                continue
            number = note.checkpoint.number
            if number not in stored:
                if oldest is None or number > oldest:
                    yield fault("database.row_missing", f"database/checkpoints/{number}", where)
                continue
            have, names = stored[number], _names_of(stored[number])
            for line in note.cosignatures:
                witness = None if policy is None else policy.find_witness(line)
                if witness is None and line.format() not in have:
                    detail = f"the database has no such line of {line.name}"
                    yield fault("evidence.differs", where, detail, note=text)
                if witness is None or not check_cosignature(note.checkpoint, line, witness.key):
                    continue
                if line.name not in names:
                    place = f"database/checkpoints/{number}"
                    yield fault("checkpoint.cosignature_missing", place, line.name, note=text)

    # Proofs -----------------------------------------------------------------------------------

    def _slot_proofs(self, row: Any, where: str) -> Iterator[AuditFault]:
        """Yield the proofs that do not prove an issuer's state at the checkpoint."""
        try:
            account = check_account(
                row.state_root, self._job.pin.address, rows.unpack_nodes(row.account)
            )
            storage = account.storage_root if account else b""
        except (ProofInvalidError, ValueError, CertledgerError) as error:
            yield fault("database.proof_differs", where, str(error))
            return
        wanted = self._slots_at(row.number)
        proofs = select(SLOT_PROOFS).where(SLOT_PROOFS.c.number == row.number)
        for proof in self._connection.execute(proofs).all():
            place = f"{where}/{proof.issuer}"
            slot = wanted.pop(proof.issuer, None)
            if slot is None:
                yield fault("database.row_extra", place, "no issuer has this code")
                continue
            try:
                position = ROLL if proof.issuer == ROLL_NAME else slot_position(proof.issuer)
                value = check_slot(storage, position, rows.unpack_nodes(proof.nodes))
            except (ProofInvalidError, ValueError, CertledgerError) as error:
                yield fault("database.proof_differs", place, str(error))
                continue
            if proof.issuer == ROLL_NAME:
                value = value[28:]
            elif proof.issuer != ROLL_NAME:
                value, slot = without_brake(value), without_brake(slot)
            if value != slot:
                yield fault("database.proof_differs", place, value.hex())
        for issuer in wanted:
            yield fault("database.row_missing", f"database/slot_proofs/{row.number}/{issuer}")

    def _slots_at(self, number: int) -> dict[str, bytes]:
        """Return the slot of every issuer at a block by its code, and the count for the roll."""
        issuers = self._connection.execute(newest(ISSUERS, ISSUERS.c.issuer, at=number))
        found = {row.issuer: row.slot for row in issuers}
        return found | {ROLL_NAME: len(found).to_bytes(4, "big")}


def _names_of(note: str) -> set[str]:
    try:
        parsed: Note = parse_note(note)
    except CheckpointUnusableError:
        return set()
    return {line.name for line in parsed.cosignatures}


def block_of_row(row: Any) -> NodeBlock:
    """Return the block of a row with a block's columns."""
    return NodeBlock(number=row.number, hash=row.hash, state_root=row.state_root, time=row.time)
