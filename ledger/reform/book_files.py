"""A folder of CSV files into an edition's tables, all faults at once, and back byte for byte."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from certledger.ledger.reference_data.csv_reader import Table, parse_table
from certledger.ledger.reference_data.faults import DomainFault, DomainInvalidError, FaultCode
from certledger.ledger.reform.book_checks import check_book, faults_in_order
from certledger.ledger.reform.book_columns import OPTIONAL, SCHEMAS
from certledger.verifier.files import write_atomically
from certledger.verifier.reform.book import COLUMNS, Cells

MAX_FILE_BYTES = 32 * 2**20
_FORMULA = ("=", "+", "-", "@")
"""What a spreadsheet takes for the beginning of a formula."""
_GUARD = "'"

BookTables = Mapping[str, Sequence[Cells]]


class BookInvalidError(DomainInvalidError):
    """An import is refused as a whole; `faults` holds every reason with its place."""

    code = "book.invalid"


@dataclass(frozen=True, kw_only=True, slots=True)
class BookFiles:
    """What a folder holds: tables that are right, warnings, and CSV files that are no table."""

    tables: BookTables
    warnings: Sequence[DomainFault]
    ignored: Sequence[str]


def read_book(folder: Path) -> BookFiles:
    """Return the tables of a folder's files.

    Raises:
        BookInvalidError: anything is wrong; it names every fault with file, line and column.
    """
    known = {schema.file for schema in SCHEMAS.values()}
    files = {path.name: path for path in sorted(folder.glob("*.csv"))}
    parsed = {name: _read(files.get(schema.file), name) for name, schema in SCHEMAS.items()}
    warnings = check_book(parsed)
    if faults := list(faults_in_order(parsed)):
        raise BookInvalidError(faults)
    return BookFiles(
        tables={name: parsed[name].cells for name in COLUMNS},
        warnings=warnings,
        ignored=[name for name in files if name not in known],
    )


def _read(path: Path | None, name: str) -> Table[object]:
    schema = SCHEMAS[name]
    table: Table[object] = Table(file=schema.file)
    if path is None:
        if name not in OPTIONAL:
            table.report(0, "", FaultCode.FILE_MISSING, "it is not in the folder")
            table.complete = False
        return table
    with path.open("rb") as file:
        raw = file.read(MAX_FILE_BYTES + 1)
    if len(raw) > MAX_FILE_BYTES:
        table.report(0, "", FaultCode.TOO_LARGE, f"more than {MAX_FILE_BYTES} bytes")
        table.complete = False
        return table
    return parse_table(raw, schema, unguard)


def unguard(cell: str) -> str:
    """Return a cell without the apostrophe that keeps a spreadsheet from running it."""
    return cell[1:] if cell[:1] == _GUARD and cell[1:].startswith(_FORMULA) else cell


def guard(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula; `unguard` gives it back."""
    return _GUARD + cell if cell.startswith(_FORMULA) else cell


def format_table(name: str, rows: Sequence[Cells]) -> bytes:
    """Return the CSV file of a table: the same rows always give the same bytes."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS[name])
    for row in rows:
        writer.writerow([guard(cell) for cell in row])
    return out.getvalue().encode("utf-8")


def export_book(tables: BookTables, folder: Path) -> list[str]:
    """Write each table's file into a folder; return their names."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in COLUMNS:
        write_atomically(folder / f"{name}.csv", format_table(name, tables[name]))
    return [f"{name}.csv" for name in COLUMNS]
