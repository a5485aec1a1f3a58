"""An XLSX workbook with a worksheet for each table of the book, as lines of cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from certledger.ledger.reference_data.csv_reader import Table
from certledger.ledger.reference_data.faults import FaultCode
from certledger.ledger.sheets import finding_kinds as kinds
from certledger.ledger.sheets.cells import Cell, CellKind, CellValue, display
from certledger.ledger.sheets.findings import Findings, Grade, SheetInvalidError
from certledger.ledger.sheets.grid import Grid
from certledger.ledger.sheets.workbook import read_workbook

WORKBOOK = "workbook.xlsx"
"""What faults name as the file, before the worksheet."""
_UNREADABLE = frozenset({CellKind.ERROR, CellKind.UNCOMPUTED, CellKind.BOOLEAN, CellKind.COVERED})
Lines = Sequence[tuple[int, list[str]]]


def worksheet_lines(data: bytes, name: str, table: Table[object]) -> Lines | None:
    """Return the lines of a worksheet with their rows, None where there is no such worksheet.

    What cannot be read is reported in the table.
    """
    findings = Findings(file=WORKBOOK)
    try:
        lines = list(_lines(read_workbook(data, findings, name), table))
    except SheetInvalidError as error:
        if error.findings.counts[kinds.WORKSHEET]:
            return None
        lines = []
    for found in findings.of(Grade.FAULT):
        table.report(found.row, found.column, FaultCode.WORKBOOK, found.sentence("en"))
    return lines


def _lines(grid: Grid, table: Table[object]) -> Iterator[tuple[int, list[str]]]:
    width = 0
    for row in grid.rows:
        width = width or 1 + max(place for place, _ in row.cells)
        cells = [""] * max(width, 1 + max(place for place, _ in row.cells))
        for place, value in row.cells:
            if isinstance(value, Cell) and value.kind in _UNREADABLE:
                reason = f"column {place + 1} is merged, a truth value, an error or not computed"
                table.report(row.number, "", FaultCode.WORKBOOK, reason)
            cells[place] = _text(value)
        yield row.number, cells


def _text(value: CellValue) -> str:
    return display(value).strip()
