"""The ledger's database as published data for the audit, opened once a process."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from certledger.ledger.core.errors import StoreBusyError, StoreUnavailableError
from certledger.ledger.store.engine import SqlStore, make_engine
from certledger.ledger.store.record_chunks import unpack_frame
from certledger.ledger.store.tables import BATCHES, CATALOGS, CHECKPOINTS, FRAMES, NAMES
from certledger.verifier.audit.sources import DataUnreachableError
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.evidence import MAX_EVIDENCE_BYTES


@lru_cache(maxsize=8)
def store_at(url: str) -> SqlStore:
    """Return this process's store at `url`, without migrating it."""
    return SqlStore(make_engine(url))


@dataclass(frozen=True, slots=True)
class StoredFiles:
    """The database at `url`, and the evidence files in `home`."""

    url: str = field(repr=False)
    home: Path

    @contextmanager
    def open(self) -> Iterator[Connection]:
        """Open a connection for reading.

        Raises:
            DataUnreachableError: the database does not answer.
        """
        try:
            with store_at(self.url).begin(write=False) as unit:
                yield unit.connection
        except (SQLAlchemyError, StoreUnavailableError, StoreBusyError) as error:
            raise DataUnreachableError(f"the database: {type(error).__name__}") from error

    def close(self) -> None:
        """Close this process's connections: the file may be replaced before the next audit."""
        store_at(self.url).close()

    def records(self, issuer: str, sequence: int, root: bytes) -> Iterator[list[bytes]] | None:
        with self.open() as connection:
            number = connection.execute(
                select(BATCHES.c.number).where(BATCHES.c.root == root)
            ).scalar_one_or_none()
        return None if number is None else self.frames(number)

    def frames(self, batch: int) -> Iterator[list[bytes]]:
        """Yield the records of a batch by its number, frame by frame; damaged frames are skipped.

        Missing records change the root, so they are reported.
        """
        query = select(FRAMES.c.data).where(FRAMES.c.batch == batch).order_by(FRAMES.c.frame)
        with self.open() as connection:
            for data in connection.execute(query).scalars():
                yield unpacked(data)

    def frame_sizes(self, batch: int) -> list[tuple[int, int]]:
        """Return number and count of records of a batch's frames, in order."""
        query = select(FRAMES.c.frame, FRAMES.c.data).where(FRAMES.c.batch == batch)
        with self.open() as connection:
            found = connection.execute(query.order_by(FRAMES.c.frame))
            return [(row.frame, len(unpacked(row.data))) for row in found]

    def catalog(self, root: bytes) -> bytes | None:
        with self.open() as connection:
            packed = connection.execute(
                select(CATALOGS.c.entries).where(CATALOGS.c.root == root)
            ).scalar_one_or_none()
        try:
            return None if packed is None else zlib.decompress(packed)
        except (zlib.error, TypeError):
            return b""

    def name(self, issuer: str, digest: bytes) -> str | None:
        with self.open() as connection:
            query = select(NAMES.c.name).where(NAMES.c.digest == digest)
            found = connection.execute(query).scalar_one_or_none()
        return found if isinstance(found, str) else None

    def notes(self) -> Iterator[tuple[str, str]]:
        """Yield the notes in the database, and those in evidence files of the home."""
        query = select(CHECKPOINTS.c.number, CHECKPOINTS.c.note).order_by(CHECKPOINTS.c.number)
        with self.open() as connection:
            for row in connection.execute(query):
                yield f"database/checkpoints/{row.number}", str(row.note)
        yield from self.file_notes()

    def file_notes(self) -> Iterator[tuple[str, str]]:
        """Yield the notes in evidence files of the home."""
        for file in sorted((self.home / "evidence").glob("*.json")):
            note = member_of(file, "checkpoint")
            if isinstance(note, str):
                yield f"evidence/{file.name}", note


def unpacked(frame: bytes) -> list[bytes]:
    """Return the records of a frame, none if it is damaged."""
    try:
        return unpack_frame(frame)
    except (MalformedError, TypeError, ValueError):
        return []


def member_of(file: Path, name: str) -> Any:
    """Return a member of a JSON file, None if it has none or is no JSON object."""
    try:
        with file.open("rb") as opened:
            value = orjson.loads(opened.read(MAX_EVIDENCE_BYTES + 1))
    except (OSError, orjson.JSONDecodeError):
        return None
    return value.get(name) if isinstance(value, dict) else None
