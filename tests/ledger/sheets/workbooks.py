"""Workbooks made for tests: plain rows by openpyxl, and anything else by editing their XML."""

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import openpyxl
from openpyxl.worksheet.worksheet import Worksheet

SHEET = "xl/worksheets/sheet1.xml"


def save(path: Path, rows: Sequence[Sequence[object]], *, title: str = "发放") -> Path:
    """Write a workbook with one worksheet."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.title = title
    for cells in rows:
        sheet.append(list(cells))
    book.save(path)
    return path


@contextmanager
def changed(path: Path) -> Iterator[Worksheet]:
    """Give the worksheet of a workbook to be changed, and save it."""
    book = openpyxl.load_workbook(path)
    assert isinstance(book.active, Worksheet)
    yield book.active
    book.save(path)


def edit(path: Path, changes: Mapping[str, str], part: str = SHEET) -> Path:
    """Replace texts in a part of a workbook; each must be there."""
    with zipfile.ZipFile(path) as archive:
        parts = {item.filename: archive.read(item) for item in archive.infolist()}
    text = parts[part].decode()
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new, 1)
    parts[part] = text.encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path
