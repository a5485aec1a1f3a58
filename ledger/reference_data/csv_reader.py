"""Reading one CSV file into values, with the place of every fault.

A file is UTF-8 without byte order mark, lines end with LF, the first line is the header.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from certledger.ledger.reference_data.faults import DomainFault, FaultCode
from certledger.verifier.reform.book_edition import MAX_CELL_CHARACTERS

MAX_FAULTS = 50_000
"""Faults of a file that are listed."""
MAX_REASON_CHARACTERS = 300

Row = TypeVar("Row")
Complaint = tuple[FaultCode, str]
Rule = Callable[[str], Any]


class WrongValueError(Exception):
    """A value breaks its column's rule."""

    def __init__(self, code: FaultCode, reason: str) -> None:
        super().__init__(reason)
        self.complaint: Complaint = (code, reason)


@dataclass(frozen=True, slots=True)
class Column:
    """A column's name, and the rule that converts its text or raises `WrongValueError`."""

    name: str
    rule: Rule
    may_be_empty: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Schema(Generic[Row]):
    """A file: its columns in order, the type of its rows, its key columns, and its most rows."""

    file: str
    row: Callable[..., Row]
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    max_rows: int = 1_000_000


@dataclass(kw_only=True, slots=True)
class Table(Generic[Row]):
    """A file as read: valid rows by line, and the keys of all rows.

    `complete` is false if the file could not be read: references into it are not checked then.
    `cells` are the texts of the valid rows, in the order of `rows`.
    """

    file: str
    rows: list[tuple[int, Row]] = field(default_factory=list)
    cells: list[tuple[str, ...]] = field(default_factory=list)
    keys: set[tuple[str, ...]] = field(default_factory=set)
    faults: list[DomainFault] = field(default_factory=list)
    complete: bool = True

    def report(self, line: int, column: str, code: FaultCode, reason: str) -> None:
        """Add a fault of this file; of too many only that there are more."""
        if len(self.faults) > MAX_FAULTS:
            return
        if len(self.faults) == MAX_FAULTS:
            line, column, code = 0, "", FaultCode.TOO_MANY
            reason = f"more than {MAX_FAULTS} faults, of which the others are not listed"
        if len(reason) > MAX_REASON_CHARACTERS:
            reason = reason[:MAX_REASON_CHARACTERS] + "…"
        self.faults.append(
            DomainFault(file=self.file, line=line, column=column, code=code, reason=reason)
        )


def text(value: str) -> str:
    """Printable text in normalization form C without blanks around it."""
    if value != value.strip():
        raise WrongValueError(FaultCode.TEXT, f"blanks around {value!r}")
    if not value.isprintable():
        raise WrongValueError(FaultCode.TEXT, f"a character of {value!r} cannot be printed")
    if not unicodedata.is_normalized("NFC", value):
        raise WrongValueError(FaultCode.TEXT, f"{value!r} is not in normalization form C")
    return value


def english(value: str) -> str:
    """Printable ASCII text without blanks around it."""
    if not value.isascii():
        raise WrongValueError(FaultCode.NOT_ASCII, f"{value!r} is not ASCII")
    return text(value)


def yes_or_no(value: str) -> bool:
    """`yes` or `no`."""
    if value not in ("yes", "no"):
        raise WrongValueError(FaultCode.VOCABULARY, f"{value!r} is neither yes nor no")
    return value == "yes"


def one_of(words: Mapping[str, object]) -> Rule:
    """A word of a vocabulary."""

    def rule(value: str) -> object:
        if value not in words:
            raise WrongValueError(FaultCode.VOCABULARY, f"{value!r} is none of {', '.join(words)}")
        return words[value]

    return rule


def matching(pattern: str, convert: Rule = str) -> Rule:
    """Text of a form, converted."""
    matches = re.compile(pattern).fullmatch

    def rule(value: str) -> Any:
        if not matches(value):
            raise WrongValueError(FaultCode.FORM, f"{value!r} does not match {pattern}")
        return convert(value)

    return rule


def whole_number(least: int, most: int) -> Rule:
    """A whole number without leading zeros, least and most included."""

    def rule(value: str) -> int:
        sound = value.isascii() and value.isdecimal() and (value[0] != "0" or value == "0")
        if not sound or len(value) > 9 or not least <= int(value) <= most:
            raise WrongValueError(FaultCode.FORM, f"{value!r} is no number from {least} to {most}")
        return int(value)

    return rule


def read_table(folder: Path, schema: Schema[Row]) -> Table[Row]:
    """Read a file of `folder`; faults are collected in the table, none is raised."""
    try:
        raw = (folder / schema.file).read_bytes()
    except OSError as error:
        table: Table[Row] = Table(file=schema.file, complete=False)
        table.report(0, "", FaultCode.FILE_MISSING, f"cannot be read: {error.strerror}")
        return table
    return parse_table(raw, schema)


def parse_table(raw: bytes, schema: Schema[Row], rewrite: Rule = str) -> Table[Row]:
    """Parse the bytes of a file; `rewrite` gives the text of each cell below the header.

    Faults are collected in the table, none is raised.
    """
    table: Table[Row] = Table(file=schema.file)
    take_lines(table, schema, _parse_lines(raw, table), rewrite)
    return table


def take_lines(
    table: Table[Row],
    schema: Schema[Row],
    lines: Iterator[tuple[int, list[str]]],
    rewrite: Rule = str,
) -> None:
    """Add numbered lines of cells, the header first, to a table, or what is wrong with them."""
    names = [column.name for column in schema.columns]
    _, header = next(lines, (1, []))
    if header != names:
        if table.complete:
            found = ",".join(cell[:40] for cell in header[: len(names) + 1])
            table.report(1, "", FaultCode.HEADER, f"{found!r} is not {','.join(names)!r}")
        table.complete = False
        return
    for count, (line, cells) in enumerate(lines):
        if count == schema.max_rows:
            reason = f"more than {schema.max_rows} rows"
            table.report(line, "", FaultCode.TOO_MANY, reason)
            table.complete = False
            return
        # What is cut is too large; uncut, a text that a workbook's cells share is read for each.
        cut = [cell[: MAX_CELL_CHARACTERS + 1] for cell in cells[: len(names) + 1]]
        take_row(table, schema, line, [rewrite(cell) for cell in cut])


def _parse_lines(raw: bytes, table: Table[Any]) -> Iterator[tuple[int, list[str]]]:
    content = _decode(raw, table)
    if content is None:
        table.complete = False
        return
    reader = csv.reader(io.StringIO(content, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            table.complete = False
            table.report(line, "", FaultCode.NOT_CSV, f"not CSV as in RFC 4180: {error}")
            return
        if cells is None:
            return
        yield line, cells


def _decode(raw: bytes, table: Table[Any]) -> str | None:
    if raw.startswith(b"\xef\xbb\xbf"):
        table.report(1, "", FaultCode.BYTE_ORDER_MARK, "starts with a byte order mark")
        raw = raw[3:]
    if b"\r" in raw:
        line = raw[: raw.index(b"\r")].count(b"\n") + 1
        table.report(line, "", FaultCode.LINE_END, "a carriage return, where lines end with LF")
        raw = raw.replace(b"\r\n", b"\n")
    if raw and not raw.endswith(b"\n"):
        line = raw.count(b"\n") + 1
        table.report(line, "", FaultCode.LINE_END, "the last line has no end")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        table.report(line, "", FaultCode.NOT_UTF8, f"byte {raw[error.start]:#04x} is not UTF-8")
        return None


def take_row(table: Table[Row], schema: Schema[Row], line: int, cells: Sequence[str]) -> None:
    """Add a row's value to the table, or what is wrong with it."""
    if len(cells) != len(schema.columns):
        more = "more" if len(cells) > len(schema.columns) else str(len(cells))
        reason = f"{more} columns, where {len(schema.columns)} are wanted"
        table.report(line, "", FaultCode.ROW_LENGTH, reason)
        return
    values: dict[str, Any] = {}
    sound = True
    for column, cell in zip(schema.columns, cells, strict=True):
        try:
            values[column.name] = _take_cell(column, cell)
        except WrongValueError as wrong:
            sound = False
            table.report(line, column.name, *wrong.complaint)
    raw = dict(zip((column.name for column in schema.columns), cells, strict=True))
    key = tuple(raw[name] for name in schema.key)
    if key in table.keys:
        sound = False
        table.report(line, schema.key[-1], FaultCode.DUPLICATE, f"{'/'.join(key)} a second time")
    table.keys.add(key)
    if sound:
        table.rows.append((line, schema.row(**values)))
        table.cells.append(tuple(cells))


def _take_cell(column: Column, cell: str) -> Any:
    if len(cell) > MAX_CELL_CHARACTERS:
        reason = f"more than {MAX_CELL_CHARACTERS} characters"
        raise WrongValueError(FaultCode.TOO_LARGE, reason)
    if cell:
        return column.rule(cell)
    if column.may_be_empty:
        return None
    raise WrongValueError(FaultCode.EMPTY, f"{column.name} is empty")
