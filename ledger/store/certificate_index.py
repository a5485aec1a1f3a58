"""Store queries of certificates: from leaf, lookup digest or index to batch and record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    bindparam,
    cast,
    exists,
    func,
    or_,
    select,
)

from certledger.ledger.core.acts import ActState
from certledger.ledger.core.values import Location
from certledger.ledger.store.base import Base
from certledger.ledger.store.bulk_queries import PLACES, PREFIX
from certledger.ledger.store.record_chunks import FRAME, unpack_frame
from certledger.ledger.store.tables import ACTS, ANCHORED, BATCHES, CERTIFICATES, FRAMES
from certledger.verifier.formats.record import Record

HASH = 32


def in_force() -> ColumnElement[bool]:
    """Return the condition that a batch is anchored or has a living act."""
    anchored = exists().where(
        ANCHORED.c.issuer == BATCHES.c.issuer, ANCHORED.c.root == BATCHES.c.root
    )
    # Not `in_`: SQLAlchemy would compile its list anew at each execution.
    alive = or_(*(ACTS.c.state == str(state) for state in ActState if state.alive))
    waiting = exists().where(ACTS.c.root == BATCHES.c.root, alive)
    return or_(anchored, waiting)


class PlacesPart(Base):
    """Find certificates and their records."""

    def place_of_leaf(self, leaf: bytes) -> Location | None:
        """Return the location of a certificate that is anchored or alive."""
        for row in self.connection.execute(_found_by("leaf"), {"asked": leaf[:PREFIX]}):
            if row.whole_leaf == leaf:
                return _place_of(row)
        return None

    def places_of_lookup(self, lookup: bytes) -> Sequence[Location]:
        """Return the locations of certificates with this lookup digest, newest last."""
        found = []
        for row in self.connection.execute(_found_by("lookup"), {"asked": lookup[:PREFIX]}).all():
            record = self.record(row.root, row.place % PLACES)
            if record is not None and Record.parse(record).digests[0] == lookup:
                found.append(_place_of(row))
        return found

    def leaf_of_lookup(self, lookup: bytes) -> bytes | None:
        """Return the leaf hash of the newest certificate with this lookup digest.

        Found by the first 128 bits; evidence of the leaf then shows the whole digest.
        """
        rows = self.connection.execute(_found_by("lookup"), {"asked": lookup[:PREFIX]}).all()
        return bytes(rows[-1].whole_leaf) if rows else None

    def place_at(self, issuer: str, index: int) -> Location | None:
        """Return the location of an issuer's certificate `index`, if its records are stored."""
        query = (
            select(BATCHES)
            .where(BATCHES.c.issuer == issuer, BATCHES.c.first <= index, in_force())
            .order_by(BATCHES.c.first.desc(), BATCHES.c.number.desc())
            .limit(1)
        )
        row = self.connection.execute(query).one_or_none()
        if row is None or index >= row.first + row.size:
            return None
        return Location(issuer=issuer, index=index, root=row.root, first=row.first, count=row.size)

    def record(self, root: bytes, place: int) -> bytes | None:
        """Return the canonical bytes of one record of a batch."""
        asked = {"root": root, "frame": place // FRAME}
        frame = self.connection.execute(_frame(), asked).scalar_one_or_none()
        if frame is None:
            return None
        records, at = _unpacked(frame), place % FRAME
        return records[at] if at < len(records) else None

    def records(self, root: bytes) -> Iterator[bytes]:
        """Yield the canonical bytes of a batch's records in order; none if not stored."""
        for frame in self.connection.execute(_frames(root).order_by(FRAMES.c.frame)).scalars():
            yield from unpack_frame(frame)

    def newest_records(self, root: bytes) -> Iterator[bytes]:
        """Yield the records of a batch from its last; frames are read as far as they are wanted."""
        numbers = _frames(root).with_only_columns(FRAMES.c.frame).order_by(FRAMES.c.frame.desc())
        for number in self.connection.execute(numbers).scalars().all():
            asked = {"root": root, "frame": number}
            frame = self.connection.execute(_frame(), asked).scalar_one()
            yield from reversed(unpack_frame(frame))

    def leaves(self, root: bytes) -> Sequence[bytes]:
        """Return the leaf hashes of a batch; empty if its records are not stored."""
        query = select(BATCHES.c.leaves).where(BATCHES.c.root == root)
        joined = self.connection.execute(query).scalar_one_or_none() or b""
        return [joined[at : at + HASH] for at in range(0, len(joined), HASH)]


def _frames(root: bytes) -> Select[Any]:
    """Return the query for the frames of a batch."""
    joined = select(FRAMES.c.data).join(BATCHES, BATCHES.c.number == FRAMES.c.batch)
    return joined.where(BATCHES.c.root == root)


@cache
def _frame() -> Select[Any]:
    """Return the query for one frame of a batch, by the parameters `root` and `frame`."""
    return (
        select(FRAMES.c.data)
        .join(BATCHES, BATCHES.c.number == FRAMES.c.batch)
        .where(BATCHES.c.root == bindparam("root"), FRAMES.c.frame == bindparam("frame"))
    )


@cache
def _found_by(column: str) -> Select[Any]:
    """Return the query for certificates by a column's value, the parameter `asked`."""
    place = CERTIFICATES.c.place
    start = cast(HASH * (place % PLACES) + 1, Integer)
    leaf = func.substr(BATCHES.c.leaves, start, HASH)
    others = (BATCHES.c.issuer, BATCHES.c.first, BATCHES.c.root, BATCHES.c.size)
    return (
        select(place, *others, leaf.label("whole_leaf"))
        .join(BATCHES, BATCHES.c.number == place // PLACES)
        .where(CERTIFICATES.c[column] == bindparam("asked"), in_force())
        .order_by(place)
    )


_unpacked = lru_cache(maxsize=64)(unpack_frame)
"""The 64 frames read last, about 200 kB each, by their packed bytes; never invalidated."""


def _place_of(row: Any) -> Location:
    return Location(
        issuer=row.issuer,
        index=row.first + row.place % PLACES,
        root=row.root,
        first=row.first,
        count=row.size,
    )
