"""An XLSX workbook with a worksheet for each table of the book, as lines of cells."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence

from certledger.ledger.reference_data.csv_reader import Table
from certledger.ledger.reference_data.faults import FaultCode
from certledger.ledger.sheets import finding_kinds as kinds
from certledger.ledger.sheets.cells import Cell, CellKind, CellValue, display
from certledger.ledger.sheets.findings import Findings, Grade, SheetInvalidError
from certledger.ledger.sheets.grid import Grid, GridRow
from certledger.ledger.sheets.merged_cells import covered_cells
from certledger.ledger.sheets.references import Box
from certledger.ledger.sheets.workbook import Workbook, open_workbook
from certledger.verifier.reform.book import COLUMNS

WORKBOOK = "workbook.xlsx"
"""What faults name as the file, before the worksheet."""
_UNREADABLE = frozenset({CellKind.ERROR, CellKind.UNCOMPUTED, CellKind.BOOLEAN, CellKind.COVERED})
MAX_INFLATED_BYTES = 128 * 2**20
"""Bytes that the parts of a workbook may inflate to; a book of 20,000 lines has some 30 MB."""
Lines = Sequence[tuple[int, list[str]]]


def workbook_lines(
    data: bytes, tables: Mapping[str, Table[object]]
) -> Iterator[tuple[str, Lines | None]]:
    """Yield each table's name and its worksheet's lines with their rows, None without one.

    What cannot be read is reported in the table; a file that is no workbook in the first.
    """
    findings = Findings(file=WORKBOOK)
    try:
        with open_workbook(data, findings, most=MAX_INFLATED_BYTES) as workbook:
            for name, table in tables.items():
                yield name, _worksheet_lines(workbook, name, table)
    except SheetInvalidError as error:
        table = next(iter(tables.values()))
        _report(error.findings, table)
        table.complete = False


def _worksheet_lines(workbook: Workbook, name: str, table: Table[object]) -> Lines | None:
    findings = Findings(file=WORKBOOK)
    lines: Lines = ()
    try:
        lines = list(_lines(workbook.read(findings, name), table, findings))
    except SheetInvalidError:
        if findings.counts[kinds.WORKSHEET]:
            return None
    _report(findings, table)
    return lines


def _report(findings: Findings, table: Table[object]) -> None:
    for found in findings.of(Grade.FAULT):
        table.report(found.row, found.column, FaultCode.WORKBOOK, found.sentence("en"))


def _lines(grid: Grid, table: Table[object], findings: Findings) -> Iterator[tuple[int, list[str]]]:
    # A row is as long as its last cell is far right: no longer than what is too long anyway.
    longest = len(COLUMNS[grid.worksheet]) + 1
    width = 0
    for row in _rows(grid, longest, findings):
        filled = [pair for pair in row.cells if pair[0] < longest]
        reach = min(1 + max(place for place, _ in row.cells), longest)
        width = width or reach
        cells = [""] * max(width, reach)
        for place, value in filled:
            if isinstance(value, Cell) and value.kind in _UNREADABLE:
                reason = f"column {place + 1} is merged, a truth value, an error or not computed"
                table.report(row.number, "", FaultCode.WORKBOOK, reason)
            cells[place] = _text(value)
        yield row.number, cells


def _rows(grid: Grid, longest: int, findings: Findings) -> Sequence[GridRow]:
    """Return the rows, with a covered cell wherever merged cells cover one."""
    rows = list(grid.rows)
    numbers = [row.number for row in rows]

    def value_of(box: Box) -> CellValue | None:
        at = bisect_left(numbers, box.top)
        there = at < len(numbers) and numbers[at] == box.top
        return dict(rows[at].cells).get(box.first) if there else None

    covered = covered_cells(grid.merged, numbers, range(longest), value_of, findings)
    for at, place, cell in covered:
        rows[at].cells = [*(pair for pair in rows[at].cells if pair[0] != place), (place, cell)]
    return rows


def _text(value: CellValue) -> str:
    return display(value).strip()
