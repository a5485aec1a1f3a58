"""Imports that are made to harm: every one ends soon, with faults that have their place."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pytest

from certledger.ledger.reference_data.faults import DomainFault, FaultCode
from certledger.ledger.reform.book_columns import SCHEMAS
from certledger.ledger.reform.book_files import (
    BookInvalidError,
    export_book,
    guard,
    parse_book,
    parse_workbook,
    read_book,
    unguard,
)
from certledger.verifier.reform.book import COLUMNS
from certledger.verifier.reform.book_edition import MAX_ROWS
from tests.ledger.reform.books import append_row, domain_folder

FORMULA, HTML, RTL = "=HYPERLINK(1)", "<script>alert(1)</script>", "a\u202eb"
LINE = ["FOOD-LICENCE", "1", "营业执照", "Licence", "yes", "BIZ-LICENCE", "yes"]


def small(name: str = "N") -> dict[str, list[list[str]]]:
    """Return a small book in which every text that is free is `name`."""
    fields = "certificate_number;holder_name;uscc;issue_date"
    item = ["FOOD-LICENCE", name, name, name, name]
    return {
        "regions": [["310000", name, name, "province", ""], ["320000", name, name, "province", ""]],
        "categories": [
            [
                "BIZ-LICENCE",
                name,
                name,
                "执照",
                "legal",
                "department",
                name,
                name,
                "",
                "7",
                "no",
                fields,
            ]
        ],
        "service_items": [[*item, "administrative", "legal", "yes", "yes", "yes"]],
        "materials": [[*LINE[:2], name, name, *LINE[4:]]],
        "issuers": [["11310000XX0000035U", name, name, "department", "310000"]],
        "counters": [["C-1", name, name, "window", "310000", name]],
        "bundles": [["ONE-FOOD", name, name, "FOOD-LICENCE"]],
        "overrides": [["FOOD-LICENCE", "1", name, name]],
        "restrictions": [["BIZ-LICENCE", "company"]],
        "rules": [["FOOD-LICENCE", "1", "1", "m1.met", "refused", name, name]],
        "delta_scenarios": [
            ["SCENARIO-1", name, name, "310000", "320000", "BIZ-LICENCE", "FOOD-LICENCE"]
        ],
    }


def files_of(tables: Mapping[str, Sequence[Sequence[str]]]) -> dict[str, bytes]:
    files = {}
    for name, rows in tables.items():
        out = io.StringIO(newline="")
        csv.writer(out, lineterminator="\n").writerows([COLUMNS[name], *rows])
        files[SCHEMAS[name].file] = out.getvalue().encode()
    return files


def faults_of(files: Mapping[str, bytes]) -> Sequence[DomainFault]:
    with pytest.raises(BookInvalidError) as refused:
        parse_book(files)
    return refused.value.faults


def changed(name: str, data: bytes) -> dict[str, bytes]:
    return files_of(small()) | {SCHEMAS[name].file: data}


HEADER = ",".join(COLUMNS["counters"]).encode() + b"\n"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (HEADER[:-1] + b"," + HEADER + b"C-1,a,a,window,310000,\n", FaultCode.HEADER),
        (HEADER + HEADER, FaultCode.VOCABULARY),
        (b"\xef\xbb\xbf" + HEADER, FaultCode.BYTE_ORDER_MARK),
        (HEADER.replace(b"\n", b"\r\n"), FaultCode.LINE_END),
        (HEADER + b"C-1,a\x00b,a,window,310000,\n", FaultCode.TEXT),
        (HEADER + b"C-1,\xff,a,window,310000,\n", FaultCode.NOT_UTF8),
        (HEADER + b"C-1," + b"a" * 10_000_000 + b",a,window,310000,\n", FaultCode.NOT_CSV),
        (HEADER + b"C-1," + b"a" * 100_000 + b",a,window,310000,\n", FaultCode.TOO_LARGE),
        (HEADER + b"," * 1_000_000 + b"\n", FaultCode.ROW_LENGTH),
        (HEADER + b'C-1,"a\nb",a,window,310000,\n', FaultCode.TEXT),
        (HEADER + b'C-1,"a,a,window,310000,\n', FaultCode.NOT_CSV),
        (HEADER + b"C-1,a,a,window,310000,\nC-1,b,b,window,310000,\n", FaultCode.DUPLICATE),
        (b"", FaultCode.HEADER),
        (b"," * 5_000_000 + b"\n", FaultCode.HEADER),
    ],
)
def test_a_hostile_file_has_its_fault(data: bytes, code: FaultCode) -> None:
    faults = faults_of(changed("counters", data))

    assert code in {one.code for one in faults}
    assert {one.file for one in faults} == {"counters.csv"}
    assert max(len(one.reason) for one in faults) < 400


@pytest.mark.parametrize("number", ["9" * 4_000, "01", "-1", "1.0", "１", "1e3", "0x1", "²"])
def test_numbers_are_plain(number: str) -> None:
    rows = small()
    rows["materials"] = [[LINE[0], number, *LINE[2:]]]
    (first, *_) = faults_of(files_of(rows))

    assert (first.column, first.code) == ("material_no", FaultCode.FORM)


def test_rows_beyond_the_most_are_not_read() -> None:
    faults = faults_of(changed("bundles", ",".join(COLUMNS["bundles"]).encode() + b"\n" * 500_000))

    assert len(faults) == MAX_ROWS["bundles"] + 1
    assert faults[-1].code is FaultCode.TOO_MANY


def test_a_code_is_of_one_table_alone() -> None:
    rows = small()
    rows["bundles"] = [["FOOD-LICENCE", "N", "N", "FOOD-LICENCE"]]
    faults = faults_of(files_of(rows))

    first = faults[0]
    assert (first.file, first.column, first.code) == ("bundles.csv", "code", FaultCode.DUPLICATE)


def test_every_name_may_be_html_or_a_formula_and_comes_back(tmp_path: Path) -> None:
    for name in (HTML, FORMULA):
        files = parse_book(files_of(small(name)))
        export_book(files.tables, tmp_path)
        rows = [row for one in sorted(tmp_path.glob("*.csv")) for row in csv.reader(one.open("r"))]
        assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
        assert read_book(tmp_path).tables == files.tables


def test_no_name_turns_the_direction_of_a_line() -> None:
    faults = faults_of(files_of(small(RTL)))
    named = {
        (SCHEMAS[table].file, column)
        for table, columns in COLUMNS.items()
        for column in columns
        if column.endswith(("_zh", "_en"))
    }

    assert {(one.file, one.column) for one in faults} == named
    assert {one.code for one in faults} == {FaultCode.TEXT, FaultCode.NOT_ASCII}


@pytest.mark.parametrize(
    "cell", ["=a", "'=a", "''=a", "'", "''", "'a", "a", "", "＝1", "'＋1", "-1"]
)
def test_a_guard_is_undone_exactly(cell: str) -> None:
    assert unguard(guard(cell)) == cell
    assert not guard(cell).startswith(tuple("=+-@＝＋－＠"))


def test_what_an_export_spells_otherwise_is_a_warning(tmp_path: Path) -> None:
    domain_folder(tmp_path)
    line = append_row(tmp_path, "counters", "C-FORMULA", "=1+1", "Window", "window", "310101", "")
    quoted = '"HP-QUOTED","引号","Quoted","window","310101",\n'
    path = tmp_path / "counters.csv"
    path.write_text(path.read_text("utf-8") + quoted, "utf-8")
    files = read_book(tmp_path)
    warned = [(one.file, one.line) for one in files.warnings if one.code is FaultCode.SPELLING]
    export_book(files.tables, tmp_path)

    assert warned == [("counters.csv", line), ("counters.csv", line + 1)]
    assert not [one for one in read_book(tmp_path).warnings if one.code is FaultCode.SPELLING]


# Workbooks -------------------------------------------------------------------------------------

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def workbook(rows: Iterable[str], shared: str = "", *, padding: int = 0) -> bytes:
    """Return a workbook with a worksheet `counters` of these rows, in XML."""
    relations = "".join(
        f'<Relationship Id="r{number}" Type="{_OFFICE}/{kind}" Target="{kind}.xml"/>'
        for number, kind in enumerate(("worksheet", "sharedStrings"))
    )
    parts = {
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="r" '
        f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        '<sheet name="counters" sheetId="1" r:id="r0"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}">{relations}'
        "</Relationships>",
        "xl/sharedStrings.xml": f'<sst xmlns="{_MAIN}">{" " * padding}<si><t>{shared}</t></si>'
        "</sst>",
        "xl/worksheet.xml": f'<worksheet xmlns="{_MAIN}"><sheetData>{"".join(rows)}'
        "</sheetData></worksheet>",
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return out.getvalue()


def row(number: int, cells: Iterable[str]) -> str:
    return f'<row r="{number}">{"".join(cells)}</row>'


def inline(text: str) -> str:
    return f'<c t="inlineStr"><is><t>{text}</t></is></c>'


TITLES = row(1, map(inline, COLUMNS["counters"]))


def workbook_faults(data: bytes) -> Sequence[DomainFault]:
    assert len(data) < 1_000_000
    with pytest.raises(BookInvalidError) as refused:
        parse_workbook(data)
    return [one for one in refused.value.faults if one.code is not FaultCode.FILE_MISSING]


def test_cells_far_to_the_right_take_no_memory() -> None:
    # A row as long as its last cell would take 131 KB of memory here, for 60 bytes.
    rows = (row(at, [f'<c r="XFD{at}"><v>1</v></c>']) for at in range(2, 6_002))
    faults = workbook_faults(workbook([TITLES, *rows]))

    assert {one.code for one in faults} == {FaultCode.ROW_LENGTH}
    assert len(faults) == 6_000


def test_a_text_that_many_cells_share_is_not_read_for_each() -> None:
    # 15,000 cells of a megabyte each, from a file of some kilobytes.
    rows = (row(at, ['<c t="s"><v>0</v></c>'] * 5) for at in range(2, 3_002))
    faults = workbook_faults(workbook([TITLES, *rows], "x" * 1_000_000))

    assert {one.code for one in faults} == {FaultCode.TOO_LARGE, FaultCode.DUPLICATE}
    assert sum(len(one.reason) for one in faults) < 10_000_000


def test_a_workbook_that_inflates_to_too_much_is_refused() -> None:
    (fault,) = workbook_faults(workbook([TITLES], padding=140_000_000))

    assert (fault.code, fault.line) == (FaultCode.WORKBOOK, 0)
