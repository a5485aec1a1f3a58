"""What a body has issued, on its own machine: numbers never leave it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ledger.issuing.checking import Edition, Issued
from ledger.issuing.sealing import Head, SealedBatch

_SCHEMA = """
CREATE TABLE IF NOT EXISTS batch (
    sequence INTEGER PRIMARY KEY,
    digest BLOB NOT NULL,
    first INTEGER NOT NULL,
    count INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS issued (
    place INTEGER PRIMARY KEY,
    category TEXT NOT NULL,
    number TEXT NOT NULL,
    edition INTEGER NOT NULL,
    UNIQUE (number, category, edition)
) STRICT;
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Certificate:
    """A certificate that was issued: the index it has, and what it is called."""

    index: int
    category: str
    number: str
    edition: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Register:
    """The certificates and batches of one body, in a SQLite file."""

    path: Path

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path)) as connection:
            connection.executescript("PRAGMA synchronous = FULL;" + _SCHEMA)
            with connection:
                yield connection

    def head(self) -> Head:
        """Return what the next batch must carry, after all that were sealed here."""
        query = "SELECT sequence, digest, first, count FROM batch ORDER BY sequence DESC LIMIT 1"
        with self._open() as connection:
            row = connection.execute(query).fetchone()
        if row is None:
            return Head()
        sequence, digest, first, count = row
        return Head(sequence=sequence + 1, previous=digest, first=first + count)

    def record(self, batch: SealedBatch) -> None:
        """Remember a sealed batch; one of the same sequence, and all after it, are forgotten."""
        said = batch.statement
        rows = (
            (said.first + place, issue.entry.category, issue.number, issue.edition)
            for place, issue in enumerate(batch.issues)
        )
        with self._open() as connection:
            connection.execute("DELETE FROM batch WHERE sequence >= ?", (said.sequence,))
            connection.execute("DELETE FROM issued WHERE place >= ?", (said.first,))
            connection.execute(
                "INSERT INTO batch VALUES (?, ?, ?, ?)",
                (said.sequence, batch.digest, said.first, said.count),
            )
            connection.executemany("INSERT INTO issued VALUES (?, ?, ?, ?)", rows)

    def before(self, first: int) -> Issued:
        """Return what was issued below index `first`: what a batch from there is judged by."""
        return _Before(register=self, first=first)

    def find(self, number: str, category: str | None = None) -> list[Certificate]:
        """Return the newest edition of each category that has `number` (in normal form)."""
        query = (
            "SELECT place, category, number, max(edition) FROM issued"
            " WHERE number = ? AND (? IS NULL OR category = ?) GROUP BY category ORDER BY category"
        )
        with self._open() as connection:
            rows = connection.execute(query, (number, category, category)).fetchall()
        return [
            Certificate(index=place, category=kind, number=text, edition=edition)
            for place, kind, text, edition in rows
        ]

    def count(self) -> int:
        """Return how many certificates were issued."""
        with self._open() as connection:
            found: int = connection.execute("SELECT count(*) FROM issued").fetchone()[0]
        return found


class _Before:
    """A register as it stood before an index; all is read at once, for sheets ask of every row."""

    def __init__(self, register: Register, first: int) -> None:
        query = (
            "SELECT category, number, place, max(edition) FROM issued WHERE place < ?"
            " GROUP BY category, number"
        )
        with register._open() as connection:
            self._known = {
                (category, number): Edition(index=place, edition=edition)
                for category, number, place, edition in connection.execute(query, (first,))
            }

    def newest(self, category: str, number: str) -> Edition | None:
        return self._known.get((category, number))
