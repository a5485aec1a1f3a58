"""CSV files or a workbook into an edition's tables, all faults at once; CSV back byte for byte."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from certledger.ledger.reference_data.csv_reader import Table, parse_table, take_lines
from certledger.ledger.reference_data.faults import DomainFault, DomainInvalidError, FaultCode
from certledger.ledger.reform.book_checks import check_book, faults_in_order
from certledger.ledger.reform.book_columns import OPTIONAL, SCHEMAS
from certledger.ledger.reform.book_workbook import WORKBOOK, workbook_lines
from certledger.verifier.files import write_atomically
from certledger.verifier.reform.book import COLUMNS, Cells

MAX_FILE_BYTES = 32 * 2**20
_FORMULA = tuple("=+-@＝＋－＠")
"""What a spreadsheet takes for the beginning of a formula; those of East Asia full-width too."""
_GUARD = "'"
MAX_SPELLING_WARNINGS = 20

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


def read_book(path: Path) -> BookFiles:
    """Return the tables of a folder of CSV files, or of an XLSX workbook.

    Raises:
        BookInvalidError: anything is wrong; it names every fault with file, line and column.
    """
    if path.is_dir():
        return parse_book({one.name: _read(one) for one in sorted(path.glob("*.csv"))})
    return parse_workbook(_read(path))


def _read(path: Path) -> bytes:
    """Return a file, or more of it than is taken."""
    with path.open("rb") as file:
        return file.read(MAX_FILE_BYTES + 1)


def parse_book(files: Mapping[str, bytes]) -> BookFiles:
    """Return the tables of CSV files by their names; raises as `read_book`."""
    known = {schema.file for schema in SCHEMAS.values()}
    parsed = {name: _parse(files.get(schema.file), name) for name, schema in SCHEMAS.items()}
    found = _checked(parsed, [name for name in files if name not in known])
    return replace(found, warnings=[*found.warnings, *_respelled(files, found.tables)])


def _respelled(files: Mapping[str, bytes], tables: BookTables) -> Iterator[DomainFault]:
    """Yield a warning for the first lines of a file that its export spells otherwise."""
    for name, schema in SCHEMAS.items():
        given = files.get(schema.file)
        written = format_table(name, tables[name])
        if given is None or given == written:
            continue
        pairs = zip(given.split(b"\n"), written.split(b"\n"), strict=True)
        differing = (place for place, pair in enumerate(pairs, 1) if pair[0] != pair[1])
        for line in itertools.islice(differing, MAX_SPELLING_WARNINGS):
            yield DomainFault(
                file=schema.file,
                line=line,
                column="",
                code=FaultCode.SPELLING,
                reason="an export has other quotes or apostrophes here, and the same values",
            )


def parse_workbook(data: bytes) -> BookFiles:
    """Return the tables of a workbook's worksheets, by their names; raises as `read_book`."""
    parsed: dict[str, Table[object]] = {name: Table(file=f"{WORKBOOK} {name}") for name in SCHEMAS}
    if len(data) > MAX_FILE_BYTES:
        _report_size(next(iter(parsed.values())))
        raise BookInvalidError(list(faults_in_order(parsed)))
    for name, lines in workbook_lines(data, parsed):
        table = parsed[name]
        if lines is None:
            _report_absent(table, name)
        elif lines or not table.faults:
            take_lines(table, SCHEMAS[name], iter(lines))
        else:
            table.complete = False
    return _checked(parsed, ())


def _checked(parsed: Mapping[str, Table[object]], ignored: Sequence[str]) -> BookFiles:
    warnings = check_book(parsed)
    if faults := list(faults_in_order(parsed)):
        raise BookInvalidError(faults)
    return BookFiles(
        tables={name: parsed[name].cells for name in COLUMNS}, warnings=warnings, ignored=ignored
    )


def _parse(raw: bytes | None, name: str) -> Table[object]:
    schema = SCHEMAS[name]
    table: Table[object] = Table(file=schema.file)
    if raw is None:
        _report_absent(table, name)
        return table
    if len(raw) > MAX_FILE_BYTES:
        _report_size(table)
        return table
    return parse_table(raw, schema, unguard)


def _report_absent(table: Table[object], name: str) -> None:
    if name not in OPTIONAL:
        table.report(0, "", FaultCode.FILE_MISSING, "it is not there")
        table.complete = False


def _report_size(table: Table[object]) -> None:
    table.report(0, "", FaultCode.TOO_LARGE, f"more than {MAX_FILE_BYTES} bytes")
    table.complete = False


def unguard(cell: str) -> str:
    """Return a cell without the apostrophe that keeps a spreadsheet from running it."""
    return cell[1:] if cell.startswith(_GUARD) and _is_formula(cell) else cell


def guard(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula; `unguard` gives it back."""
    return _GUARD + cell if _is_formula(cell) else cell


def _is_formula(cell: str) -> bool:
    """Return whether a cell is a formula, or one behind apostrophes, to which guards add one."""
    return cell.lstrip(_GUARD).startswith(_FORMULA)


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
