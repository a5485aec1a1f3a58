"""Where certificates stand: from a digest to a batch and a place in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, exists, or_, select

from ledger.acts import ActState
from ledger.ports import Place
from ledger.store.base import Base, table
from ledger.store.bulk import PLACES, PREFIX
from ledger.store.frames import FRAME, unpack_frame
from ledger.store.tables import ActRow, AnchoredRow, BatchRow, CertificateRow, FrameRow
from verifier.certificate import Record

ACTS = table(ActRow)
ANCHORED = table(AnchoredRow)
BATCHES = table(BatchRow)
FRAMES = table(FrameRow)
CERTIFICATES = table(CertificateRow)

HASH = 32


def in_force() -> ColumnElement[bool]:
    """Return the condition that a batch is anchored, or that an act for it is alive."""
    anchored = exists().where(
        ANCHORED.c.issuer == BATCHES.c.issuer, ANCHORED.c.root == BATCHES.c.root
    )
    alive = [str(state) for state in ActState if state.alive]
    waiting = exists().where(ACTS.c.root == BATCHES.c.root, ACTS.c.state.in_(alive))
    return or_(anchored, waiting)


class PlacesPart(Base):
    """Finding certificates and their records."""

    def place_of_leaf(self, leaf: bytes) -> Place | None:
        for row in self._rows_by(CERTIFICATES.c.leaf == leaf[:PREFIX]):
            at = HASH * (row.place % PLACES)
            if row.leaves[at : at + HASH] == leaf:
                return _place_of(row)
        return None

    def places_of_lookup(self, lookup: bytes) -> Sequence[Place]:
        found = []
        for row in self._rows_by(CERTIFICATES.c.lookup == lookup[:PREFIX]):
            record = self.record(row.root, row.place % PLACES)
            if record is not None and Record.parse(record).digests[0] == lookup:
                found.append(_place_of(row))
        return found

    def _rows_by(self, asked: ColumnElement[bool]) -> Sequence[Any]:
        query = (
            select(CERTIFICATES.c.place, BATCHES)
            .join(BATCHES, BATCHES.c.number == CERTIFICATES.c.place // PLACES)
            .where(asked, in_force())
            .order_by(CERTIFICATES.c.place)
        )
        return self.connection.execute(query).all()

    def place_at(self, issuer: str, index: int) -> Place | None:
        query = (
            select(BATCHES)
            .where(BATCHES.c.issuer == issuer, BATCHES.c.first <= index, in_force())
            .order_by(BATCHES.c.first.desc(), BATCHES.c.number.desc())
            .limit(1)
        )
        row = self.connection.execute(query).one_or_none()
        if row is None or index >= row.first + row.size:
            return None
        return Place(issuer=issuer, index=index, root=row.root, first=row.first, count=row.size)

    def record(self, root: bytes, place: int) -> bytes | None:
        query = (
            select(FRAMES.c.data)
            .join(BATCHES, BATCHES.c.number == FRAMES.c.batch)
            .where(BATCHES.c.root == root, FRAMES.c.frame == place // FRAME)
        )
        frame = self.connection.execute(query).scalar_one_or_none()
        if frame is None:
            return None
        records, at = unpack_frame(frame), place % FRAME
        return records[at] if at < len(records) else None

    def records(self, root: bytes) -> Iterator[bytes]:
        query = (
            select(FRAMES.c.data)
            .join(BATCHES, BATCHES.c.number == FRAMES.c.batch)
            .where(BATCHES.c.root == root)
            .order_by(FRAMES.c.frame)
        )
        for frame in self.connection.execute(query).scalars():
            yield from unpack_frame(frame)

    def leaves(self, root: bytes) -> Sequence[bytes]:
        query = select(BATCHES.c.leaves).where(BATCHES.c.root == root)
        joined = self.connection.execute(query).scalar_one_or_none() or b""
        return [joined[at : at + HASH] for at in range(0, len(joined), HASH)]


def _place_of(row: Any) -> Place:
    return Place(
        issuer=row.issuer,
        index=row.first + row.place % PLACES,
        root=row.root,
        first=row.first,
        count=row.size,
    )
