"""Fill columns of a sheet's file, old ones or new ones behind the last; all else stays as it is.

A text file keeps encoding, separator, quotes and line ends; of a workbook one part changes, and in
it only the cells that are filled.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from certledger.ledger.sheets import finding_kinds as kinds
from certledger.ledger.sheets.file_kind import WORKBOOK, kind_of
from certledger.ledger.sheets.findings import Findings
from certledger.ledger.sheets.reader import Sheet
from certledger.ledger.sheets.text_files import SEPARATORS, decode
from certledger.ledger.sheets.workbook_cells import put_cells

LINE_ENDS = "\r\n"


@dataclass(frozen=True, slots=True)
class FilledColumn:
    """A column to fill: its name, the header if it is new, and its texts by row."""

    name: str
    header: str
    texts: Mapping[int, str]


def fill_columns(
    data: bytes, sheet: Sheet, columns: Sequence[FilledColumn], *, tab: str | None = None
) -> bytes:
    """Return the file of a sheet with the columns filled.

    Raises:
        SheetInvalidError: the file cannot be written in the form that it has.
    """
    cells: dict[int, dict[int, str]] = {}
    place = sheet.width
    for column in columns:
        known = sheet.named.get(column.name)
        at = place if known is None else known.place
        place += known is None
        for row in sheet.headers if known is None else ():
            cells.setdefault(row, {})[at] = column.header
        for row, text in column.texts.items():
            cells.setdefault(row, {})[at] = text
    findings = Findings(file=sheet.file)
    if kind_of(data) == WORKBOOK:
        return put_cells(data, cells, findings, tab)
    return _fill_text(data, sheet, cells, findings)


def _fill_text(
    data: bytes, sheet: Sheet, cells: Mapping[int, Mapping[int, str]], findings: Findings
) -> bytes:
    decoded = decode(data, findings)
    if decoded.encode(decoded.text) != data:
        why = f"its bytes are not those that {decoded.name} gives"
        raise findings.fail(kinds.UNREADABLE, why=why)
    separator = next(mark for mark, name in SEPARATORS.items() if name == sheet.separator)
    last = max((place for texts in cells.values() for place in texts), default=-1)
    parts = []
    for row, width, record in _records(decoded.text, separator):
        texts = cells.get(row, {})
        # Totals and remarks below the header get no text, but as many cells as the others.
        if texts or (row > sheet.headers[0] and width >= sheet.width):
            record = _fill_record(record, width, separator, {last: "", **texts})
        parts.append(record)
    return decoded.encode("".join(parts))


def _records(text: str, separator: str) -> Iterator[tuple[int, int, str]]:
    """Yield number, count of cells and text of each record, line ends included."""
    lines = list(io.StringIO(text, newline=""))
    reader = csv.reader(iter(lines), delimiter=separator, strict=True)
    done = 0
    for number, cells in enumerate(reader, 1):
        yield number, len(cells), "".join(lines[done : reader.line_num])
        done = reader.line_num


def _fill_record(record: str, width: int, separator: str, cells: Mapping[int, str]) -> str:
    body = record.rstrip(LINE_ENDS)
    parts = _split(body, separator)
    assert len(parts) == width, f"{record!r} has {width} cells"
    parts.extend([""] * (max(cells) + 1 - len(parts)))
    for place, text in cells.items():
        parts[place] = text or parts[place]
    return separator.join(parts) + record[len(body) :]


def _split(record: str, separator: str) -> list[str]:
    """Return the cells of a record with their quotes; a quote counts where a cell begins."""
    parts: list[str] = []
    begin, closed, quoted = 0, -2, False
    for at, one in enumerate(record):
        if one == '"' and (quoted or at in (begin, closed + 1)):
            quoted = not quoted
            closed = -2 if quoted else at
        elif one == separator and not quoted:
            parts.append(record[begin:at])
            begin = at + 1
    return [*parts, record[begin:]]
