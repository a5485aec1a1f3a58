"""`certledger seal` and `catalog template`, as a clerk at a terminal and a script call them."""

import csv
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner, Result

from certledger.ledger.issuer.folder import IssuerFolder, Profile
from certledger.ledger.issuer.sheet_record import SheetRecord
from certledger.ledger.sealing import value_kinds
from certledger.ledger.sheets import finding_kinds
from certledger.ledger.sheets.findings import FindingKind
from certledger.verifier.cli.main import main
from certledger.verifier.formats.record import digest_of, lookup_digest
from certledger.verifier.formats.short_link import ShortLink
from certledger.verifier.vocabulary import IssuerKind
from tests.ledger.sealing.sheet_folder import LEDGER
from tests.ledger.sheets.desk import HEADER, ISSUER_NAME, line

CODE = "51310000XX0000135H"
DOCS = Path(__file__).resolve().parents[3] / "docs"
ALL_KINDS = (*finding_kinds.ALL, *value_kinds.ALL)


@pytest.fixture
def issuer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CERTLEDGER_PASSPHRASE", "p")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    folder = tmp_path / "body"
    monkeypatch.setenv("CERTLEDGER_BODY", str(folder))
    profile = Profile(issuer=CODE, kind=IssuerKind.ASSOCIATION, name=ISSUER_NAME, ledger=LEDGER)
    IssuerFolder.create(folder, profile, "p", work=16)
    call("catalog", "make", "AS-TRAINING", "MED-DOCTOR-Q", "BIZ-LICENCE")
    return folder


def call(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(main, [str(part) for part in arguments])
    assert result.exit_code == code, result.output
    return result


def ask(*arguments: object, code: int = 0) -> Any:
    return json.loads(call(*arguments, "--json", code=code).stdout)


def sheet(folder: Path, *rows: str, name: str = "s.csv") -> Path:
    path = folder / name
    path.write_text("\n".join([HEADER, *rows]), encoding="utf-8")
    return path


def test_a_preview_signs_nothing_and_needs_neither_key_nor_folder(
    issuer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CERTLEDGER_PASSPHRASE")
    path = sheet(tmp_path, *(line(number) for number in range(1, 11)), line(11, id_number=""))
    before = sorted(tmp_path.iterdir())
    shown = call("seal", path, "--preview", "--accept", "sheet.field_empty").stdout
    assert "Preview: nothing is signed yet" in shown
    assert "沪园训字〔2026〕第0001号" in shown
    assert "沪园训字〔2026〕第0011号" in shown
    assert "other fields than most" in shown or "has no id_number" in shown
    assert "UTF-8" in shown
    assert sorted(tmp_path.iterdir()) == before
    preview = ask("seal", path, "--preview", "--accept", "sheet.field_empty")["preview"]
    assert preview["facts"]["certificates"] == "11"
    assert [row["row"] for row in preview["rows"]] == [2, 3, 4, 10, 11, 12]
    assert {"becomes": "id_number", "column": "D", "header": "id_number"} in preview["columns"]


def test_codes_are_drawn_into_the_sheet_and_sealed(issuer: Path, tmp_path: Path) -> None:
    path = sheet(tmp_path, line(1), line(2))
    out = tmp_path / "with-codes.csv"
    made = ask("codes", path, "--server", "https://certledger.example/", "--out", out)
    assert (made["drawn"], made["rows"]) == (2, 2)
    assert path.read_text(encoding="utf-8").count("access_code") == 0
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    call("seal", out, "--out", tmp_path / "sealed")
    sealed = (tmp_path / "sealed" / "access-codes.csv").read_text(encoding="utf-8-sig")
    listed = list(csv.DictReader(sealed.splitlines()))
    assert [one["access_code"] for one in listed] == [one["access_code"] for one in rows]
    holder = json.loads((tmp_path / "sealed" / "holders" / "0.json").read_bytes())
    link = ShortLink.parse(rows[0]["short_link"])
    assert link.number is not None
    assert digest_of(holder["disclosures"][0]) == lookup_digest(link.number, link.code)
    out.write_text(out.read_text(encoding="utf-8").replace("第0001号", "第0009号"), "utf-8")
    refused = ask("seal", out, "--preview", code=2)
    assert "link.differs" in {one["code"] for one in refused["error"]["faults"]}
    assert call("codes", path, "--server", "http://elsewhere.example", code=2).output


def test_codes_and_links_of_an_earlier_sheet_are_refused(issuer: Path, tmp_path: Path) -> None:
    path = sheet(tmp_path, line(1), line(2))
    call("codes", path, "--server", "https://certledger.example")
    call("seal", path, "--out", tmp_path / "first")
    assert call("seal", path, "--out", tmp_path / "first").exit_code == 0  # The same batch again.
    first = path.read_text(encoding="utf-8")
    copied = first.replace("第0001号", "第0003号").replace("第0002号", "第0004号")
    path.write_text(copied, encoding="utf-8")
    call("codes", path, "--server", "https://certledger.example")
    error = ask("seal", path, "--out", tmp_path / "second", code=2)["error"]
    assert [(one["cell"], one["code"]) for one in error["faults"]] == [
        ("I2", "access_code.used"), ("I3", "access_code.used")
    ]  # fmt: skip
    assert "沪园训字〔2026〕第0001号 in batch 1" in error["faults"][0]["reason"]
    # A batch that was withdrawn has used nothing.
    call("seal", tmp_path / "first", "--undo")
    call("seal", path, "--out", tmp_path / "second", "--preview")
    # Links are those of the service that codes were drawn for last.
    call("codes", path, "--server", "https://elsewhere.example", "--out", tmp_path / "other.csv")
    error = ask("seal", path, "--out", tmp_path / "second", code=2)["error"]
    assert {one["code"] for one in error["faults"]} == {"link.address"}


def test_the_page_of_a_preview_escapes_what_sheets_hold(issuer: Path, tmp_path: Path) -> None:
    path = sheet(tmp_path, line(1, post_name="<b>张</b>"))
    page = tmp_path / "p.html"
    accepted = ("--accept", "name.doubtful")
    call("seal", path, "--preview", "--html", page, "--lang", "zh", *accepted)
    text = page.read_text(encoding="utf-8")
    assert "&lt;b&gt;张&lt;/b&gt;" in text
    assert "封存预览：尚未签名" in text
    assert "<script" not in text
    assert page.stat().st_mode & 0o077 == 0


def test_an_accepted_question_is_recorded_with_the_digest_of_the_sheet(
    issuer: Path, tmp_path: Path
) -> None:
    path, out = sheet(tmp_path, line(1, issued="46331")), tmp_path / "out"
    refused = ask("seal", path, "--out", out, code=2)["error"]
    assert refused["code"] == "sheet.questions"
    assert [(one["cell"], one["code"]) for one in refused["questions"]] == [
        ("G2", "sheet.date_serial")
    ]
    assert not out.exists()
    sealed = ask("seal", path, "--out", out, "--accept", "sheet.date_serial")
    record = SheetRecord.from_json(json.loads((out / "sheet.json").read_bytes()))
    assert (record.accepted, record.file) == (("sheet.date_serial",), "s.csv")
    assert SheetRecord.find(out, record.digest) == record
    assert ask("seal", path, "--out", out)["batches"] == sealed["batches"]
    sheet(tmp_path, line(1, issued="46331"), line(2))
    assert ask("seal", path, "--out", out, code=2)["error"]["code"] == "sheet.questions"


def test_findings_are_in_the_language_asked_for_or_that_of_the_locale(
    issuer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sheet(tmp_path, line(1, id_number="1"))
    arguments = ("seal", path, "--out", tmp_path / "out")
    assert "is no resident identity number" in call(*arguments, code=2).stderr
    assert "不是公民身份号码" in call(*arguments, "--lang", "zh", code=2).stderr
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert "表格有1 处错误" in call(*arguments, code=2).stderr.replace("有 1", "有1")


def test_documents_are_checked_with_their_rows(issuer: Path, tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    for name, data in {
        "a.pdf": b"%PDF-a", "b.pdf": b"%PDF-a", "c.pdf": b"", "d.pdf": b"<html>",
        "e.pdf": b"%PDF-e",
    }.items():  # fmt: skip
        (folder / name).write_bytes(data)
    path = folder / "s.csv"
    rows = ["a.pdf", "a.pdf", "b.pdf", "c.pdf", "d.pdf", "A.PDF.pdf", "../s.csv"]
    path.write_text(
        "\n".join([f"{HEADER},documents", *(f"{line(n)},{name}" for n, name in enumerate(rows, 1))])
    )
    error = ask("seal", folder, "--out", tmp_path / "out", code=2)["error"]
    found = {(one["row"], one["code"]) for one in (*error["faults"], *error["questions"])}
    assert found == {
        (3, "document.shared"), (4, "document.same_content"), (5, "document.empty"),
        (6, "document.no_pdf"), (7, "document.missing"), (8, "document.name"),
        (0, "document.unnamed"),
    }  # fmt: skip


def at_terminal(arguments: list[str], typed: bytes) -> tuple[int, str]:
    """Run the command at a pseudo-terminal, type an answer, and return status and output."""
    own, theirs = pty.openpty()
    script = Path(sys.executable).parent / "certledger"
    environment = {**os.environ, "COLUMNS": "150"}
    run = subprocess.Popen(
        [str(script), *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    )
    os.close(theirs)
    os.write(own, typed)
    seen = b""
    while True:
        try:
            piece = os.read(own, 65_536)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    os.close(own)
    return run.wait(60), re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode("utf-8", "replace"))


@pytest.mark.parametrize(("typed", "status"), [(b"n\n", 1), (b"y\n", 0)], ids=["no", "yes"])
def test_at_a_terminal_a_preview_is_shown_and_nothing_signed_until_confirmed(
    typed: bytes, status: int, issuer: Path, tmp_path: Path
) -> None:
    path, out = sheet(tmp_path, line(1), line(2)), tmp_path / "out"
    code, seen = at_terminal(["seal", str(path), "--out", str(out)], typed)
    assert "Preview: nothing is signed yet" in seen
    assert "Sign and seal this" in seen
    assert (code == 0) is (status == 0), seen
    assert out.exists() is (status == 0)


def test_at_a_terminal_yes_spares_the_question(issuer: Path, tmp_path: Path) -> None:
    path, out = sheet(tmp_path, line(1)), tmp_path / "out"
    code, seen = at_terminal(["seal", str(path), "--out", str(out), "--yes"], b"")
    assert (code, out.exists()) == (0, True), seen
    assert "Sign and seal this" not in seen


# Templates --------------------------------------------------------------------------------------


@pytest.mark.parametrize("category", ["AS-TRAINING", "BIZ-LICENCE", "MED-DOCTOR-Q"])
def test_a_template_is_read_back_cleanly_and_sealed(
    category: str, issuer: Path, tmp_path: Path
) -> None:
    path = tmp_path / "t.xlsx"
    ask("catalog", "template", category, "--out", path)
    preview = ask("seal", path, "--preview", "--category", category)["preview"]
    assert preview["facts"]["certificates"] == "1"
    (row,) = preview["rows"]
    assert row["values"]["category"] == category if category != "MED-DOCTOR-Q" else True
    ask("seal", path, "--out", tmp_path / "out", "--category", category)
    assert (tmp_path / "out" / "batch.json").exists()


def test_a_template_has_headers_in_both_languages_notes_drop_downs_and_text_cells(
    issuer: Path, tmp_path: Path
) -> None:
    path = tmp_path / "t.xlsx"
    call("catalog", "template", "AS-TRAINING", "--out", path)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["AS-TRAINING", "说明 notes"]
    main_sheet = book["AS-TRAINING"]
    headers = [cell.value for cell in main_sheet[1]]
    assert headers[:4] == ["类别 category", "证书编号 number", "持证主体 holder_name",
                           "公民身份号码 id_number"]  # fmt: skip
    assert headers[-3:] == ["签发日期 issued", "有效期至 expires", "文件 documents"]
    assert all(cell.comment is not None for cell in main_sheet[1])
    assert main_sheet["D500"].number_format == "@"
    assert main_sheet.data_validations.dataValidation[0].formula1 == '"AS-TRAINING"'


def test_fields_and_types_of_a_category_are_shown(issuer: Path) -> None:
    columns = ask("catalog", "show", "AS-TRAINING")["columns"]
    assert {one["name"]: one["type"] for one in columns} == {
        "category": "identifier", "number": "identifier", "holder_name": "name",
        "id_number": "identity", "post_name": "text", "training_hours": "quantity",
        "issued": "date", "expires": "date", "documents": "text",
    }  # fmt: skip
    assert "公民身份号码" in call("catalog", "show", "AS-TRAINING").stdout
    call("catalog", "show", "NO-SUCH", code=2)
    call("catalog", "template", "NO-SUCH", "--out", "x.xlsx", code=2)


def test_every_code_of_a_finding_has_one_grade_and_stands_in_the_manual() -> None:
    manual = (DOCS / "issuing.md").read_text(encoding="utf-8")
    grades: dict[str, str] = {}
    for kind in ALL_KINDS:
        assert grades.setdefault(kind.code, kind.grade) == kind.grade, kind.code
    for code, grade in grades.items():
        wanted = f"`{code}`" if grade == "note" else f"| `{code}` | {grade} |"
        assert wanted in manual
    assert set(re.findall(r"^\| `([a-z_.]+)` \|", manual, re.MULTILINE)) <= set(grades)


@pytest.mark.parametrize("kind", ALL_KINDS, ids=lambda kind: kind.code)
def test_both_sentences_of_a_kind_take_the_same_values(kind: FindingKind) -> None:
    named = [set(re.findall(r"\{(\w+)", text)) for text in (kind.zh, kind.en)]
    pairs = {"zh", "en", "why_zh", "why_en", "state_zh", "state_en", "inside", "inside_en"}
    spare = {"label", "category", "field", "most", "names", "known", "count"}
    assert named[0] ^ named[1] <= pairs | spare
    assert re.search("[\u4e00-\u9fff]", kind.zh)
