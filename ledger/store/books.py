"""Editions of the reform's book."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import func, select

from certledger.ledger.core.book_values import StoredEdition
from certledger.ledger.store.api_clients import VERIFICATIONS
from certledger.ledger.store.base import Base, table
from certledger.ledger.store.book_tables import BookEditionRow

BOOK_EDITIONS = table(BookEditionRow)
_SHORT = [column for column in BOOK_EDITIONS.columns if column.name != "content"]


class BooksPart(Base):
    """See `ledger.core.book_values.BookUnit`."""

    def book_editions(self) -> Sequence[StoredEdition]:
        rows = self.connection.execute(select(*_SHORT).order_by(BOOK_EDITIONS.c.number))
        return [StoredEdition(**row._mapping) for row in rows]

    def book_content(self, number: int) -> bytes | None:
        query = select(BOOK_EDITIONS.c.content).where(BOOK_EDITIONS.c.number == number)
        content: bytes | None = self.connection.execute(query).scalar_one_or_none()
        return content

    def add_book_edition(self, edition: StoredEdition, content: bytes) -> bool:
        return self.insert_new(BOOK_EDITIONS, asdict(edition) | {"content": content})

    def newest_checked(self, verdicts: Sequence[str]) -> int | None:
        newest = select(func.max(VERIFICATIONS.c.checked))
        query = newest.where(VERIFICATIONS.c.verdict.in_(verdicts))
        found: int | None = self.connection.execute(query).scalar_one()
        return found
