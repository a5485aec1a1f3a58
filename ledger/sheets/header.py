"""Where a sheet's header is, and what its columns are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from certledger.ledger.sheets import finding_kinds as kinds
from certledger.ledger.sheets.cells import CellKind, CellValue, display, letters
from certledger.ledger.sheets.column_names import ColumnNames, Fit, Match
from certledger.ledger.sheets.findings import Findings
from certledger.ledger.sheets.grid import GridRow

MAX_HEADER_DISTANCE = 30
"""Rows from the first among which the header is looked for."""
MAX_COLUMNS = 1_000
INVISIBLE = dict.fromkeys(
    [
        *(0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFEFF, 0xFFA0),
        *range(0x180B, 0x1810),
        *range(0x200B, 0x2010),
        *(*range(0x2060, 0x2065), *range(0x206A, 0x2070)),
        *(*range(0xFE00, 0xFE10), *range(0xFFF9, 0xFFFD)),
        *(0x1D159, *range(0x1D173, 0x1D17B)),
        *(*range(0xE0000, 0xE0080), *range(0xE0100, 0xE01F0)),
    ]
)
"""Invisible characters, as a table for `str.translate`."""


@dataclass(frozen=True, slots=True)
class SheetColumn:
    """A column of a sheet: its place from 0, its header as it is, and its name; "" if left out."""

    place: int
    header: str
    name: str

    def cell(self, row: int) -> str:
        """Return the reference of the column's cell in a row."""
        return f"{letters(self.place)}{row}"


@dataclass(frozen=True, slots=True)
class Header:
    """The columns by their place, and how many rows of the grid are above the certificates.

    `number` is the row of the header.
    """

    columns: dict[int, SheetColumn]
    rows: int
    width: int
    number: int


def header_texts(row: GridRow) -> dict[int, str]:
    """Return the cells of a row as headers: on one line, without what cannot be seen."""
    return {
        place: " ".join(display(value).translate(INVISIBLE).split())
        for place, value in row.cells[:MAX_COLUMNS]
        if not _is_covered(value)
    }


def _is_covered(value: CellValue) -> bool:
    return not isinstance(value, str) and value.kind is CellKind.COVERED


def find_header(rows: Sequence[GridRow], names: ColumnNames | None, findings: Findings) -> Header:
    """Return the header: the one of the first `rows` that names most columns.

    Raises:
        SheetInvalidError: there is no header, or its columns are ambiguous.
    """
    if not rows or not header_texts(rows[0]):
        raise findings.fail(kinds.NO_HEADER, rows[0].number if rows else 1)
    place = _find(rows, names, findings)
    row = rows[place]
    texts = header_texts(row)
    for above in rows[:place]:
        text = " ".join(display(value) for _, value in above.cells if not _is_covered(value))
        findings.report(kinds.TITLE_LINE, above.number, text=text)
    columns = _columns(row, texts, names, findings)
    _check_twice(row, columns, findings)
    if findings.has_fault() and any(
        one.kind.code == kinds.HEADER_TWICE.code for one in findings.items
    ):
        findings.raise_any()
    width = max((column for column in texts if texts[column]), default=-1) + 1
    count = place + 1 + _second(rows[place + 1 :], columns, names)
    return Header(columns, count, width, row.number)


def _find(rows: Sequence[GridRow], names: ColumnNames | None, findings: Findings) -> int:
    if names is None:
        return 0
    near = rows[:MAX_HEADER_DISTANCE]
    scores = [names.score([*header_texts(row).values()]) for row in near]
    if not max(scores):
        text = " ".join(header_texts(near[0]).values())
        wanted = ", ".join([*names.columns][:8])
        raise findings.fail(
            kinds.HEADER_NONE, near[0].number, count=len(near), text=text, wanted=wanted
        )
    return scores.index(max(scores))


def _second(
    rows: Sequence[GridRow], columns: dict[int, SheetColumn], names: ColumnNames | None
) -> int:
    """Return 1 where the next row names the same columns in the other language, else 0."""
    if not rows or names is None:
        return 0
    texts = header_texts(rows[0])
    matches = dict(zip(texts, names.match_all([*texts.values()]), strict=True))
    same = [
        place
        for place, match in matches.items()
        if place in columns and match.name and match.name == columns[place].name
    ]
    return int(len(same) >= 2 and len(same) == len([text for text in texts.values() if text]))


def _columns(
    row: GridRow, texts: dict[int, str], names: ColumnNames | None, findings: Findings
) -> dict[int, SheetColumn]:
    places = [place for place, text in texts.items() if text]
    if names is None:
        return {place: SheetColumn(place, texts[place], texts[place]) for place in places}
    matches = names.match_all([texts[place] for place in places])
    taken = {match.name for match in matches if match.fit is Fit.EXACT}
    columns = {}
    for place, match in zip(places, matches, strict=True):
        name = _judge(row.number, place, texts[place], match, taken, findings)
        columns[place] = SheetColumn(place, texts[place], name)
    return columns


def _judge(
    number: int, place: int, header: str, match: Match, taken: set[str], findings: Findings
) -> str:
    """Return the name that a header means, "" where the column is left out."""
    cell = f"{letters(place)}{number}"
    if match.fit is Fit.EXACT:
        return match.name
    if match.fit is Fit.SPELLING:
        findings.report(
            kinds.HEADER_SPELLING, number, header, cell, name=header, nearest=match.shown
        )
        return match.name
    if match.fit is Fit.AMBIGUOUS:
        candidates = ", ".join(match.names)
        findings.report(
            kinds.HEADER_AMBIGUOUS, number, header, cell, name=header, candidates=candidates
        )
    elif match.fit is Fit.NEAR and match.name not in taken:
        findings.report(
            kinds.HEADER_UNKNOWN, number, header, cell, name=header, nearest=match.shown
        )
    else:
        findings.report(kinds.COLUMN_LEFT_OUT, number, header, cell, name=header)
    return ""


def _check_twice(row: GridRow, columns: dict[int, SheetColumn], findings: Findings) -> None:
    first: dict[str, SheetColumn] = {}
    for column in columns.values():
        if column.name and (other := first.setdefault(column.name, column)) is not column:
            findings.report(
                kinds.HEADER_TWICE,
                row.number,
                column.header,
                column.cell(row.number),
                name=column.header,
                other=other.header,
            )
