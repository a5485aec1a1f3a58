"""An edition of the book as one canonical file, and its digest (SPEC section 22)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import orjson

from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.canonical_json import Json, Members, from_hex
from certledger.verifier.formats.record import read_day
from certledger.verifier.reform.book import COLUMNS, Book, Cells

MAX_EDITION_BYTES = 64 * 2**20
MAX_ROWS: Mapping[str, int] = {
    "bundles": 1_000,
    "categories": 2_000,
    "counters": 20_000,
    "delta_scenarios": 1_000,
    "issuers": 10_000,
    "materials": 50_000,
    "overrides": 10_000,
    "regions": 5_000,
    "restrictions": 2_000,
    "rules": 10_000,
    "service_items": 10_000,
}
"""Rows of each table."""
MAX_CELL_CHARACTERS = 4_096
NO_EDITION = bytes(32)
"""What the first edition names as the one before it."""
_TAG = b"certledger/1/book"
_REGION = re.compile("[0-9]{6}")


@dataclass(frozen=True, kw_only=True)
class BookEdition:
    """The whole of a book from a day on.

    Attributes:
        number: 1 for the first edition, one more for each that follows.
        holds_from: the first day (ISO 8601) on which it holds.
        region: code of the city or province whose book it is.
        previous: digest (32 bytes) of the edition before, zeros for the first.
        tables: rows of text cells by table, columns as in `COLUMNS`.
    """

    TYPE: ClassVar[str] = "certledger/book/1"

    number: int
    holds_from: str
    region: str
    previous: bytes
    tables: Mapping[str, Sequence[Cells]]

    @cached_property
    def book(self) -> Book:
        """The edition's content as typed values; raises `MalformedError` for a wrong cell."""
        return Book.from_tables(self.region, self.tables)

    @cached_property
    def digest(self) -> bytes:
        """What names the edition (32 bytes)."""
        return sha256(_TAG + self.format())

    def format(self) -> bytes:
        """Return the canonical bytes of the edition's file."""
        value: Json = {
            "from": self.holds_from,
            "number": self.number,
            "previous": self.previous.hex(),
            "region": self.region,
            "tables": {name: [list(row) for row in self.tables[name]] for name in COLUMNS},
            "type": self.TYPE,
        }
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)

    @classmethod
    def parse(cls, data: bytes) -> BookEdition:
        """Return the edition of a file.

        Raises:
            MalformedError: it is no edition of a book.
        """
        read = Members(_load(data), "file")
        read.const("type", cls.TYPE)
        edition = cls(
            number=read.integer("number", 1),
            holds_from=read_day(read, "from").isoformat(),
            region=read.text("region", _REGION),
            previous=from_hex(read.text("previous"), 32),
            tables=_tables(read.inner("tables")),
        )
        read.done()
        return edition


def _load(data: bytes) -> Json:
    if len(data) > MAX_EDITION_BYTES:
        raise MalformedError("json.size", f"an edition has at most {MAX_EDITION_BYTES} bytes")
    try:
        value = orjson.loads(data)
        same = orjson.dumps(value, option=orjson.OPT_SORT_KEYS) == data
    except (orjson.JSONDecodeError, TypeError, RecursionError) as error:
        raise MalformedError("json.invalid", "it is no JSON") from error
    if not same:
        raise MalformedError("json.not_canonical", "it is not the canonical form")
    return value


def _tables(read: Members) -> Mapping[str, Sequence[Cells]]:
    tables = {name: read.array(name, 0, MAX_ROWS[name]) for name in COLUMNS}
    read.done()
    for name, rows in tables.items():
        width = len(COLUMNS[name])
        for row in rows:
            if type(row) is not list or len(row) != width or not all(map(_is_cell, row)):
                raise MalformedError("book.invalid", f"a row of {name} is not {width} texts")
    return tables


def _is_cell(cell: Json) -> bool:
    return type(cell) is str and len(cell) <= MAX_CELL_CHARACTERS
