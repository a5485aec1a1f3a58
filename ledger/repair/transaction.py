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
from certledger.ledger.store.unit_of_work import SqlUnit


class SingleTransaction:
    """A store whose every unit is the same open one; whoever opened it commits."""

    def __init__(self, unit: SqlUnit) -> None:
        self.unit = unit

    @contextmanager
    def begin(self, *, write: bool = True) -> Iterator[SqlUnit]:
        """Give the open unit."""
        yield self.unit

    def close(self) -> None:
        """Leave the unit to its owner."""


@dataclass(frozen=True, slots=True)
class TransactionFiles(StoredFiles):
    """The database as an open transaction sees it."""

    connection: Connection = field(repr=False)

    @contextmanager
    def open(self) -> Iterator[Connection]:
        """Give the transaction's connection."""
        yield self.connection


class InlineExecutor(Executor):
    """Runs everything at once on the caller's thread, which alone may use the transaction."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run a call and return its result as a future that is done."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def prepare(unit: SqlUnit) -> None:
    """Let the transaction last, and mend rows before those that they refer to."""
    if unit.connection.dialect.name == "sqlite":
        unit.connection.execute(text("PRAGMA defer_foreign_keys = ON"))
    else:
        for name in ("idle_in_transaction_session_timeout", "statement_timeout"):
            unit.connection.execute(text(f"SET LOCAL {name} = 0"))


def raw(of: Table) -> Select[Any]:
    """Select a table's rows as they lie: a value of another type than its column stops nothing."""
    columns: list[Any] = [type_coerce(one, NULLTYPE).label(one.name) for one in of.columns]
    return select(*columns)
