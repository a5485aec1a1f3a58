"""Map errors of SQLite and PostgreSQL to the store's own, by SQLSTATE or message."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from certledger.ledger.core.errors import (
    StoreBusyError,
    StoreDamagedError,
    StoreFullError,
    StoreUnavailableError,
    TextUnusableError,
)
from certledger.verifier.errors import CertledgerError

_BUSY_STATES = frozenset({"55P03", "57014", "40001", "40P01", "53300"})
"""Lock not available, statement cancelled, serialization failure, deadlock, too many clients."""
_FULL_STATES = frozenset({"53100"})
_DAMAGED_STATES = frozenset({"XX001", "XX002"})
_GONE_CLASSES = ("08", "57P", "58", "25P", "53")
"""Connection lost, shut down, system error, idle in a transaction, no resources."""
_SQLITE = (
    ("database is locked", StoreBusyError),
    ("database or disk is full", StoreFullError),
    ("disk i/o error", StoreUnavailableError),
    ("unable to open database file", StoreUnavailableError),
    ("disk image is malformed", StoreDamagedError),
    ("file is not a database", StoreDamagedError),
)


@contextmanager
def engine_faults() -> Iterator[None]:
    """Raise errors of the engine itself, as opposed to those of a statement, as store errors.

    Raises:
        StoreBusyError: others hold a lock, or all connections, for too long.
        StoreUnavailableError: the connection was lost, or the database does not answer.
        StoreFullError: the disk is full.
        StoreDamagedError: the database is damaged.
        TextUnusableError: a text has a character that the database cannot store.
    """
    try:
        yield
    except PoolExhausted as error:
        raise StoreBusyError("all connections to the database are in use; run again") from error
    except DBAPIError as error:
        refusal = _refusal(error)
        if refusal is None:
            raise
        raise refusal from error


def _refusal(error: DBAPIError) -> CertledgerError | None:
    text = str(error.orig)
    if "NUL (0x00)" in text:
        return TextUnusableError("a text contains a NUL character")
    for fragment, kind in _SQLITE:
        if fragment in text.lower():
            return kind(f"the database: {fragment}")
    state = getattr(error.orig, "sqlstate", None)
    if state in _BUSY_STATES:
        return StoreBusyError("the database is busy with others; run again")
    if state in _FULL_STATES:
        return StoreFullError("the disk of the database is full")
    if state in _DAMAGED_STATES:
        return StoreDamagedError("the database is damaged")
    # Without an SQLSTATE, psycopg lost the connection; SQLite never has an SQLSTATE.
    lost = isinstance(error.orig, psycopg.OperationalError | psycopg.InterfaceError) and not state
    if error.connection_invalidated or lost or (state or "").startswith(_GONE_CLASSES):
        return StoreUnavailableError(
            "the database does not answer, or cut the connection; run again"
        )
    return None
