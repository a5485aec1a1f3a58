"""A workbook with a worksheet for each table is imported as the CSV files are."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from openpyxl import Workbook

from certledger.ledger.reference_data.faults import FaultCode
from certledger.ledger.reform.book_columns import SCHEMAS
from certledger.ledger.reform.book_files import BookInvalidError, BookTables, read_book
from certledger.verifier.reform.book import COLUMNS
from tests.ledger.reform.books import FILES

SMALL: dict[str, list[list[str]]] = {
    "regions": [["310000", "上海市", "Shanghai", "province", ""]],
    "categories": [
        [
            *("BIZ-LICENCE", "营业执照", "Business licence", "执照", "legal", "department"),
            *("上海市市场监督管理局", "Market Regulation", "", "7", "no"),
            "certificate_number;holder_name;uscc;issue_date",
        ]
    ],
    "service_items": [
        [
            *("FOOD-LICENCE", "食品经营许可", "Food permit", "上海市市场监督管理局"),
            *("Market Regulation", "administrative", "legal", "yes", "yes", "yes"),
        ]
    ],
    "materials": [["FOOD-LICENCE", "1", "营业执照", "Licence", "yes", "BIZ-LICENCE", "yes"]],
    "issuers": [],
}


def folder_of(path: Path, tables: dict[str, list[list[str]]]) -> Path:
    path.mkdir()
    for name, rows in tables.items():
        with (path / SCHEMAS[name].file).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([COLUMNS[name], *rows])
    return path


def workbook_of(path: Path, tables: Mapping[str, Sequence[Sequence[object]]]) -> Path:
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in tables.items():
        sheet = book.create_sheet(name)
        for row in [list(COLUMNS[name]), *rows]:
            sheet.append(row)
    book.save(path)
    return path


def faults(path: Path) -> list[tuple[str, int, str, FaultCode]]:
    with pytest.raises(BookInvalidError) as refused:
        read_book(path)
    return [(one.file, one.line, one.column, one.code) for one in refused.value.faults]


def test_a_workbook_gives_the_same_tables_as_the_files(tmp_path: Path) -> None:
    expected: BookTables = read_book(folder_of(tmp_path / "csv", SMALL)).tables
    typed = {
        name: [[int(one) if one.isdecimal() else one for one in row] for row in rows]
        for name, rows in SMALL.items()
    }

    both: Sequence[Mapping[str, Sequence[Sequence[object]]]] = (SMALL, typed)
    for number, rows in enumerate(both):
        found = read_book(workbook_of(tmp_path / f"{number}.xlsx", rows))
        assert {name: [tuple(row) for row in of] for name, of in found.tables.items()} == {
            name: [tuple(row) for row in of] for name, of in expected.items()
        }


def test_faults_name_worksheet_row_and_column(tmp_path: Path) -> None:
    changed = {name: [list(row) for row in rows] for name, rows in SMALL.items()}
    changed["materials"].append(["NO-ITEM", "1", "甲", "A", "perhaps", "", "no"])
    changed["counters"] = [*FILES["counters"][:1], ["C", "=1+1", "x", "window", "310000", ""]]
    del changed["issuers"]
    found = faults(workbook_of(tmp_path / "book.xlsx", changed))

    assert ("workbook.xlsx materials", 3, "required", FaultCode.VOCABULARY) in found
    assert ("workbook.xlsx issuers", 0, "", FaultCode.FILE_MISSING) in found
    assert ("workbook.xlsx counters", 2, "region_code", FaultCode.UNKNOWN) in found
    assert ("workbook.xlsx counters", 3, "", FaultCode.WORKBOOK) in found


def test_what_is_no_workbook_is_one_fault_a_table_at_most(tmp_path: Path) -> None:
    (tmp_path / "book.xlsx").write_bytes(b"PK\x03\x04 not a workbook")
    found = faults(tmp_path / "book.xlsx")

    assert {code for *_, code in found} == {FaultCode.WORKBOOK}
    assert len(found) <= len(COLUMNS)
