"""The rows of a sheet that have findings, cell by cell, as a clerk looks for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from certledger.ledger.sheets.cells import display, letters
from certledger.ledger.sheets.findings import SheetFinding, shorten
from certledger.ledger.sheets.reader import Sheet

MAX_FAULT_ROWS = 50
"""Rows that are shown in full; findings in others are listed by their places."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FaultCell:
    """One cell of a row: header, reference, content, and whether something is wrong there."""

    header: str
    reference: str
    text: str
    is_faulty: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class FaultRow:
    """One row of the sheet with what was found in it."""

    number: int
    cells: Sequence[FaultCell]
    findings: Sequence[SheetFinding]


def rows_with_findings(sheet: Sheet, findings: Sequence[SheetFinding]) -> list[FaultRow]:
    """Return the first rows of a sheet, whose rows were not drained, that have findings."""
    by_row: dict[int, list[SheetFinding]] = {}
    for one in findings:
        if one.row:
            by_row.setdefault(one.row, []).append(one)
    wanted = sorted(by_row)[:MAX_FAULT_ROWS]
    rows = {row.number: row for row in sheet.rows if row.number in set(wanted)}
    columns = sorted(sheet.named.values(), key=lambda column: column.place)
    shown = []
    for number in wanted:
        faulty = {one.cell for one in by_row[number]}
        cells = []
        for column in columns:
            value = rows[number].cells.get(column.name) if number in rows else None
            reference = f"{letters(column.place)}{number}"
            cells.append(
                FaultCell(
                    header=shorten(column.header),
                    reference=reference,
                    text="" if value is None else shorten(display(value)),
                    is_faulty=reference in faulty,
                )
            )
        shown.append(FaultRow(number=number, cells=cells, findings=by_row[number]))
    return shown
