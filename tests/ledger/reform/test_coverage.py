"""The three percentages, their parts and what is missing."""

from __future__ import annotations

import csv
import io

import pytest

from certledger.ledger.reform.book_files import read_book
from certledger.ledger.reform.coverage import Activity, CoverageGroup, CoveragePart, coverage
from certledger.verifier.reform.book import Book
from tests.ledger.reform.books import append_row, domain_folder

NOW = 1_796_000_000


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    folder = domain_folder(tmp_path_factory.mktemp("book"))
    append_row(folder, "counters", "C-1", "=公式", "Formula", "bank", "310101", "")
    append_row(
        folder,
        "service_items",
        *("NO-PAPERS", "无材料事项", "Nothing to show", "上海市公安局", "Police"),
        *("public_service", "personal", "no", "no", "no"),
    )
    return Book.from_tables("310000", read_book(folder).tables)


def test_each_share_has_its_parts_and_what_is_missing(book: Book) -> None:
    found = coverage(book, Activity(seen={"HOTEL-1": NOW, "HP-WINDOW-1": 5}, since=10), NOW)
    items, categories, counters = (found.shares[one] for one in ("items", "categories", "counters"))

    assert "NO-PAPERS" in items.missing
    assert items.total.part + len(items.missing) == items.total.whole == len(book.items)
    assert (categories.total.part, categories.total.whole) == (824, 900)
    assert counters.total == CoveragePart(part=1, whole=5)
    assert counters.missing == ["HP-WINDOW-1", "pudong-7", "SZ-WINDOW-1", "C-1"]
    assert counters.by["district"]["310106"] == CoverageGroup(part=1, whole=1, missing=[])
    assert counters.by["region"]["320000"] == CoverageGroup(
        part=0, whole=1, missing=["SZ-WINDOW-1"]
    )
    assert set(items.by) == set(categories.by) == {"department", "district", "region"}
    assert set(counters.by) == {"department", "district", "region", "kind"}
    assert counters.by["department"]["上海市公安局"].missing == ["HP-WINDOW-1"]
    assert "NO-PAPERS" in items.by["department"]["上海市公安局"].missing
    assert "NO-PAPERS" in items.by["district"]["310000"].missing
    for share in found.shares.values():
        for parts in share.by.values():
            assert sum(one.part for one in parts.values()) == share.total.part
            assert sum(one.whole for one in parts.values()) == share.total.whole
            lists = [code for one in parts.values() for code in one.missing]
            assert sorted(lists) == sorted(share.missing)


def test_rates_and_waiting_times(book: Book) -> None:
    activity = Activity(decisions={"granted": 3, "person": 1}, oldest=NOW - 90, waits=[5, 1, 9])
    found = coverage(book, activity, NOW).to_json()

    assert found["waiting"] == {"median_to_final_seconds": 5, "oldest_not_anchored_seconds": 90}
    assert found["decisions"] == {"granted": 3, "person": 1}
    assert found["rates"]["online"]["whole"] == len(book.items)
    assert found["rates"]["by_person"] == {"part": 1, "percent": "25.0", "whole": 4}
    assert found["rates"]["exempt"]["part"] < found["rates"]["exempt"]["whole"]


def test_the_table_says_the_same_and_runs_no_formula(book: Book) -> None:
    found = coverage(book, Activity(), NOW)
    rows = list(csv.reader(io.StringIO(found.to_csv())))

    assert rows[0] == [
        *("figure", "dimension", "name", "part", "whole", "percent"),
        *("department", "district", "region", "kind"),
    ]
    assert ["counters", "", "", "0", "5", "0.0", *[""] * 4] in rows
    missing = ["counters", "missing", "C-1", "0", "1", "0.0", "none", "310101", "310000", "bank"]
    assert missing in rows
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
    assert all(len(row) == 10 for row in rows)


def test_an_empty_book_has_reached_nothing_and_divides_by_no_zero() -> None:
    empty = Book.from_tables("310000", dict.fromkeys(EMPTY, ()))
    found = coverage(empty, Activity(), NOW)
    nothing = {"part": 0, "percent": "0.0", "whole": 0}

    for share in found.shares.values():
        assert share.to_json() == nothing | {"by": {}, "missing": []}
    assert found.to_json()["rates"] == dict.fromkeys(
        ("exempt", "online", "city_wide", "unattended", "by_person"), nothing
    )
    assert found.to_csv().count("\n") == 1 + 3 + 5 + 2


EMPTY = (
    *("regions", "categories", "service_items", "materials", "issuers", "counters"),
    *("bundles", "overrides", "restrictions", "rules", "delta_scenarios"),
)
