"""One cell: what it stores, and what a spreadsheet program shows of it.

A cell of plain text is a `str`; everything else is a `Cell`, text that a format changes or that is
drawn oddly too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum, auto
from typing import TypeAlias

from certledger.ledger.sheets.number_formats import (
    GENERAL,
    date_parts,
    exact,
    moment,
    plain,
    shown_moment,
    shown_number,
    shown_text,
)


class CellKind(Enum):
    """What a cell stores."""

    NUMBER = auto()
    TEXT = auto()
    BOOLEAN = auto()
    ERROR = auto()
    UNCOMPUTED = auto()
    COVERED = auto()


class Mark(Enum):
    """How a cell is drawn otherwise than its plain text, in whole or in part, or is computed."""

    STRUCK = auto()
    UNSEEN = auto()
    RAISED = auto()
    SYMBOL = auto()
    REPEATED = auto()
    VOLATILE = auto()


NO_MARKS: frozenset[Mark] = frozenset()


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell that is not plain text.

    Attributes:
        stored: the number as the file has it, the truth value or the error.
        format_code: how a number is shown.
        since_1904: the workbook counts days from 1904.
        shared: of a covered cell, the value of the first cell of the merged range.
        range: of a covered cell, the merged range, like G2:G4.
        is_below: of a covered cell, it is in the column of the first cell.
        marks: how it is drawn, where that matters.
    """

    kind: CellKind
    stored: str = ""
    format_code: str = GENERAL
    since_1904: bool = False
    shared: CellValue = ""
    range: str = ""
    is_below: bool = False
    marks: frozenset[Mark] = NO_MARKS

    @property
    def number(self) -> Decimal | None:
        """The number stored, with the digits that a spreadsheet program keeps."""
        return exact(self.stored) if self.kind is CellKind.NUMBER else None

    @property
    def parts(self) -> frozenset[str]:
        """Which parts of a date its format shows; empty for a number's format."""
        return date_parts(self.format_code)

    @property
    def instant(self) -> datetime | None:
        """The day or instant that the number is as a serial number, None where it is none."""
        number = self.number
        return None if number is None else moment(number, since_1904=self.since_1904)

    def shown(self) -> str | None:
        """Return what a spreadsheet program shows, None where that is uncertain."""
        if self.kind is CellKind.TEXT:
            return shown_text(self.stored, self.format_code)
        number = self.number
        if number is None:
            return self.stored
        if self.parts:
            instant = self.instant
            return None if instant is None else shown_moment(instant, self.format_code)
        return shown_number(number, self.format_code)

    def plain(self) -> str:
        """Return a number in full, and anything else as it is stored."""
        number = self.number
        return self.stored if number is None else plain(number)


CellValue: TypeAlias = str | Cell


def display(value: CellValue) -> str:
    """Return a cell for people: what is shown, else what is stored."""
    if isinstance(value, str):
        return value
    if value.kind is CellKind.COVERED:
        return display(value.shared)
    return value.shown() or value.stored


def letters(index: int) -> str:
    """Return the letters of a column, 0 being A."""
    text = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        text = chr(65 + rest) + text
    return text
