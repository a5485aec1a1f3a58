"""The two exemptions agree with a naive oracle on random books."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certledger.ledger.reform.book_files import read_book
from certledger.verifier.reform.book import ApplicantKind, Book, BookUnknownError
from certledger.verifier.reform.exemptions import (
    Exemption,
    Reason,
    count_exempt,
    exemptions,
    percent,
)
from tests.effort import effort
from tests.ledger.reform.books import append_row, domain_book, domain_folder

CITY = ("11310000XX00000196", "本市局", "City", "department", "310000")
AWAY = ("11320000XX00000196", "外省厅", "Away", "department", "320000")
COMPANY = ("91310000XX00000196", "本市公司", "Company", "consulting", "310000")
DEPARTMENTS = (CITY[1], AWAY[1], COMPANY[1], "没有行的机关")
CATEGORIES = [f"CAT-{number}" for number in range(6)]
ITEMS = [f"ITEM-{number}" for number in range(4)]


@st.composite
def tables(draw: st.DrawFn):
    """Draw the tables of a small book with two bundles, one within the other."""
    categories = [
        [code, code, code, "证件", "natural", "department", department, "D", "", "1", "no", "a;b"]
        for code in CATEGORIES
        for department in [draw(st.sampled_from(DEPARTMENTS))]
    ]
    items = [
        [code, code, code, "D", "D", "public_service", "personal", "no", "yes", "no"]
        for code in ITEMS
    ]
    materials = []
    for item in ITEMS:
        for number in range(1, 1 + draw(st.integers(0, 4))):
            of = draw(st.lists(st.sampled_from(CATEGORIES), unique=True, max_size=3))
            name = f"材料{draw(st.integers(1, 3))}"
            flags = [draw(st.sampled_from(("yes", "no"))) for _ in range(2)]
            materials.append([item, str(number), name, name, flags[0], ";".join(of), flags[1]])
    lines = [(row[0], row[1]) for row in materials]
    overridden = draw(st.lists(st.sampled_from(lines), unique=True)) if lines else []
    limited = draw(st.lists(st.sampled_from(CATEGORIES), unique=True))
    kinds = st.lists(st.sampled_from(list(ApplicantKind)), unique=True, min_size=1)
    members = draw(st.lists(st.sampled_from(ITEMS), min_size=1, max_size=4, unique=True))
    return {
        "regions": [],
        "categories": categories,
        "service_items": items,
        "materials": materials,
        "issuers": [CITY, AWAY, COMPANY],
        "counters": [],
        "bundles": [
            ["ONE-A", "甲", "A", ";".join(members)],
            ["ONE-B", "乙", "B", f"{ITEMS[0]};ONE-A"],
        ],
        "overrides": [[item, number, "法", "law"] for item, number in overridden],
        "restrictions": [[code, ";".join(draw(kinds))] for code in limited],
        "rules": [],
        "delta_scenarios": [],
    }


def oracle(given: Any, code: str, applicant: str) -> list[Any]:
    """Work the answers out from the rows alone, in the plainest way."""
    members = {"ONE-A": given["bundles"][0][3].split(";")}
    members["ONE-B"] = [ITEMS[0], *members["ONE-A"]]
    asked: list[tuple] = []
    for item in dict.fromkeys(members.get(code, [code])):
        seen: list = []
        for row in (row for row in given["materials"] if row[0] == item):
            kind = (sorted(row[5].split(";")), "" if row[5] else row[2])
            seen.append(kind)
            key = (*kind, seen.count(kind))
            known = [one for one in asked if one[0] == key]
            if known:
                known[0][1].append(row)
            else:
                asked.append((key, [row]))
    return [answer(given, rows, applicant) for _, rows in asked]


def answer(given: Any, rows: Any, applicant: str) -> Any:
    allowed = {row[0]: row[1].split(";") for row in given["restrictions"]}
    departments = {row[0]: row[6] for row in given["categories"]}
    named = [code for code in rows[0][5].split(";") if code]
    usable = [code for code in named if applicant in allowed.get(code, [applicant])]
    overridden = {(row[0], row[1]) for row in given["overrides"]}
    of_city = any(departments[code] == CITY[1] for code in usable)
    if any((row[0], row[1]) in overridden for row in rows):
        word = "bring"
    elif of_city and any(row[6] == "yes" for row in rows):
        word = "exempt_city"
    else:
        word = "exempt_electronic" if usable else "bring"
    required = any(row[4] == "yes" for row in rows)
    return word, required, usable, [(row[0], int(row[1])) for row in rows]


@settings(max_examples=effort(100, 2_000), deadline=None)
@given(
    tables(),
    st.sampled_from([*ITEMS, "ONE-A", "ONE-B"]),
    st.sampled_from([str(kind) for kind in ApplicantKind]),
)
def test_exemptions_agree_with_a_naive_oracle(given, code, applicant) -> None:
    found = exemptions(Book.from_tables("310000", given), code, ApplicantKind(applicant))

    assert [
        (str(line.exemption), line.required, list(line.categories), list(line.asked_by))
        for line in found.lines
    ] == oracle(given, code, applicant)


@settings(max_examples=effort(50, 1_000), deadline=None)
@given(tables(), st.sampled_from(ITEMS), st.sampled_from(list(ApplicantKind)))
def test_lines_are_counted_as_they_are_listed(given, code, applicant) -> None:
    book = Book.from_tables("310000", given)
    counts = exemptions(book, code, applicant).counts()
    exempt = counts[Exemption.CITY] + counts[Exemption.ELECTRONIC]

    assert count_exempt(book, [(code, applicant)]) == (exempt, sum(counts.values()))


def test_a_bundle_asks_for_each_material_once(tmp_path: Path) -> None:
    book = Book.from_tables("310000", domain_book(tmp_path).tables)
    found = exemptions(book, "ONE-RESTAURANT", ApplicantKind.COMPANY)
    licences = [line for line in found.lines if line.categories == ("BIZ-LICENCE",)]

    assert len(licences) == 1
    assert {item for item, _ in licences[0].asked_by} == {"FOOD-LICENCE", "BIZ-OPEN"}
    assert sum(found.counts().values()) == len(found.lines)


def test_a_law_that_asks_for_the_original_is_named(tmp_path: Path) -> None:
    book = Book.from_tables("310000", domain_book(tmp_path).tables)
    line = next(
        one
        for one in exemptions(book, "BIZ-OPEN", ApplicantKind.COMPANY).lines
        if ("BIZ-OPEN", 5) in one.asked_by
    )

    assert (line.exemption, line.reason) == ("bring", "override.in_principle")
    assert line.to_json()["override_en"] == "The law asks for the original"


def test_a_foreigner_is_not_asked_for_what_only_residents_hold(tmp_path: Path) -> None:
    book = Book.from_tables("310000", domain_book(tmp_path).tables)
    lines = exemptions(book, "BIZ-OPEN", ApplicantKind.FOREIGNER).lines
    line = next(one for one in lines if ("BIZ-OPEN", 3) in one.asked_by)

    assert (line.exemption, line.reason) == ("bring", "applicant.cannot_hold")
    assert line.categories == ()


def test_what_is_neither_item_nor_bundle_is_refused(tmp_path: Path) -> None:
    book = Book.from_tables("310000", domain_book(tmp_path).tables)
    with pytest.raises(BookUnknownError) as refused:
        exemptions(book, "NO-ITEM", ApplicantKind.PERSON)

    assert refused.value.code == "item.unknown"


def test_a_share_is_whole_only_if_all_of_it_is_there() -> None:
    assert [percent(*one) for one in ((999, 1000), (9999, 10_000), (3, 3), (0, 3), (0, 0))] == [
        "99.9",
        "99.9",
        "100.0",
        "0.0",
        "100.0",
    ]


def test_a_category_that_nobody_issues_is_shown_electronically_or_missing(tmp_path: Path) -> None:
    folder = domain_folder(tmp_path)
    line = ["BIZ-OPEN", "7", "无人核发的证明", "A proof of nobody", "yes", "NOBODY-ISSUES", "yes"]
    append_row(folder, "materials", *line)
    append_row(
        folder,
        "categories",
        *("NOBODY-ISSUES", "无人核发的证明", "A proof of nobody", "证明文件", "legal"),
        *("department", "不存在的部门", "No such department", "", "7", "no"),
        "certificate_number;holder_name;uscc",
    )
    files = read_book(folder)
    book = Book.from_tables("310000", files.tables)
    found = exemptions(book, "BIZ-OPEN", ApplicantKind.COMPANY).lines[-1]

    assert (found.exemption, found.reason) == (
        Exemption.ELECTRONIC,
        Reason.ELECTRONIC_ACCEPTED,
    )
