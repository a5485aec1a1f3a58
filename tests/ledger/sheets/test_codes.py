"""Access codes are drawn into sheets before documents are made; sealing keeps and checks them."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.styles import Font

from certledger.ledger.issuer.catalogs import catalog_of
from certledger.ledger.issuer.sheet_codes import SheetWithCodes, add_codes
from certledger.ledger.reference_data import load_domain
from certledger.ledger.sealing.sheet_columns import catalog_columns
from certledger.ledger.sheets.findings import Grade, SheetInvalidError
from certledger.verifier.formats.record import access_code, normal_code, printed_code
from certledger.verifier.formats.short_link import ShortLink
from tests.ledger.sheets.desk import HEADER, NAMES, cells, judge, line
from tests.ledger.sheets.workbooks import changed, save

ADDRESS = "https://certledger.example"
NAMED = catalog_columns(catalog_of(load_domain(), ["AS-TRAINING"]))


def draw_in_order() -> Callable[[int], bytes]:
    """Return a source of bytes that look random and are the same every time."""
    state = iter(range(1, 1000))
    return lambda size: bytes((next(state) * 37 + 11 * at * at) % 256 for at in range(size))


def add(path: Path) -> SheetWithCodes:
    return add_codes(path, NAMED, ADDRESS)


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


CHINESE = "类别,证书编号,姓名,身份证号,工种,学时,发证日期,有效期至"
FORMS: dict[str, tuple[str, str]] = {
    "utf-8": (f"{HEADER}\n{line(1)}\n{line(2)}\n", "utf-8"),
    "a mark and CRLF": (f"\ufeff{HEADER}\r\n{line(1)}\r\n{line(2)}", "utf-8"),
    "GBK, Chinese headers": (f"证书名单,,,,,,,\r\n{CHINESE}\r\n{line(1)}\r\n", "gbk"),
    "UTF-16 and tabs": (f"{HEADER}\n{line(1)}\n".replace(",", "\t"), "utf-16"),
    "quotes and a line end in a cell": (
        f'{HEADER}\n{line(1, post_name=chr(34) + "园林, " + chr(10) + "绿化" + chr(34))}\n', "utf-8"
    ),
    "a quote within a cell": (f'{HEADER}\n{line(1, post_name="5" + chr(34) + "管工")}\n', "utf-8"),
    "sep= and semicolons": (f"sep=;\r\n{HEADER}\r\n{line(1)}\r\n".replace(",", ";"), "utf-8"),
    "an end of file": (f"{HEADER}\n{line(1)}\n\x1a", "utf-8"),
    "a total and a remark": (f"{HEADER},备注\n{line(1)},\n合计,1,,,,,,,\n,,,,,,,,完\n", "utf-8"),
    "headers again": (f"{HEADER}\n{line(1)}\n{HEADER}\n{line(2)}\n", "utf-8"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "encoding"), FORMS.values(), ids=FORMS)
def test_codes_are_added_to_text_files_and_every_other_byte_stays(
    tmp_path: Path, text: str, encoding: str
) -> None:
    path = write(tmp_path / "s.csv", text, encoding)
    before = path.read_bytes()
    made = add(path)
    path.write_bytes(made.data)
    assert made.drawn == made.rows == text.count("沪园训字")
    assert encoding != "gbk" or "查验码,查验链接".encode("gbk") in made.data
    # Without what was added, the file is the old one.
    plain = made.data.decode(encoding)
    plain = plain.replace("合计,1,,,,,,,,,", "合计,1,,,,,,,").replace("完,,", "完")
    for code, link in filter(all, codes_of(path)):
        for mark in ",;\t":
            plain = plain.replace(f"{mark}{code}{mark}{link}", "")
    for mark in ",;\t":
        for names in (("access_code", "short_link"), ("查验码", "查验链接")):
            plain = plain.replace(mark + mark.join(names), "")
    assert plain.encode(encoding) == before
    again = add(path)
    assert (again.drawn, again.data) == (0, made.data)


def codes_of(path: Path) -> list[tuple[str, str]]:
    sheet = judge(path).sheet
    assert sheet is not None
    return [(row.text("access_code") or "", row.text("short_link") or "") for row in sheet.rows]


def test_links_lead_to_number_and_code_and_follow_a_corrected_number(tmp_path: Path) -> None:
    path = write(tmp_path / "s.csv", f"{HEADER}\n{line(1)}\n{line(2)}\n")
    path.write_bytes(add(path).data)
    found = judge(path)
    assert found.word == "sealed"
    links = [ShortLink.parse(link) for _, link in codes_of(path)]
    assert [one.number for one in links] == [issue.number for issue in found.issues]
    assert [one.code for one in links] == [issue.access_code for issue in found.issues]
    path.write_text(path.read_text(encoding="utf-8").replace("第0002号", "第0003号"), "utf-8")
    wrong = judge(path)
    assert [(one.row, one.code) for one in wrong.findings.of(Grade.FAULT)] == [(3, "link.differs")]
    # A new row gets a code, the link of the corrected one is made anew.
    path.write_text(path.read_text(encoding="utf-8") + line(4) + ",,\n", "utf-8")
    made = add(path)
    path.write_bytes(made.data)
    assert (made.drawn, made.rows) == (1, 3)
    assert judge(path).word == "sealed"
    assert [code for code, _ in codes_of(path)][:2] == [printed_code(one.code) for one in links]


def test_codes_are_added_to_a_workbook_and_all_else_stays(tmp_path: Path) -> None:
    path = save(tmp_path / "s.xlsx", [NAMES, cells(1), cells(2)])
    with changed(path) as worksheet:
        worksheet["Z2"].font = Font(bold=True)  # Styled, empty, behind the others.
        worksheet["I3"].font = Font(italic=True)  # Where a code will stand.
        worksheet.column_dimensions["C"].width = 31
    before = parts(path)
    made = add_codes(path, NAMED, ADDRESS, random=draw_in_order())
    path.write_bytes(made.data)
    after = parts(path)
    assert {name for name in before if before[name] != after[name]} == {"xl/worksheets/sheet1.xml"}
    sheet = openpyxl.load_workbook(path).active
    assert sheet is not None
    assert [cell.value for cell in sheet[1]][8:10] == ["access_code", "short_link"]
    assert sheet["I3"].font.i
    assert sheet["Z2"].font.b
    assert sheet.column_dimensions["C"].width == 31
    found = judge(path)
    assert found.word == "sealed"
    drawn = draw_in_order()
    assert [one.access_code for one in found.issues] == [access_code(drawn(10)) for _ in range(2)]
    order = [cell.coordinate for cell in sheet[2]]
    assert order == sorted(order, key=lambda name: (len(name), name))
    again = add(path)
    path.write_bytes(again.data)
    assert again.drawn == 0
    assert codes_of(path) == [
        (printed_code(one.access_code or ""), link)
        for one, (_, link) in zip(found.issues, codes_of(path), strict=True)
    ]


def parts(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


GOOD = printed_code(access_code(bytes(range(10, 110, 10))))
OTHER = printed_code(access_code(bytes(range(200, 100, -10))))


def with_codes(*codes: str) -> str:
    rows = [f"{line(place)},{code}" for place, code in enumerate(codes, 1)]
    return "\n".join([f"{HEADER},access_code", *rows])


CASES: dict[str, tuple[str, list[tuple[int, str]]]] = {
    "good": (with_codes(GOOD, OTHER.lower()), []),
    "missing": (with_codes(GOOD, ""), [(3, "access_code.missing")]),
    "no code": (with_codes(GOOD, "1234"), [(3, "access_code.invalid")]),
    "twice": (with_codes(GOOD, OTHER, GOOD), [(4, "access_code.twice")]),
    "dragged down": (with_codes(GOOD, GOOD[:-1] + "0"), [(3, "access_code.guessable")]),
    "made up": (with_codes("1111-2222-3333-4444"), [(2, "access_code.guessable")]),
    "a numeral": (with_codes("1.23457E+15"), [(2, "sheet.digits_lost")]),
    "a link of another row": (
        f"{HEADER},access_code,short_link\n{line(1)},{GOOD},{ADDRESS}/v#1.{GOOD.replace('-', '')}",
        [(2, "link.differs")],
    ),
    "no link": (f"{HEADER},access_code,short_link\n{line(1)},{GOOD},x", [(2, "link.invalid")]),
    "a link without a code": (
        f"{HEADER},short_link\n{line(1)},{ADDRESS}/v#1.{GOOD}", [(2, "access_code.missing")]
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES)
def test_codes_that_cannot_be_relied_on_are_faults(
    tmp_path: Path, text: str, expected: list[tuple[int, str]]
) -> None:
    found = judge(write(tmp_path / "s.csv", text + "\n"))
    assert [(one.row, one.code) for one in found.findings.of(Grade.FAULT)] == expected
    if not expected:
        assert [one.access_code for one in found.issues] == [normal_code(GOOD), normal_code(OTHER)]


REFUSED: dict[str, tuple[str, str]] = {
    "no number": (f"{HEADER}\n{line(1, number='')}\n", "sheet.field_missing"),
    "a number that lost digits": (f"{HEADER}\n{line(1, number='1.2E+17')}\n", "sheet.digits_lost"),
    "a short row": (f"{HEADER}\n{line(1)}\nAS-TRAINING,2\n", "sheet.row_length"),
    "a code that is none": (with_codes("12") + "\n", "access_code.invalid"),
}


@pytest.mark.parametrize(("text", "code"), REFUSED.values(), ids=REFUSED)
def test_nothing_is_drawn_where_the_sheet_is_at_fault(tmp_path: Path, text: str, code: str) -> None:
    with pytest.raises(SheetInvalidError) as refused:
        add(write(tmp_path / "s.csv", text))
    assert code in {one.code for one in refused.value.faults}


def test_a_thousand_codes_are_all_different_and_random(tmp_path: Path) -> None:
    path = write(tmp_path / "s.csv", "\n".join([HEADER, *map(line, range(1, 1001))]))
    path.write_bytes(add(path).data)
    assert judge(path).word == "sealed"
    rows: list[Any] = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    assert len({row["access_code"] for row in rows}) == 1000
