"""Store queries of intake: acts, records, catalogs, receipt chains and the backlog."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select, text, true, update

from certledger.ledger.core.acts import ActState, Lane
from certledger.ledger.core.receipt_chain import NOTHING_BEFORE, ReceiptChain
from certledger.ledger.core.values import AnchoredEdition, Backlog, Lookups, NewAct, SubmittedAct
from certledger.ledger.store import rows
from certledger.ledger.store.base import Base
from certledger.ledger.store.bulk_queries import PLACES, PREFIX, find_editions, insert_certificates
from certledger.ledger.store.record_chunks import FRAME, pack_frames
from certledger.ledger.store.tables import (
    ACTS,
    BATCHES,
    CATALOGS,
    CERTIFICATES,
    FRAMES,
    RECEIPT_CHAINS,
)
from certledger.verifier.errors import MalformedError

_FRAMES = 16
"""Frames in one insert, about 1 MB."""


def all_frames() -> ColumnElement[bool]:
    """Return the condition that a batch has all its frames of records."""
    frames = select(func.count()).where(FRAMES.c.batch == BATCHES.c.number).scalar_subquery()
    return frames == (BATCHES.c.size + FRAME - 1) // FRAME


def all_places() -> ColumnElement[bool]:
    """Return the condition that a batch has all its lookup rows."""
    low = BATCHES.c.number * PLACES
    places = (
        select(func.count())
        .where(CERTIFICATES.c.place >= low, CERTIFICATES.c.place < low + PLACES)
        .scalar_subquery()
    )
    return places == BATCHES.c.size


class IntakePart(Base):
    """Store submitted acts, records and catalogs."""

    def lock(self, subject: str) -> None:
        """Block other units from accepting acts of `subject` until this one ends.

        SQLite has one writer anyway.
        """
        if self._postgresql:
            query = text("SELECT pg_advisory_xact_lock(hashtextextended(:subject, 0))")
            self.connection.execute(query, {"subject": subject})

    def act(self, digest: bytes) -> SubmittedAct | None:
        """Return the act whose statement has this digest."""
        return self._act(ACTS.c.digest == digest)

    def _act(self, *asked: Any) -> SubmittedAct | None:
        return self.find_one(select(ACTS).where(*asked), rows.act_of)

    def act_at(self, subject: str, lane: Lane, counter: int) -> SubmittedAct | None:
        """Return the living act at this value of the counter."""
        return next((act for act in self.acts_at(subject, lane, counter) if act.state.alive), None)

    def acts_at(self, subject: str, lane: Lane, counter: int) -> Sequence[SubmittedAct]:
        """Return every act accepted at this counter, dead ones too, oldest first."""
        query = (
            select(ACTS)
            .where(ACTS.c.subject == subject, ACTS.c.lane == str(lane), ACTS.c.counter == counter)
            .order_by(ACTS.c.number)
        )
        return self.find_all(query, rows.act_of)

    def newest_acts(self, subject: str, limit: int) -> Sequence[SubmittedAct]:
        """Return the acts of a subject that were submitted last, newest first."""
        query = select(ACTS).where(ACTS.c.subject == subject)
        return self.find_all(query.order_by(ACTS.c.number.desc()).limit(limit), rows.act_of)

    def queue(self, subject: str, lane: Lane) -> Sequence[SubmittedAct]:
        """Return the acts of the lane that are accepted and not yet included, in order."""
        asked = (
            select(ACTS)
            .where(
                ACTS.c.subject == subject,
                ACTS.c.lane == str(lane),
                ACTS.c.state == str(ActState.ACCEPTED),
            )
            .order_by(ACTS.c.counter)
        )
        return self.find_all(asked, rows.act_of)

    def last_waiting(self, subject: str, lane: Lane) -> SubmittedAct | None:
        """Return the last of the queue."""
        query = (
            select(ACTS)
            .where(
                ACTS.c.subject == subject,
                ACTS.c.lane == str(lane),
                ACTS.c.state == str(ActState.ACCEPTED),
            )
            .order_by(ACTS.c.counter.desc())
            .limit(1)
        )
        return self.find_one(query, rows.act_of)

    def receipt_chain(self, name: ReceiptChain) -> tuple[int, bytes]:
        """Return number and digest (32 bytes) of the newest receipt; locks the chain."""
        new = {"name": str(name), "number": 0, "digest": NOTHING_BEFORE}
        self.insert_new(RECEIPT_CHAINS, new)
        row = self.connection.execute(
            select(RECEIPT_CHAINS).where(RECEIPT_CHAINS.c.name == str(name)).with_for_update()
        ).one()
        return row.number, row.digest

    def extend_receipt_chain(self, name: ReceiptChain, number: int, digest: bytes) -> None:
        """Set the newest receipt of a chain."""
        self.connection.execute(
            update(RECEIPT_CHAINS)
            .where(RECEIPT_CHAINS.c.name == str(name))
            .values(number=number, digest=digest)
        )

    def add_act(self, act: NewAct) -> SubmittedAct:
        """Store an act; no living act may have its digest or its counter."""
        values = rows.act_values(act)
        row = self.connection.execute(ACTS.insert().values(values).returning(ACTS)).one()
        return rows.act_of(row)

    def add_records(
        self, root: bytes, issuer: str, first: int, records: Iterable[bytes], lookups: Lookups
    ) -> None:
        """Store the records of a batch under its root, unless all are stored already.

        `records` is iterated once and never in memory as a whole.
        """
        values = {
            "root": root,
            "issuer": issuer,
            "first": first,
            "size": len(lookups.editions),
            "leaves": lookups.leaves,
        }
        if self.records_whole(root):
            return
        self._drop_records(root)
        self.insert_new(BATCHES, values)
        number = self.connection.execute(
            select(BATCHES.c.number).where(BATCHES.c.root == root)
        ).scalar_one()
        frames = enumerate(pack_frames(records))
        while packed := list(islice(frames, _FRAMES)):
            rows_of = [{"batch": number, "frame": at, "data": data} for at, data in packed]
            self.connection.execute(FRAMES.insert(), rows_of)
        insert_certificates(self.connection, number, lookups)

    def records_whole(self, root: bytes) -> bool:
        """Return whether all records of a batch are stored, each with its lookup row."""
        query = select(BATCHES.c.number).where(BATCHES.c.root == root, all_frames(), all_places())
        return self.exists(query)

    def _drop_records(self, root: bytes) -> None:
        """Delete an incomplete copy of a batch's records before they are stored again."""
        number = self.connection.execute(
            select(BATCHES.c.number).where(BATCHES.c.root == root)
        ).scalar_one_or_none()
        if number is not None:
            place = CERTIFICATES.c.place
            low = number * PLACES
            self.connection.execute(delete(CERTIFICATES).where(place >= low, place < low + PLACES))
            self.connection.execute(delete(FRAMES).where(FRAMES.c.batch == number))
            self.connection.execute(delete(BATCHES).where(BATCHES.c.number == number))

    def editions(self, issuer: str, ids: Sequence[bytes]) -> Sequence[AnchoredEdition]:
        """Return the editions of these ids that are anchored or alive."""
        whole = {id_[:PREFIX]: id_ for id_ in ids}
        return [
            AnchoredEdition(id=whole[prefix], edition=edition, index=index)
            for prefix, edition, index in find_editions(self.connection, issuer, list(whole))
        ]

    def catalog(self, root: bytes) -> bytes | None:
        """Return the canonical JSON list of a catalog's entries."""
        packed = self.connection.execute(
            select(CATALOGS.c.entries).where(CATALOGS.c.root == root)
        ).scalar_one_or_none()
        try:
            return None if packed is None else zlib.decompress(packed)
        except zlib.error as error:
            raise MalformedError(
                "catalog.damaged", f"a stored catalog is damaged: {error}"
            ) from error

    def add_catalog(self, root: bytes, entries: bytes) -> None:
        """Store a catalog under its root, replacing what is stored there."""
        self.put(CATALOGS, [{"root": root, "entries": zlib.compress(entries)}])

    def backlog(self) -> Backlog:
        """Return the accepted acts that can move; of acts set aside only the number."""
        return self._backlog(ACTS.c.reason.is_(None))

    def backlog_of(self, subject: str) -> Backlog:
        """Return the accepted acts of one subject, acts set aside included."""
        return self._backlog(true(), ACTS.c.subject == subject)

    def _backlog(self, counted: ColumnElement[bool], *among: ColumnElement[bool]) -> Backlog:
        row = self.connection.execute(
            select(
                func.count().filter(counted).label("acts"),
                func.coalesce(func.sum(ACTS.c.certificates).filter(counted), 0).label("issued"),
                func.min(ACTS.c.accepted).filter(counted).label("oldest"),
                func.count(ACTS.c.reason).label("set_aside"),
            ).where(ACTS.c.state == str(ActState.ACCEPTED), *among)
        ).one()
        return Backlog(
            acts=row.acts,
            certificates=int(row.issued),
            oldest=row.oldest,
            set_aside=row.set_aside,
        )

    def expire(self, now: int) -> int:
        """Expire accepted acts whose `notAfter` lies before `now`; return how many.

        Acts behind an expired one in its lane expire too: their counter cannot be reached.
        """
        waiting = ACTS.c.state == str(ActState.ACCEPTED)
        gone = {"state": str(ActState.EXPIRED)}
        query = update(ACTS).where(waiting, ACTS.c.not_after < now).values(gone)
        expired = self.connection.execute(
            query.returning(ACTS.c.subject, ACTS.c.lane, ACTS.c.counter)
        ).all()
        count = len(expired)
        for row in expired:
            behind = [ACTS.c.subject == row.subject, ACTS.c.lane == row.lane]
            query = update(ACTS).where(waiting, *behind, ACTS.c.counter > row.counter)
            count += self.connection.execute(query.values(gone)).rowcount
        return count
