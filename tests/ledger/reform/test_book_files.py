"""Importing a book: what is right goes in and out byte for byte, every fault has its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from certledger.ledger.reference_data.faults import FaultCode
from certledger.ledger.reference_data.loader import PACKAGED
from certledger.ledger.reform.book_changes import changes
from certledger.ledger.reform.book_columns import SCHEMAS
from certledger.ledger.reform.book_files import (
    BookInvalidError,
    export_book,
    format_table,
    guard,
    read_book,
    unguard,
)
from certledger.verifier.reform.book import COLUMNS, Book
from tests.ledger.reform.books import append_row, domain_book, domain_folder, write_table

RTL = "\u202e"


def faults_of(folder: Path) -> list[tuple[str, int, str, FaultCode]]:
    with pytest.raises(BookInvalidError) as refused:
        read_book(folder)
    return [(one.file, one.line, one.column, one.code) for one in refused.value.faults]


def test_columns_of_the_files_are_those_of_an_edition() -> None:
    columns = {name: tuple(one.name for one in of.columns) for name, of in SCHEMAS.items()}

    assert columns == dict(COLUMNS)


def test_the_reference_data_is_a_book_as_it_is() -> None:
    files = read_book(PACKAGED)

    assert len(files.tables["materials"]) == 3557
    assert files.tables["bundles"] == []
    assert "status_codes.csv" in files.ignored


def test_an_export_gives_the_files_byte_for_byte(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    files = domain_book(before)
    names = export_book(files.tables, after)

    assert names == [f"{name}.csv" for name in COLUMNS]
    assert {n: (after / n).read_bytes() for n in names} == {
        n: (before / n).read_bytes() for n in names
    }


@pytest.mark.parametrize("name", ["=1+1", "+86", "-x", "@SUM(A1)", "'=1", "<b>&amp;", "a'b"])
def test_formulas_are_escaped_in_exports_and_come_back(name: str, tmp_path: Path) -> None:
    domain_folder(tmp_path)
    line = append_row(tmp_path, "counters", "C-FORMULA", name, "Window", "window", "310101", "")
    files = read_book(tmp_path)
    written = format_table("counters", files.tables["counters"])

    assert not any(
        cell.startswith(("=", "+", "-", "@"))
        for row in written.decode().splitlines()
        for cell in row.split(",")
    )
    (tmp_path / "counters.csv").write_bytes(written)
    assert read_book(tmp_path).tables == files.tables
    assert line == len(files.tables["counters"]) + 1


def test_guarding_is_undone() -> None:
    assert [unguard(guard(one)) for one in ("=a", "'a", "a", "")] == ["=a", "'a", "a", ""]


def test_every_fault_is_listed_with_file_line_and_column(tmp_path: Path) -> None:
    domain_folder(tmp_path)
    lines = {
        "right-to-left": append_row(
            tmp_path, "counters", "C-RTL", f"a{RTL}b", "Window", "window", "310101", ""
        ),
        "region": append_row(
            tmp_path, "counters", "C-REGION", "窗口", "Window", "window", "999999", ""
        ),
        "kind": append_row(
            tmp_path, "counters", "C-KIND", "窗口", "Window", "castle", "310101", ""
        ),
        "item": append_row(tmp_path, "materials", "NO-ITEM", "1", "甲", "A", "yes", "", "no"),
        "category": append_row(
            tmp_path, "materials", "NO-ITEM", "2", "乙", "B", "yes", "NO-CATEGORY", "no"
        ),
        "member": append_row(tmp_path, "bundles", "ONE-BAD", "坏", "Bad", "NO-ITEM"),
        "line": append_row(tmp_path, "overrides", "BIZ-OPEN", "99", "无", "None"),
    }

    assert faults_of(tmp_path) == [
        ("materials.csv", lines["item"], "item_code", FaultCode.UNKNOWN),
        ("materials.csv", lines["category"], "category_code", FaultCode.UNKNOWN),
        ("materials.csv", lines["category"], "item_code", FaultCode.UNKNOWN),
        ("counters.csv", lines["right-to-left"], "name_zh", FaultCode.TEXT),
        ("counters.csv", lines["region"], "region_code", FaultCode.UNKNOWN),
        ("counters.csv", lines["kind"], "kind", FaultCode.VOCABULARY),
        ("bundles.csv", lines["member"], "members", FaultCode.UNKNOWN),
        ("overrides.csv", lines["line"], "material_no", FaultCode.UNKNOWN),
    ]


def test_bundles_that_lead_back_to_themselves_are_refused(tmp_path: Path) -> None:
    domain_folder(tmp_path)
    write_table(
        tmp_path,
        "bundles",
        [
            ["ONE-A", "甲", "A", "ONE-B;BIZ-OPEN"],
            ["ONE-B", "乙", "B", "ONE-C"],
            ["ONE-C", "丙", "C", "ONE-A"],
            ["ONE-D", "丁", "D", "BIZ-OPEN"],
            ["ONE-SELF", "己", "Self", "ONE-SELF"],
        ],
    )

    assert faults_of(tmp_path) == [
        ("bundles.csv", line, "members", FaultCode.CYCLE) for line in (2, 3, 4, 6)
    ]


def test_bundles_within_bundles_are_bounded_without_being_unfolded(tmp_path: Path) -> None:
    domain_folder(tmp_path)
    chain = [["ONE-0000", "零", "Zero", "BIZ-OPEN;BIZ-CANCEL"]]
    chain += [
        [f"ONE-{at:04}", f"第{at}", f"No {at}", f"ONE-{at - 1:04};ONE-X{at - 1:03}"]
        for at in range(1, 500)
    ]
    chain += [[f"ONE-X{at:03}", f"又{at}", f"X {at}", f"ONE-{at:04}"] for at in range(499)]
    write_table(tmp_path, "bundles", chain)
    faults = faults_of(tmp_path)

    assert {fault[3] for fault in faults} == {FaultCode.TOO_MANY}
    assert faults[0][1] == 8


def test_many_faults_cost_no_more_than_many_rows(tmp_path: Path) -> None:
    domain_folder(tmp_path)
    rows = [
        ["BIZ-OPEN", str(2 * at + 2), f"材料{at}", f"Line {at}", "yes", "", "no"]
        for at in range(400)
    ]
    rows += [[f"NO-{at:06}", "2", "材料", "Line", "yes", "", "no"] for at in range(12_000)]
    write_table(tmp_path, "materials", rows)
    write_table(tmp_path, "overrides", [])
    write_table(tmp_path, "rules", [])
    write_table(tmp_path, "delta_scenarios", [])
    faults = faults_of(tmp_path)

    assert len(faults) == 400 + 2 * 12_000


def test_a_file_that_is_too_large_or_missing_is_one_fault(tmp_path: Path) -> None:
    domain_folder(tmp_path)
    (tmp_path / "counters.csv").write_bytes(b"x" * (2**25 + 1))
    (tmp_path / "issuers.csv").unlink()

    assert faults_of(tmp_path) == [
        ("issuers.csv", 0, "", FaultCode.FILE_MISSING),
        ("counters.csv", 0, "", FaultCode.TOO_LARGE),
    ]


def test_names_are_bounded(tmp_path: Path) -> None:
    domain_folder(tmp_path)
    line = append_row(tmp_path, "counters", "C-LONG", "长" * 201, "Window", "window", "310101", "")

    assert faults_of(tmp_path) == [("counters.csv", line, "name_zh", FaultCode.TOO_LARGE)]


def test_changes_are_told_by_key(tmp_path: Path) -> None:
    before = domain_book(tmp_path).tables
    write_table(
        tmp_path,
        "counters",
        [
            [
                "HP-WINDOW-1",
                "黄浦区政务服务中心一号窗口",
                "Huangpu window 1",
                "window",
                "310101",
                "",
            ],
            ["HOTEL-1", "示例酒店", "Example Hotel", "hotel", "310106", ""],
            ["BANK-1", "示例银行", "Example Bank", "bank", "310115", ""],
        ],
    )
    found = changes(before, read_book(tmp_path).tables)

    assert {name: one.to_json() for name, one in found.items()} == {
        "counters": {
            "added": ["BANK-1"],
            "changed": ["HP-WINDOW-1"],
            "dropped": ["pudong-7", "SZ-WINDOW-1"],
        }
    }
    assert changes(before, before) == {}


def test_the_typed_book_has_what_the_files_say(tmp_path: Path) -> None:
    book = Book.from_tables("310000", domain_book(tmp_path).tables)

    assert [item.code for item in book.items_of("ONE-DEEP")] == [
        "FOOD-LICENCE",
        "BIZ-OPEN",
        "BIZ-CHANGE-REG",
    ]
    assert book.overrides["BIZ-OPEN", 5].en == "The law asks for the original"
    assert "上海市公安局" in book.city_departments
    assert "江苏省公安厅" not in book.city_departments
    assert book.counters["SZ-WINDOW-1"].region == "320500"
