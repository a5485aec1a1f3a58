"""`certledger book`: import, show, export, exempt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from certledger.verifier.cli.main import main
from certledger.verifier.reform.book_edition import BookEdition
from tests.ledger.live import open_live
from tests.ledger.reform.books import append_row, domain_folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a home with a ledger, which is open."""
    path = tmp_path_factory.mktemp("book") / "home"
    with open_live(path):
        yield path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return domain_folder(tmp_path_factory.mktemp("files"))


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["book", *map(str, arguments)])


@pytest.mark.parametrize(
    ("command", "status", "code"),
    [
        ("coverage", 3, "book.absent"),
        ("book exempt BIZ-OPEN", 3, "book.absent"),
        ("book export out", 3, "book.absent"),
        ("scenario run", 3, "book.absent"),
        ("sample open", 2, "sample.empty"),
        ("sample get AAAA-AAAA-AAAA --out x.json", 3, "sample.unknown"),
        ("case close AAAA-AAAA-AAAA --by Li --reason why", 3, "case.unknown"),
        ("case list", 0, ""),
    ],
)
def test_a_ledger_without_a_book_says_so(
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    status: int,
    code: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    found = CliRunner().invoke(main, [*command.split(), "--home", str(home), "--json"])

    assert found.exit_code == status, found.output
    assert orjson.loads(found.stdout).get("error", {}).get("code", "") == code


def test_a_book_is_previewed_imported_shown_exported_and_asked(
    home: Path, folder: Path, tmp_path: Path
) -> None:
    preview = run("import", folder, "--home", home, "--preview", "--json")
    assert preview.exit_code == 0
    assert len(orjson.loads(preview.stdout)["changes"]["materials"]["added"]) == 3557
    assert orjson.loads(run("show", "--home", home, "--json").stdout) == {"editions": []}

    imported = run("import", folder, "--home", home, "--from", "2026-01-01", "--json")
    assert imported.exit_code == 0
    told = orjson.loads(imported.stdout)
    shown = orjson.loads(run("show", "--home", home, "--json").stdout)
    assert shown["current"] == 1
    assert shown["editions"][0]["book"] == told["book"]

    exported = run("export", tmp_path / "out", "--home", home, "--file")
    assert exported.exit_code == 0
    assert (tmp_path / "out/materials.csv").read_bytes() == (folder / "materials.csv").read_bytes()
    assert BookEdition.parse((tmp_path / "out/book.json").read_bytes()).digest.hex() == told["book"]

    asked = run("exempt", "BIZ-OPEN", "--applicant", "company", "--home", home)
    assert asked.exit_code == 0
    assert "法定代表人身份证明: exempt_city: A department of this city" in asked.stdout
    assert "exempt: 50.0 % (3 exempt_city, 0 exempt_electronic, 3 bring)" in asked.stdout
    assert run("exempt", "NO-SUCH-ITEM", "--home", home).exit_code == 2


def test_coverage_is_shown_and_written_as_json_and_csv(home: Path, folder: Path) -> None:
    run("import", folder, "--home", home, "--from", "2026-01-01")
    shown, document, table = (
        CliRunner().invoke(main, ["coverage", "--home", str(home), *options])
        for options in ([], ["--json"], ["--csv"])
    )

    assert (shown.exit_code, document.exit_code, table.exit_code) == (0, 0, 0)
    assert "counters: 0.0 % (0 of 4)" in shown.stdout
    assert "categories missing: " in shown.stdout
    counters = orjson.loads(document.stdout)["counters"]
    assert counters["missing"] == ["HP-WINDOW-1", "HOTEL-1", "pudong-7", "SZ-WINDOW-1"]
    assert "counters,missing,HOTEL-1,0,1,0.0,none,310106,310000,hotel" in table.stdout.splitlines()


def test_faults_are_listed_and_nothing_is_imported(home: Path, tmp_path: Path) -> None:
    domain_folder(tmp_path)
    line = append_row(tmp_path, "counters", "C-KIND", "窗口", "Window", "castle", "310101", "")
    before = run("show", "--home", home, "--json").stdout
    refused = run("import", tmp_path, "--home", home, "--from", "2027-01-01")

    assert refused.exit_code == 2
    assert f"counters.csv line {line} column kind" in refused.stderr
    assert run("show", "--home", home, "--json").stdout == before


@pytest.mark.parametrize("day", [None, "tomorrow", "2026-13-01", "2026-02-30"])
def test_the_first_day_is_asked_for(home: Path, folder: Path, day: str | None) -> None:
    options = [] if day is None else ["--from", day]

    assert run("import", folder, "--home", home, *options).exit_code == 2
