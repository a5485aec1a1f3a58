"""Rows against the catalog: every fault with its place, all at once, and nothing sealed."""

import hashlib
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from certledger.ledger.sealing.issue import IssuedEdition
from certledger.ledger.sealing.row_checks import check_rows
from certledger.ledger.sheets.findings import SheetInvalidError
from certledger.ledger.sheets.reader import SheetRow
from certledger.verifier.formats.catalog import Catalog
from tests.ledger.sealing.sheet_folder import GOOD, LICENCE, desk, row

KEY = "ed25519:" + "A" * 42 + "E"


class Known:
    """An issuer that has issued one certificate twice."""

    def newest(self, category: str, number: str) -> IssuedEdition | None:
        known = (category, number) == ("BIZ-LICENCE", "沪示许2026-1")
        return IssuedEdition(index=41, edition=1) if known else None


def places(rows: list[SheetRow], **options: object) -> list[tuple[int, str, str]]:
    with pytest.raises(SheetInvalidError) as refusal:
        check_rows(rows, desk(**options))  # type: ignore[arg-type]  # options of a table
    return [(fault.row, fault.column, str(fault.code)) for fault in refusal.value.faults]


def test_a_good_row_becomes_a_certificate() -> None:
    (issue,) = check_rows([row(holder_key=None)], desk())
    assert issue.number == "沪示许2026-1"
    assert (issue.issued, issue.expires) == (date(2026, 11, 1), date(2027, 10, 31))
    assert (issue.edition, issue.replaces, issue.holder_key) == (0, None, None)
    assert issue.fields == {
        "holder_name": "示例有限公司",
        "address": "上海市黄浦区示例路100号",
        "issue_date": "2026-11-01",
        "expiry_date": "2027-10-31",
    }


def test_dates_may_stand_in_the_fields_instead() -> None:
    cells = {"issued": None, "expires": None, "issue_date": "2026-11-01"}
    (issue,) = check_rows([row(**cells, expiry_date="2027-10-31")], desk())
    assert (issue.issued, issue.expires) == (date(2026, 11, 1), date(2027, 10, 31))


def test_a_category_may_be_given_for_all_rows() -> None:
    (issue,) = check_rows([row(category=None)], replace(desk(), category="BIZ-LICENCE"))
    assert issue.entry.version == 2


@pytest.mark.parametrize(
    ("changes", "column", "code"),
    [
        ({"category": None}, "category", "sheet.category"),
        ({"category": "NO-SUCH"}, "category", "sheet.category"),
        ({"number": None}, "certificate_number", "sheet.field_missing"),
        ({"number": "１" * 65}, "number", "number.invalid"),
        ({"number": "e\u0301"}, "number", "text.refused"),
        ({"certificate_number": "A"}, "number", "number.invalid"),
        ({"holder_name": None}, "holder_name", "sheet.field_missing"),
        ({"holder_name": "x\u0007"}, "holder_name", "text.refused"),
        ({"scope": "a\nb"}, "scope", "text.refused"),
        ({"scope": "\u202eb"}, "scope", "text.refused"),
        ({"scope": "x" * 513}, "scope", "sheet.too_long"),
        ({"amount_cny": "1"}, "amount_cny", "sheet.field_unknown"),
        ({"colour": "red"}, "colour", "sheet.header"),
        ({"issued": None}, "issued", "sheet.date_missing"),
        ({"issued": "2026-02-30"}, "issued", "sheet.date"),
        ({"issued": "01.11.2026"}, "issued", "sheet.date"),
        ({"expires": "2027年10月"}, "expires", "sheet.date"),
        ({"expires": None}, "expires", "sheet.date_missing"),
        ({"expires": "2026-10-31"}, "expires", "record.dates"),
        ({"expires": "2027-11-02"}, "expires", "entitlement.validity_too_long"),
        ({"issue_date": "2026-11-02"}, "issued", "sheet.date_differs"),
        ({"replaces": "3"}, "replaces", "edition.replaces_nothing"),
        ({"holder_key": "rsa:AAAA"}, "holder_key", "holder_key.invalid"),
        ({"documents": "absent.pdf"}, "documents", "document.missing"),
        ({"documents": "../secret"}, "documents", "document.name"),
        ({"documents": "/etc/hostname"}, "documents", "document.name"),
        ({"documents": "folder"}, "documents", "document.missing"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_each_fault_is_told_by_row_column_and_code(
    changes: dict[str, str | None], column: str, code: str, tmp_path: Path
) -> None:
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "folder").mkdir()
    found = places([row(2), row(7, **{"number": "B", **changes})], folder=tmp_path / "papers")
    assert (7, column, code) in found
    assert {number for number, _, _ in found} == {7}


def test_all_faults_of_all_rows_are_told_at_once() -> None:
    rows = [
        row(2, number="A", issued="x"),
        row(3, number="B"),
        row(4, holder_name=None, scope="a\tb"),
    ]
    assert places(rows) == [
        (2, "issued", "sheet.date"),
        (4, "holder_name", "sheet.field_missing"),
        (4, "scope", "text.refused"),
    ]


def test_a_document_that_is_no_text_of_a_name_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to("/")
    assert places([row(documents="out/etc/hostname")], folder=tmp_path) == [
        (2, "documents", "document.name")
    ]


def test_documents_are_described_by_their_hashes(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.4")
    (tmp_path / "b.pdf").write_bytes(b"%PDF-1.7")
    (issue,) = check_rows([row(documents="a.pdf; b.pdf;")], desk(folder=tmp_path))
    assert [(paper.name, paper.value["size"]) for paper in issue.papers] == [
        ("a.pdf", 8),
        ("b.pdf", 8),
    ]
    assert issue.papers[0].value["sha256"] == hashlib.sha256(b"%PDF-1.4").hexdigest()


def test_more_documents_than_a_record_has_digests_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    found = places([row(documents=";".join(["a"] * 91))], folder=tmp_path)
    assert found == [(2, "documents", "record.too_many_digests")]


def test_the_issuer_is_the_one_that_is_registered() -> None:
    entry = replace(LICENCE, fields=(*LICENCE.fields, "issuing_body"))
    named = replace(desk(), catalog=Catalog.of([entry]), name="示例局")
    (issue,) = check_rows([row()], named)
    assert issue.fields["issuing_body"] == "示例局"
    assert check_rows([row(issuing_body="示例局")], named) == [issue]
    with pytest.raises(SheetInvalidError, match="registered as '示例局'"):
        check_rows([row(issuing_body="他局")], named)
    assert check_rows([row(issuing_body="他局")], replace(named, name=None))


# Editions


def test_the_same_number_twice_in_a_sheet_is_refused_however_it_is_written() -> None:
    found = places([row(2, number="ab 1"), row(3, number="ＡＢ1")])
    assert found == [(3, "number", "edition.twice_in_sheet")]


def test_the_same_number_in_another_category_is_another_certificate() -> None:
    proof = {
        "category": "PROOF-TAX", "expires": None, "address": None, "amount_cny": "1.00",
    }  # fmt: skip
    assert len(check_rows([row(2), row(3, **proof)], desk())) == 2


def test_a_number_issued_before_needs_replaces() -> None:
    assert places([row()], issued=Known(), first=50) == [(2, "replaces", "edition.twice")]


@pytest.mark.parametrize("replaces", ["41", GOOD["number"], "沪示许2026-1"])
def test_a_new_edition_names_the_former_by_index_or_number(replaces: str) -> None:
    (issue,) = check_rows([row(replaces=replaces)], desk(issued=Known(), first=50))
    assert (issue.edition, issue.replaces) == (2, 41)


@pytest.mark.parametrize("replaces", ["40", "other"])
def test_an_edition_that_is_not_the_newest_cannot_be_replaced(replaces: str) -> None:
    assert places([row(replaces=replaces)], issued=Known(), first=50) == [
        (2, "replaces", "edition.replaces_nothing")
    ]


def test_editions_may_follow_each_other_in_one_sheet() -> None:
    rows = [row(2), row(3, replaces=GOOD["number"]), row(4, replaces="8")]
    issues = check_rows(rows, desk(first=7))
    assert [(one.edition, one.replaces) for one in issues] == [(0, None), (1, 7), (2, 8)]


def test_more_rows_than_a_batch_holds_are_refused() -> None:
    rows = [row(number + 2, number=f"N{number}") for number in range(4)]
    with pytest.raises(SheetInvalidError, match="4 rows, at most 3"):
        check_rows(rows, replace(desk(), most=3))


def test_a_holder_key_binds_the_certificate() -> None:
    (issue,) = check_rows([row(holder_key=KEY)], desk())
    assert issue.holder_key == KEY
