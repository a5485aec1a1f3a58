"""Workbooks whose cells look otherwise than what they hold: nothing of it is sealed unasked."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.comments import Comment
from openpyxl.formatting.rule import DataBar, FormatObject, Rule
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.styles.colors import Color
from openpyxl.styles.differential import DifferentialStyle
from openpyxl.styles.numbers import NumberFormat
from openpyxl.worksheet.worksheet import Worksheet

from tests.ledger.sheets.desk import NAMES, Outcome, cells, judge
from tests.ledger.sheets.workbooks import changed, edit, save


def outcome_of(
    folder: Path, change: Callable[[Worksheet], object], *accept: str, **values: object
) -> Outcome:
    path = save(folder / "s.xlsx", [NAMES, cells(1, **values), cells(2)])
    with changed(path) as sheet:
        change(sheet)
    return judge(path, accept=accept)


def font(**properties: object) -> Callable[[Worksheet], object]:
    return lambda sheet: setattr(sheet["C2"], "font", Font(**properties))  # type: ignore[arg-type]  # options of a table


def filled(colour: str, **properties: object) -> Callable[[Worksheet], object]:
    def change(sheet: Worksheet) -> None:
        sheet["C2"].fill = PatternFill("solid", fgColor=colour)
        sheet["C2"].font = Font(**properties)  # type: ignore[arg-type]  # options of a table

    return change


def runs(*parts: str | TextBlock) -> Callable[[Worksheet], object]:
    return lambda sheet: setattr(sheet["C2"], "value", CellRichText(*parts))


def text_block(text: str, **properties: object) -> TextBlock:
    return TextBlock(InlineFont(**properties), text)  # type: ignore[arg-type]  # options of a table


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (font(color="FFFFFFFF"), "sheet.cell_unseen"),
        (font(color=Color(theme=0)), "sheet.cell_unseen"),
        (font(color=Color(theme=1, tint=0.98)), "sheet.cell_unseen"),
        (font(color=Color(indexed=9)), "sheet.cell_unseen"),
        (font(color="FFFFFFCC"), "sheet.cell_unseen"),
        (font(sz=1), "sheet.cell_unseen"),
        (filled("FF4472C4", color=Color(theme=4)), "sheet.cell_unseen"),
        (filled("FF000000"), "sheet.cell_unseen"),
        (font(vertAlign="superscript"), "sheet.cell_look"),
        (font(name="Wingdings"), "sheet.cell_look"),
        (font(strike=True), "sheet.cell_struck"),
        (lambda s: setattr(s["C2"], "number_format", "[White]@"), "sheet.cell_unseen"),
        (lambda s: setattr(s["C2"], "number_format", "[Color2]General"), "sheet.cell_unseen"),
        (lambda s: setattr(s["C2"], "alignment", Alignment("fill")), "sheet.cell_look"),
        (runs("张", text_block("示例", color="FFFFFFFF")), "sheet.cell_unseen"),
        (runs("张示例", text_block("二", vertAlign="subscript")), "sheet.cell_look"),
        (runs("张示例", text_block("二", sz=2)), "sheet.cell_unseen"),
        (runs(text_block("张示例", rFont="Webdings"), "二"), "sheet.cell_look"),
        (font(color="FF9C0006"), None),
        (font(color=Color(auto=True)), None),
        (filled("FF1F4E78", color="FFFFFFFF"), None),
        (filled("FFFFC7CE", color="FF9C0006"), None),
        (runs(text_block("张", b=True), "示例", text_block(" ", color="FFFFFFFF")), None),
    ],
)
def test_what_nobody_sees_or_sees_otherwise_is_told_at_its_cell(
    change: Callable[[Worksheet], object], code: str | None, tmp_path: Path
) -> None:
    outcome = outcome_of(tmp_path, change, "identity.two_names")
    assert outcome.stops() == ([("C2", code)] if code else []), outcome.sentences()
    assert all(one.sentence("zh") and one.sentence("en") for one in outcome.findings.items)


def test_a_zero_that_is_not_shown_is_a_fault(tmp_path: Path) -> None:
    def hide(sheet: Worksheet) -> None:
        sheet.sheet_view.showZeros = False

    outcome = outcome_of(tmp_path, hide, training_hours=0)
    assert outcome.stops() == [("F2", "sheet.cell_unseen")]
    assert outcome_of(tmp_path, hide, training_hours=40).word == "sealed"


def rule(cells: str, made: Rule) -> Callable[[Worksheet], object]:
    return lambda sheet: sheet.conditional_formatting.add(cells, made)


def styled(**style: object) -> Rule:
    made = DifferentialStyle(**style)  # type: ignore[arg-type]  # options of a table
    return Rule(type="expression", dxf=made, formula=["TRUE"])


def bar(shown: bool) -> Rule:
    scale = [FormatObject(type="min"), FormatObject(type="max")]
    return Rule(type="dataBar", dataBar=DataBar(cfvo=scale, showValue=shown, color="FF638EC6"))


RED = {"font": Font(color="FF9C0006"), "fill": PatternFill(bgColor="FFFFC7CE")}


@pytest.mark.parametrize(
    ("cells", "made", "at"),
    [
        ("C2:C9", styled(font=Font(color="FFFFFFFF")), "C2"),
        ("A1:Z99", styled(font=Font(strike=True)), "A2"),
        ("F3", styled(numFmt=NumberFormat(numFmtId=170, formatCode='"99"')), "F3"),
        ("J2 C3:D9", styled(fill=PatternFill(bgColor="FF000000")), "C3"),
        ("F2:F3", bar(shown=False), "F2"),
        ("F2:F3", bar(shown=True), None),
        ("B2:B9", styled(**RED), None),
        ("B2:B9", styled(fill=PatternFill(bgColor="FFFFFF00")), None),
        ("J2:J9", styled(font=Font(color="FFFFFFFF")), None),
        ("C4:C9", styled(font=Font(color="FFFFFFFF")), None),
    ],
)
def test_conditional_formats_that_may_change_what_is_seen_are_asked_about(
    cells: str, made: Rule, at: str | None, tmp_path: Path
) -> None:
    outcome = outcome_of(tmp_path, rule(cells, made))
    assert outcome.stops() == ([(at, "sheet.cell_conditional")] if at else [])


def test_conditional_formats_of_newer_programs_are_read_too(tmp_path: Path) -> None:
    path = save(tmp_path / "s.xlsx", [NAMES, cells(1)])
    edit(path, {"</worksheet>": (
        '<extLst><ext uri="{78C0D931-6437-407d-A8EE-F0AAD7539E65}"><x14:conditionalFormattings'
        ' xmlns:x14="http://schemas.microsoft.com/office/spreadsheetml/2009/9/main"'
        ' xmlns:xm="http://schemas.microsoft.com/office/excel/2006/main"><x14:conditionalFormatting>'
        '<x14:cfRule type="expression"><xm:f>TRUE</xm:f><x14:dxf><font><color rgb="FFFFFFFF"/>'
        "</font></x14:dxf></x14:cfRule><xm:sqref>C2:C3</xm:sqref></x14:conditionalFormatting>"
        "</x14:conditionalFormattings></ext></extLst></worksheet>"
    )})  # fmt: skip
    assert judge(path).stops() == [("C2", "sheet.cell_conditional")]


def test_a_comment_in_a_row_of_a_certificate_is_asked_about(tmp_path: Path) -> None:
    def comment(sheet: Worksheet) -> None:
        sheet["C1"].comment = Comment("持证人姓名", "办公室")
        sheet["C3"].comment = Comment("此人已离职，\n不发", "办公室")
        sheet["K2"].comment = Comment("待核", "办公室")

    outcome = outcome_of(tmp_path, comment)
    assert outcome.stops() == [("C3", "sheet.cell_comment"), ("K2", "sheet.cell_comment")]
    assert "此人已离职， 不发" in outcome.sentences()
    assert outcome_of(tmp_path, comment, "sheet.cell_comment").word == "sealed"


@pytest.mark.parametrize(
    ("column", "value", "style", "code"),
    [
        ("training_hours", 40, '"1"0', "sheet.cell_shown_differs"),
        ("training_hours", 40, '0"0"', "sheet.cell_shown_differs"),
        ("training_hours", 40, r"\1\20", "sheet.cell_shown_differs"),
        ("issued", 46331, 'yyyy"9"-mm-dd', "sheet.cell_shown_differs"),
        ("issued", 46331, "yyyy-dd-mm", "sheet.cell_shown_differs"),
        ("issued", 46331, "yyyy-mm-d0", "sheet.cell_format"),
        ("issued", 46331, 'yyyy-mm-d"1"', "sheet.cell_shown_differs"),
        ("issued", 46331, "yyyyd-mm-dd", "sheet.cell_shown_differs"),
        ("issued", 46331, "yyyy-mm-dd dd", "sheet.cell_shown_differs"),
        ("issued", 46331, '[$1-804]yyyy"年"m"月"d"日"', "sheet.cell_shown_differs"),
        ("issued", 46331, 'yyyy"年"m"月十"d"日"', "sheet.cell_shown_differs"),
        ("issued", 46331, '[>1]yyyy-mm-dd;"2027-01-01"', "sheet.cell_format"),
        ("issued", 46331, "bbbb-mm-dd", "sheet.cell_format"),
        ("issued", 46331, "[$-411]e-mm-dd", "sheet.cell_format"),
        ("issued", 46331, "[$-D07041E]yyyy-mm-dd", "sheet.cell_format"),
        ("issued", 46331, "dddd, mmmm yyyy", "sheet.date_shown_partly"),
        ("issued", 46331.99999999, "yyyy-mm-dd", "sheet.date_before_midnight"),
        ("issued", 46331.99999999999, "yyyy-mm-dd", "sheet.date_before_midnight"),
        *[
            ("issued", 46331, style, None)
            for style in (
                "yyyy-mm-dd", "yyyy/m/d;@", "d-mmm-yy", "dd/mm/yyyy", "mm-dd-yy", "yyyymmdd",
                'yyyy"年"m"月"d"日" aaaa', "[$-F800]dddd\\,\\ mmmm\\ dd\\,\\ yyyy",
                '[DBNum1][$-804]yyyy"年"m"月"d"日";@', "[$-804]e/m/d", "yyyy.mm.dd hh:mm:ss.000",
                "[Red]yyyy-mm-dd", "[$-x-sysdate]dddd, mmmm dd, yyyy",
            )
        ],
    ],
)  # fmt: skip
def test_a_format_that_shows_other_digits_is_asked_about(
    column: str, value: object, style: str, code: str | None, tmp_path: Path
) -> None:
    at = f"{'ABCDEFGH'[NAMES.index(column)]}2"
    outcome = outcome_of(
        tmp_path, lambda s: setattr(s[at], "number_format", style), **{column: value}
    )
    assert outcome.stops() == ([(at, code)] if code else []), outcome.sentences()
    if code is None:
        assert str(outcome.issues[0].issued) == "2026-11-05"


def test_a_time_before_midnight_stays_on_its_day(tmp_path: Path) -> None:
    def change(sheet: Worksheet) -> None:
        sheet["G2"].number_format = "yyyy-mm-dd"

    accepted = outcome_of(tmp_path, change, "sheet.date_before_midnight", issued=46331.99999999)
    assert str(accepted.issues[0].issued) == "2026-11-05"
    at_noon = outcome_of(tmp_path, change, issued=datetime(2026, 11, 5, 23, 59, 58))
    assert (at_noon.word, str(at_noon.issues[0].issued)) == ("sealed", "2026-11-05")


OWN = ("category", "replaces", "documents", "holder_key")


@pytest.mark.parametrize("column", OWN)
def test_columns_that_are_no_fields_are_read_as_carefully(column: str, tmp_path: Path) -> None:
    path = save(tmp_path / "s.xlsx", [[*NAMES, *OWN[1:]], [*cells(1), None, None, None]])
    at = "A2" if column == "category" else f"{'IJK'[OWN.index(column) - 1]}2"
    with changed(path) as sheet:
        sheet[at] = "=A1"
    assert judge(path).stops() == [(at, "sheet.cell_formula")]
    with changed(path) as sheet:
        sheet[at] = "AS-TRAINING"
        sheet[at].font = Font(color="FFFFFFFF")
    assert (at, "sheet.cell_unseen") in judge(path).stops()


@pytest.mark.parametrize(
    ("formula", "manual", "asked"),
    [("TODAY()", False, True), ("20*2", False, False), ("20*2", True, True),
     ("IF(now( )&gt;0,40,41)", False, True), ("SHEETTODAY1+0", False, False)],
)  # fmt: skip
def test_a_formula_that_gives_another_value_each_time_is_asked_about(
    formula: str, manual: bool, asked: bool, tmp_path: Path
) -> None:
    path = save(tmp_path / "s.xlsx", [NAMES, cells(1, training_hours="=1")])
    edit(path, {"<f>1</f><v />": f"<f>{formula}</f><v>40</v>"})
    if manual:
        edit(path, {"<calcPr ": '<calcPr calcMode="manual" '}, "xl/workbook.xml")
    assert judge(path).stops() == ([("F2", "sheet.cell_volatile")] if asked else [])


def test_cells_that_share_a_formula_share_what_is_odd_about_it(tmp_path: Path) -> None:
    path = save(tmp_path / "s.xlsx", [NAMES, cells(1, issued="=1"), cells(2, issued="=2")])
    first, other = '<f t="shared" ref="G2:G3" si="0">TODAY()</f>', '<f t="shared" si="0"/>'
    edit(path, {"<f>1</f><v />": f"{first}<v>46331</v>", "<f>2</f><v />": f"{other}<v>46331</v>"})
    with_dates = judge(path, accept={"sheet.date_serial"})
    assert with_dates.stops() == [("G2", "sheet.cell_volatile"), ("G3", "sheet.cell_volatile")]
