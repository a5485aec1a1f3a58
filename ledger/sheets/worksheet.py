"""One worksheet of a workbook, read as a stream: cells, hidden rows and columns, merged cells."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from certledger.ledger.sheets import finding_kinds as kinds
from certledger.ledger.sheets.archive import Archive
from certledger.ledger.sheets.cells import Cell, CellKind, CellValue, Mark
from certledger.ledger.sheets.comments import read_comments
from certledger.ledger.sheets.conditional_formats import ConditionalFormats
from certledger.ledger.sheets.fonts import RichText
from certledger.ledger.sheets.grid import Grid, GridRow, drained
from certledger.ledger.sheets.number_formats import changes_text, exact
from certledger.ledger.sheets.references import (
    MAX_COLUMN,
    MAX_ROW,
    REFERENCE,
    Box,
    column_index,
    parse_box,
)
from certledger.ledger.sheets.shared_texts import MAX_CELLS, Fonts, SharedTexts, unescape
from certledger.ledger.sheets.styles import Styles, number_of

MIN_HEIGHT, MIN_WIDTH = 2.0, 0.3
"""Points of a row, and characters of a column, in which something can be seen."""
_SIZE = re.compile(r"[0-9]{1,9}(?:\.[0-9]*)?(?:[Ee][+-]?[0-9]{1,3})?")
_OWN_FONT: Fonts = frozenset()
_TRUE = {"1": "TRUE", "0": "FALSE"}


@dataclass(kw_only=True, slots=True)
class _Pending:
    """The cell that is being read."""

    column: int
    kind: str
    style: str
    formula: bool = False
    value: list[str] = field(default_factory=list)


@dataclass(kw_only=True, slots=True)
class _Stream:
    """Takes the events of one worksheet."""

    archive: Archive
    shared: SharedTexts
    styles: Styles
    since_1904: bool
    conditional: ConditionalFormats
    rows: list[GridRow] = field(default_factory=list)
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)
    hides_zeros: bool = False
    count: int = 0
    last_row: int = 0
    last_column: int = -1
    row: GridRow | None = None
    cell: _Pending | None = None
    inline: RichText = field(default_factory=RichText)
    in_value: bool = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "c":
            self._start_cell(attributes)
        elif tag == "v":
            self.in_value = self.cell is not None
        elif tag == "row":
            self._start_row(attributes)
        elif self.cell is not None:
            if tag == "f":
                self.cell.formula = True
            else:
                self.inline.start(tag, attributes)
        elif tag == "col":
            self._hide_column(attributes)
        elif tag == "mergeCell":
            self.merged.append(attributes.get("ref", ""))
        elif tag == "sheetView":
            self.hides_zeros |= attributes.get("showZeros", "1") in ("0", "false")
        else:
            self.conditional.start(tag, attributes)

    def text(self, piece: str) -> None:
        if self.cell is None:
            self.conditional.text(piece)
        elif self.in_value:
            self.cell.value.append(piece)
        else:
            self.inline.text(piece)

    def end(self, tag: str) -> None:
        if tag == "v":
            self.in_value = False
        elif self.cell is not None:
            if tag == "c":
                self._end_cell(self.cell)
                self.cell = None
            else:
                self.inline.end(tag)
        elif tag == "row":
            if self.row is not None and self.row.cells:
                self.rows.append(self.row)
            self.row = None
        else:
            self.conditional.end(tag)

    def _start_row(self, attributes: dict[str, str]) -> None:
        number = attributes.get("r", "")
        self.last_row = int(number) if number.isdecimal() else self.last_row + 1
        if not 0 < self.last_row <= MAX_ROW:
            raise ValueError(f"row {self.last_row} is beyond {MAX_ROW}")
        hidden = attributes.get("hidden") in ("1", "true") or _is_below(
            attributes.get("ht"), MIN_HEIGHT
        )
        self.row = GridRow(self.last_row, [], hidden)
        self.last_column = -1

    def _start_cell(self, attributes: dict[str, str]) -> None:
        found = REFERENCE.fullmatch(attributes.get("r", ""))
        self.last_column = column_index(found[1]) if found else self.last_column + 1
        if self.last_column >= MAX_COLUMN:
            raise ValueError(f"a cell is beyond column {MAX_COLUMN}")
        self.cell = _Pending(
            column=self.last_column, kind=attributes.get("t", "n"), style=attributes.get("s", "0")
        )

    def _end_cell(self, cell: _Pending) -> None:
        value = self._value(cell)
        if value == "" or self.row is None:
            return
        self.count += 1
        if self.count > MAX_CELLS:
            most = f"{MAX_CELLS} cells"
            raise self.archive.findings.fail(kinds.FILE_SIZE, what="the worksheet", most=most)
        self.row.cells.append((cell.column, value))

    def _value(self, cell: _Pending) -> CellValue:
        stored = "".join(cell.value)
        if cell.kind == "inlineStr":
            text, fonts = self.inline.take()
            return self._text(cell, unescape(text or stored), fonts)
        if cell.kind == "s":
            texts = self.shared.texts
            place = int(stored) if stored.isdecimal() else -1
            if not 0 <= place < len(texts):
                raise ValueError(f"a cell names text {stored[:20]!r}, there are {len(texts)}")
            return self._text(cell, texts[place], self.shared.fonts.get(place, _OWN_FONT))
        if cell.kind == "str":
            return self._text(cell, unescape(stored), _OWN_FONT)
        stored = stored.strip()
        if not stored:
            return Cell(CellKind.UNCOMPUTED) if cell.formula else ""
        return self._typed(cell, stored)

    def _text(self, cell: _Pending, text: str, fonts: Fonts) -> CellValue:
        """Return a text; as a cell of its own where it is not what is seen."""
        if not text or not (fonts or self.styles.is_special(cell.style)):
            return text
        style = number_of(cell.style)
        marks, code = self.styles.marks(style, fonts), self.styles.code(style)
        return Cell(CellKind.TEXT, text, code, marks=marks) if marks or changes_text(code) else text

    def _typed(self, cell: _Pending, stored: str) -> CellValue:
        style = number_of(cell.style)
        marks = self.styles.marks(style)
        if cell.kind == "e":
            return Cell(CellKind.ERROR, stored)
        if cell.kind == "b":
            return Cell(CellKind.BOOLEAN, _TRUE.get(stored, stored))
        if cell.kind == "d":  # A day in ISO 8601, as strict workbooks have it.
            day = stored.removesuffix("Z").replace("T", " ")
            return Cell(CellKind.TEXT, day, marks=marks) if marks else day
        if self.hides_zeros and exact(stored) == 0:
            marks |= {Mark.UNSEEN}
        code = self.styles.code(style)
        return Cell(CellKind.NUMBER, stored, code, self.since_1904, marks=marks)

    def _hide_column(self, attributes: dict[str, str]) -> None:
        first, last = attributes.get("min", ""), attributes.get("max", "")
        hidden = attributes.get("hidden") in ("1", "true") or _is_below(
            attributes.get("width"), MIN_WIDTH
        )
        if hidden and first.isdecimal() and last.isdecimal():
            self.hidden_columns.append((int(first) - 1, int(last) - 1))


def _is_below(size: str | None, least: float) -> bool:
    """Whether a height or width is so small that nothing can be seen."""
    return size is not None and _SIZE.fullmatch(size) is not None and float(size) < least


def read_worksheet(
    archive: Archive,
    part: str,
    *,
    name: str,
    shared: SharedTexts,
    styles: Styles,
    since_1904: bool,
) -> Grid:
    """Return the cells of one worksheet, those that merged cells cover marked as such.

    Raises:
        SheetInvalidError: the part is damaged, or has too many cells.
    """
    conditional = ConditionalFormats(styles=styles)
    stream = _Stream(
        archive=archive,
        shared=shared,
        styles=styles,
        since_1904=since_1904,
        conditional=conditional,
    )
    archive.parse(part, stream.start, stream.end, stream.text)
    rows = stream.rows
    rows.sort(key=lambda row: row.number)
    for row in rows:
        row.cells.sort(key=lambda cell: cell[0])
    _check_places(rows, archive)
    _cover(rows, stream.merged, archive)
    boxes = [box for reference in conditional.ranges if (box := parse_box(reference))]
    return Grid(
        rows=drained(rows),
        form="XLSX",
        worksheet=name,
        hidden_columns=stream.hidden_columns,
        conditional=boxes,
        comments=read_comments(archive, part),
    )


def _check_places(rows: Sequence[GridRow], archive: Archive) -> None:
    """Refuse a row or a cell that occurs twice: programs differ in which they show."""
    previous = 0
    for row in rows:
        columns = [column for column, _ in row.cells]
        if row.number == previous or len(set(columns)) != len(columns):
            why = f"row {row.number} has a cell twice"
            raise archive.findings.fail(kinds.UNREADABLE, row.number, why=why)
        previous = row.number


def _cover(rows: list[GridRow], merged: Sequence[str], archive: Archive) -> None:
    """Put a covered cell wherever a merged range covers one, in rows that are there."""
    if not merged:
        return
    by_number = {row.number: row for row in rows}
    left = MAX_CELLS
    for reference in merged:
        box = parse_box(reference)
        if box is None or box.top not in by_number:
            continue
        top, first = box.top, box.first
        value = dict(by_number[top].cells).get(first, "")
        if value == "":
            continue
        for row, column in _others(by_number, box):
            left -= 1
            if left < 0:
                most = f"{MAX_CELLS} cells"
                raise archive.findings.fail(kinds.FILE_SIZE, what="merged cells", most=most)
            covered = Cell(
                CellKind.COVERED, shared=value, range=reference, is_below=column == first
            )
            row.cells = sorted(
                [*(cell for cell in row.cells if cell[0] != column), (column, covered)],
                key=lambda cell: cell[0],
            )


def _others(by_number: dict[int, GridRow], box: Box) -> Iterator[tuple[GridRow, int]]:
    """Yield row and column of the cells of a range but the first, in rows that have values."""
    numbers = range(box.top, box.bottom + 1)
    present = numbers if len(numbers) <= len(by_number) else sorted(by_number)
    for number in present:
        if number in by_number and box.top <= number <= box.bottom:
            for column in range(box.first, box.last + 1):
                if (number, column) != (box.top, box.first):
                    yield by_number[number], column
