"""What the database holds besides the mirror: acts and receipts, batches, catalogs, checkpoints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from sqlalchemy import Connection, exists, func, select

from ledger.acts import ActState
from ledger.auditing.kept import Kept
from ledger.auditing.mirror import PREFIX, STANDS, MirrorObserver
from ledger.auditing.stored import check_unanchored
from ledger.auditing.told import check_told
from ledger.store import rows
from ledger.store.base import table
from ledger.store.bulk import PLACES
from ledger.store.tables import (
    ActRow,
    AnchoredRow,
    BatchRow,
    BlockRow,
    BodyRow,
    CatalogRow,
    CertificateRow,
    CheckpointRow,
    FrameRow,
    NameRow,
    SlotProofRow,
)
from verifier.audit.batches import read_catalog
from verifier.audit.faults import Fault, fault
from verifier.audit.replay import Replay
from verifier.checkpoint import CheckpointUnusable, parse_note
from verifier.encoding import Json, format_canonical, from_base64url, parse_time
from verifier.errors import ProofInvalid, Refused
from verifier.hashing import sha256
from verifier.policy import LedgerPin
from verifier.recovery import recover_address
from verifier.rpc import Block, Rpc
from verifier.state import without_brake
from verifier.statements import Receipt
from verifier.stateproof import check_account, check_slot, slot_position

ACTS, ANCHORED, BATCHES = table(ActRow), table(AnchoredRow), table(BatchRow)
BLOCKS, BODIES, CATALOGS = table(BlockRow), table(BodyRow), table(CatalogRow)
CERTIFICATES, CHECKPOINTS = table(CertificateRow), table(CheckpointRow)
FRAMES, NAMES, SLOT_PROOFS = table(FrameRow), table(NameRow), table(SlotProofRow)


class Comparison:
    """The database's own affairs, compared at the end of an audit.

    `operator` is who signs receipts (20 bytes), None where nobody knows; `now` in seconds.
    """

    def __init__(
        self,
        kept: Kept,
        connection: Connection,
        observer: MirrorObserver,
        *,
        node: Rpc,
        pin: LedgerPin,
        operator: bytes | None,
        now: int,
    ) -> None:
        self._kept, self._connection, self._observer = kept, connection, observer
        self._node, self._pin, self._operator, self._now = node, pin, operator, now

    def run(self, replay: Replay, final: Block) -> Iterator[Fault]:
        """Yield everything that differs.

        Raises:
            NodeFailed: the node does not answer.
        """
        parts = {
            "mirror": self._observer.finish(replay),
            "acts": self._acts(replay, final),
            "verifications": check_told(
                self._connection, replay, operator=self._operator, now=self._now
            ),
            "batches": self._batches(),
            "certificates": self._certificates_of_nothing(),
            "catalogs": self._catalogs(),
            "names": self._names(),
            "blocks": self._blocks(),
            "checkpoints": self._checkpoints(),
        }
        for name, part in parts.items():
            yield from guarded(f"database/{name}", part)

    # Acts and receipts ------------------------------------------------------------------------

    def _acts(self, replay: Replay, final: Block) -> Iterator[Fault]:
        times: dict[int, int] = {}
        for row in self._connection.execute(select(ACTS).order_by(ACTS.c.number)):
            replay.count("database_acts")
            where = f"database/acts/{row.number}"
            anchored = row.digest[:PREFIX] in self._observer.acts
            pends = row.block is not None and row.block > final.number
            if row.state in STANDS and not anchored and not pends:
                evidence: dict[str, Json] = {
                    "statement": _readable(row.statement),
                    "digest": row.digest.hex(),
                    "receipt": _readable(row.receipt),
                }
                detail = f"{row.subject} {row.lane} {row.counter}, shown as {row.state}"
                yield fault("database.act_not_on_chain", where, detail, **evidence)
            if (promised := self._promised(row)) is None:
                yield fault("receipt.unusable", where, "", receipt=_readable(row.receipt))
            else:
                yield from self._kept_promise(row, where, promised, anchored, times)

    def _promised(self, row: Any) -> int | None:
        """Return by when a receipt promises anchoring, None where it is none of this act."""
        try:
            held = orjson.loads(row.receipt)
            content, signature = held["receipt"], from_base64url(held["signature"])
            digest = Receipt(content=sha256(format_canonical(content))).digest(self._pin.identity)
            signer = recover_address(digest, signature)
            by = parse_time(content["anchored_by"])
            accepted = parse_time(content["accepted"])
        except (ValueError, KeyError, TypeError, Refused):
            return None
        theirs = self._operator is not None and signer != self._operator
        if signer is None or theirs or content["digest"] != row.digest.hex():
            return None
        return by if accepted == row.accepted else None

    def _kept_promise(
        self, row: Any, where: str, promised: int, anchored: bool, times: dict[int, int]
    ) -> Iterator[Fault]:
        evidence: dict[str, Json] = {"receipt": _readable(row.receipt)}
        if row.state == ActState.EXPIRED:
            yield fault("receipt.expired", where, f"{row.subject} {row.counter}", **evidence)
        elif row.state == ActState.ACCEPTED and not anchored and self._now > promised:
            yield fault("receipt.broken", where, f"{row.subject} {row.counter}", **evidence)
        elif anchored and row.block is not None:
            if row.block not in times:
                block = self._node.block(row.block)
                times[row.block] = block.time if block else 0
            if times[row.block] > promised:
                detail = f"in block {row.block}"
                yield fault("receipt.late", where, detail, **evidence)

    # Records ----------------------------------------------------------------------------------

    def _batches(self) -> Iterator[Fault]:
        """Yield what is wrong with batches that the chain does not hold; the others are done."""
        anchored = exists().where(ANCHORED.c.root == BATCHES.c.root)
        for row in self._connection.execute(select(BATCHES).where(~anchored)).all():
            known = select(exists().where(ACTS.c.root == row.root))
            if not self._connection.execute(known).scalar_one():
                yield fault("database.row_extra", f"database/batches/{row.root.hex()}", row.issuer)
            yield from check_unanchored(self._kept, row)

    def _certificates_of_nothing(self) -> Iterator[Fault]:
        """Yield lookup rows and frames that belong to no batch."""
        for of, number, name in (
            (CERTIFICATES, CERTIFICATES.c.place // PLACES, "certificates"),
            (FRAMES, FRAMES.c.batch, "record_frames"),
        ):
            owned = exists().where(BATCHES.c.number == number)
            query = select(number, func.count()).select_from(of).where(~owned).group_by(number)
            for batch, count in self._connection.execute(query):
                where = f"database/{name}/{batch}"
                yield fault("database.row_extra", where, f"{count} rows of no batch")

    def _catalogs(self) -> Iterator[Fault]:
        for root in self._connection.execute(select(CATALOGS.c.root)).scalars().all():
            try:
                read_catalog(self._kept, root)
            except Refused as error:
                where = f"database/catalogs/{root.hex()}"
                yield fault("database.row_changed", where, str(error))

    def _names(self) -> Iterator[Fault]:
        for row in self._connection.execute(select(NAMES)):
            if sha256(row.name.encode()) != row.digest:
                yield fault("database.row_changed", f"database/names/{row.digest.hex()}", row.name)

    # Blocks and checkpoints -------------------------------------------------------------------

    def _blocks(self) -> Iterator[Fault]:
        for row in self._connection.execute(select(BLOCKS).order_by(BLOCKS.c.number)).all():
            if self._node.block(row.number) != _block_of(row):
                where = f"database/blocks/{row.number}"
                yield fault("database.row_changed", where, row.hash.hex())

    def _checkpoints(self) -> Iterator[Fault]:
        for row in self._connection.execute(select(CHECKPOINTS)).all():
            where = f"database/checkpoints/{row.number}"
            try:
                told = parse_note(row.note).checkpoint
            except CheckpointUnusable:
                continue  # Told where all notes are read.
            held = _block_of(row)
            noted = Block(
                number=told.number,
                hash=told.block_hash,
                state_root=told.state_root,
                time=told.time,
            )
            if held != noted:
                yield fault("database.row_changed", where, "", note=row.note)
                continue
            yield from self._slot_proofs(row, where)

    def _slot_proofs(self, row: Any, where: str) -> Iterator[Fault]:
        """Yield kept proofs that do not lead to the state that the body had at the checkpoint."""
        try:
            account = check_account(
                row.state_root, self._pin.address, rows.unpack_nodes(row.account)
            )
            storage = account.storage_root if account else b""
        except (ProofInvalid, ValueError, Refused) as error:
            yield fault("database.proof_differs", where, str(error))
            return
        proofs = select(SLOT_PROOFS).where(SLOT_PROOFS.c.number == row.number)
        for proof in self._connection.execute(proofs).all():
            place = f"{where}/{proof.issuer}"
            wanted = self._slot_at(proof.issuer, row.number)
            if wanted is None:
                continue  # The roll, which stands among them under a name of its own.
            try:
                nodes = rows.unpack_nodes(proof.nodes)
                value = check_slot(storage, slot_position(proof.issuer), nodes)
            except (ProofInvalid, ValueError, Refused) as error:
                yield fault("database.proof_differs", place, str(error))
                continue
            if without_brake(value) != without_brake(wanted):
                yield fault("database.proof_differs", place, value.hex())

    def _slot_at(self, issuer: str, number: int) -> bytes | None:
        query = (
            select(BODIES.c.slot)
            .where(BODIES.c.issuer == issuer, BODIES.c.block <= number)
            .order_by(BODIES.c.block.desc())
            .limit(1)
        )
        slot: bytes | None = self._connection.execute(query).scalar_one_or_none()
        return slot


def guarded(where: str, part: Iterator[Fault]) -> Iterator[Fault]:
    """Yield the faults of a part; rows whose values have another type than their column are one.

    SQLite keeps whatever it is given, so that whoever edits it may leave any type behind.
    """
    try:
        yield from part
    except (AttributeError, TypeError, ValueError) as error:
        yield fault("database.unreadable", where, f"{type(error).__name__}: {error}")


def _readable(data: Any) -> Json:
    """Return bytes that were handed in as text, whatever they are."""
    return data.decode("utf-8", "replace") if isinstance(data, bytes) else repr(data)


def _block_of(row: Any) -> Block:
    return Block(number=row.number, hash=row.hash, state_root=row.state_root, time=row.time)
