"""The SQLite file under py-evm: trie nodes and blocks, logs, and the genesis parameters.

py-evm's own `AtomicDB` commits key by key, so that a crash may leave a head without its
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

    Not thread-safe: its owner uses it in one thread at a time.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, statement: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        """Run one statement; every read and write of the chain uses this method."""
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
        """Join the open transaction, or begin one."""
        if self._connection.in_transaction:
            # The outer `transaction` rolls back on any error.
            yield self  # type: ignore[misc]  # py-evm asks for nothing beyond DatabaseAPI here
        else:
            with self.transaction():
                yield self  # type: ignore[misc]  # as above

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all writes inside, durably, or roll back."""
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
        """Return the parameter `key` of the chain, None if it was never set."""
        row = self.execute("SELECT v FROM meta WHERE k = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def set_meta(self, key: str, value: str) -> None:
        """Set the parameter `key`; part of the open transaction."""
        self.execute("INSERT OR REPLACE INTO meta (k, v) VALUES (?, ?)", (key, value))

    def close(self) -> None:
        """Close the connection; an open transaction is rolled back."""
        self._connection.close()


def connect_writer(path: Path) -> sqlite3.Connection:
    """Open or create the file for writing: write-ahead log, every commit synced to disk."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    # NORMAL would save 2 ms a block, but may lose the last blocks in a power failure.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA cache_size = -65536")
    for statement in _SCHEMA:
        connection.execute(statement)
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """Open the file read-only, while a writer may have it open."""
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
    """Take an exclusive lock that ends with the process, even if it is killed.

    SQLite's own lock is used because it works alike on every system.

    Raises:
        BlockingIOError: another process has it.
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
