"""Workbooks: what people see in a cell is what is sealed, and anything doubtful is told at it."""

import zipfile
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.styles import Font
from openpyxl.worksheet.worksheet import Worksheet

from certledger.ledger.sheets import archive
from certledger.ledger.sheets.findings import Grade
from certledger.ledger.sheets.number_formats import exact, shown_number
from tests.ledger.sheets.desk import IDENTITY, NAMES, Outcome, cells, judge
from tests.ledger.sheets.workbooks import changed, edit, save


def outcome_of(folder: Path, style: str, *accept: str, **changes: object) -> Outcome:
    path = save(folder / "s.xlsx", [NAMES, cells(**changes)])
    if style:
        with changed(path) as sheet:
            for column in changes:
                sheet.cell(row=2, column=NAMES.index(column) + 1).number_format = style
    return judge(path, accept=accept)


def at(column: str, row: int = 2) -> str:
    return f"{'ABCDEFGH'[NAMES.index(column)]}{row}"


def test_days_and_numbers_are_sealed_as_they_are_seen(tmp_path: Path) -> None:
    days = {"issued": date(2026, 11, 5), "expires": datetime(2028, 11, 4)}
    outcome = outcome_of(tmp_path, "", training_hours=40, **days)
    assert outcome.word == "sealed", outcome.sentences()
    (issue,) = outcome.issues
    assert (str(issue.issued), str(issue.expires)) == ("2026-11-05", "2028-11-04")
    assert issue.fields["training_hours"] == "40"


@pytest.mark.parametrize(
    ("column", "value", "style", "code", "sealed"),
    [
        ("number", 123, "00000", "sheet.cell_shown_differs", "00123"),
        ("number", 7, "", "sheet.cell_number", "7"),
        ("post_name", 0.85, "0%", "sheet.cell_shown_differs", "85%"),
        ("post_name", 1 / 3, "0.00", "sheet.cell_shown_differs", "0.33"),
        ("post_name", 1 / 3, "", "sheet.cell_shown_differs", "0.333333333"),
        ("post_name", 1234.5, "#,##0.00", "sheet.cell_shown_differs", "1,234.50"),
        ("post_name", 40, '0"学时"', "sheet.cell_shown_differs", "40学时"),
        ("post_name", 123456789012, "", "sheet.cell_shown_differs", "123456789012"),
        ("issued", 46331, "", "sheet.date_serial", "2026-11-05"),
        ("issued", date(2026, 11, 5), 'yyyy"年"m"月"', "sheet.date_shown_partly", "2026-11-05"),
        ("issued", date(2026, 11, 5), 'm"月"d"日"', "sheet.date_shown_partly", "2026-11-05"),
        ("post_name", date(2026, 1, 2), 'm"月"d"日"', "sheet.cell_shown_differs", "1月2日"),
    ],
)
def test_a_cell_that_shows_another_value_than_it_stores_is_asked_about(
    column: str, value: object, style: str, code: str, sealed: str, tmp_path: Path
) -> None:
    assert outcome_of(tmp_path, style, **{column: value}).stops() == [(at(column), code)]
    (issue,) = outcome_of(tmp_path, style, code, **{column: value}).issues
    fields = {**issue.fields, "number": issue.number, "issued": str(issue.issued)}
    assert fields[column] == sealed


@pytest.mark.parametrize(
    ("column", "value", "style", "code"),
    [
        ("id_number", int(IDENTITY), "", "sheet.digits_lost"),
        ("id_number", 310101900307123, "", "sheet.digits_lost"),
        ("id_number", 310101199003071000, "0", "sheet.digits_lost"),
        ("number", 12345678901234567890, "0", "sheet.digits_lost"),
        ("number", date(2026, 1, 2), 'm"月"d"日"', "sheet.cell_date"),
        ("holder_name", date(2026, 1, 2), "yyyy-mm-dd", "sheet.cell_date"),
        ("training_hours", 40, "[DBNum2]General", "sheet.cell_format"),
        ("training_hours", 40, "# ?/?", "sheet.cell_format"),
        ("training_hours", 1234567, "0.00,", "sheet.cell_format"),
        ("training_hours", True, "", "sheet.cell_boolean"),
        ("training_hours", "#N/A", "", "sheet.cell_error"),
        ("training_hours", "=20*2", "", "sheet.cell_formula"),
        ("issued", "=TODAY()", "", "sheet.cell_formula"),
        ("issued", 5, "", "sheet.date"),
        ("issued", 46331.5, "[h]:mm", "sheet.cell_format"),
        ("issued", 46331, "h:mm", "sheet.cell_format"),
        ("issued", 10, "yyyy-mm-dd", "sheet.date"),
        ("issued", -5, "yyyy-mm-dd", "sheet.date"),
    ],
)
def test_a_cell_whose_meaning_cannot_be_told_is_a_fault(
    column: str, value: object, style: str, code: str, tmp_path: Path
) -> None:
    outcome = outcome_of(tmp_path, style, **{column: value})
    assert outcome.stops() == [(at(column), code)], outcome.sentences()


@pytest.mark.parametrize(
    ("style", "code", "sealed"),
    [
        ('"沪"@', "sheet.cell_shown_differs", "沪甲"),
        ('0;0;0;@"乙"', "sheet.cell_shown_differs", "甲乙"),
        (";;;", "sheet.cell_format", None),
        ("@", None, "甲"),
        ("0;-0", None, "甲"),
    ],
)
def test_a_text_is_sealed_as_its_format_shows_it(
    style: str, code: str | None, sealed: str | None, tmp_path: Path
) -> None:
    outcome = outcome_of(tmp_path, style, post_name="甲")
    assert outcome.stops() == ([(at("post_name"), code)] if code else [])
    assert [one.fields["post_name"] for one in outcome.issues] == ([sealed] if sealed else [])


def test_what_is_struck_through_is_asked_about(tmp_path: Path) -> None:
    path = save(tmp_path / "s.xlsx", [NAMES, cells(1), cells(2), cells(3)])
    with changed(path) as sheet:
        sheet["C3"].font = Font(strike=True)
        sheet["C4"].value = CellRichText(TextBlock(InlineFont(strike=True), "李"), "张示例")
    outcome = judge(path, accept={"identity.two_names"})
    assert outcome.stops() == [("C3", "sheet.cell_struck"), ("C4", "sheet.cell_struck")]
    assert "李张示例" in outcome.sentences()


def test_rows_and_columns_too_small_to_see_are_hidden(tmp_path: Path) -> None:
    path = save(tmp_path / "s.xlsx", [NAMES, cells(1), cells(2)])
    with changed(path) as sheet:
        sheet.row_dimensions[3].height = 0.5
        sheet.column_dimensions["D"].width = 0.1
    assert ("3", "sheet.row_hidden") in judge(path).stops()
    assert "sheet.column_hidden" in [code for _, code in judge(path).stops()]


def test_days_since_1904_are_counted_so(tmp_path: Path) -> None:
    path = save(tmp_path / "s.xlsx", [NAMES, cells(issued=44869)])
    edit(path, {"<workbookPr": '<workbookPr date1904="1"'}, "xl/workbook.xml")
    edit(path, {'r="G2" t="n"': 'r="G2" s="1" t="n"'})
    edit(path, {'<cellXfs count="1">': '<cellXfs count="2">',
                "</cellXfs>": '<xf numFmtId="14"/></cellXfs>'}, "xl/styles.xml")  # fmt: skip
    outcome = judge(path)
    assert outcome.word == "sealed", outcome.sentences()
    assert str(outcome.issues[0].issued) == "2026-11-05"


# Rows, columns, worksheets ----------------------------------------------------------------------


def test_hidden_rows_and_columns_are_faults_where_they_hold_anything(tmp_path: Path) -> None:
    path = save(tmp_path / "s.xlsx", [NAMES, cells(1), cells(2), cells(3)])
    with changed(path) as sheet:
        sheet.row_dimensions[3].hidden = True
        sheet.row_dimensions[9].hidden = True
        sheet.column_dimensions["F"].hidden = True
        sheet.column_dimensions["Z"].hidden = True
    assert judge(path).stops() == [("3", "sheet.row_hidden"), ("F2", "sheet.column_hidden")]


def test_filtered_rows_are_hidden_rows(tmp_path: Path) -> None:
    path = save(tmp_path / "s.xlsx", [NAMES, cells(1), cells(2)])
    edit(path, {'<row r="3"': '<row r="3" hidden="1"',
                "</sheetData>": '</sheetData><autoFilter ref="A1:H3"/>'})  # fmt: skip
    assert judge(path).stops() == [("3", "sheet.row_hidden")]


def test_merged_cells_are_shared_only_where_the_issuer_says_so(tmp_path: Path) -> None:
    path = save(tmp_path / "s.xlsx", [NAMES, cells(1), cells(2), cells(3)])
    with changed(path) as sheet:
        sheet.merge_cells("G2:G4")
    assert judge(path).word == "fault"
    outcome = judge(path, accept={"sheet.cell_merged_shared"})
    assert outcome.word == "sealed"
    assert [str(issue.issued) for issue in outcome.issues] == ["2026-11-05"] * 3


def test_cells_merged_across_columns_are_faults_whatever_is_accepted(tmp_path: Path) -> None:
    path = save(tmp_path / "s.xlsx", [NAMES, cells(1)])
    with changed(path) as sheet:
        sheet.merge_cells("E2:F2")
    outcome = judge(path, accept={"sheet.cell_merged_shared"})
    assert outcome.stops() == [("F2", "sheet.cell_merged")]


def test_a_merged_title_above_the_header_is_passed_over(tmp_path: Path) -> None:
    path = save(tmp_path / "s.xlsx", [["证书发放表"], [], NAMES, cells(1)])
    with changed(path) as sheet:
        sheet.merge_cells("A1:H2")
    outcome = judge(path)
    assert (outcome.word, outcome.issues[0].row) == ("sealed", 4)
    assert "title line passed over: 证书发放表" in outcome.sentences()


@pytest.mark.parametrize("tab", [None, "发放", "二月", "四月"])
def test_the_active_visible_worksheet_is_read_and_the_others_are_named(
    tab: str | None, tmp_path: Path
) -> None:
    book = openpyxl.Workbook()
    first = book.active
    assert isinstance(first, Worksheet)
    first.title = "一月"
    for number, name in enumerate(["发放", "二月"], 2):
        sheet = book.create_sheet(name)
        sheet.append(NAMES)
        sheet.append(cells(number))
    first.sheet_state = "veryHidden"
    book.active = 1
    path = tmp_path / "s.xlsx"
    book.save(path)
    outcome = judge(path, tab=tab)
    if tab == "四月":
        assert outcome.stops() == [("", "sheet.worksheet")]
        assert "no worksheet '四月' among 一月, 发放, 二月" in outcome.sentences()
        return
    assert outcome.sheet is not None
    assert outcome.sheet.worksheet == (tab or "发放")
    assert outcome.issues[0].number.endswith("0003号" if tab == "二月" else "0002号")
    assert "worksheet 一月 (very hidden) is left out" in outcome.sentences()
    assert len(outcome.places(Grade.NOTE)) == 2


SHARED = (
    '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><r><t>张</t></r><r><t>'
    '示例</t></r><rPh sb="0" eb="1"><t>zhang</t></rPh></si></sst>'
)
RELATION = (
    '<Relationship Id="rId99" Target="sharedStrings.xml" Type="http://schemas.openxmlformats.org/'
    'officeDocument/2006/relationships/sharedStrings"/></Relationships>'
)


def share(path: Path, place: int) -> Path:
    """Let the holder's name be a shared text: rich text, with a hint at how to pronounce it."""
    inline, shared = 't="inlineStr"><is><t>张示例</t></is>', f't="s"><v>{place}</v>'
    edit(path, {inline: shared})
    edit(path, {"</Relationships>": RELATION}, "xl/_rels/workbook.xml.rels")
    with zipfile.ZipFile(path, "a") as book:
        book.writestr("xl/sharedStrings.xml", SHARED)
    return path


def test_shared_texts_are_read_without_how_to_pronounce_them(tmp_path: Path) -> None:
    path = share(save(tmp_path / "s.xlsx", [NAMES, cells(1)]), 0)
    assert judge(path).issues[0].fields["holder_name"] == "张示例"


def test_a_shared_text_that_is_not_there_makes_the_workbook_unreadable(tmp_path: Path) -> None:
    path = share(save(tmp_path / "s.xlsx", [NAMES, cells(1)]), 1)
    assert [code for _, code in judge(path).stops()] == ["sheet.unreadable"]


def test_a_formula_with_its_stored_value_is_taken(tmp_path: Path) -> None:
    path = save(tmp_path / "s.xlsx", [NAMES, cells(1, training_hours="=20*2")])
    edit(path, {"<f>20*2</f><v />": "<f>20*2</f><v>40</v>"})
    assert judge(path).issues[0].fields["training_hours"] == "40"


def test_an_error_that_a_formula_gave_is_told_as_it_is_seen(tmp_path: Path) -> None:
    path = save(tmp_path / "s.xlsx", [NAMES, cells(1, holder_name="=A1")])
    edit(path, {'r="C2"><f>A1</f><v />': 'r="C2" t="e"><f>A1</f><v>#REF!</v>'})
    outcome = judge(path)
    assert outcome.stops() == [("C2", "sheet.cell_error")]
    assert "#REF!" in outcome.sentences()


# Files that are made to harm --------------------------------------------------------------------


def test_a_bomb_is_refused_while_it_unpacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MAX_INFLATED_BYTES", 2**22)
    path = save(tmp_path / "s.xlsx", [NAMES, cells(1)])
    edit(path, {"</sheetData>": "</sheetData>" + " " * 2**23})
    assert path.stat().st_size < 50_000
    assert judge(path).stops() == [("", "sheet.file_size")]


def test_a_part_that_is_not_needed_is_not_unpacked(tmp_path: Path) -> None:
    path = save(tmp_path / "s.xlsx", [NAMES, cells(1)])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/media/image1.png", bytes(2**24))
    assert judge(path).word == "sealed"


@pytest.mark.parametrize(
    ("part", "old", "new"),
    [
        ("xl/worksheets/sheet1.xml", "<worksheet", '<!DOCTYPE a [<!ENTITY b "c">]><worksheet'),
        ("xl/worksheets/sheet1.xml", "<sheetData>", "<sheetData>" + "<a>" * 100),
        ("xl/worksheets/sheet1.xml", '<row r="2"', '<row r="1"'),
        ("xl/worksheets/sheet1.xml", 'r="B2"', 'r="A2"'),
        ("xl/worksheets/sheet1.xml", 'r="B2"', 'r="ZZZ2"'),
        ("xl/worksheets/sheet1.xml", "</worksheet>", ""),
        ("xl/workbook.xml", "</workbook>", "<a>"),
    ],
)
def test_a_damaged_workbook_is_unreadable(part: str, old: str, new: str, tmp_path: Path) -> None:
    path = save(tmp_path / "s.xlsx", [NAMES, cells(1)])
    edit(path, {old: new}, part)
    assert [code for _, code in judge(path).stops()] == ["sheet.unreadable"]


def test_a_cell_far_out_is_told_and_makes_no_room(tmp_path: Path) -> None:
    path = save(tmp_path / "s.xlsx", [NAMES, cells(1)])
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    edit(path, {"</sheetData>": far})
    assert judge(path).stops() == [("1048576", "sheet.row_length")]


def test_a_merged_range_over_everything_is_cheap(tmp_path: Path) -> None:
    path = save(tmp_path / "s.xlsx", [NAMES, cells(1), cells(2)])
    edit(
        path,
        {"</sheetData>": '</sheetData><mergeCells><mergeCell ref="H2:H1048576"/></mergeCells>'},
    )
    assert judge(path).places(Grade.FAULT) == [("H3", "sheet.cell_merged")]


@pytest.mark.parametrize("name", ["xl/workbook.bin", "word/document.xml", "Index/Document.iwa",
                                  "content.xml", "anything.txt"])  # fmt: skip
def test_other_archives_are_named_for_what_they_are(name: str, tmp_path: Path) -> None:
    path = tmp_path / "s.xlsx"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr(name, "x")
    assert judge(path).stops() == [("", "sheet.file_kind")]


# Formats of numbers -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stored", "code", "shown"),
    [
        ("123", "General", "123"), ("123", "00000", "00123"), ("0.85", "0%", "85%"),
        ("0.855", "0.0%", "85.5%"), ("1234.5", "#,##0.00", "1,234.50"), ("-3", "0", "-3"),
        ("-3", "0;(0)", "(3)"), ("0", '0;-0;"零"', None), ("1234567.891", "#,##0", "1,234,568"),
        ("0.1", "General", "0.1"), ("0.30000000000000004", "General", "0.3"),
        ("3.10101E+17", "General", "3.10101E+17"), ("12345678901", "General", "12345678901"),
        ("123456789012", "General", "1.23457E+11"), ("1200", "¥#,##0.00", "¥1,200.00"),
        ("1200", '[$¥-804]#,##0', "¥1,200"), ("5", "[Red]0", "5"), ("5", "[>3]0", None),
        ("5", "# ?/?", None), ("5", "[DBNum1]0", None), ("5", "0.0E+0", None),
        ("1", '"编号"000', "编号001"), ("1.5", "0.##", "1.5"), ("1", "0.##", "1."),
        ("12", "@", "12"), ("0.5", "0", "1"), ("2.5", "0", "3"), ("5", "_(0_)", "5"),
    ],
)  # fmt: skip
def test_what_is_shown_is_told_where_it_is_certain(
    stored: str, code: str, shown: str | None
) -> None:
    number = exact(stored)
    assert number is not None
    assert shown_number(number, code) == shown
