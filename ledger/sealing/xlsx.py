"""Read XLSX sheets as rows of text, with a guard against decompression bombs."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

from certledger.ledger.sealing.sheet_faults import SheetFaultCode
from certledger.ledger.sealing.sheets import SheetFaults, SheetRow, rows_of

if TYPE_CHECKING:
    from python_calamine import CalamineSheet

MAX_INFLATED_BYTES = 512 * 2**20
"""Bytes of all parts of the file, decompressed."""
MAX_ARCHIVE_PARTS = 2_000
MAX_CELLS = 8_000_000
"""Cells of the rectangle around all filled cells: the reader allocates a value for each."""
PIECE = 2**20
EXACT = 10**15
"""From here on a spreadsheet has rounded a number that is stored as a number."""
_REFERENCE = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{1,3})?([0-9]{1,9})["']""")
_ERROR = re.compile(rb"""<(?:\w+:)?c\b[^<>]{0,200}?\bt\s*=\s*["']e["'][^<>]{0,200}""")
_OVERLAP = 512
"""Longer than any match, so that none is lost between two pieces."""

_ZIP_TROUBLE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
)
"""Exceptions of the standard library for damaged or encrypted archives."""

Cell = object


def read_xlsx(data: bytes, faults: SheetFaults, tab: str | None) -> list[SheetRow]:
    """Return the rows of worksheet `tab`, or of the first.

    Raises:
        SheetInvalidError: not XLSX, no such worksheet, or too large when decompressed.
    """
    _check_unfolding(data, faults)
    sheet = _open(data, faults, tab)
    lines = enumerate(sheet.to_python(skip_empty_area=False), 1)
    return rows_of(_texts(lines, faults), faults, ragged=True)


def _open(data: bytes, faults: SheetFaults, tab: str | None) -> CalamineSheet:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        if not book.sheet_names or (tab is not None and tab not in book.sheet_names):
            reason = f"there is no worksheet {tab!r} among {', '.join(book.sheet_names)}"
            raise faults.fail(0, SheetFaultCode.UNREADABLE, reason)
        return book.get_sheet_by_name(tab or book.sheet_names[0])
    except CalamineError as error:
        reason = f"the workbook cannot be read: {error}"
        raise faults.fail(0, SheetFaultCode.UNREADABLE, reason) from error


def _check_unfolding(data: bytes, faults: SheetFaults) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            if len(parts) > MAX_ARCHIVE_PARTS:
                reason = f"{len(parts)} parts, at most {MAX_ARCHIVE_PARTS}"
                raise faults.fail(0, SheetFaultCode.FILE_SIZE, reason)
            left = MAX_INFLATED_BYTES
            for part in parts:
                left = _inflate(archive, part, left, faults)
    except _ZIP_TROUBLE as error:
        reason = f"not an XLSX file: {error}"
        raise faults.fail(0, SheetFaultCode.UNREADABLE, reason) from error


def _inflate(
    archive: zipfile.ZipFile, part: zipfile.ZipInfo, left: int, faults: SheetFaults
) -> int:
    """Count the bytes that a part really decompresses to; return how many are left."""
    row = column = 0
    tail = b""
    with archive.open(part) as file:
        while piece := file.read(PIECE):
            left -= len(piece)
            if left < 0:
                reason = f"the file unfolds to more than {MAX_INFLATED_BYTES} bytes"
                raise faults.fail(0, SheetFaultCode.FILE_SIZE, reason)
            for letters, digits in _REFERENCE.findall(tail + piece):
                row, column = max(row, int(digits)), max(column, _column(letters))
            if row * column > MAX_CELLS:
                reason = f"cells stand as far as row {row} and column {column}"
                raise faults.fail(0, SheetFaultCode.FILE_SIZE, reason)
            _report_errors(part.filename, tail + piece, faults)
            tail = piece[-_OVERLAP:]
    return left


def _report_errors(part: str, data: bytes, faults: SheetFaults) -> None:
    """Report formulas with an error, which the reader would return as empty cells."""
    for cell in _ERROR.findall(data):
        found = _REFERENCE.search(cell)
        letters, digits = (found[1] or b"", found[2]) if found else (b"", b"0")
        reason = f"the formula in cell {(letters + digits).decode()} of {part} gives an error"
        faults.report(int(digits), "", SheetFaultCode.CELL, reason)


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def _texts(
    lines: Iterator[tuple[int, Sequence[Cell]]], faults: SheetFaults
) -> Iterator[tuple[int, list[str]]]:
    header: list[str] = []
    for number, cells in lines:
        texts = []
        for place, cell in enumerate(cells):
            text = _text(cell)
            if text is None:
                column = header[place] if place < len(header) else ""
                faults.report(number, column, SheetFaultCode.CELL, _complaint(cell))
            texts.append(text or "")
        header = header or texts
        yield number, texts


def _text(cell: Cell) -> str | None:
    """Return a cell as text, None if its meaning is unclear."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return None
    if isinstance(cell, int | float):
        return str(int(cell)) if cell == int(cell) and abs(cell) < EXACT else _fraction(cell)
    if isinstance(cell, datetime):
        midnight = (cell.hour, cell.minute, cell.second, cell.microsecond) == (0, 0, 0, 0)
        return cell.date().isoformat() if midnight else None
    return cell.isoformat() if isinstance(cell, date) else None


def _fraction(cell: float) -> str | None:
    """Return a number with decimals as it is shown, None if digits may have been lost."""
    text = repr(cell)
    return text if abs(cell) < EXACT and "e" not in text and len(text) <= 16 else None


def _complaint(cell: Cell) -> str:
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return f"{cell!r} is held as a number and may have lost digits; format the cell as text"
    return f"{cell} is neither text nor a whole number nor a day"
