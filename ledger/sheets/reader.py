"""Sheets of certificates as rows of cells: text files, workbooks, JSON lines.

Only the form is read here; what the cells mean is judged in `ledger.sealing.row_checks`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

from certledger.ledger.sheets import finding_kinds as kinds
from certledger.ledger.sheets.cells import Cell, CellKind, CellValue, Mark, display
from certledger.ledger.sheets.column_names import ColumnNames
from certledger.ledger.sheets.file_kind import TEXT, WORKBOOK, kind_of
from certledger.ledger.sheets.findings import FindingKind, Findings
from certledger.ledger.sheets.grid import Grid, GridRow
from certledger.ledger.sheets.grid_checks import check_grid
from certledger.ledger.sheets.header import (
    MAX_HEADER_DISTANCE,
    Header,
    SheetColumn,
    find_header,
)
from certledger.ledger.sheets.json_lines import LIST_MARK, read_json_lines
from certledger.ledger.sheets.text_files import read_text

__all__ = [
    "LIST_MARK",
    "Sheet",
    "SheetRow",
    "parse_sheet",
    "read_bytes",
    "read_rows",
    "read_sheet",
]

MAX_SHEET_BYTES = 256 * 2**20
"""Bytes of a sheet that are read; a million rows of eight fields take less."""
MAX_SHARED_TEXTS = 10_000
"""Different texts that are cached; in most columns few are repeated all the way down."""
JSON_SUFFIXES = (".jsonl", ".ndjson")
WORKBOOK_SUFFIXES = (".xlsx", ".xlsm")
TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
SUFFIXES = (*TEXT_SUFFIXES, *JSON_SUFFIXES, *WORKBOOK_SUFFIXES)


@dataclass(frozen=True, kw_only=True, slots=True)
class SheetRow:
    """One row as it was read: `cells` are not empty, by the name of their column.

    `number` is the row of the sheet or the line of the file; `columns` are the sheet's own, and
    `aside` is the first text in a column that is left out.
    """

    file: str
    number: int
    cells: Mapping[str, CellValue]
    columns: Mapping[str, SheetColumn] = field(default_factory=dict, compare=False, repr=False)
    aside: str = field(default="", compare=False, repr=False)

    def text(self, name: str) -> str | None:
        """Return a cell as it is shown, without blanks around it; None where it is empty."""
        value = self.cells.get(name)
        return None if value is None else display(value).strip() or None


@dataclass(kw_only=True, slots=True)
class Sheet:
    """A sheet that was read: its rows, its columns, how it was read, and what was found so far.

    Attributes:
        digest: SHA-256 of the file.
        form: XLSX, JSON lines, or the encoding of a text file.
        columns: all that have a header, by their place.
        headers: rows of the header and of its repetitions.
        passed_over: rows that have values in columns alone that are left out.
        width: of the header.
        count: rows that were read, of which `rows` may have been given away.
    """

    file: str
    digest: bytes
    rows: list[SheetRow]
    findings: Findings
    form: str
    separator: str = ""
    worksheet: str = ""
    columns: list[SheetColumn] = field(default_factory=list)
    headers: list[int] = field(default_factory=list)
    passed_over: list[int] = field(default_factory=list)
    width: int = 0
    count: int = 0

    @property
    def named(self) -> dict[str, SheetColumn]:
        """The columns that are not left out, by name."""
        return {column.name: column for column in self.columns if column.name}


def read_sheet(
    path: Path,
    names: ColumnNames | None = None,
    *,
    tab: str | None = None,
    accepted: Collection[str] = frozenset(),
) -> Sheet:
    """Read a sheet, whatever its name says: a text file, an XLSX workbook or JSON lines.

    Findings are gathered in the sheet; `accepted` are codes of questions that are answered.
    `names` are the columns that headers may mean; without them each header is a name.  `tab` is
    the worksheet to read, in place of the active one.

    Raises:
        SheetInvalidError: the file cannot be read at all, or its columns are ambiguous.
    """
    findings = Findings(file=path.name.encode("utf-8", "replace").decode(), accepted=accepted)
    return parse_sheet(read_bytes(path, findings), path.suffix.lower(), findings, names, tab=tab)


def parse_sheet(
    data: bytes,
    suffix: str,
    findings: Findings,
    names: ColumnNames | None = None,
    *,
    tab: str | None = None,
) -> Sheet:
    """Read the bytes of a sheet whose file has `suffix`, as `read_sheet`.

    Raises:
        SheetInvalidError: the file cannot be read at all, or its columns are ambiguous.
    """
    digest = hashlib.sha256(data).digest()
    if suffix in JSON_SUFFIXES:
        rows = [
            SheetRow(file=findings.file, number=number, cells=cells)
            for number, cells in read_json_lines(data, findings)
        ]
        return _finish(
            Sheet(
                file=findings.file, digest=digest, rows=rows, findings=findings, form="JSON lines"
            )
        )
    grid = _grid(data, suffix, names, tab, findings)
    following = iter(grid.rows)
    near = list(islice(following, MAX_HEADER_DISTANCE + 1))
    header = find_header(near, names, findings)
    sheet = Sheet(
        file=findings.file,
        digest=digest,
        rows=[],
        findings=findings,
        form=grid.form,
        separator=grid.separator,
        worksheet=grid.worksheet,
        columns=[header.columns[place] for place in sorted(header.columns)],
        headers=[header.number],
        width=header.width,
    )
    sheet.rows.extend(_rows(chain(near[header.rows :], following), header, sheet))
    check_grid(grid, sheet)
    return _finish(sheet)


def _finish(sheet: Sheet) -> Sheet:
    sheet.count = len(sheet.rows)
    if not sheet.rows and not sheet.findings.has_fault():
        sheet.findings.report(kinds.EMPTY)
    return sheet


def read_rows(path: Path) -> list[SheetRow]:
    """Return the rows of a sheet whose headers are the names of its columns.

    Raises:
        SheetInvalidError: with every fault and question of the form.
    """
    sheet = read_sheet(path)
    for row in sheet.rows:
        for name, value in row.cells.items():
            if isinstance(value, Cell):
                for kind in filter(None, (unreadable_kind(value), *mark_kinds(value))):
                    shown = display(value)
                    report_cell(sheet.findings, row, name, kind, value=value.stored, shown=shown)
    sheet.findings.raise_any()
    return sheet.rows


UNREADABLE_CELLS = {
    CellKind.ERROR: kinds.CELL_ERROR,
    CellKind.UNCOMPUTED: kinds.CELL_FORMULA,
    CellKind.BOOLEAN: kinds.CELL_BOOLEAN,
}


MARK_KINDS: Mapping[Mark, FindingKind] = {
    Mark.STRUCK: kinds.CELL_STRUCK,
    Mark.UNSEEN: kinds.CELL_UNSEEN,
    Mark.RAISED: kinds.CELL_RAISED,
    Mark.SYMBOL: kinds.CELL_SYMBOL,
    Mark.REPEATED: kinds.CELL_REPEATED,
    Mark.VOLATILE: kinds.CELL_VOLATILE,
}


def mark_kinds(cell: Cell) -> list[FindingKind]:
    """Return what there is to report about how a cell is drawn."""
    return [MARK_KINDS[mark] for mark in sorted(cell.marks, key=lambda mark: mark.value)]


def unreadable_kind(cell: Cell) -> FindingKind | None:
    """Return the fault of a cell that has no value to take, None where it has one."""
    return UNREADABLE_CELLS.get(cell.kind)


def report_cell(
    findings: Findings, row: SheetRow, name: str, kind: FindingKind, /, **values: object
) -> None:
    """Report a finding at the cell of a row."""
    column = row.columns.get(name)
    if column is None:
        findings.report(kind, row.number, name, **values)
    else:
        findings.report(kind, row.number, column.header, column.cell(row.number), **values)


def read_bytes(path: Path, findings: Findings) -> bytes:
    """Read a sheet's file.

    Raises:
        SheetInvalidError: it cannot be read, or has more than 256 MB.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SHEET_BYTES + 1)
    except OSError as error:
        raise findings.fail(kinds.FILE_MISSING, why=error.strerror) from error
    if len(data) > MAX_SHEET_BYTES:
        what, most = f"more than {MAX_SHEET_BYTES} bytes", f"{MAX_SHEET_BYTES}"
        raise findings.fail(kinds.FILE_SIZE, what=what, most=most)
    return data


def _grid(
    data: bytes, suffix: str, names: ColumnNames | None, tab: str | None, findings: Findings
) -> Grid:
    kind = kind_of(data)
    if isinstance(kind, tuple):
        raise findings.fail(kinds.FILE_KIND, zh=kind[0], en=kind[1])
    if kind == WORKBOOK or (suffix in WORKBOOK_SUFFIXES and data[:2] == b"PK"):
        from certledger.ledger.sheets.workbook import read_workbook

        if suffix not in WORKBOOK_SUFFIXES:
            findings.report(kinds.FILE_NAME, suffix=suffix, kind=WORKBOOK)
        return read_workbook(data, findings, tab)
    if suffix in WORKBOOK_SUFFIXES and not data.strip():
        raise findings.fail(kinds.UNREADABLE, why="the file is empty")
    if b"\x00" in data[:4096].replace(b"\r", b"").strip(b"\x00") and not _may_be_text(data):
        raise findings.fail(kinds.UNREADABLE, why="not an XLSX file and no text")
    if suffix not in TEXT_SUFFIXES:
        findings.report(kinds.FILE_NAME, suffix=suffix or "(none)", kind=TEXT)
    read = read_text(data, findings, names.score if names else lambda cells: 0)
    rows = (
        GridRow(number, [(at, cell) for at, cell in enumerate(cells) if cell], width=len(cells))
        for number, cells in read.rows
        if any(cells)
    )
    return Grid(rows=rows, form=read.encoding, separator=read.separator)


def _may_be_text(data: bytes) -> bool:
    """Whether zeros among the first bytes are those of UTF-16 or UTF-32."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")):
        return True
    start = data[:4096]
    return max(start[0::2].count(0), start[1::2].count(0)) > len(start) // 8


def _rows(rows: Iterable[GridRow], header: Header, sheet: Sheet) -> Iterator[SheetRow]:
    findings, named = sheet.findings, sheet.named
    unnamed: set[int] = set()
    texts: dict[str, str] = {}
    first = [(column.place, column.header) for column in sheet.columns]
    for row in rows:
        cells, aside = _cells(row, header, findings, unnamed, texts)
        _check_width(findings, row, header)
        if not cells:
            if aside:
                findings.report(kinds.ROW_WITHOUT_FIELDS, row.number)
                sheet.passed_over.append(row.number)
        elif [(place, display(value)) for place, value in row.cells] == first:
            findings.report(kinds.HEADER_AGAIN, row.number)
            sheet.headers.append(row.number)
        else:
            if row.hidden:
                findings.report(kinds.ROW_HIDDEN, row.number)
            yield SheetRow(
                file=sheet.file, number=row.number, cells=cells, columns=named, aside=aside
            )


def _cells(
    row: GridRow, header: Header, findings: Findings, unnamed: set[int], texts: dict[str, str]
) -> tuple[dict[str, CellValue], str]:
    """Return the cells of a row by name, and the first text in a column that is left out.

    `texts` has one copy of the texts that many cells share.
    """
    cells: dict[str, CellValue] = {}
    aside = ""
    for place, value in row.cells:
        column = header.columns.get(place)
        if isinstance(value, str):
            stripped = value.strip()
            if stripped and stripped != value:
                _note_blanks(findings, column, row.number)
            value = texts.get(stripped, stripped)
            if value is stripped and len(texts) < MAX_SHARED_TEXTS:
                texts[value] = value
        if value == "":
            continue
        if column is None:
            _report_unnamed(findings, row, place, header, unnamed)
        elif column.name:
            cells[column.name] = value
        else:
            aside = aside or display(value).strip()
    return cells, aside


def _note_blanks(findings: Findings, column: SheetColumn | None, row: int) -> None:
    if column is not None and column.name:
        findings.report(kinds.BLANKS_DROPPED, row, column.header, column.cell(row))


def _report_unnamed(
    findings: Findings, row: GridRow, place: int, header: Header, unnamed: set[int]
) -> None:
    """Report a value without a header: once a column between others, once a row beyond them."""
    if place < header.width:
        if place not in unnamed:
            unnamed.add(place)
            name = SheetColumn(place, "", "")
            cell = name.cell(row.number)
            findings.report(
                kinds.HEADER_UNNAMED, row.number, "", cell, letter=cell.rstrip("0123456789")
            )
    elif row.width is None:
        count = row.cells[-1][0] + 1
        findings.report(kinds.ROW_LENGTH, row.number, count=count, wanted=header.width)


def _check_width(findings: Findings, row: GridRow, header: Header) -> None:
    if row.width is None:
        return
    beyond = row.cells[-1][0] >= header.width
    if beyond or row.width < header.width:
        findings.report(kinds.ROW_LENGTH, row.number, count=row.width, wanted=header.width)
