"""Small books for tests."""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path

from certledger.ledger.reference_data.loader import PACKAGED
from certledger.ledger.reform.book_columns import SCHEMAS
from certledger.ledger.reform.book_files import BookFiles, read_book
from certledger.verifier.reform.book import COLUMNS

FILES = {
    "counters": [
        [
            "HP-WINDOW-1",
            "黄浦区政务服务中心1号窗口",
            "Huangpu window 1",
            "window",
            "310101",
            "上海市公安局",
        ],
        ["HOTEL-1", "示例酒店", "Example Hotel", "hotel", "310106", ""],
        ["pudong-7", "浦东7号窗口", "Pudong window 7", "window", "310115", ""],
        ["SZ-WINDOW-1", "苏州示例窗口", "Suzhou window", "window", "320500", ""],
    ],
    "bundles": [
        ["ONE-RESTAURANT", "开饭店", "Open a restaurant", "FOOD-LICENCE;BIZ-OPEN"],
        ["ONE-DEEP", "开饭店并变更", "Open and change", "ONE-RESTAURANT;BIZ-CHANGE-REG"],
    ],
    "overrides": [["BIZ-OPEN", "5", "法律规定须核对原件", "The law asks for the original"]],
    "rules": [
        [
            *("NOCRIME-APPLY", "1", "1", "m1.own && years(m1.birth_date, today) >= 18"),
            *("refused", "申请人未满18周岁", "The applicant is younger than 18"),
        ],
        [
            *("NOCRIME-APPLY", "1", "2", "!m1.address.contains('外省')", "person"),
            *("外省户籍须人工核实", "A clerk looks at addresses of other provinces"),
        ],
    ],
    "restrictions": [["ID-RESIDENT", "person;company"]],
}


def domain_folder(folder: Path) -> Path:
    """Copy the reference data into `folder` and add the files that only a book has."""
    for name, schema in SCHEMAS.items():
        if (PACKAGED / schema.file).exists():
            shutil.copy(PACKAGED / schema.file, folder / schema.file)
        else:
            write_table(folder, name, FILES[name])
    return folder


def write_table(folder: Path, name: str, rows: list[list[str]]) -> None:
    """Write a table's file."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows([COLUMNS[name], *rows])
    (folder / SCHEMAS[name].file).write_text(out.getvalue(), encoding="utf-8")


def append_row(folder: Path, name: str, *cells: str) -> int:
    """Append a row to a table's file; return its line."""
    path = folder / SCHEMAS[name].file
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerow(cells)
    text = path.read_text("utf-8") + out.getvalue()
    path.write_text(text, encoding="utf-8")
    return text.count("\n")


def domain_book(folder: Path) -> BookFiles:
    """Return the book of the reference data and of `FILES`."""
    return read_book(domain_folder(folder))
