"""The two hot queries of intake in plain SQL, thousands of rows a statement.

SQLAlchemy's compiler would take longer than the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from certledger.ledger.core.acts import ActState
from certledger.ledger.core.values import Lookups
from certledger.verifier.formats.issuer_state import MAX_BATCH_CERTIFICATES

PREFIX = 16
"""Bytes of a digest that a certificate is found by."""
PLACES = MAX_BATCH_CERTIFICATES
"""Certificates of a batch at most: `place` is batch number times this plus place in the batch."""
_AT_ONCE = 500
"""Parameters of one query: old builds of SQLite take 999."""
_ROWS = 4_096
"""Rows in one insert."""
_HASH = 32

_ALIVE = ", ".join(f"'{state}'" for state in ActState if state.alive)
_EDITIONS = f"""
    SELECT certificates.id, certificates.edition, batches.first, certificates.place
    FROM certificates JOIN batches ON batches.number = certificates.place / {PLACES}
    WHERE certificates.id {{asked}} AND batches.issuer = {{mark}} AND (
        EXISTS (SELECT 1 FROM anchored
                WHERE anchored.issuer = batches.issuer AND anchored.root = batches.root)
        OR EXISTS (SELECT 1 FROM acts
                   WHERE acts.root = batches.root AND acts.state IN ({_ALIVE})))
"""
_SQLITE_EDITIONS = _EDITIONS.format(asked=f"IN ({', '.join('?' * _AT_ONCE)})", mark="?")
_POSTGRESQL_EDITIONS = _EDITIONS.format(asked="= ANY(%s)", mark="%s")

_INSERT = "INSERT INTO certificates (place, leaf, lookup, id, edition)"
_SQLITE_INSERT = f"{_INSERT} VALUES (?, ?, ?, ?, ?)"
_POSTGRESQL_INSERT = (
    f"{_INSERT} SELECT * FROM unnest"
    "(%s::bigint[], %s::bytea[], %s::bytea[], %s::bytea[], %s::integer[])"
)


def insert_certificates(connection: Connection, batch: int, lookups: Lookups) -> None:
    """Insert a row for each certificate of a batch."""
    for at in range(0, len(lookups.editions), _ROWS):
        editions = list(lookups.editions[at : at + _ROWS])
        hashes = range(at * _HASH, (at + len(editions)) * _HASH, _HASH)
        start = batch * PLACES + at
        columns: list[list[Any]] = [
            list(range(start, start + len(editions))),
            [lookups.leaves[one : one + PREFIX] for one in hashes],
            [lookups.digests[one : one + PREFIX] for one in hashes],
            [lookups.ids[one : one + PREFIX] for one in hashes],
            editions,
        ]
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(_POSTGRESQL_INSERT, tuple(columns))
        else:
            connection.exec_driver_sql(_SQLITE_INSERT, list(zip(*columns, strict=True)))


def find_editions(
    connection: Connection, issuer: str, prefixes: Sequence[bytes]
) -> list[tuple[bytes, int, int]]:
    """Return (id prefix, edition, index) of an issuer's certificates, anchored or waiting."""
    rows: list[Any] = []
    if connection.dialect.name == "postgresql":
        rows += connection.exec_driver_sql(_POSTGRESQL_EDITIONS, (list(prefixes), issuer))
    else:
        for at in range(0, len(prefixes), _AT_ONCE):
            asked = list(prefixes[at : at + _AT_ONCE])
            asked += asked[-1:] * (_AT_ONCE - len(asked))
            rows += connection.exec_driver_sql(_SQLITE_EDITIONS, (*asked, issuer))
    return [(row[0], row[1], row[2] + row[3] % PLACES) for row in rows]
