"""Register of what an issuer has issued, on its own machine: numbers never leave it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from certledger.ledger.sealing.batch import Head, SealedBatch
from certledger.ledger.sealing.issue import IssuedCertificates, IssuedEdition
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
CREATE TABLE IF NOT EXISTS submitted (
    sequence INTEGER PRIMARY KEY,
    digest BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS sealed_into (
    sequence INTEGER PRIMARY KEY,
    folder TEXT NOT NULL,
    documents TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS fetched (
    place INTEGER PRIMARY KEY,
    category TEXT NOT NULL,
    id BLOB NOT NULL,
    edition INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS signed (
    name TEXT NOT NULL,
    value INTEGER NOT NULL,
    file TEXT NOT NULL,
    PRIMARY KEY (name, value)
) STRICT;
"""


_LINK_ADDRESS = "link_address"
# `counter` has what the ledger has taken, `signed` what was signed here above it and not refused.
# `submitted` has the batches that a service has taken, `fetched` the certificates of offices whose
# sheets are not here: by certificate id, since their numbers never leave those offices.


class RegisterUnusableError(CertledgerError):
    """The register's file is damaged or in use."""

    code = "register.unusable"
    exit_status = ExitStatus.UNUSABLE


class BatchSubmittedError(CertledgerError):
    """The batch has been submitted, so it cannot be withdrawn."""

    code = "batch.submitted"
    exit_status = ExitStatus.UNUSABLE


class BatchFollowedError(CertledgerError):
    """A batch that was sealed later builds on this one; withdraw that one first."""

    code = "batch.followed"
    exit_status = ExitStatus.UNUSABLE


@dataclass(frozen=True, kw_only=True, slots=True)
class FetchedCertificate:
    """An issued certificate as its record shows it; `number` is None where it is not known."""

    index: int
    category: str
    id: bytes
    edition: int
    number: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalBatch:
    """A batch that is known here, and the folder it was sealed into, if it was sealed here."""

    sequence: int
    digest: bytes
    folder: Path | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Certificate:
    """An issued certificate."""

    index: int
    category: str
    number: str
    edition: int


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuanceDatabase:
    """The certificates, batches and counters of one issuer, in a SQLite file.

    `id_of` gives the certificate id of (category, number): certificates whose numbers are not here
    are found by it.
    """

    path: Path
    id_of: Callable[[str, str], bytes] | None = None

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
            _forget(connection, statement.sequence, statement.first)
            connection.execute(
                "INSERT INTO batch VALUES (?, ?, ?, ?)",
                (statement.sequence, batch.digest, statement.first, statement.count),
            )
            connection.executemany("INSERT OR REPLACE INTO issued VALUES (?, ?, ?, ?)", rows)

    def note_folders(self, sequence: int, folder: Path, documents: Path | None) -> None:
        """Store where a batch was sealed into, and where its documents are."""
        places = (sequence, str(folder.absolute()), str(documents.absolute()) if documents else "")
        with self._open() as connection:
            connection.execute("INSERT OR REPLACE INTO sealed_into VALUES (?, ?, ?)", places)

    def folders_of(self, sequence: int) -> tuple[Path, Path | None] | None:
        """Return the folders of a batch that was sealed here, None for any other."""
        query = "SELECT folder, documents FROM sealed_into WHERE sequence = ?"
        with self._open() as connection:
            row = connection.execute(query, (sequence,)).fetchone()
        return None if row is None else (Path(row[0]), Path(row[1]) if row[1] else None)

    def sealed_folders(self) -> list[tuple[int, Path]]:
        """Return sequence and folder of each batch that counts and was sealed here."""
        query = "SELECT sequence, folder FROM batch JOIN sealed_into USING (sequence) ORDER BY 1"
        with self._open() as connection:
            return [(sequence, Path(folder)) for sequence, folder in connection.execute(query)]

    def link_address(self) -> str | None:
        """Return the address of the service for which short links were drawn last."""
        with self._open() as connection:
            row = connection.execute(
                "SELECT value FROM setting WHERE name = ?", (_LINK_ADDRESS,)
            ).fetchone()
        return None if row is None else str(row[0])

    def put_link_address(self, address: str) -> None:
        """Store the address of the service for which short links are drawn."""
        with self._open() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO setting VALUES (?, ?)", (_LINK_ADDRESS, address)
            )

    def digest_at(self, sequence: int) -> bytes | None:
        """Return the digest of a batch that is known here, None where there is none."""
        with self._open() as connection:
            row = connection.execute(
                "SELECT digest FROM batch WHERE sequence = ?", (sequence,)
            ).fetchone()
        return row[0] if row else None

    def certificates_until(self, sequence: int) -> int:
        """Return how many certificates the batches up to a sequence have."""
        query = "SELECT first + count FROM batch WHERE sequence = ?"
        with self._open() as connection:
            row = connection.execute(query, (sequence,)).fetchone()
        return row[0] if row else 0

    def mark_submitted(self, sequence: int, digest: bytes) -> None:
        """Store that a service, or the chain, has taken a batch."""
        with self._open() as connection:
            connection.execute("INSERT OR REPLACE INTO submitted VALUES (?, ?)", (sequence, digest))

    def withdraw(self, sequence: int, digest: bytes) -> bool:
        """Forget a batch that was not submitted, and its certificates; whether it was here.

        Raises:
            BatchSubmittedError: it was submitted.
            BatchFollowedError: a later batch builds on it.
        """
        with self._open() as connection:
            known = "SELECT first FROM batch WHERE sequence = ? AND digest = ?"
            row = connection.execute(known, (sequence, digest)).fetchone()
            if row is None:
                return False
            taken = "SELECT 1 FROM submitted WHERE sequence = ? AND digest = ?"
            if connection.execute(taken, (sequence, digest)).fetchone():
                raise BatchSubmittedError(f"batch {sequence} was submitted")
            later = "SELECT 1 FROM batch WHERE sequence > ?"
            if connection.execute(later, (sequence,)).fetchone():
                raise BatchFollowedError(f"batch {sequence + 1} builds on batch {sequence}")
            _forget(connection, sequence, row[0])
        return True

    def refuse(self, sequence: int, digest: bytes) -> list[int]:
        """Forget a batch that the ledger refused, and those that build on it; return their numbers.

        Nothing is forgotten while the batch before it waits here: it must be submitted first.
        """
        with self._open() as connection:
            known = "SELECT first FROM batch WHERE sequence = ? AND digest = ?"
            row = connection.execute(known, (sequence, digest)).fetchone()
            waits = (
                "SELECT 1 FROM batch LEFT JOIN submitted USING (sequence, digest)"
                " WHERE sequence = ? AND submitted.rowid IS NULL"
            )
            if row is None or connection.execute(waits, (sequence - 1,)).fetchone():
                return []
            return _forget(connection, sequence, row[0])

    def ahead(self, sequence: int) -> list[LocalBatch]:
        """Return the batches after a sequence that are known here, in order."""
        query = (
            "SELECT sequence, digest, folder FROM batch LEFT JOIN sealed_into USING (sequence)"
            " WHERE sequence > ? ORDER BY sequence"
        )
        with self._open() as connection:
            return [
                LocalBatch(sequence=at, digest=digest, folder=Path(folder) if folder else None)
                for at, digest, folder in connection.execute(query, (sequence,))
            ]

    def drop_batches(self, sequence: int) -> None:
        """Forget the batches from a sequence on, and their certificates."""
        with self._open() as connection:
            known = "SELECT first FROM batch WHERE sequence = ?"
            row = connection.execute(known, (sequence,)).fetchone()
            if row is not None:
                _forget(connection, sequence, row[0])

    def put_batch(self, sequence: int, digest: bytes, first: int, count: int) -> None:
        """Store a batch of the ledger in place of what was sealed here from its sequence on."""
        with self._open() as connection:
            _forget(connection, sequence, first)
            connection.execute("DELETE FROM fetched WHERE place >= ?", (first,))
            connection.execute(
                "INSERT INTO batch VALUES (?, ?, ?, ?)", (sequence, digest, first, count)
            )
            connection.execute("INSERT OR REPLACE INTO submitted VALUES (?, ?)", (sequence, digest))

    def put_certificates(self, certificates: Iterable[FetchedCertificate]) -> None:
        """Store certificates of a batch that is stored."""
        listed = list(certificates)
        with self._open() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO fetched VALUES (?, ?, ?, ?)",
                ((one.index, one.category, one.id, one.edition) for one in listed),
            )
            connection.executemany(
                "INSERT OR REPLACE INTO issued VALUES (?, ?, ?, ?)",
                (
                    (one.index, one.category, one.number, one.edition)
                    for one in listed
                    if one.number is not None
                ),
            )

    def incomplete(self) -> list[int]:
        """Return the sequences of batches of whose certificates some are not stored."""
        query = (
            "SELECT sequence FROM batch WHERE count > (SELECT count(*) FROM"
            " (SELECT place FROM issued UNION SELECT place FROM fetched)"
            " WHERE place >= first AND place < first + count) ORDER BY sequence"
        )
        with self._open() as connection:
            return [sequence for (sequence,) in connection.execute(query)]

    def before(self, first: int, apart: range = range(0)) -> IssuedCertificates:
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
            kinds = connection.execute("SELECT DISTINCT category FROM fetched").fetchall()
            newest = {row[1]: row for row in rows}
            for (kind,) in kinds if self.id_of is not None else ():
                if category in (None, kind):
                    found = self._fetched(connection, kind, number)
                    if found is not None and (kind not in newest or found[3] > newest[kind][3]):
                        newest[kind] = found
        return [
            Certificate(index=place, category=kind, number=text, edition=edition)
            for place, kind, text, edition in (newest[kind] for kind in sorted(newest))
        ]

    def _fetched(
        self, connection: sqlite3.Connection, category: str, number: str
    ) -> tuple[int, str, str, int] | None:
        assert self.id_of is not None
        query = (
            "SELECT place, category, ?, edition FROM fetched"
            " WHERE id = ? ORDER BY edition DESC LIMIT 1"
        )
        key = (number, self.id_of(category, number))
        found: tuple[int, str, str, int] | None = connection.execute(query, key).fetchone()
        return found

    def counter(self, name: str) -> int:
        """Return a counter (epoch, catalog version) as the ledger last had it."""
        query = "SELECT value FROM counter WHERE name = ?"
        with self._open() as connection:
            row = connection.execute(query, (name,)).fetchone()
        return row[0] if row else 0

    def next_value(self, name: str) -> int:
        """Return the value for the next statement: after the ledger's, and what was signed here."""
        query = "SELECT max(value) FROM signed WHERE name = ?"
        with self._open() as connection:
            (signed,) = connection.execute(query, (name,)).fetchone()
        return max(self.counter(name), signed or 0) + 1

    def add_signed(self, name: str, value: int, file: str) -> None:
        """Store that a statement with a value of a counter was signed, in place of later ones."""
        with self._open() as connection:
            connection.execute("DELETE FROM signed WHERE name = ? AND value >= ?", (name, value))
            connection.execute("INSERT INTO signed VALUES (?, ?, ?)", (name, value, file))

    def drop_signed(self, name: str, value: int) -> list[str]:
        """Forget the statements that were signed here from a value on; return their files."""
        with self._open() as connection:
            gone = connection.execute(
                "DELETE FROM signed WHERE name = ? AND value >= ? RETURNING value, file",
                (name, value),
            ).fetchall()
        return [file for _, file in sorted(gone)]

    def first_signed(self, name: str) -> int | None:
        """Return the lowest value that was signed here and that the ledger has not taken."""
        query = "SELECT min(value) FROM signed WHERE name = ?"
        with self._open() as connection:
            (value,) = connection.execute(query, (name,)).fetchone()
        return value if value is None else int(value)

    def reach(self, name: str, value: int) -> None:
        """Store the value that a counter has on the ledger."""
        with self._open() as connection:
            connection.execute("INSERT OR REPLACE INTO counter VALUES (?, ?)", (name, value))
            connection.execute("DELETE FROM signed WHERE name = ? AND value <= ?", (name, value))

    def count(self) -> int:
        """Return how many certificates were issued."""
        with self._open() as connection:
            found: int = connection.execute(
                "SELECT count(*) FROM (SELECT place FROM issued UNION SELECT place FROM fetched)"
            ).fetchone()[0]
        return found


def _forget(connection: sqlite3.Connection, sequence: int, first: int) -> list[int]:
    """Delete the batches from a sequence on, whose certificates begin at `first`; return which."""
    gone = connection.execute(
        "DELETE FROM batch WHERE sequence >= ? RETURNING sequence", (sequence,)
    ).fetchall()
    connection.execute("DELETE FROM issued WHERE place >= ?", (first,))
    connection.execute("DELETE FROM sealed_into WHERE sequence >= ?", (sequence,))
    return sorted(number for (number,) in gone)


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
            fetched = (
                "SELECT id, place, max(edition) FROM fetched"
                " WHERE place < ? AND NOT (place >= ? AND place < ?) GROUP BY id"
            )
            self._by_id = {
                identifier: IssuedEdition(index=place, edition=edition)
                for identifier, place, edition in connection.execute(
                    fetched, (first, apart.start, apart.stop)
                )
            }
        self._id_of = register.id_of

    def newest(self, category: str, number: str) -> IssuedEdition | None:
        found = self._known.get((category, number))
        if self._by_id and self._id_of is not None:
            other = self._by_id.get(self._id_of(category, number))
            if other is not None and (found is None or other.edition > found.edition):
                return other
        return found
