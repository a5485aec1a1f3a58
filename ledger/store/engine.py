"""Engine settings that give SQLite and PostgreSQL the same durability, locks and timeouts."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url

from certledger.ledger.core.errors import StoreBusyError
from certledger.ledger.store.engine_errors import engine_faults
from certledger.ledger.store.identity import LEDGER, check_before
from certledger.ledger.store.schema_migration import migrate
from certledger.ledger.store.unit_of_work import Unit
from certledger.verifier.errors import CertledgerError

PATIENCE = 30.0
"""Seconds that a unit waits for a lock before it raises StoreBusyError."""
STATEMENT_SECONDS = 120
IDLE_SECONDS = 15
"""Seconds without a statement after which PostgreSQL ends a writing unit and frees its locks.

A process stopped inside a unit blocks others no longer than this; the shortest lease is 30.
"""
MAX_READING_IDLE_SECONDS = 300
CONNECT_SECONDS = 10
WAL_PAGES = 16_384
"""Pages of the write-ahead log (64 MB) before SQLite checkpoints it: scattered index pages are
then written once for many batches instead of once for each."""
CACHE_KILOBYTES = 16_384

WAL_RETRY_SECONDS = 0.01

_PRAGMAS = (
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    f"PRAGMA wal_autocheckpoint = {WAL_PAGES}",
    f"PRAGMA journal_size_limit = {4 * WAL_PAGES * 4096}",
    f"PRAGMA cache_size = -{CACHE_KILOBYTES}",
)


class DatabaseUnknownError(CertledgerError):
    """The URL names neither SQLite nor PostgreSQL."""

    code = "settings.database_unknown"


def open_store(url: str, *, ledger: bytes | None = None, patience: float = PATIENCE) -> SqlStore:
    """Open the store at `url` and migrate its schema.

    `sqlite:////absolute/path.db`, or `postgresql://user:password@host/database`.  `ledger` is the
    identity (32 bytes) that the database must have; a new database gets it.  `patience` is how
    many seconds a unit waits for a lock.

    Raises:
        DatabaseUnknownError: another scheme.
        DatabaseLedgerError: the database belongs to another ledger; nothing was changed.
        SchemaNewerError: the database was written by a later release.
        StoreUnavailableError: it does not answer.
    """
    store = SqlStore(make_engine(url, patience=patience), patience=patience)
    try:
        with engine_faults():
            if ledger is not None:
                check_before(store.engine, ledger)
            migrate(store.engine)
        if ledger is not None:
            _claim(store, ledger)
    except BaseException:
        store.close()
        raise
    return store


def _claim(store: SqlStore, ledger: bytes) -> None:
    with store.begin() as unit:
        unit.check_ledger(ledger)
        unit.claim_identity(LEDGER, ledger)
        unit.check_ledger(ledger)  # Two may open an empty database at once: the second fails.


def check_unnamed(url: str) -> None:
    """Check that the database at `url` belongs to no ledger yet, or does not exist.

    Raises:
        DatabaseLedgerError: it belongs to one.
        StoreUnavailableError: it does not answer.
    """
    address = make_url(url)
    if address.get_backend_name() == "sqlite" and not Path(address.database or "").exists():
        return
    engine = make_engine(url)
    try:
        with engine_faults():
            check_before(engine, None)
    finally:
        engine.dispose()


def make_engine(url: str, *, patience: float = PATIENCE) -> Engine:
    """Return an engine for `url`; the schema is left as it is.

    Raises:
        DatabaseUnknownError: neither SQLite nor PostgreSQL.
    """
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        return _sqlite(address, patience)
    if address.get_backend_name() == "postgresql":
        return _postgresql(address, patience)
    raise DatabaseUnknownError(f"{address.drivername} is neither sqlite nor postgresql")


def _create_private(path: Path) -> None:
    """Create a database file with mode 0600, which SQLite's -wal and -shm files inherit.

    It contains digests of API keys and the addresses of webhooks.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _sqlite(address: URL, patience: float) -> Engine:
    if not address.database or address.database == ":memory:":
        raise DatabaseUnknownError("a store in memory would not survive anything; name a file")
    Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    _create_private(Path(address.database))
    engine = create_engine(address, connect_args={"check_same_thread": False}, pool_size=8)

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _: object) -> None:
        connection.isolation_level = None  # `_begin` starts transactions, not the driver.
        connection.execute(f"PRAGMA busy_timeout = {int(patience * 1000)}").close()
        switch_to_wal(connection, patience)
        for pragma in _PRAGMAS:
            connection.execute(pragma).close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("write", True)
        if connection.info.get("write") is not write:  # The connection remembers it.
            connection.exec_driver_sql(f"PRAGMA query_only = {int(not write)}")
            connection.info["write"] = write
        # A writer locks at once: SQLite refuses to upgrade a read lock after another's commit.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def switch_to_wal(connection: sqlite3.Connection, patience: float) -> None:
    """Set the journal mode to write-ahead log, which the file remembers.

    Two processes that switch a new database at once each wait for the other's read lock; SQLite
    then fails at once, without its busy timeout, so it is tried again here.

    Raises:
        sqlite3.OperationalError: it is still locked after `patience` seconds.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").close()
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(WAL_RETRY_SECONDS)


def _postgresql(address: URL, patience: float) -> Engine:
    options = (
        f"-c lock_timeout={int(patience * 1000)}ms -c statement_timeout={STATEMENT_SECONDS}s"
        f" -c idle_in_transaction_session_timeout={MAX_READING_IDLE_SECONDS}s"
        " -c tcp_user_timeout=30s -c synchronous_commit=on -c timezone=UTC"
    )
    return create_engine(
        address.set(drivername="postgresql+psycopg"),
        connect_args={
            "options": options,
            "application_name": "certledger",
            "connect_timeout": CONNECT_SECONDS,
            "tcp_user_timeout": 30_000,
        },
        pool_pre_ping=True,
        pool_size=8,
        max_overflow=24,
    )


class SqlStore:
    """The store on a relational database."""

    def __init__(
        self, engine: Engine, *, patience: float = PATIENCE, idle_seconds: int = IDLE_SECONDS
    ) -> None:
        self.engine = engine
        self._patience, self._idle_seconds = patience, idle_seconds
        self._sqlite = engine.dialect.name == "sqlite"
        # Lock order: this lock, then SQLite's write lock.  SQLite's waiters poll; threads of one
        # process wait here instead.
        self._turn = threading.Lock()

    @contextmanager
    def begin(self, *, write: bool = True) -> Iterator[Unit]:
        """Open one transaction; see `Store.begin`."""
        with self._one_writer(write), engine_faults(), self.engine.connect() as connection:
            self._choose(connection, write)
            with connection.begin():
                if write and not self._sqlite:
                    connection.exec_driver_sql(
                        f"SET LOCAL idle_in_transaction_session_timeout = '{self._idle_seconds}s'"
                    )
                yield Unit(connection)

    def _choose(self, connection: Connection, write: bool) -> None:
        if self._sqlite:
            connection.execution_options(write=write)
        elif not write:
            connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )

    @contextmanager
    def _one_writer(self, write: bool) -> Iterator[None]:
        if not (write and self._sqlite):
            yield
            return
        if not self._turn.acquire(timeout=self._patience):
            raise StoreBusyError(f"another unit has been writing for {self._patience:g} seconds")
        try:
            yield
        finally:
            self._turn.release()

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()
