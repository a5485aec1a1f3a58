"""One worksheet of a workbook, read as a stream: cells, hidden rows and columns, merged cells."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field

from certledger.ledger.sheets import finding_kinds as kinds
from certledger.ledger.sheets.archive import Archive
from certledger.ledger.sheets.cells import Cell, CellKind, CellValue
from certledger.ledger.sheets.grid import Grid, GridRow
from certledger.ledger.sheets.styles import MAX_CELLS, Styles, is_on, number_of, unescape

MAX_ROW, MAX_COLUMN = 1_048_576, 16_384
_REFERENCE = re.compile(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})")
MIN_HEIGHT, MIN_WIDTH = 2.0, 0.3
"""Points of a row, and characters of a column, in which something can be seen."""
_SIZE = re.compile(r"[0-9]{1,9}(?:\.[0-9]*)?(?:[Ee][+-]?[0-9]{1,3})?")
_TRUE = {"1": "TRUE", "0": "FALSE"}


@dataclass(kw_only=True, slots=True)
class _Pending:
    """The cell that is being read."""

    column: int
    kind: str
    style: str
    formula: bool = False
    value: list[str] = field(default_factory=list)
    inline: list[str] = field(default_factory=list)
    struck: bool = False


@dataclass(kw_only=True, slots=True)
class _Stream:
    """Takes the events of one worksheet."""

    archive: Archive
    texts: Sequence[str]
    struck_texts: Set[int]
    styles: Styles
    since_1904: bool
    rows: list[GridRow] = field(default_factory=list)
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)
    count: int = 0
    last_row: int = 0
    last_column: int = -1
    row: GridRow | None = None
    cell: _Pending | None = None
    target: list[str] | None = None
    phonetic: bool = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "c":
            self._start_cell(attributes)
        elif tag == "v" and self.cell is not None:
            self.target = self.cell.value
        elif tag == "t" and self.cell is not None and not self.phonetic:
            self.target = self.cell.inline
        elif tag == "f" and self.cell is not None:
            self.cell.formula = True
        elif tag == "strike" and self.cell is not None:
            self.cell.struck |= is_on(attributes)
        elif tag == "row":
            self._start_row(attributes)
        elif tag == "rPh":
            self.phonetic = True
        elif tag == "col":
            self._hide_column(attributes)
        elif tag == "mergeCell":
            self.merged.append(attributes.get("ref", ""))

    def text(self, piece: str) -> None:
        if self.target is not None:
            self.target.append(piece)

    def end(self, tag: str) -> None:
        if tag in ("v", "t"):
            self.target = None
        elif tag == "c" and self.cell is not None:
            self._end_cell(self.cell)
            self.cell = None
        elif tag == "row":
            if self.row is not None and self.row.cells:
                self.rows.append(self.row)
            self.row = None
        elif tag == "rPh":
            self.phonetic = False

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
        found = _REFERENCE.fullmatch(attributes.get("r", ""))
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
            return self._text(cell, unescape("".join(cell.inline) or stored))
        if cell.kind == "s":
            place = int(stored) if stored.isdecimal() else -1
            if not 0 <= place < len(self.texts):
                raise ValueError(f"a cell names text {stored[:20]!r}, there are {len(self.texts)}")
            cell.struck = place in self.struck_texts
            return self._text(cell, self.texts[place])
        if cell.kind == "str":
            return self._text(cell, unescape(stored))
        stored = stored.strip()
        if not stored:
            return Cell(CellKind.UNCOMPUTED) if cell.formula else ""
        return self._typed(cell, stored)

    def _text(self, cell: _Pending, text: str) -> CellValue:
        """Return a text; as a cell of its own where it is not what is seen."""
        if not text or not (cell.struck or self.styles.is_special(cell.style)):
            return text
        style = number_of(cell.style)
        struck = cell.struck or style in self.styles.struck
        return Cell(CellKind.TEXT, text, self.styles.code(style), struck=struck)

    def _typed(self, cell: _Pending, stored: str) -> CellValue:
        if cell.kind == "e":
            return Cell(CellKind.ERROR, stored)
        if cell.kind == "b":
            return Cell(CellKind.BOOLEAN, _TRUE.get(stored, stored))
        if cell.kind == "d":  # A day in ISO 8601, as strict workbooks have it.
            return stored.removesuffix("Z").replace("T", " ")
        style = number_of(cell.style)
        struck = style in self.styles.struck
        code = self.styles.code(style)
        return Cell(CellKind.NUMBER, stored, code, self.since_1904, struck=struck)

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


def column_index(letters: str) -> int:
    """Return the place of a column from its letters, A being 0."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number - 1


def read_worksheet(
    archive: Archive,
    part: str,
    *,
    name: str,
    texts: Sequence[str],
    struck_texts: Set[int],
    styles: Styles,
    since_1904: bool,
) -> Grid:
    """Return the cells of one worksheet, those that merged cells cover marked as such.

    Raises:
        SheetInvalidError: the part is damaged, or has too many cells.
    """
    stream = _Stream(
        archive=archive,
        texts=texts,
        struck_texts=struck_texts,
        styles=styles,
        since_1904=since_1904,
    )
    archive.parse(part, stream.start, stream.end, stream.text)
    rows = sorted(stream.rows, key=lambda row: row.number)
    for row in rows:
        row.cells.sort(key=lambda cell: cell[0])
    _check_places(rows, archive)
    _cover(rows, stream.merged, archive)
    return Grid(rows=rows, form="XLSX", worksheet=name, hidden_columns=stream.hidden_columns)


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
        box = _box(reference)
        if box is None or box[0] not in by_number:
            continue
        top, first, *_ = box
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


def _others(
    by_number: dict[int, GridRow], box: tuple[int, int, int, int]
) -> Iterator[tuple[GridRow, int]]:
    """Yield row and column of the cells of a range but the first, in rows that have values."""
    top, first, bottom, last = box
    numbers = range(top, bottom + 1)
    present = numbers if len(numbers) <= len(by_number) else sorted(by_number)
    for number in present:
        if number in by_number and top <= number <= bottom:
            for column in range(first, last + 1):
                if (number, column) != (top, first):
                    yield by_number[number], column


def _box(reference: str) -> tuple[int, int, int, int] | None:
    """Return first row, first column, last row and last column of a range."""
    found = [_REFERENCE.fullmatch(corner) for corner in reference.split(":")]
    if len(found) != 2 or found[0] is None or found[1] is None:
        return None
    rows = sorted((int(found[0][2]), int(found[1][2])))
    columns = sorted((column_index(found[0][1]), column_index(found[1][1])))
    return rows[0], columns[0], rows[1], min(columns[1], MAX_COLUMN - 1)
