"""Sheets as a stranger may bring them: what looks like something else is never sealed silently."""

from __future__ import annotations

from pathlib import Path

import pytest

from certledger.verifier.audit.report import AuditedIssuer, find_alike_names
from certledger.verifier.formats.look_alikes import look_of, look_of_name
from tests.ledger.sheets.desk import HEADER, cells, judge, line
from tests.ledger.sheets.workbooks import save

ZERO_WIDTH, BYTE_ORDER, NO_BREAK = "\u200b", "\ufeff", "\u00a0"
CYRILLIC_A, GREEK_O = "\u0410", "\u039f"

CASES: dict[str, tuple[list[str], str, set[str]]] = {
    "O for 0 in a number": (
        [line(1, number="沪A100"), line(2, number="沪A10O")], "question", {"number.looks_alike"}
    ),
    "0 for O in a number": (
        [line(1, number="沪A10O"), line(2, number="沪A100")], "question", {"number.looks_alike"}
    ),
    "I for 1 in a number": (
        [line(1, number="沪1号"), line(2, number="沪I号")], "question", {"number.looks_alike"}
    ),
    "a Cyrillic letter in a number": (
        [line(1, number=f"沪{CYRILLIC_A}1")], "question", {"text.look_alike"}
    ),
    "a Cyrillic letter beside a Latin one": (
        [line(1, number=f"沪{CYRILLIC_A}1"), line(2, number="沪A1")],
        "question",
        {"text.look_alike", "number.looks_alike"},
    ),
    "a Greek letter in a name": (
        [line(1, holder_name=f"G{GREEK_O}OD")], "question", {"text.look_alike"}
    ),
    "a Russian name": ([line(1, holder_name="Иван Сорокин")], "sealed", set()),
    "a number that differs by a blank": (
        [line(1, number="沪A1"), line(2, number="沪A 1")], "fault", {"edition.twice_in_sheet"}
    ),
    "a number that differs by a full-width digit": (
        [line(1, number="沪A1"), line(2, number="沪A１")], "fault", {"edition.twice_in_sheet"}
    ),
    "a number that differs by a zero-width blank": (
        [line(1, number="沪A1"), line(2, number=f"沪A{ZERO_WIDTH}1")],
        "fault",
        {"edition.twice_in_sheet", "text.invisible"},
    ),
    "a number that differs by case": (
        [line(1, number="沪a1"), line(2, number="沪A1")], "fault", {"edition.twice_in_sheet"}
    ),
    "a full-width name": (
        [line(1, holder_name="ＡＢＣ")], "question", {"text.full_width"}
    ),
    "a name with a zero-width blank": (
        [line(1, holder_name=f"张{ZERO_WIDTH}示例")], "question", {"text.invisible"}
    ),
    "a name with a byte order mark": (
        [line(1, holder_name=f"{BYTE_ORDER}张示例")], "question", {"text.invisible"}
    ),
    "a name of blanks that do not break": (
        [line(1, holder_name=NO_BREAK * 2)], "fault", {"sheet.field_missing"}
    ),
    "a name turned around": (
        [line(1, holder_name="\u202e例示张")], "fault", {"text.refused"}
    ),
    "a name with a control character": (
        [line(1, holder_name="张\x07示例")], "fault", {"text.refused"}
    ),
    "a number that is a date": ([line(1, number="2026-11-05")], "question", set()),
    "a number that is a day in Chinese": (
        [line(1, number="2026年11月5日")], "question", set()
    ),
    "a telephone number": ([line(1, number="13800138000")], "question", set()),
    "two numbers in one cell": (
        [line(1, number="沪1号、沪2号")], "question", set()
    ),
    "a name with a list number": (
        [line(1, holder_name="1.张示例")], "question", set()
    ),
    "a name dragged down": ([line(1, holder_name="张示例1")], "question", set()),
    "a name with a remark": (
        [line(1, holder_name="张示例（已注销）")], "question", set()
    ),
    "two persons in one cell": (
        [line(1, holder_name="张三、李四")], "question", set()
    ),
    "a masked name": ([line(1, holder_name="张*例")], "question", set()),
    "a name withheld": ([line(1, holder_name="张某某")], "question", set()),
    "a header as a name": ([line(1, holder_name="姓名")], "question", set()),
    "a web page's tag": ([line(1, holder_name="<b>张</b>")], "question", set()),
    "a program's object": ([line(1, holder_name="{}张")], "question", set()),
    "an address of mail": ([line(1, holder_name="a@example.cn")], "question", set()),
    "None of a program": ([line(1, post_name="None")], "question", set()),
    "a company with brackets": ([line(1, holder_name="示例（上海）有限公司")], "sealed", set()),
}  # fmt: skip


@pytest.mark.parametrize(("rows", "word", "codes"), CASES.values(), ids=CASES)
def test_what_looks_like_something_else_is_a_question_or_a_fault(
    tmp_path: Path, rows: list[str], word: str, codes: set[str]
) -> None:
    path = tmp_path / "s.csv"
    path.write_text("\n".join([HEADER, *rows]), encoding="utf-8")
    found = judge(path)
    assert found.word == word, found.sentences()
    assert codes <= {one.code for one in found.findings.items}


def test_accepted_full_width_names_are_sealed_as_they_were_shown(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text(f"{HEADER}\n{line(1, holder_name='ＡＢＣ张')}\n", encoding="utf-8")
    found = judge(path, accept=["text.full_width"])
    assert [one.fields["holder_name"] for one in found.issues] == ["ABC张"]


def test_a_workbook_asks_the_same(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        [*HEADER.split(",")],
        cells(1, number="沪A100"),
        cells(2, number="沪A1OO"),
    ]
    found = judge(save(tmp_path / "s.xlsx", rows))
    assert found.stops() == [("B3", "number.looks_alike")]


def test_looks() -> None:
    assert look_of("OIL〇") == "0110"
    assert look_of(CYRILLIC_A) == "A"
    assert look_of(GREEK_O) == look_of("0")
    assert look_of("2026-1-11") != look_of("2026-11-1")
    assert look_of_name(" 示例\u200b协会（上海） ") == look_of_name("示例协会(上海)")


def test_an_audit_finds_issuers_whose_names_look_alike() -> None:
    names = ["示例协会", f"示例{ZERO_WIDTH}协会", "示例协会", None, "示例学会"]
    issuers = [
        AuditedIssuer(
            issuer=f"5131{place:014d}",
            name=name,
            kind="association",
            standing="active",
            on_hold=False,
            certificates=0,
            batches=[],
        )
        for place, name in enumerate(names)
    ]
    found = list(find_alike_names(issuers))
    assert [(one.code, one.where) for one in found] == [("issuer.name_alike", issuers[1].issuer)]
