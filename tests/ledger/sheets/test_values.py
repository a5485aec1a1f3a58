"""Values by the type of their field: dates, identity numbers, codes, names, amounts, text."""

from pathlib import Path

import pytest

from certledger.ledger.reference_data.identifiers import (
    compute_identity_check,
    compute_organization_check,
    compute_uscc_check,
)
from certledger.ledger.sealing.identity_checks import read_identifier
from certledger.ledger.sheets.findings import FindingKind, Grade
from tests.ledger.sheets.desk import HEADER, IDENTITY, NAMES, Outcome, judge, line


def outcome_of(folder: Path, *accept: str, **changes: str) -> Outcome:
    quoted = {name: '"' + value.replace('"', '""') + '"' for name, value in changes.items()}
    path = folder / "s.csv"
    path.write_text(f"{HEADER}\n{line(**quoted)}\n", encoding="utf-8")
    return judge(path, accept=accept)


def cell(column: str) -> str:
    return "ABCDEFGH"[NAMES.index(column)] + "2"


# Dates ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-05", "2026/11/5", "2026.11.05", "2026.11.5", "20261105", "2026年11月5日",
        "2026年11月05日", "2026 年 11 月 5 日", "２０２６年１１月５日", "2026－11－05", "2026–11–5",
        "二〇二六年十一月五日", "二零二六年十一月五日", "2026-11-05 00:00:00", "2026/11/5 8:30",
        "2026-11-05T08:30:00", "2026年11月5日 星期四", "5 Nov 2026", "05-Nov-2026",
        "November 5, 2026", "5th November 2026", "2026年11月5号", " 2026-11-05\u3000",
    ],
)  # fmt: skip
def test_days_are_read_in_every_clear_notation(written: str, tmp_path: Path) -> None:
    outcome = outcome_of(tmp_path, issued=written)
    assert outcome.word == "sealed", outcome.sentences()
    assert outcome.issues[0].issued.isoformat() == "2026-11-05"
    assert outcome.issues[0].fields["issue_date"] == "2026-11-05"


@pytest.mark.parametrize(
    "written",
    [
        "05/11/2026", "11/5/2026", "5.11.2026", "26-11-05", "26/11/5", "05-11-26", "11月5日",
        "2026-02-30", "2026年13月1日", "2026/0/1", "20260230", "2026年11月", "2026-11", "2026",
        "202611", "2026-11-04T16:00:00Z", "2026-11-05 00:00:00+08:00", "民国115年11月5日",
        "2026/11-05", "2026年11-5", "明天", "长期", "-", "2026-11-05至2028-11-04", "1", "999999",
    ],
)  # fmt: skip
def test_a_day_that_is_unclear_or_impossible_is_a_fault(written: str, tmp_path: Path) -> None:
    outcome = outcome_of(tmp_path, issued=written)
    assert outcome.stops() == [(cell("issued"), "sheet.date")]


@pytest.mark.parametrize(("serial", "day"), [("46331", "2026-11-05"), ("46331.75", "2026-11-05")])
def test_a_serial_number_is_a_question(serial: str, day: str, tmp_path: Path) -> None:
    assert outcome_of(tmp_path, issued=serial).stops() == [(cell("issued"), "sheet.date_serial")]
    accepted = outcome_of(tmp_path, "sheet.date_serial", issued=serial)
    assert accepted.issues[0].issued.isoformat() == day


@pytest.mark.parametrize(
    ("changes", "column", "code"),
    [
        ({"issued": "2026-12-15"}, "issued", "sheet.date_future"),
        ({"issued": "1926-11-05", "expires": "1928-11-04"}, "issued", "sheet.date_long_ago"),
        ({"expires": "2026-10-01"}, "expires", "record.dates"),
        ({"issued": "2026-11-05", "expires": "2026-11-04"}, "expires", "record.dates"),
        ({"expires": "2036-11-05"}, "expires", "entitlement.validity_too_long"),
        ({"expires": ""}, "expires", "sheet.date_missing"),
        ({"expires": "长期"}, "expires", "sheet.date"),
        ({"issued": ""}, "issued", "sheet.date_missing"),
    ],
)
def test_days_that_do_not_go_together_are_told(
    changes: dict[str, str], column: str, code: str, tmp_path: Path
) -> None:
    assert (cell(column), code) in outcome_of(tmp_path, **changes).stops()


@pytest.mark.parametrize("written", ["", "长期", "长期有效", "永久", "无固定期限", "-", "—", "/"])
def test_no_end_is_no_expiry_where_the_category_allows_none(written: str, tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    header = "category,number,holder_name,id_number,issued,expires"
    path.write_text(f"{header}\nEDU-DIPLOMA,A1,张示例,{IDENTITY},2026-11-05,{written}\n")
    outcome = judge(path, categories=["EDU-DIPLOMA"], accept={"sheet.column_missing"})
    assert outcome.word == "sealed", outcome.sentences()
    assert outcome.issues[0].expires is None


# Identity numbers -------------------------------------------------------------------------------


def identity(first17: str) -> str:
    return first17 + compute_identity_check(first17)


@pytest.mark.parametrize(
    ("written", "sealed"),
    [
        (IDENTITY, IDENTITY),
        ("31010119900307129x", "31010119900307129X"),
        ("３１０１０１１９９００３０７１２３０", IDENTITY),
        ("310101 19900307 1230", IDENTITY),
        (f'="{IDENTITY}"', IDENTITY),
        (f"{IDENTITY}\t", IDENTITY),
    ],
)
def test_an_identity_number_is_sealed_in_its_normal_form(
    written: str, sealed: str, tmp_path: Path
) -> None:
    outcome = outcome_of(tmp_path, id_number=written)
    assert outcome.word == "sealed", outcome.sentences()
    assert outcome.issues[0].fields["id_number"] == sealed


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("310101199003071234", "identity.invalid"),
        (identity("31010119901307123"), "identity.invalid"),
        (identity("31010120990307123"), "identity.invalid"),
        ("31010119900307123", "identity.invalid"),
        ("3101011990030712300", "identity.invalid"),
        ("张三", "identity.invalid"),
        ("310101901307123", "identity.invalid"),
        ("3.10101E+17", "sheet.digits_lost"),
        ("3.10101199003071E+17", "sheet.digits_lost"),
        ("310101199003071000", "sheet.digits_lost"),
        ("310101199003071230.0", "sheet.digits_lost"),
        ("#N/A", "sheet.cell_error"),
        ("########", "sheet.cell_error"),
        ("NULL", "sheet.cell_error"),
        ("#REF!", "sheet.cell_error"),
        ("=A1", "sheet.cell_formula"),
        ("同上", "sheet.cell_ditto"),
        ("310101900307123", "identity.old_form"),
        ("E12345678", "identity.other_document"),
        ("H12345678", "identity.other_document"),
        (identity("31010119900307100")[:17] + "X", "identity.invalid"),
        (f"'{IDENTITY}", "text.apostrophe"),
        ("", "sheet.field_empty"),
    ],
)
def test_what_is_no_identity_number_is_told_at_its_cell(
    written: str, code: str, tmp_path: Path
) -> None:
    assert outcome_of(tmp_path, id_number=written).stops() == [(cell("id_number"), code)]


def test_a_sound_number_that_may_have_been_rounded_is_asked_about(tmp_path: Path) -> None:
    number = next(
        identity(f"310101{year}0307100")
        for year in range(1950, 2000)
        if compute_identity_check(f"310101{year}0307100") == "0"
    )
    assert number.endswith("000") is number.endswith("1000")
    outcome = outcome_of(tmp_path, id_number=number)
    assert outcome.stops() == [(cell("id_number"), "sheet.digits_maybe_lost")]


def test_birth_and_sex_beside_an_identity_number_are_compared(tmp_path: Path) -> None:
    header = "category,number,holder_name,id_number,sex,birth_date,issued,expires"
    path = tmp_path / "s.csv"
    rows = ["男,1990-03-07", "女,1990-03-07", "女,1991-03-07", "男,1990年3月7日"]
    path.write_text(
        "\n".join(
            [header]
            + [
                f"ID-RESIDENCE,A{n},张示例,{IDENTITY},{row},2026-11-05,2027-11-04"
                for n, row in enumerate(rows)
            ]
        )
    )
    outcome = judge(path, categories=["ID-RESIDENCE"], accept={"sheet.column_missing"})
    assert outcome.stops() == [("E3", "identity.sex_differs"), ("E4", "identity.sex_differs"),
                               ("F4", "identity.birth_differs")]  # fmt: skip


@pytest.mark.parametrize(
    ("first17", "code"),
    [
        ("31010120261120123", "sheet.date_future"),
        ("31010118000307123", "identity.age"),
        ("19010119900307123", "identity.region"),
        ("98010119900307123", "identity.region"),
    ],
)
def test_an_identity_number_that_nobody_can_have_is_asked_about(
    first17: str, code: str, tmp_path: Path
) -> None:
    assert outcome_of(tmp_path, id_number=identity(first17)).stops() == [(cell("id_number"), code)]


# Codes of companies -----------------------------------------------------------------------------


def company(first8: str, *, right: bool = True) -> str:
    check = compute_organization_check(first8)
    inner = check if right else ("1" if check != "1" else "2")
    first17 = f"91310000{first8}{inner}"
    return first17 + compute_uscc_check(first17)


def of_company(folder: Path, code: str) -> Outcome:
    path = folder / "s.csv"
    path.write_text(
        "category,number,holder_name,uscc,issued\n"
        f"BIZ-LICENCE,A1,上海示例有限公司,{code},2026-11-05\n"
    )
    return judge(path, categories=["BIZ-LICENCE"], accept={"sheet.column_missing"})


@pytest.mark.parametrize(
    ("written", "code"),
    [
        (company("XX123456")[:17] + "0", "uscc.invalid"),
        ("91310000I123456789", "uscc.invalid"),
        ("9.131E+17", "sheet.digits_lost"),
        ("310101199003071230", "uscc.invalid"),
        ("上海示例有限公司", "uscc.invalid"),
        ("310000000012345", "uscc.old_form"),
        ("XX123456-" + compute_organization_check("XX123456"), "uscc.old_form"),
        (company("XX123456", right=False), "uscc.organization_check"),
    ],
)
def test_what_is_no_social_credit_code_is_told_at_its_cell(
    written: str, code: str, tmp_path: Path
) -> None:
    outcome = of_company(tmp_path, written)
    assert ("D2", code) in outcome.stops()


def test_a_social_credit_code_is_sealed_in_capitals(tmp_path: Path) -> None:
    code = company("XX123456")
    outcome = of_company(tmp_path, code.lower())
    assert outcome.word == "sealed", outcome.sentences()
    assert outcome.issues[0].fields["uscc"] == code


def test_a_certificate_identifier_is_checked_where_a_number_is_one() -> None:
    found: list[str] = []

    def report(kind: FindingKind, /, **values: object) -> None:
        found.append(kind.code)

    good = "1.2.156.3005.2.11310000XX0000035U001.11310000XX0000035U.2020022400001.001.3"
    assert read_identifier(good, report) == good
    assert found == []
    read_identifier(good[:-1] + "4", report)
    read_identifier(good.rpartition(".")[0], report)
    assert found == ["certificate_identifier.check", "certificate_identifier.invalid"]


# Names, numbers, text ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "written", "code"),
    [
        ("holder_name", IDENTITY, "name.invalid"),
        ("holder_name", "2026-11-05", "name.invalid"),
        ("holder_name", "12345", "name.invalid"),
        ("holder_name", "-", "name.invalid"),
        ("holder_name", "待定", "sheet.placeholder"),
        ("holder_name", "张\ufffd例", "text.replacement"),
        ("holder_name", "张\ue863例", "text.private_use"),
        ("holder_name", "张\U000f0001例", "text.private_use"),
        ("holder_name", "张\u200b示例", "text.invisible"),
        ("holder_name", "张示例\ufeff", "text.invisible"),
        ("holder_name", "张?例", "text.question_mark"),
        ("holder_name", "张　三", "text.inner_blank"),
        ("holder_name", "张\n三", "text.refused"),
        ("holder_name", "张\u202e三", "text.refused"),
        ("holder_name", "#VALUE!", "sheet.cell_error"),
        ("holder_name", "张&#31034;例", "text.entity"),
        ("holder_name", "A&amp;B 有限公司", "text.entity"),
        ("holder_name", "\u2f00张例", "text.radical"),
        ("holder_name", "沪园训字〔2026〕第0001号", "name.has_number"),
        ("number", "张示例", "number.no_digit"),
        ("holder_name", "锟斤拷", "text.mojibake"),
        ("number", "1.23E+11", "sheet.digits_lost"),
        ("number", "123.0", "sheet.digits_lost"),
        ("number", "1234567890123456000", "sheet.digits_maybe_lost"),
        ("post_name", "1.5E+10", "sheet.scientific"),
        ("post_name", "NaN", "sheet.cell_error"),
        ("post_name", "x" * 513, "sheet.too_long"),
        ("category", "AS-TRAINNG", "sheet.category"),
        ("holder_name", "", "sheet.field_missing"),
        ("number", "", "sheet.field_missing"),
        *[
            (column, f"沪1{chr(code)}示例", "text.invisible")
            for column in ("holder_name", "number", "post_name")
            for code in (0xFE0F, 0xE0100, 0x2800, 0xFFFC, 0xFFF9, 0x206A, 0x180B, 0x1D159)
        ],
        *[
            ("holder_name", name, "name.doubtful")
            for name in (
                "张*",
                "张某",
                "张示例、李示例",
                "张示例;李示例",
                "<b>张</b>",
                "%E5%BC%A0",
                "\\u5f20示例",
                "张□例",
                "张\u2ff0王民",
                "张（王+民）",
                "张\u0301示例",
                "Zh\u0430ng Shili",
                "张yi例",
            )
        ],
        ("holder_name", "@SUM(A1)", "sheet.cell_formula"),
        ("holder_name", "test", "sheet.placeholder"),
        ("holder_name", "TRUE", "sheet.placeholder"),
        ("post_name", "待定", "sheet.placeholder"),
        ("post_name", "None", "sheet.placeholder"),
        ("number", "1月2日", "number.doubtful"),
        ("number", "2-Jan", "number.doubtful"),
        ("number", "2026/1/2", "number.doubtful"),
        ("training_hours", "2026/11/5", "sheet.numeral"),
        ("training_hours", "-40", "sheet.numeral"),
        ("training_hours", "4O", "sheet.numeral"),
    ],
)
def test_damaged_values_are_told_at_their_cells(
    column: str, written: str, code: str, tmp_path: Path
) -> None:
    outcome = outcome_of(tmp_path, **{column: written})
    assert (cell(column) if written else column, code) in [
        (place if written else column, found) for place, found in outcome.stops()
    ]


def test_the_standard_character_is_suggested_where_gbk_is_known_for_it(tmp_path: Path) -> None:
    outcome = outcome_of(tmp_path, holder_name="张\ue863例")
    assert "use the standard one \u4dae (U+4DAE)" in outcome.sentences()
    assert "请改用标准字 \u4dae (U+4DAE)" in outcome.sentences("zh")
    outcome = outcome_of(tmp_path, holder_name="张\ue816例")
    assert "U+20087" in outcome.sentences()


@pytest.mark.parametrize(
    ("written", "code", "sealed"),
    [
        ("张\u200b示例", "text.invisible", "张示例"),
        ("张　三", "text.inner_blank", "张三"),
        ("张?例", "text.question_mark", "张?例"),
        ("\u2f00张例", "text.radical", "一张例"),
    ],
)
def test_an_accepted_question_seals_what_it_says(
    written: str, code: str, sealed: str, tmp_path: Path
) -> None:
    outcome = outcome_of(tmp_path, code, holder_name=written)
    assert outcome.issues[0].fields["holder_name"] == sealed


def test_amounts_are_numbers(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    amounts = {
        "1200": 0,
        "1,200.50": 0,
        "¥1,200": 0,
        "１２００": 0,
        "1200元": 1,
        "约一千": 1,
        "12,00": 1,
    }
    rows = [f'TAX-DEED,A{n},张示例,"{text}",2026-11-05' for n, text in enumerate(amounts)]
    path.write_text("\n".join(["category,number,holder_name,tax_amount_cny,issued", *rows]))
    outcome = judge(path, categories=["TAX-DEED"], accept={"sheet.column_missing"})
    asked = [f"D{n}" for n, text in enumerate(amounts, 2) if amounts[text]]
    assert outcome.stops() == [(place, "sheet.numeral") for place in asked]
    assert outcome.issues[3].fields["tax_amount_cny"] == "1200"


def test_a_category_may_be_named_in_words(tmp_path: Path) -> None:
    outcome = outcome_of(tmp_path, category="行业岗位培训合格证书")
    assert outcome.word == "sealed"
    assert outcome.places(Grade.NOTE) == [("A2", "sheet.normalised")]


def test_one_identity_number_with_two_names_is_asked_about(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text("\n".join([HEADER, line(1), line(2), line(3, holder_name="李示例")]))
    outcome = judge(path)
    assert outcome.stops() == [("C4", "identity.two_names")]
    assert "that of 张示例 in row 2 and of 李示例 here" in outcome.sentences()


def test_numbers_that_differ_in_brackets_or_zeros_are_asked_about(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    numbers = ["A〔2026〕1", "A（2026）1", "A[2026]01", "A〔2026〕10", "A2026-1"]
    path.write_text("\n".join([HEADER, *[line(1, number=number) for number in numbers]]))
    assert judge(path).stops() == [("B3", "edition.twice_in_sheet"), ("B4", "edition.nearly_twice")]


def test_what_is_sealed_of_a_number_other_than_typed_is_told(tmp_path: Path) -> None:
    outcome = outcome_of(tmp_path, number="沪训\u00a0²-1", post_name="园林\u00a0工")
    assert outcome.issues[0].number == "沪训2-1"
    assert outcome.issues[0].fields["post_name"] == "园林 工"
    assert ("B2", "sheet.normalised") in outcome.places(Grade.NOTE)
    assert "<U+00A0>" in outcome.sentences()


def test_one_name_for_all_identity_numbers_is_asked_about(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    people = [identity(f"3101011990030{day}123") for day in (1, 2, 3)]
    rows = [line(n, holder_name="园林绿化工", id_number=one) for n, one in enumerate(people)]
    path.write_text("\n".join([HEADER, *rows]))
    assert judge(path).stops() == [("holder_name", "identity.one_name")]


def test_swapped_columns_are_told_once(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    rows = [line(n, holder_name=IDENTITY, id_number="张示例") for n in range(1, 6)]
    path.write_text("\n".join([HEADER, *rows]))
    outcome = judge(path)
    assert outcome.stops() == [("C2", "sheet.columns_swapped")]
    assert outcome.issues == []
