"""Register of what an issuer has issued, on its own machine: numbers never leave it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from certledger.ledger.sealing.batch import Head, SealedBatch
from certledger.ledger.sealing.row_checks import Issued, IssuedEdition
from certledger.verifier.errors import CertledgerError, ExitStatus
from certledger.verifier.files import PRIVATE

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
CREATE TABLE IF NOT EXISTS counter (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;
"""


class RegisterUnusableError(CertledgerError):
    """The register's file is damaged or in use."""

    code = "register.unusable"
    exit_status = ExitStatus.UNUSABLE


@dataclass(frozen=True, kw_only=True, slots=True)
class Certificate:
    """An issued certificate."""

    index: int
    category: str
    number: str
    edition: int


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuanceDatabase:
    """The certificates, batches and counters of one issuer, in a SQLite file."""

    path: Path

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Open the file, with mode 0600, for one transaction."""
        try:
            self.path.touch(mode=PRIVATE)
            with closing(sqlite3.connect(self.path)) as connection:
                connection.executescript("PRAGMA synchronous = FULL;" + _SCHEMA)
                with connection:
                    yield connection
        except sqlite3.Error as error:
            raise RegisterUnusableError(f"{self.path} cannot be used: {error}") from error

    def head(self) -> Head:
        """Return the head after the last batch that was sealed here."""
        query = "SELECT sequence, digest, first, count FROM batch ORDER BY sequence DESC LIMIT 1"
        with self._open() as connection:
            row = connection.execute(query).fetchone()
        if row is None:
            return Head()
        sequence, digest, first, count = row
        return Head(sequence=sequence + 1, previous=digest, first=first + count)

    def record(self, batch: SealedBatch) -> None:
        """Store a sealed batch, unless it is stored already.

        Another batch of the same sequence, and all that build on it, are deleted.
        """
        statement = batch.statement
        rows = (
            (statement.first + place, issue.entry.category, issue.number, issue.edition)
            for place, issue in enumerate(batch.issues)
        )
        known = "SELECT 1 FROM batch WHERE sequence = ? AND digest = ?"
        with self._open() as connection:
            if connection.execute(known, (statement.sequence, batch.digest)).fetchone():
                return
            connection.execute("DELETE FROM batch WHERE sequence >= ?", (statement.sequence,))
            connection.execute("DELETE FROM issued WHERE place >= ?", (statement.first,))
            connection.execute(
                "INSERT INTO batch VALUES (?, ?, ?, ?)",
                (statement.sequence, batch.digest, statement.first, statement.count),
            )
            connection.executemany("INSERT OR REPLACE INTO issued VALUES (?, ?, ?, ?)", rows)

    def before(self, first: int, apart: range = range(0)) -> Issued:
        """Return what was issued below index `first`, for checking a batch that starts there.

        `apart` are indexes of a batch that is being sealed again.
        """
        return _Before(register=self, first=first, apart=apart)

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

    def counter(self, name: str) -> int:
        """Return a counter (epoch, catalog version) after what was signed here."""
        query = "SELECT value FROM counter WHERE name = ?"
        with self._open() as connection:
            row = connection.execute(query, (name,)).fetchone()
        return row[0] if row else 0

    def reach(self, name: str, value: int) -> None:
        """Store the value of a counter at which something was signed."""
        with self._open() as connection:
            connection.execute("INSERT OR REPLACE INTO counter VALUES (?, ?)", (name, value))

    def count(self) -> int:
        """Return how many certificates were issued."""
        with self._open() as connection:
            found: int = connection.execute("SELECT count(*) FROM issued").fetchone()[0]
        return found


class _Before:
    """A register before an index, read at once, because every row of a sheet needs it."""

    def __init__(self, register: IssuanceDatabase, first: int, apart: range) -> None:
        query = (
            "SELECT category, number, place, max(edition) FROM issued"
            " WHERE place < ? AND NOT (place >= ? AND place < ?) GROUP BY category, number"
        )
        with register._open() as connection:
            self._known = {
                (category, number): IssuedEdition(index=place, edition=edition)
                for category, number, place, edition in connection.execute(
                    query, (first, apart.start, apart.stop)
                )
            }

    def newest(self, category: str, number: str) -> IssuedEdition | None:
        return self._known.get((category, number))
