"""One worksheet of a workbook, read as a stream: cells, hidden rows and columns, merged cells."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from certledger.ledger.sheets import finding_kinds as kinds
from certledger.ledger.sheets.archive import Archive
from certledger.ledger.sheets.cells import NO_MARKS, Cell, CellKind, CellValue, Mark
from certledger.ledger.sheets.comments import read_comments
from certledger.ledger.sheets.conditional_formats import ConditionalFormats
from certledger.ledger.sheets.fonts import RichText
from certledger.ledger.sheets.grid import Grid, GridRow
from certledger.ledger.sheets.number_formats import changes_text, exact
from certledger.ledger.sheets.references import MAX_COLUMN, MAX_ROW, REFERENCE, column_index
from certledger.ledger.sheets.shared_texts import MAX_CELLS, Fonts, SharedTexts, unescape
from certledger.ledger.sheets.styles import Styles, number_of

MIN_HEIGHT, MIN_WIDTH = 2.0, 0.3
"""Points of a row, and characters of a column, in which something can be seen."""
_SIZE = re.compile(r"[0-9]{1,9}(?:\.[0-9]*)?(?:[Ee][+-]?[0-9]{1,3})?")
_OWN_FONT: Fonts = frozenset()
_VOLATILE = re.compile(r"\b(?:TODAY|NOW|RAND|RANDBETWEEN|RANDARRAY)\s*\(", re.IGNORECASE)
_TRUE = {"1": "TRUE", "0": "FALSE"}


@dataclass(kw_only=True, slots=True)
class _Pending:
    """The cell that is being read."""

    column: int
    kind: str
    style: str
    formula: bool = False
    shared: str = ""
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
    last_filled: int = 0
    last_column: int = -1
    row: GridRow | None = None
    cell: _Pending | None = None
    inline: RichText = field(default_factory=RichText)
    in_value: bool = False
    in_formula: bool = False
    is_manual: bool = False
    volatile: set[str] = field(default_factory=set)
    formula: list[str] = field(default_factory=list)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "c":
            self._start_cell(attributes)
        elif tag == "v":
            self.in_value = self.cell is not None
        elif tag == "row":
            self._start_row(attributes)
        elif self.cell is not None:
            if tag == "f":
                self.in_formula, self.cell.formula = True, True
                self.formula.clear()
                self.cell.shared = attributes.get("si", "")
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
        elif self.in_formula:
            self.formula.append(piece)
        else:
            self.inline.text(piece)

    def end(self, tag: str) -> None:
        if tag == "v":
            self.in_value = False
        elif self.cell is not None:
            if tag == "c":
                self._end_cell(self.cell)
                self.cell = None
            elif tag == "f":
                self.in_formula = False
            else:
                self.inline.end(tag)
        elif tag == "row":
            if self.row is not None and self.row.cells:
                self._end_row(self.row)
            self.row = None
        else:
            self.conditional.end(tag)

    def _end_row(self, row: GridRow) -> None:
        """Take a row; refuse one, or a cell, that occurs twice: programs differ in which shows."""
        row.cells.sort(key=lambda cell: cell[0])
        places = [place for place, _ in row.cells]
        if row.number <= self.last_filled or len(set(places)) != len(places):
            why = f"row {row.number} or a cell of it occurs twice, or rows are out of order"
            raise self.archive.findings.fail(kinds.UNREADABLE, row.number, why=why)
        self.last_filled = row.number
        self.rows.append(row)

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
        special = fonts or cell.formula or self.styles.is_special(cell.style)
        if not text or not special:
            return text
        style = number_of(cell.style)
        marks = self.styles.marks(style, fonts) | self._marks_of_formula(cell)
        code = self.styles.code(style)
        return Cell(CellKind.TEXT, text, code, marks=marks) if marks or changes_text(code) else text

    def _marks_of_formula(self, cell: _Pending) -> frozenset[Mark]:
        """Return the mark of a value that another time of computing changes.

        Cells that share a formula have its text in the first of them alone.
        """
        if not cell.formula:
            return NO_MARKS
        if _VOLATILE.search("".join(self.formula)):
            self.volatile.add(cell.shared)
        elif not self.is_manual and (not cell.shared or cell.shared not in self.volatile):
            return NO_MARKS
        return frozenset({Mark.VOLATILE})

    def _typed(self, cell: _Pending, stored: str) -> CellValue:
        style = number_of(cell.style)
        marks = self.styles.marks(style) | self._marks_of_formula(cell)
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
    is_manual: bool,
) -> Grid:
    """Return the cells of one worksheet, read row by row.

    `is_manual` where its formulas are computed only when somebody asks for it.

    Raises:
        SheetInvalidError: while rows are read, the part is damaged, or has too many cells.
    """
    conditional = ConditionalFormats(styles=styles)
    stream = _Stream(
        archive=archive,
        shared=shared,
        styles=styles,
        since_1904=since_1904,
        is_manual=is_manual,
        conditional=conditional,
    )
    grid = Grid(
        rows=(),
        form="XLSX",
        worksheet=name,
        hidden_columns=stream.hidden_columns,
        merged=stream.merged,
        conditional=conditional.ranges,
    )
    grid.rows = _rows(stream, part, grid)
    return grid


def _rows(stream: _Stream, part: str, grid: Grid) -> Iterator[GridRow]:
    """Yield the rows as the part is parsed; what stands behind them is in `grid` at the end."""
    for _ in stream.archive.parse_in_steps(part, stream.start, stream.end, stream.text):
        rows, stream.rows = stream.rows, []
        yield from rows
    grid.comments = read_comments(stream.archive, part)
