"""One transaction in place of a store, so that a rebuild is committed whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Select, Table, select, text, type_coerce
from sqlalchemy.types import NULLTYPE

from certledger.ledger.audit.database_source import StoredFiles
from certledger.ledger.store.unit_of_work import Unit


class SingleTransaction:
    """A store whose every unit is the same open one; the code that opened it commits."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit

    @contextmanager
    def begin(self, *, write: bool = True) -> Iterator[Unit]:
        """Yield the open unit."""
        yield self.unit

    def close(self) -> None:
        """Do nothing: the unit belongs to the code that opened it."""


@dataclass(frozen=True, slots=True)
class TransactionFiles(StoredFiles):
    """The database within an open transaction."""

    connection: Connection = field(repr=False)

    @contextmanager
    def open(self) -> Iterator[Connection]:
        """Yield the transaction's connection."""
        yield self.connection


class InlineExecutor(Executor):
    """Runs every call at once in the caller's thread, which alone may use the transaction."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run a call and return its result as a future that is done."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def prepare(unit: Unit) -> None:
    """Lift the time limits of the transaction, and defer checks of foreign keys."""
    if unit.connection.dialect.name == "sqlite":
        unit.connection.execute(text("PRAGMA defer_foreign_keys = ON"))
    else:
        for name in ("idle_in_transaction_session_timeout", "statement_timeout"):
            unit.connection.execute(text(f"SET LOCAL {name} = 0"))


def raw(of: Table) -> Select[Any]:
    """Select a table's rows without converting values, so that wrong types raise no error."""
    columns: list[Any] = [type_coerce(one, NULLTYPE).label(one.name) for one in of.columns]
    return select(*columns)
