"""Which cells merged cells cover: only the first of them has a value."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence

from certledger.ledger.sheets import finding_kinds as kinds
from certledger.ledger.sheets.cells import Cell, CellKind, CellValue
from certledger.ledger.sheets.findings import Findings
from certledger.ledger.sheets.references import Box, parse_box
from certledger.ledger.sheets.shared_texts import MAX_CELLS


def covered_cells(
    merged: Sequence[str],
    numbers: Sequence[int],
    places: Sequence[int],
    value_of: Callable[[Box], CellValue | None],
    findings: Findings,
) -> Iterator[tuple[int, int, Cell]]:
    """Yield the cells that merged ranges cover, with their index in `numbers` and their column.

    `numbers` are the rows that are there and `places` the columns that matter, both ascending.
    `value_of` gives what a range shows, None where it is empty.

    Raises:
        SheetInvalidError: ranges cover more than 8,000,000 cells.
    """
    left = MAX_CELLS
    for box in filter(None, map(parse_box, merged)):
        columns = places[bisect_left(places, box.first) : bisect_right(places, box.last)]
        rows = range(bisect_left(numbers, box.top), bisect_right(numbers, box.bottom))
        left -= len(rows) * len(columns)
        if left < 0:
            raise findings.fail(kinds.FILE_SIZE, what="merged cells", most=f"{MAX_CELLS} cells")
        value = value_of(box) if rows and columns else None
        if value is None:
            continue
        for at in rows:
            for place in columns:
                if (numbers[at], place) != (box.top, box.first):
                    below = place == box.first
                    cell = Cell(CellKind.COVERED, shared=value, range=box.text, is_below=below)
                    yield at, place, cell
