"""What a worksheet has besides its cells and would not be sealed, or hides what would be."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from certledger.ledger.sheets import finding_kinds as kinds
from certledger.ledger.sheets.cells import CellValue
from certledger.ledger.sheets.grid import Grid
from certledger.ledger.sheets.header import SheetColumn
from certledger.ledger.sheets.merged_cells import covered_cells
from certledger.ledger.sheets.references import Box, parse_box

if TYPE_CHECKING:
    from certledger.ledger.sheets.reader import Sheet


def check_grid(grid: Grid, sheet: Sheet) -> None:
    """Report hidden columns, conditional formats and comments where anything would be sealed.

    Cells that merged cells cover are put into the rows as such.
    """
    if grid.merged:
        _cover(grid.merged, sheet)
    for column in sheet.columns:
        if column.name and grid.hides(column.place):
            filled = next((row.number for row in sheet.rows if column.name in row.cells), None)
            if filled is not None:
                cell = column.cell(filled)
                sheet.findings.report(kinds.COLUMN_HIDDEN, filled, column.header, cell)
    if grid.conditional:
        _check_conditional(grid, sheet)
    if grid.comments:
        _check_comments(grid, sheet)


def _cover(merged: Sequence[str], sheet: Sheet) -> None:
    """Put a covered cell wherever a merged range covers one, in rows that are there."""
    columns = {one.place: one for one in sheet.columns}
    named = [place for place in sorted(columns) if columns[place].name]
    numbers = [row.number for row in sheet.rows]
    header = max(sheet.headers, default=0)

    def value_of(box: Box) -> CellValue | None:
        first = columns.get(box.first)
        if first is None or not first.name:
            return ""
        if box.top <= header:
            return first.header
        at = bisect_left(numbers, box.top)
        there = at < len(numbers) and numbers[at] == box.top
        return sheet.rows[at].cells.get(first.name) if there else None

    findings = sheet.findings
    for at, place, cell in covered_cells(merged, numbers, named, value_of, findings):
        row = sheet.rows[at]
        sheet.rows[at] = replace(row, cells={**row.cells, columns[place].name: cell})
    # A row without any value of its own is none; where merged cells reach into it, it may be one.
    passed = sheet.passed_over
    for at, place, cell in covered_cells(merged, passed, named, value_of, findings):
        column, number = columns[place], passed[at]
        reference = column.cell(number)
        findings.report(kinds.CELL_MERGED, number, column.header, reference, range=cell.range)


def _check_conditional(grid: Grid, sheet: Sheet) -> None:
    """Ask about each range of conditional formats at its first cell that would be sealed."""
    columns = [column for column in sheet.columns if column.name]
    filled = {
        column.place: [row.number for row in sheet.rows if column.name in row.cells]
        for column in columns
    }
    for box in filter(None, map(parse_box, grid.conditional)):
        at = [
            (rows[place], column)
            for column in columns
            if box.first <= column.place <= box.last
            and (rows := filled[column.place])
            and (place := bisect_left(rows, box.top)) < len(rows)
            and rows[place] <= box.bottom
        ]
        if at:
            row, column = min(at, key=lambda one: (one[0], one[1].place))
            cell = column.cell(row)
            sheet.findings.report(kinds.CELL_CONDITIONAL, row, column.header, cell, range=box.text)


def _check_comments(grid: Grid, sheet: Sheet) -> None:
    """Ask about comments in rows of certificates: they may say that a row is not to be sealed."""
    by_place = {column.place: column for column in sheet.columns}
    numbers = {row.number for row in sheet.rows}
    for (row, place), text in sorted(grid.comments.items()):
        if row in numbers:
            column = by_place.get(place, SheetColumn(place, "", ""))
            cell = column.cell(row)
            sheet.findings.report(kinds.CELL_COMMENT, row, column.header, cell, text=text)
