"""Editions of the reform's book, and the queries that its figures rest on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Select, func, insert, select

from certledger.ledger.core.acts import ActState
from certledger.ledger.core.book_values import DecisionLeaf, StoredDecision, StoredEdition
from certledger.ledger.store.base import Base
from certledger.ledger.store.tables import (
    ACTS,
    BLOCKS,
    BOOK_EDITIONS,
    COVERAGE_DAYS,
    DECISION_LEAVES,
    DECISIONS,
    VERIFICATIONS,
)
from certledger.verifier.reform.operator_record import DECIDED

_SHORT = [column for column in BOOK_EDITIONS.columns if column.name != "content"]


class BooksPart(Base):
    """Queries of the book's editions, of decisions, and of figures."""

    def book_editions(self) -> Sequence[StoredEdition]:
        """Return all editions, oldest first."""
        rows = self.connection.execute(select(*_SHORT).order_by(BOOK_EDITIONS.c.number))
        return [StoredEdition(**row._mapping) for row in rows]

    def book_content(self, number: int) -> bytes | None:
        """Return the file of an edition."""
        query = select(BOOK_EDITIONS.c.content).where(BOOK_EDITIONS.c.number == number)
        content: bytes | None = self.connection.execute(query).scalar_one_or_none()
        return content

    def add_book_edition(self, edition: StoredEdition, content: bytes) -> bool:
        """Store an edition; return False where another has its number, day or digest."""
        return self.insert_new(BOOK_EDITIONS, asdict(edition) | {"content": content})

    def add_decision(self, decision: StoredDecision, leaves: Sequence[DecisionLeaf]) -> None:
        """Store a decision next to its record, with the certificates that it rests on."""
        self.connection.execute(insert(DECISIONS).values(asdict(decision)))
        rows = [asdict(leaf) | {"reference": decision.reference} for leaf in leaves]
        if rows:
            self.connection.execute(insert(DECISION_LEAVES), rows)

    def newest_decision(self) -> int | None:
        """Return the second of the newest decision."""
        query = select(func.max(DECISIONS.c.checked))
        found: int | None = self.connection.execute(query).scalar_one()
        return found

    def last_checked(self) -> dict[str, int]:
        """Return the second at which each party asked last."""
        return {row.party: row.newest for row in self.connection.execute(_newest_by_party())}

    def outcomes_since(self, since: int) -> dict[str, int]:
        """Return how many decisions since a second have each outcome."""
        query = (
            select(DECISIONS.c.outcome, func.count())
            .where(DECISIONS.c.checked >= since)
            .group_by(DECISIONS.c.outcome)
        )
        counts = dict(map(tuple, self.connection.execute(query).all()))
        return {outcome: counts.get(outcome, 0) for outcome in DECIDED}

    def final_waits(self, limit: int) -> Sequence[int]:
        """Return seconds from acceptance to the final block of the newest final acts."""
        query = (
            select(BLOCKS.c.time - ACTS.c.accepted)
            .join(BLOCKS, BLOCKS.c.number == ACTS.c.block)
            .where(ACTS.c.state == str(ActState.FINAL))
            .order_by(ACTS.c.number.desc())
            .limit(limit)
        )
        return [max(wait, 0) for wait in self.connection.execute(query).scalars()]

    def coverage_days(self, limit: int) -> Sequence[tuple[str, bytes]]:
        """Return the newest days and their figures, newest first."""
        query = select(COVERAGE_DAYS).order_by(COVERAGE_DAYS.c.day.desc()).limit(limit)
        return [(row.day, row.figures) for row in self.connection.execute(query)]

    def has_coverage_day(self, day: str) -> bool:
        """Return whether a day has figures."""
        query = select(COVERAGE_DAYS.c.day).where(COVERAGE_DAYS.c.day == day)
        return self.exists(query)

    def add_coverage_day(self, day: str, figures: bytes) -> bool:
        """Store the figures of a day; return False where it has some."""
        return self.insert_new(COVERAGE_DAYS, {"day": day, "figures": figures})


def _newest_by_party() -> Select[Any]:
    """Return the query of every party's newest verification.

    It steps from party to party in the index, one look for each, however often one asked: a
    grouping would read every verification.
    """
    table = VERIFICATIONS
    first = select(func.min(table.c.party).label("party")).cte("parties", recursive=True)
    later = select(func.min(table.c.party)).where(table.c.party > first.c.party)
    parties = first.union_all(select(later.scalar_subquery()).where(first.c.party.is_not(None)))
    newest = select(func.max(table.c.checked)).where(table.c.party == parties.c.party)
    return select(parties.c.party, newest.scalar_subquery().label("newest")).where(
        parties.c.party.is_not(None)
    )
