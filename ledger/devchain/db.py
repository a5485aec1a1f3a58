"""One SQLite file under py-evm: keys and values, the logs, and the parameters of the chain.

The stock `AtomicDB` of py-evm commits key by key, so that a kill leaves a head without its
transactions.  Here everything written for a block is one SQLite transaction.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from eth.abc import AtomicWriteBatchAPI
from eth.db.backends.base import BaseAtomicDB

SCHEMA_VERSION: Final = 1

_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS kv (k BLOB PRIMARY KEY, v BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS meta (k TEXT PRIMARY KEY, v TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE IF NOT EXISTS logs (
        block INTEGER NOT NULL, position INTEGER NOT NULL,
        tx_index INTEGER NOT NULL, tx_hash BLOB NOT NULL, address BLOB NOT NULL,
        topic0 BLOB, topic1 BLOB, topic2 BLOB, topic3 BLOB, data BLOB NOT NULL,
        PRIMARY KEY (block, position)) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS logs_of_address ON logs (address, block)",
    "CREATE INDEX IF NOT EXISTS logs_of_topic ON logs (topic0, block)",
)


class SqliteDB(BaseAtomicDB):
    """py-evm's database on one SQLite connection.

    Used by one thread at a time; the owner sees to it.  Every statement passes through `execute`.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, statement: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        """Run one statement; all reads and writes of the chain come through here."""
        return self._connection.execute(statement, values)

    def __getitem__(self, key: bytes) -> bytes:
        row = self.execute("SELECT v FROM kv WHERE k = ?", (key,)).fetchone()
        if row is None:
            raise KeyError(key)
        return bytes(row[0])

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self.execute("INSERT OR REPLACE INTO kv (k, v) VALUES (?, ?)", (key, value))

    def __delitem__(self, key: bytes) -> None:
        if self.execute("DELETE FROM kv WHERE k = ?", (key,)).rowcount == 0:
            raise KeyError(key)

    def _exists(self, key: bytes) -> bool:
        return self.execute("SELECT 1 FROM kv WHERE k = ?", (key,)).fetchone() is not None

    @contextmanager
    def atomic_batch(self) -> Iterator[AtomicWriteBatchAPI]:
        """Join the transaction that is open, or be one."""
        if self._connection.in_transaction:
            # An error passes through to whoever opened the transaction, who undoes all of it.
            yield self  # type: ignore[misc]  # py-evm asks for nothing beyond DatabaseAPI here
        else:
            with self.transaction():
                yield self  # type: ignore[misc]

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep all that is written inside, durably, or none of it."""
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            # SQLite has already rolled back after some errors, such as a full disk.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def meta(self, key: str) -> str | None:
        """Return the parameter `key` of the chain, or None where it was never set."""
        row = self.execute("SELECT v FROM meta WHERE k = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def set_meta(self, key: str, value: str) -> None:
        """Set the parameter `key`; part of the open transaction."""
        self.execute("INSERT OR REPLACE INTO meta (k, v) VALUES (?, ?)", (key, value))

    def close(self) -> None:
        """Close the connection; nothing open is kept."""
        self._connection.close()


def connect_writer(path: Path) -> sqlite3.Connection:
    """Open the file for writing, made if it is not there: WAL, every commit on the disk."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    # NORMAL would be 2 ms a block cheaper, and could lose the last blocks with the power.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA cache_size = -65536")
    for statement in _SCHEMA:
        connection.execute(statement)
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """Open the file for reading only, while a writer may have it open."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.execute("PRAGMA query_only = ON")
    return connection


@contextmanager
def hold_lock(path: Path) -> Iterator[None]:
    """Hold an exclusive lock that ends with the process, even by a kill.

    SQLite's own lock is used because it works alike on every system.

    Raises:
        BlockingIOError: somebody else holds it.
    """
    connection = sqlite3.connect(path, isolation_level=None, timeout=0, check_same_thread=False)
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        connection.close()
        raise BlockingIOError(f"{path} is locked") from error
    try:
        yield
    finally:
        connection.close()
