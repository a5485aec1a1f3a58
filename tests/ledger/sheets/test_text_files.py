"""Text files: every encoding, separator and language of headers that clerks have."""

from pathlib import Path

import pytest

from certledger.ledger.sheets.findings import Grade
from tests.ledger.sheets.desk import HEADER, IDENTITY, NAMES, cells, judge, line

CHINESE = (
    "类别",
    "证书编号",
    "持证主体",
    "公民身份号码",
    "岗位名称",
    "培训学时",
    "签发日期",
    "有效期至",
)
ENGLISH = ("Category", "Number", "Holder name", "ID number", "Post name", "Training hours",
           "Issued", "Expires")  # fmt: skip
MIXED = tuple(f"{label} {name}" for label, name in zip(CHINESE, NAMES, strict=True))
SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}
ENCODINGS = {
    "utf-8": ("UTF-8", b""), "utf-8-sig": ("UTF-8", b""), "gb18030": ("GB18030", b""),
    "gbk": ("GB18030", b""), "utf-16": ("UTF-16", b""), "utf-16-le": ("UTF-16", b""),
    "utf-16-be": ("UTF-16", b"\xfe\xff"), "utf-32": ("UTF-32", b""),
}  # fmt: skip


def write(folder: Path, text: str, encoding: str = "utf-8", name: str = "s.csv") -> Path:
    path = folder / name
    path.write_bytes(ENCODINGS.get(encoding, ("", b""))[1] + text.encode(encoding))
    return path


@pytest.mark.parametrize(
    "headers", [NAMES, CHINESE, ENGLISH, MIXED], ids=["name", "zh", "en", "both"]
)
@pytest.mark.parametrize("separator", SEPARATORS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_any_encoding_separator_and_language_of_headers_is_read(
    encoding: str, separator: str, headers: tuple[str, ...], tmp_path: Path
) -> None:
    mark = SEPARATORS[separator]
    lines = [mark.join(headers), *(mark.join(map(str, cells(number))) for number in (1, 2))]
    outcome = judge(write(tmp_path, "\r\n".join(lines), encoding))
    assert outcome.word == "sealed", outcome.sentences()
    assert outcome.sheet is not None
    assert (outcome.sheet.form, outcome.sheet.separator) == (ENCODINGS[encoding][0], separator)
    assert [issue.fields["id_number"] for issue in outcome.issues] == [IDENTITY] * 2
    assert outcome.issues[0].number == "沪园训字〔2026〕第0001号"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
def test_any_end_of_lines_is_read(end: str, tmp_path: Path) -> None:
    assert len(judge(write(tmp_path, end.join([HEADER, line(1), line(2), ""]))).issues) == 2


def test_the_hint_at_the_separator_that_excel_writes_is_followed(tmp_path: Path) -> None:
    text = f"sep=;\r\n{HEADER.replace(',', ';')}\r\n{line().replace(',', ';')}"
    outcome = judge(write(tmp_path, text))
    assert (outcome.word, outcome.issues[0].row) == ("sealed", 3)


def test_a_separator_inside_values_does_not_mislead(tmp_path: Path) -> None:
    rows = [line(number, post_name="甲;乙;丙;丁;戊;己;庚;辛;壬;癸") for number in range(1, 5)]
    outcome = judge(write(tmp_path, "\n".join([HEADER, *rows])))
    assert outcome.word == "sealed"
    assert outcome.issues[0].fields["post_name"].count(";") == 9


@pytest.mark.parametrize(
    ("text", "encoding", "code"),
    [
        (line(holder_name="王小明"), "big5", "sheet.encoding_doubtful"),
        (line(holder_name="ガーデナー"), "shift-jis", "sheet.encoding_doubtful"),
    ],
)
def test_a_file_in_another_encoding_of_pairs_is_asked_about(
    text: str, encoding: str, code: str, tmp_path: Path
) -> None:
    rows = [
        text.replace("沪园训字〔2026〕第0001号", f"A{n}").replace("园林绿化工", "")
        for n in range(3)
    ]
    outcome = judge(write(tmp_path, "\n".join([HEADER, *rows]), encoding))
    assert outcome.word != "sealed"
    assert code in [found for _, found in outcome.places(Grade.QUESTION)]


def test_a_file_of_gbk_that_happens_to_be_utf8_is_asked_about(tmp_path: Path) -> None:
    plain = line(number="XW-1", holder_name="@", post_name="")
    path = write(tmp_path, f"{HEADER}\n{plain.replace('@', '谢伟')}\n", "gbk")
    outcome = judge(path)
    assert outcome.stops() == [("", "sheet.encoding_doubtful")]
    assert "as GB18030 it would have 谢伟" in outcome.sentences()
    for name in ("José Nuñez", "Ирина", "Σωκράτης"):
        assert judge(write(tmp_path, f"{HEADER}\n{plain.replace('@', name)}\n")).word == "sealed"


def test_a_file_of_two_encodings_is_refused_at_its_line(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    good = "\n".join([HEADER, *(line(number) for number in range(1, 9))])
    path.write_bytes(good.encode() + b"\n" + line(9).encode("gbk"))
    outcome = judge(path)
    assert outcome.places(Grade.FAULT) == [("10", "sheet.encoding")]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("gb18030", "latin-1"), ("gb18030", "cp1252"), ("utf-8", "latin-1"), ("utf-8", "cp1252"),
     ("utf-8", "gb18030")],
)  # fmt: skip
def test_text_read_in_a_wrong_encoding_is_a_fault_that_shows_the_right_one(
    right: str, wrong: str, tmp_path: Path
) -> None:
    for name in ("张三丰林", "上海市示例园林"):
        broken = name.encode(right).decode(wrong, "replace").replace("\ufffd", "?")
        outcome = judge(write(tmp_path, f"{HEADER}\n{line(holder_name=broken)}"))
        assert ("C2", "text.mojibake") in outcome.stops(), (broken, outcome.sentences())


@pytest.mark.parametrize(
    "name", ["José Müller", "Éléonore", "Zoë", "Łukasz", "張偉", "喆祎堃", "ガ"]
)
def test_names_of_other_alphabets_and_rare_characters_are_no_mojibake(
    name: str, tmp_path: Path
) -> None:
    outcome = judge(write(tmp_path, f"{HEADER}\n{line(holder_name=name)}"))
    assert outcome.word == "sealed", outcome.sentences()
    assert outcome.issues[0].fields["holder_name"] == name


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<html><table><tr><td>1</td></tr></table>", "web page"),
        (b"<?xml version='1.0'?><?mso-application progid='Excel.Sheet'?><Workbook/>", "Excel 2003"),
        (b"%PDF-1.7", "PDF"),
        (b"{\\rtf1}", "RTF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "Workbook".encode("utf-16-le"), "old format"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "password"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
    ],
)
@pytest.mark.parametrize("suffix", [".csv", ".xls", ".et", ".xlsx", ".txt"])
def test_what_is_no_sheet_is_named_for_what_it_is_whatever_its_suffix(
    suffix: str, data: bytes, words: str, tmp_path: Path
) -> None:
    path = tmp_path / f"s{suffix}"
    path.write_bytes(data)
    outcome = judge(path)
    assert [code for _, code in outcome.stops()] == ["sheet.file_kind"]
    assert words in outcome.sentences()
    assert "save it as .xlsx or CSV" in outcome.sentences()


def test_a_text_file_named_as_a_workbook_is_read_as_what_it_is(tmp_path: Path) -> None:
    outcome = judge(write(tmp_path, f"{HEADER}\n{line()}", name="s.xls"))
    assert outcome.word == "sealed"
    assert "named .xls, but it is text" in outcome.sentences()


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"\n\n\n", b",,,\n,,,\n", HEADER.encode()])
def test_a_file_without_rows_is_a_fault(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_bytes(data)
    assert [code for _, code in judge(path).stops()] == ["sheet.empty"]


# Headers ----------------------------------------------------------------------------------------


def test_a_sheet_without_a_header_is_not_taken_for_one(tmp_path: Path) -> None:
    outcome = judge(write(tmp_path, f"{line(1)}\n{line(2)}"))
    assert outcome.stops() == [("1", "sheet.header")]
    assert "none of the first 2 rows is a header" in outcome.sentences()


@pytest.mark.parametrize(
    ("header", "code", "words"),
    [
        ("holder_nmae", "sheet.header", "nearest is 'holder_name'"),
        ("公民身份证号码", "sheet.header", "nearest is"),
        ("备注", "sheet.column_left_out", "would not be sealed"),
        ("序号", "sheet.column_left_out", "would not be sealed"),
        ("HOLDER_NAME", "sheet.header_spelling", "nearest is 'holder_name'"),
        ("*持证主体（必填）", "sheet.header_spelling", "nearest is '持证主体'"),
    ],
)
def test_a_header_that_is_not_known_names_the_nearest(
    header: str, code: str, words: str, tmp_path: Path
) -> None:
    column = "id_number" if "身份" in header else "holder_name"
    outcome = judge(write(tmp_path, f"{HEADER.replace(column, header)}\n{line()}"))
    assert code in [found for _, found in outcome.stops()]
    assert words in outcome.sentences()


def test_columns_that_are_left_out_are_answered_for_the_whole_sheet(tmp_path: Path) -> None:
    lines = [f"序号,{HEADER},备注", f"1,{line(1)},甲", f"2,{line(2)},", f",{',' * 7},乙"]
    path = write(tmp_path, "\n".join(lines))
    assert judge(path).stops() == [
        ("A1", "sheet.column_left_out"), ("J1", "sheet.column_left_out"),
    ]  # fmt: skip
    outcome = judge(path, accept={"sheet.column_left_out"})
    assert (outcome.word, len(outcome.issues)) == ("sealed", 2)
    assert outcome.findings.answered() == ["sheet.column_left_out"]


def test_a_header_twice_or_under_two_names_is_a_fault(tmp_path: Path) -> None:
    path = write(tmp_path, f"{HEADER},证书编号\n{line()},A2")
    assert judge(path).stops() == [("I1", "sheet.header")]


def test_a_second_header_in_the_other_language_is_passed_over(tmp_path: Path) -> None:
    outcome = judge(write(tmp_path, f"{','.join(CHINESE)}\n{HEADER}\n{line()}\n{HEADER}"))
    assert outcome.word == "fault"  # The first header comes once more in its second language.
    outcome = judge(
        write(tmp_path, f"{','.join(CHINESE)}\n{HEADER}\n{line()}\n{','.join(CHINESE)}")
    )
    assert (outcome.word, len(outcome.issues)) == ("sealed", 1)


def test_a_label_in_several_lines_and_the_mark_at_the_end_of_a_file_are_forgiven(
    tmp_path: Path,
) -> None:
    header = ",".join(f'"{name[:2]}\n{name[2:]}"' if len(name) > 2 else name for name in CHINESE)
    outcome = judge(write(tmp_path, f"{header}\n{line()}\n\x1a"))
    assert outcome.word == "sealed", outcome.sentences()


def test_title_lines_above_the_header_are_named(tmp_path: Path) -> None:
    text = (
        f"示例协会证书发放表,,,,,,,\n,,,,,,,\n单位：示例,,,日期：2026年11月,,,,\n{HEADER}\n{line()}"
    )
    outcome = judge(write(tmp_path, text))
    assert (outcome.word, outcome.issues[0].row) == ("sealed", 5)
    assert outcome.places(Grade.NOTE) == [("1", "sheet.title_line"), ("3", "sheet.title_line")]


@pytest.mark.parametrize(
    "total", ["合计,,,,,80,,", ",,,,,合计：80,,", "制表人：李四,,,,,,,", "Total,,,,,80,,"]
)
def test_totals_and_footers_are_asked_about_and_left_out(total: str, tmp_path: Path) -> None:
    path = write(tmp_path, f"{HEADER}\n{line(1)}\n{line(2)}\n{total}")
    assert judge(path).stops() == [("4", "sheet.row_total")]
    assert len(judge(path, accept={"sheet.row_total"}).issues) == 2


def test_rows_of_another_length_are_faults(tmp_path: Path) -> None:
    outcome = judge(write(tmp_path, f"{HEADER}\n{line(1)},x\n{line(2).rpartition(',')[0]}"))
    assert ("2", "sheet.row_length") in outcome.stops()
    assert ("3", "sheet.row_length") in outcome.stops()


# Findings ---------------------------------------------------------------------------------------


def test_all_is_told_in_one_round_and_what_is_printed_is_bounded(tmp_path: Path) -> None:
    rows = [line(number, id_number="1", issued="x") for number in range(1, 1_201)]
    outcome = judge(write(tmp_path, "\n".join([HEADER, *rows])))
    kinds = {kind.code: count for kind, count in outcome.findings.counts.items()}
    assert (kinds["identity.invalid"], kinds["sheet.date"]) == (1_200, 1_200)
    assert len(outcome.findings.items) == 2_000
    with pytest.raises(Exception, match="the sheet has 2400 faults:") as refusal:
        outcome.findings.raise_any()
    lines = str(refusal.value).splitlines()
    assert len(lines) == 1 + 20 + 20 + 2
    assert "identity.invalid: 1180 more" in lines
