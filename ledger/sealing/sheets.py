"""Read sheets of certificates as rows of text: CSV, XLSX, JSON lines.

`ledger.sealing.row_checks` checks the meaning of cells.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from certledger.ledger.sealing.sheet_faults import SheetFault, SheetFaultCode, SheetInvalidError
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.canonical_json import Json, parse

MAX_SHEET_BYTES = 256 * 2**20
"""Bytes of a sheet; a million rows of eight fields take less."""
MAX_LINE_BYTES = 2**20
LIST_MARK = ";"
"""Separator of documents in one cell."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SheetRow:
    """A row: its non-empty cells by the name of their column.

    `number` is the row of the sheet or the line of the file, the header being 1.
    """

    file: str
    number: int
    cells: Mapping[str, str]


@dataclass(kw_only=True, slots=True)
class SheetFaults:
    """Collects the faults of one file."""

    file: str
    found: list[SheetFault] = field(default_factory=list)

    def report(self, row: int, column: str, code: SheetFaultCode, reason: str) -> None:
        """Add a fault."""
        fault = SheetFault(file=self.file, row=row, column=column, code=code, reason=reason)
        self.found.append(fault)

    def fail(self, row: int, code: SheetFaultCode, reason: str) -> SheetInvalidError:
        """Add a fault that ends the reading, and return the error to raise."""
        self.report(row, "", code, reason)
        return SheetInvalidError(self.found)

    def raise_any(self) -> None:
        """Raise the error with all faults, if there are any."""
        if self.found:
            raise SheetInvalidError(sorted(set(self.found)))


Cells = Sequence[str]
Reader = Callable[[bytes, SheetFaults], list[SheetRow]]


def read_sheet(path: Path, *, tab: str | None = None) -> list[SheetRow]:
    """Read the rows of a sheet, by its suffix: .csv, .xlsx, .jsonl or .ndjson.

    `tab` names a worksheet of an XLSX file; None reads the first.

    Raises:
        SheetInvalidError: with every fault of the form: file, row, column, code and reason.
    """
    faults = SheetFaults(file=path.name)
    data = _read(path, faults)
    suffix = path.suffix.lower()
    if suffix == ".xlsx":
        from certledger.ledger.sealing.xlsx import read_xlsx

        rows = read_xlsx(data, faults, tab)
    elif suffix in _READERS:
        rows = _READERS[suffix](data, faults)
    else:
        reason = f"{suffix or 'no suffix'} is none of .csv, .xlsx, .jsonl, .ndjson"
        raise faults.fail(0, SheetFaultCode.FILE_KIND, reason)
    if not rows and not faults.found:
        faults.report(0, "", SheetFaultCode.EMPTY, "there is no row of a certificate")
    faults.raise_any()
    return rows


def _read(path: Path, faults: SheetFaults) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SHEET_BYTES + 1)
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
        raise faults.fail(0, SheetFaultCode.FILE_MISSING, reason) from error
    if len(data) > MAX_SHEET_BYTES:
        reason = f"more than {MAX_SHEET_BYTES} bytes"
        raise faults.fail(0, SheetFaultCode.FILE_SIZE, reason)
    return data


def decode(data: bytes, faults: SheetFaults) -> str:
    """Decode UTF-8, without a byte order mark.

    Raises:
        SheetInvalidError: another encoding, with a guess at which.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        reason = f"byte {data[error.start]:#04x} is not UTF-8{_guess(data)}"
        raise faults.fail(line, SheetFaultCode.ENCODING, reason) from error


def _guess(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "; the file is UTF-16, save it as CSV UTF-8"
    try:
        data.decode("gb18030")
    except UnicodeDecodeError:
        return ""
    return "; the file seems to be GBK (GB 18030), save it as CSV UTF-8"


# CSV -------------------------------------------------------------------------------------------


def _read_csv(data: bytes, faults: SheetFaults) -> list[SheetRow]:
    return rows_of(_csv_lines(decode(data, faults), faults), faults, ragged=False)


def _csv_lines(text: str, faults: SheetFaults) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            reason = f"not CSV as in RFC 4180: {error}"
            raise faults.fail(line, SheetFaultCode.UNREADABLE, reason) from error
        if cells is None:
            return
        yield line, cells


def rows_of(
    lines: Iterator[tuple[int, list[str]]], faults: SheetFaults, *, ragged: bool
) -> list[SheetRow]:
    """Return the rows below a header; rows of empty cells are skipped.

    A spreadsheet is `ragged`: trailing cells may be missing.
    """
    first, header = next(lines, (1, []))
    header = [name.strip() for name in header]
    while header and not header[-1]:
        header.pop()
    _check_header(first, header, faults)
    rows = []
    for number, cells in lines:
        if not any(cells):
            continue
        if _wrong_length(cells, header, ragged):
            reason = f"{len(cells)} cells, where the header has {len(header)}"
            faults.report(number, "", SheetFaultCode.ROW_LENGTH, reason)
        filled = {name: cell for name, cell in zip(header, cells, strict=False) if cell}
        rows.append(SheetRow(file=faults.file, number=number, cells=filled))
    return rows


def _wrong_length(cells: Cells, header: Cells, ragged: bool) -> bool:
    beyond = any(cells[len(header) :])
    return beyond or (not ragged and len(cells) != len(header))


def _check_header(number: int, header: Cells, faults: SheetFaults) -> None:
    before = len(faults.found)
    if not header:
        raise faults.fail(number, SheetFaultCode.EMPTY, "there is no header")
    for name in sorted({name for name in header if header.count(name) > 1}):
        reason = f"{name or 'an unnamed column'} stands twice in the header"
        faults.report(number, name, SheetFaultCode.HEADER, reason)
    if "" in header and header.count("") == 1:
        reason = f"column {header.index('') + 1} has no name"
        faults.report(number, "", SheetFaultCode.HEADER, reason)
    if len(faults.found) > before:  # Without unique columns no cell can be assigned.
        faults.raise_any()


# JSON lines ------------------------------------------------------------------------------------


def _read_json_lines(data: bytes, faults: SheetFaults) -> list[SheetRow]:
    rows = []
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            value = parse(line, MAX_LINE_BYTES)
        except MalformedError as error:
            faults.report(number, "", SheetFaultCode.UNREADABLE, f"{error} ({error.code})")
            continue
        if not isinstance(value, dict):
            faults.report(number, "", SheetFaultCode.UNREADABLE, "the line is not an object")
            continue
        rows.append(SheetRow(file=faults.file, number=number, cells=_texts(number, value, faults)))
    return rows


def _texts(number: int, value: Mapping[str, Json], faults: SheetFaults) -> dict[str, str]:
    cells: dict[str, str] = {}
    for name, part in value.items():
        text = _text(part)
        if text is None:
            reason = f"{str(part)[:40]!r} is neither text, nor an integer, nor a list of texts"
            faults.report(number, name, SheetFaultCode.CELL, reason)
        elif text:
            cells[name] = text
    return cells


def _text(value: Json) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return LIST_MARK.join(value)
    return None


_READERS: Mapping[str, Reader] = {
    ".csv": _read_csv,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
}
