"""Samples of decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import func, insert, select, update

from certledger.ledger.core.book_values import StoredSample
from certledger.ledger.store.base import Base
from certledger.ledger.store.tables import SAMPLES, VERIFICATIONS
from certledger.verifier.reform.operator_record import DECIDED


class SamplesPart(Base):
    """Queries of samples and of the decisions that they are drawn from."""

    def last_sampled(self) -> int:
        """Return the number of the last record that a sample covers, 0 for none."""
        found: int | None = self.connection.execute(select(func.max(SAMPLES.c.last))).scalar_one()
        return found or 0

    def decision_records(
        self, first: int, *, limit: int, last: int | None = None
    ) -> Sequence[tuple[int, bytes]]:
        """Return number and file of each decision's record from `first` on, by number."""
        column = VERIFICATIONS.c.number
        query = select(column, VERIFICATIONS.c.receipt).where(
            column >= first, VERIFICATIONS.c.verdict.in_(DECIDED)
        )
        if last is not None:
            query = query.where(column <= last)
        rows = self.connection.execute(query.order_by(column).limit(limit))
        return [(row.number, row.receipt) for row in rows]

    def add_sample(self, sample: StoredSample) -> None:
        """Store a sample that is opened."""
        self.connection.execute(insert(SAMPLES).values(asdict(sample)))

    def sample(self, reference: str) -> StoredSample | None:
        """Return a sample."""
        query = select(SAMPLES).where(SAMPLES.c.reference == reference)
        row = self.connection.execute(query).one_or_none()
        return None if row is None else StoredSample(**row._mapping)

    def samples(self, *, waiting: bool) -> Sequence[StoredSample]:
        """Return the samples, newest first; with `waiting` only those without a file."""
        query = select(SAMPLES).order_by(SAMPLES.c.last.desc()).limit(1_000)
        if waiting:
            query = query.where(SAMPLES.c.file.is_(None))
        return [StoredSample(**row._mapping) for row in self.connection.execute(query)]

    def publish_sample(self, reference: str, file: bytes) -> None:
        """Store the file of a sample that is drawn, unless it has one."""
        drawn = update(SAMPLES).where(SAMPLES.c.reference == reference, SAMPLES.c.file.is_(None))
        self.connection.execute(drawn.values(file=file))
