"""Sheets as rows: what is read, and what is refused with its place."""

import io
from pathlib import Path

import openpyxl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from certledger.ledger.sheets.findings import Findings, SheetFinding, SheetInvalidError
from certledger.ledger.sheets.reader import SheetRow, read_rows
from certledger.ledger.sheets.workbook import read_workbook
from tests.effort import effort

HEADER = "number,holder_name,issued"


def write(folder: Path, name: str, data: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def faults_of(path: Path) -> list[SheetFinding]:
    with pytest.raises(SheetInvalidError) as refusal:
        read_rows(path)
    assert all(fault.file == path.name and fault.reason for fault in refusal.value.faults)
    assert all(str(fault) in str(refusal.value) for fault in refusal.value.faults)
    return list(refusal.value.faults)


def places(path: Path) -> list[tuple[int, str, str]]:
    return [(fault.row, fault.column, fault.code) for fault in faults_of(path)]


# CSV


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "bom"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_a_csv_is_read_with_its_line_numbers(mark: str, end: str, tmp_path: Path) -> None:
    lines = [HEADER, 'A1,"示例, 一",2026-11-01', "", "A2,示例二,"]
    path = write(tmp_path, "s.csv", mark + end.join(lines))
    assert read_rows(path) == [
        SheetRow(
            file="s.csv",
            number=2,
            cells={"number": "A1", "holder_name": "示例, 一", "issued": "2026-11-01"},
        ),
        SheetRow(file="s.csv", number=4, cells={"number": "A2", "holder_name": "示例二"}),
    ]


def test_a_csv_of_no_known_encoding_is_refused_with_its_line(tmp_path: Path) -> None:
    (fault,) = faults_of(write(tmp_path, "s.csv", HEADER.encode() + b"\nA1,\xff\xff,x"))
    assert (fault.row, fault.code) == (2, "sheet.encoding")
    assert "save the file as CSV UTF-8" in fault.reason


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [(1, "", "sheet.empty")]),
        (HEADER, [(0, "", "sheet.empty")]),
        (f"{HEADER}\n,,\n", [(0, "", "sheet.empty")]),
        ("number,number\nA1,A2", [(1, "number", "sheet.header")]),
        ("number,,issued\nA1,x,y", [(2, "", "sheet.header")]),
        (f"{HEADER}\nA1,x\nA2,x,y,z", [(2, "", "sheet.row_length"), (3, "", "sheet.row_length")]),
        (f'{HEADER}\nA1,"x" y,z', [(2, "", "sheet.unreadable")]),
        (f'{HEADER}\nA1,"x,z', [(2, "", "sheet.unreadable")]),
    ],
)
def test_a_csv_of_another_form_is_refused_with_the_place(
    text: str, expected: list[tuple[int, str, str]], tmp_path: Path
) -> None:
    assert places(write(tmp_path, "s.csv", text)) == expected


def test_a_missing_file_and_a_strange_suffix_are_faults(tmp_path: Path) -> None:
    assert places(tmp_path / "absent.csv") == [(0, "", "sheet.file_missing")]
    assert places(write(tmp_path, "s.csv", b"%PDF-1.7\n")) == [(0, "", "sheet.file_kind")]


# JSON lines


def test_json_lines_hold_text_numbers_and_lists(tmp_path: Path) -> None:
    lines = [
        '{"number": "A1", "documents": ["a.pdf", "b.pdf"], "replaces": 7}',
        "",
        '{"number":"A2","scope":""}',
    ]
    assert read_rows(write(tmp_path, "s.jsonl", "\n".join(lines))) == [
        SheetRow(
            file="s.jsonl",
            number=1,
            cells={"number": "A1", "documents": "a.pdf;b.pdf", "replaces": "7"},
        ),
        SheetRow(file="s.jsonl", number=3, cells={"number": "A2"}),
    ]


@pytest.mark.parametrize(
    ("line", "column", "code"),
    [
        ('{"a": 1, "a": 2}', "", "sheet.unreadable"),
        ('{"a": 1.5}', "", "sheet.unreadable"),
        ('{"a": -0}', "", "sheet.unreadable"),
        ('{"a": 9007199254740992}', "", "sheet.unreadable"),
        ('{"a": null}', "", "sheet.unreadable"),
        ('{"a": "\\ud800"}', "", "sheet.unreadable"),
        ('{"a": "x"} trailing', "", "sheet.unreadable"),
        ("[1]", "", "sheet.unreadable"),
        ('{"a": {"b": 1}}', "a", "sheet.cell"),
        ('{"a": true}', "a", "sheet.cell"),
        ('{"a": ["x", 1]}', "a", "sheet.cell"),
    ],
)
def test_a_json_line_outside_the_subset_is_refused_with_its_line(
    line: str, column: str, code: str, tmp_path: Path
) -> None:
    path = write(tmp_path, "s.jsonl", '{"number": "A1"}\n' + line)
    assert places(path) == [(2, column, code)]


# XLSX


def workbook(folder: Path, rows: list[list[object]], name: str = "s.xlsx") -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for cells in rows:
        sheet.append(cells)
    book.create_sheet("other").append(["number"])
    book["other"].append(["B1"])
    book.save(folder / name)
    return folder / name


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"PK\x03\x04" * 50])
def test_what_is_no_workbook_is_unreadable(data: bytes, tmp_path: Path) -> None:
    assert places(write(tmp_path, "s.xlsx", data)) == [(0, "", "sheet.unreadable")]


@pytest.mark.parametrize("cut", [200, 1000, 3000])
def test_a_workbook_cut_short_is_unreadable(cut: int, tmp_path: Path) -> None:
    data = workbook(tmp_path, [["number"], ["A"]]).read_bytes()[:-cut]
    assert places(write(tmp_path, "cut.xlsx", data)) == [(0, "", "sheet.unreadable")]


# Any bytes at all


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".xlsx"])
@given(
    data=st.binary(max_size=200)
    | st.text(alphabet='ab,"\r\n;{}:1é\x00', max_size=60).map(str.encode)
)
@example(data=b"\x81@\x81@\n\x81@")  # Rare characters of GB18030: a question, and no fault.
def test_any_bytes_give_rows_or_faults_with_a_place(
    suffix: str, data: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = write(tmp_path_factory.getbasetemp(), f"any{suffix}", data)
    try:
        rows = read_rows(path)
    except SheetInvalidError as refusal:
        rows, faults = [], (*refusal.faults, *refusal.questions)
    else:
        faults = ()
    assert bool(rows) != bool(faults)
    assert all(row.number for row in rows)


@settings(max_examples=effort(40, 300), deadline=None)
@given(st.binary(max_size=40), st.integers(0, 6000))
def test_a_workbook_damaged_anywhere_gives_rows_or_faults(patch: bytes, at: int) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["number", "issued"])
    book.active.append(["A1", "2026-11-01"])
    out = io.BytesIO()
    book.save(out)
    data = bytearray(out.getvalue())
    data[at : at + len(patch)] = patch
    findings = Findings(file="x")
    try:
        read_workbook(bytes(data), findings, None)
    except SheetInvalidError as refusal:
        assert refusal.faults  # noqa: PT017  (both ends are fine here)
