"""Store queries of the mirror as of a block, and of checkpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from sqlalchemy import exists, func, select

from certledger.ledger.core.values import (
    AnchoredBatch,
    CatalogRow,
    IssuerRow,
    MirroredStatusChange,
    RegistrarRow,
    StoredCheckpoint,
)
from certledger.ledger.store import rows
from certledger.ledger.store.base import Base, newest, value_of
from certledger.ledger.store.intake import all_frames
from certledger.ledger.store.tables import (
    ANCHORED,
    BATCHES,
    CATALOG_CHANGES,
    CATALOGS,
    CHECKPOINTS,
    ISSUERS,
    REGISTRARS,
    SLOT_PROOFS,
    STATUS_CHANGES,
    STATUS_WORDS,
)
from certledger.verifier.formats.catalog import EMPTY

_ZERO = bytes(32)
SIGNATURE_LINE = "\n\u2014 "
"""How a signature line of a note begins (C2SP signed-note)."""


class ReadingPart(Base):
    """Read the mirror."""

    def issuers(self, *, at: int | None = None) -> Sequence[IssuerRow]:
        """Return every issuer, ascending by code, newest or as of block `at`."""
        return self.find_all(newest(ISSUERS, ISSUERS.c.issuer, at=at), rows.issuer_of)

    def has_moved(self, *, after: int, until: int) -> bool:
        """Return whether any issuer's state changed after one block, up to another."""
        query = select(ISSUERS.c.block).where(ISSUERS.c.block > after, ISSUERS.c.block <= until)
        return self.exists(query)

    def issuer(self, issuer: str, *, at: int | None = None) -> IssuerRow | None:
        """Return one issuer, newest or as of block `at`."""
        query = select(ISSUERS).where(ISSUERS.c.issuer == issuer).order_by(ISSUERS.c.block.desc())
        if at is not None:
            query = query.where(ISSUERS.c.block <= at)
        return self.find_one(query.limit(1), rows.issuer_of)

    def registrar(self, region: int, *, at: int | None = None) -> RegistrarRow | None:
        """Return the region's registrar, newest or as of block `at`."""
        query = newest(REGISTRARS, REGISTRARS.c.region, at=at, region=region)
        return self.find_one(query, partial(value_of, RegistrarRow))

    def registrars(self) -> Sequence[RegistrarRow]:
        """Return the registrar of each region, ascending by region."""
        return self.find_all(
            newest(REGISTRARS, REGISTRARS.c.region, at=None), partial(value_of, RegistrarRow)
        )

    def words(self, issuer: str, *, at: int | None = None) -> Mapping[int, bytes]:
        """Return the status words that are not zero, newest or as of block `at`."""
        query = newest(
            STATUS_WORDS, STATUS_WORDS.c.issuer, STATUS_WORDS.c.position, at=at, issuer=issuer
        )
        found = self.connection.execute(query)
        return {row.position: row.word for row in found if row.word != _ZERO}

    # Batches --------------------------------------------------------------------------------

    def anchored(self, issuer: str, sequence: int) -> AnchoredBatch | None:
        """Return the batch that the chain has at this sequence."""
        query = select(ANCHORED).where(ANCHORED.c.issuer == issuer, ANCHORED.c.sequence == sequence)
        return self.find_one(query, rows.anchored_of)

    def anchored_root(self, issuer: str, root: bytes) -> AnchoredBatch | None:
        """Return the batch of an issuer with this root."""
        query = select(ANCHORED).where(ANCHORED.c.issuer == issuer, ANCHORED.c.root == root)
        return self.find_one(query.order_by(ANCHORED.c.sequence).limit(1), rows.anchored_of)

    def anchored_batches(
        self, issuer: str, *, after: int = 0, limit: int | None = None
    ) -> Sequence[AnchoredBatch]:
        """Return an issuer's batches with a sequence above `after`, ascending."""
        query = (
            select(ANCHORED)
            .where(ANCHORED.c.issuer == issuer, ANCHORED.c.sequence > after)
            .order_by(ANCHORED.c.sequence)
            .limit(limit)
        )
        return self.find_all(query, rows.anchored_of)

    def newest_batches(self, limit: int) -> Sequence[AnchoredBatch]:
        """Return the batches of all issuers that were anchored last, newest first."""
        order = (ANCHORED.c.block.desc(), ANCHORED.c.issuer, ANCHORED.c.sequence.desc())
        return self.find_all(select(ANCHORED).order_by(*order).limit(limit), rows.anchored_of)

    def anchored_leaves(self, issuer: str, *, batches: int) -> Sequence[bytes]:
        """Return the leaves of the first `batches` of an issuer's tree."""
        query = (
            select(ANCHORED.c.leaf)
            .where(ANCHORED.c.issuer == issuer, ANCHORED.c.sequence <= batches)
            .order_by(ANCHORED.c.sequence)
        )
        return list(self.connection.execute(query).scalars())

    def missing_records(self, limit: int | None = None) -> Sequence[AnchoredBatch]:
        """Return anchored batches of which records are missing here."""
        stored = exists().where(BATCHES.c.root == ANCHORED.c.root, all_frames())
        query = select(ANCHORED).where(~stored).order_by(ANCHORED.c.issuer, ANCHORED.c.sequence)
        query = query if limit is None else query.limit(limit)
        return self.find_all(query, rows.anchored_of)

    def missing_catalogs(self, limit: int | None = None) -> Sequence[tuple[str, bytes]]:
        """Return (issuer, root) of catalogs that were in force and are missing here."""
        stored = exists().where(CATALOGS.c.root == CATALOG_CHANGES.c.root)
        query = (
            select(CATALOG_CHANGES.c.issuer, CATALOG_CHANGES.c.root)
            .where(~stored, CATALOG_CHANGES.c.root.not_in([_ZERO, EMPTY]))
            .distinct()
            .order_by(CATALOG_CHANGES.c.issuer, CATALOG_CHANGES.c.root)
        )
        query = query if limit is None else query.limit(limit)
        return [(row.issuer, row.root) for row in self.connection.execute(query)]

    def status_changes(self, issuer: str, *, after: int = 0) -> Sequence[MirroredStatusChange]:
        """Return an issuer's status statements with an epoch above `after`, ascending."""
        query = (
            select(STATUS_CHANGES)
            .where(STATUS_CHANGES.c.issuer == issuer, STATUS_CHANGES.c.epoch > after)
            .order_by(STATUS_CHANGES.c.epoch)
        )
        return self.find_all(query, rows.status_of)

    def changes_of_word(
        self, issuer: str, position: int, limit: int
    ) -> Sequence[MirroredStatusChange]:
        """Return an issuer's status statements from the last that changed a word, newest first."""
        last = select(func.max(STATUS_WORDS.c.block)).where(
            STATUS_WORDS.c.issuer == issuer, STATUS_WORDS.c.position == position
        )
        query = (
            select(STATUS_CHANGES)
            .where(
                STATUS_CHANGES.c.issuer == issuer,
                STATUS_CHANGES.c.block <= last.scalar_subquery(),
            )
            .order_by(STATUS_CHANGES.c.epoch.desc())
            .limit(limit)
        )
        return self.find_all(query, rows.status_of)

    def catalog_changes(self, issuer: str) -> Sequence[CatalogRow]:
        """Return the catalogs that were in force, ascending by version."""
        query = (
            select(CATALOG_CHANGES)
            .where(CATALOG_CHANGES.c.issuer == issuer)
            .order_by(CATALOG_CHANGES.c.version)
        )
        return self.find_all(query, partial(value_of, CatalogRow))

    # Checkpoints ----------------------------------------------------------------------------

    def checkpoint(self, number: int | None = None) -> StoredCheckpoint | None:
        """Return a checkpoint, the newest by default."""
        query = select(CHECKPOINTS).order_by(CHECKPOINTS.c.number.desc()).limit(1)
        if number is not None:
            query = query.where(CHECKPOINTS.c.number == number)
        return self.find_one(query, rows.checkpoint_of)

    def newest_checkpoints(self, limit: int) -> Sequence[StoredCheckpoint]:
        """Return the newest checkpoints, newest first."""
        query = select(CHECKPOINTS).order_by(CHECKPOINTS.c.number.desc()).limit(limit)
        return self.find_all(query, rows.checkpoint_of)

    def cosigned_checkpoint(self) -> StoredCheckpoint | None:
        """Return the newest checkpoint that any witness has cosigned."""
        cosigned = CHECKPOINTS.c.note.contains(SIGNATURE_LINE, autoescape=True)
        query = select(CHECKPOINTS).where(cosigned).order_by(CHECKPOINTS.c.number.desc()).limit(1)
        return self.find_one(query, rows.checkpoint_of)

    def slot_proof(self, number: int, issuer: str) -> Sequence[bytes] | None:
        """Return the trie nodes of an issuer's slot at a checkpoint."""
        query = select(SLOT_PROOFS.c.nodes).where(
            SLOT_PROOFS.c.number == number, SLOT_PROOFS.c.issuer == issuer
        )
        nodes = self.connection.execute(query).scalar_one_or_none()
        return None if nodes is None else rows.unpack_nodes(nodes)
