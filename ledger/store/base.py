"""Base of the parts of a unit of work: its connection, upserts, and queries as of a block."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

from sqlalchemy import Column, Connection, Select, Table, and_, func, select
from sqlalchemy.dialects import postgresql, sqlite

_Value = TypeVar("_Value")


def values_of(of: Table, value: object) -> dict[str, object]:
    """Return the columns of `value`, whose attributes have the names of the table's columns."""
    return {column.name: getattr(value, column.name) for column in of.columns}


def value_of(kind: type[_Value], row: Any, /, **converted: Any) -> _Value:
    """Return the dataclass `kind` from the columns of its fields' names, some of them converted."""
    columns = row._mapping  # By name: `row.index` is a method of tuples.
    parts = fields(kind)  # type: ignore[arg-type]  # there is no public type of dataclasses
    names = [field.name for field in parts if field.name not in converted]
    return kind(**{name: columns[name] for name in names}, **converted)


class Base:
    """One transaction on a connection."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._postgresql = connection.dialect.name == "postgresql"

    def find_one(self, query: Select[Any], convert: Callable[[Any], _Value]) -> _Value | None:
        """Return the converted row of a query, None if there is none."""
        row = self.connection.execute(query).one_or_none()
        return None if row is None else convert(row)

    def find_all(self, query: Select[Any], convert: Callable[[Any], _Value]) -> list[_Value]:
        """Return the converted rows of a query."""
        return [convert(row) for row in self.connection.execute(query)]

    def exists(self, query: Select[Any]) -> bool:
        """Return whether a query has any row."""
        return self.connection.execute(query.limit(1)).first() is not None

    def insert_new(self, into: Table, values: dict[str, Any]) -> bool:
        """Insert a row unless its key is there; return whether it was inserted."""
        insert = postgresql.insert if self._postgresql else sqlite.insert
        statement = insert(into).values(values).on_conflict_do_nothing()
        inserted = self.connection.execute(statement.returning(*into.primary_key))
        return inserted.first() is not None

    def put(self, into: Table, rows: list[dict[str, Any]]) -> None:
        """Insert rows, replacing those with the same key."""
        if not rows:
            return
        insert = postgresql.insert if self._postgresql else sqlite.insert
        keys = [column.name for column in into.primary_key]
        statement = insert(into)
        others = {c.name: statement.excluded[c.name] for c in into.columns if c.name not in keys}
        self.connection.execute(
            statement.on_conflict_do_update(index_elements=keys, set_=others), rows
        )


def newest(of: Table, *keys: Column[Any], at: int | None, **only: Any) -> Select[Any]:
    """Select the newest version of each row of `of`, or the newest up to block `at`.

    `keys` are the columns that identify a row across versions, `only` are equality conditions.
    """
    asked = [of.c[name] == value for name, value in only.items()]
    if at is not None:
        asked.append(of.c.block <= at)
    last = select(*keys, func.max(of.c.block).label("last")).where(*asked).group_by(*keys)
    found = last.subquery()
    same = and_(*(of.c[key.name] == found.c[key.name] for key in keys), of.c.block == found.c.last)
    return select(of).join(found, same).order_by(*(of.c[key.name] for key in keys))
