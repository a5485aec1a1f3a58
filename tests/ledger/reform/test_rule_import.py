"""Rules are checked when they are imported, against the fields of the categories."""

from __future__ import annotations

from pathlib import Path

import pytest

from certledger.ledger.reference_data.faults import FaultCode
from certledger.ledger.reform.book_files import BookInvalidError, read_book
from tests.ledger.reform.books import domain_folder, write_table

ITEM = "NOCRIME-APPLY"


def faults_of(folder: Path, *rows: list[str]) -> list[tuple[int, str, FaultCode]]:
    domain_folder(folder)
    write_table(folder, "rules", list(rows))
    with pytest.raises(BookInvalidError) as refused:
        read_book(folder)
    assert {one.file for one in refused.value.faults} == {"rules.csv"}
    return [(one.line, one.column, one.code) for one in refused.value.faults]


def rule(number: str, expression: str, item: str = ITEM, version: str = "1") -> list[str]:
    return [item, version, number, expression, "refused", "不符合条件", "Not met"]


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("m1.nothing == ''", FaultCode.RULE_UNKNOWN),
        ("m7.met", FaultCode.RULE_UNKNOWN),
        ("m1.birth_date > 18", FaultCode.RULE_TYPE),
        ("m1.met", None),
        ("m1.age_days / 0 > 1", FaultCode.RULE_DIVISION),
        ("m1.met || true", FaultCode.RULE_UNREACHABLE),
        ("m1.met &&", FaultCode.RULE_SYNTAX),
        ("[1].map(x, [1].map(y, x))", FaultCode.RULE_SYNTAX),
        ("(" * 50 + "m1.met" + ")" * 50, FaultCode.RULE_SIZE),
        ("m1.met || " * 500 + "m1.met", FaultCode.TOO_LARGE),
    ],
)
def test_an_expression_has_its_place(
    tmp_path: Path, expression: str, code: FaultCode | None
) -> None:
    if code is None:
        domain_folder(tmp_path)
        write_table(tmp_path, "rules", [rule("1", expression)])
        assert len(read_book(tmp_path).tables["rules"]) == 1
        return
    assert faults_of(tmp_path, rule("1", expression)) == [(2, "expression", code)]


def test_a_rule_of_a_megabyte_is_refused(tmp_path: Path) -> None:
    found = faults_of(tmp_path, rule("1", "m1.met || " * 100_000 + "m1.met"))

    assert [code for _, _, code in found] == [FaultCode.NOT_CSV]


def test_a_rule_that_is_never_reached_is_refused(tmp_path: Path) -> None:
    found = faults_of(
        tmp_path,
        rule("1", "m1.met", item="BIZ-OPEN"),
        rule("1", "m1.met"),
        rule("2", "m1.met"),
        rule("4", "m1.own", version="2"),
        rule("1", "m1.met", item="NO-SUCH-ITEM"),
    )

    assert found == [
        (2, "item_code", FaultCode.RULE_UNREACHABLE),
        (4, "expression", FaultCode.RULE_UNREACHABLE),
        (5, "condition_no", FaultCode.NUMBERING),
        (5, "version", FaultCode.CONTRADICTION),
        (6, "expression", FaultCode.RULE_UNKNOWN),
        (6, "item_code", FaultCode.UNKNOWN),
    ]
