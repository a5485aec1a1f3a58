"""A sheet before its header is known: rows of cells by their place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from certledger.ledger.sheets.cells import CellValue

T = TypeVar("T")


@dataclass(slots=True)
class GridRow:
    """One row: its number from 1, and its filled cells as (column from 0, value), ascending.

    `width` is how many cells a line of a text file has, None in a workbook.
    """

    number: int
    cells: list[tuple[int, CellValue]]
    hidden: bool = False
    width: int | None = None


@dataclass(kw_only=True, slots=True)
class Grid:
    """A sheet's rows that have any filled cell, to be gone through once, and how they were read.

    Attributes:
        form: XLSX, or the encoding of a text file.
        separator: between the cells of a text file; empty in a workbook.
        hidden_columns: ranges of hidden columns, both ends included.
        merged: ranges of merged cells.
        conditional: ranges whose conditional formats may change what is seen.
        comments: by row and column.

    What is not a row is complete once all rows have been gone through.
    """

    rows: Iterable[GridRow]
    form: str
    separator: str = ""
    worksheet: str = ""
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)
    merged: Sequence[str] = ()
    conditional: Sequence[str] = ()
    comments: Mapping[tuple[int, int], str] = field(default_factory=dict)

    def hides(self, column: int) -> bool:
        """Whether a column is hidden."""
        return any(first <= column <= last for first, last in self.hidden_columns)


def drained(rows: list[T]) -> Iterator[T]:
    """Yield rows in order, and let go of each, so that its memory is free."""
    rows.reverse()
    while rows:
        yield rows.pop()
