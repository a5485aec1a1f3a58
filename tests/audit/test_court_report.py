"""The report for a court says what was examined and what follows, and a later audit confirms it."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from certledger.verifier.audit.court_page import format_page, read_report
from certledger.verifier.audit.court_report import OPENING, digest_of
from certledger.verifier.audit.court_words import METHOD
from certledger.verifier.audit.findings import SENTENCE, WEIGHT, Weight
from certledger.verifier.audit.meanings import CONSEQUENCES, MEANINGS, Consequence, Severity
from certledger.verifier.cli.main import main
from tests.audit import little
from tests.audit.crimes import edit_records, sql
from tests.audit.little import POLICE


def audit(home: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["audit", "--home", str(home), "--workers", "1", *words])


def write_report(home: Path, *words: str) -> tuple[int, Path]:
    page = home.parent / "report.html"
    ran = audit(home, "--report", str(page), *words)
    assert page.exists(), ran.output
    return ran.exit_code, page


def repeat(home: Path, page: Path) -> tuple[int, dict[str, Any]]:
    ran = audit(home, "--repeat", str(page), "--json")
    return ran.exit_code, json.loads(ran.stdout.splitlines()[-1])


class Text(HTMLParser):
    """Collects a page's text, what it would fetch, and its scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words, self.fetched, self.scripts = "", list[str](), list[str]()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href")]
        self.scripts += [str(dict(attrs).get("type"))] if tag == "script" else []

    def handle_data(self, data: str) -> None:
        if self.get_starttag_text() is not None:
            self.words += data


def test_every_code_has_a_meaning_that_fits_its_weight() -> None:
    assert MEANINGS.keys() == SENTENCE.keys()
    assert CONSEQUENCES.keys() == set(Consequence)
    for code, meaning in MEANINGS.items():
        assert (WEIGHT[code] is Weight.GAP) == (meaning.consequence is Consequence.UNEXAMINED)
        slight = meaning.severity in (Severity.SLIGHT, Severity.NOTE)
        assert (WEIGHT[code] is Weight.FINDING) == slight
        assert re.search("[\u4e00-\u9fff]", meaning.zh)


def test_a_clean_ledger_is_described_and_the_report_confirmed_later(home: Path) -> None:
    code, page = write_report(home, "--by", "示例会计师事务所 <1>")
    document = read_report(page)
    text = Text(page.read_text()).words

    assert code in (0, 3)  # A little ledger has no witnesses.
    assert document["result"]["faults"] == []
    for said in (
        "示例会计师事务所 <1>", "上海市公安局", "江苏省司法厅", POLICE, document["digest"],
        document["result"]["as_of"]["hash"], document["deployment"], *(zh for zh, _ in METHOD),
        f"certledger audit --home {home} --repeat report.html",
    ):  # fmt: skip
        assert said in text

    assert repeat(home, page)[1]["differences"] == []
    with little.opened(home) as ledger:
        issuer = little.LittleIssuer(ledger, POLICE)
        issuer.hand_in(issuer.seal([issuer.issue("later")]))
    code, told = repeat(home, page)
    assert (code, told["confirmed"], told["report"]) == (0, True, document["digest"])
    assert told["blocks_since"] > 0


def test_a_fault_says_what_follows_and_which_certificates_it_touches(home: Path) -> None:
    edit_records(home, lambda records: [*records[:-1], records[0]])
    code, page = write_report(home, "--lang", "en")
    document, text = read_report(page), Text(page.read_text()).words
    result = document["result"]
    pairs = zip(result["faults"], document["touched"]["faults"], strict=True)
    touched = {one["code"]: found for one, found in pairs}

    assert code == 1
    assert touched["records.root_differs"] == [{"issuer": POLICE, "first": 0, "last": 299}]
    assert touched["database.leaf_differs"] == "none"
    assert "上海市公安局, numbers 0 to 299" in text
    assert CONSEQUENCES[Consequence.UNCOMPARED][1] in text
    assert repeat(home, page)[0] == 0, "the same faults are found again"

    # Names that others chose neither write markup nor reorder what stands after them.
    (police,) = [one for one in document["issuers"] if one["issuer"] == POLICE]
    police["name"] = "</td><script>甲\u202e乙"
    document["policy"]["operators"] = ["\u202e<b>"]
    result["faults"][0]["detail"] = "\u2066<img src=x>"
    shown = format_page(document).partition(OPENING)[0]
    assert "</td><script>甲⟨U+202E⟩乙, numbers 0 to 299" in Text(shown).words
    assert Text(shown).scripts == Text(shown).fetched == []
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", shown)

    sql(home, "UPDATE names SET name = '另一机构'")
    code, told = repeat(home, page)
    assert (code, told["confirmed"]) == (1, False)
    assert any(one.startswith("not in the report: database.") for one in told["differences"])


def test_a_chain_that_was_put_back_differs_from_the_report(home: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in (home / "chain").iterdir() if path.is_file()}
    stored = (home / "ledger.db").read_bytes()
    with little.opened(home) as ledger:
        issuer = little.LittleIssuer(ledger, POLICE)
        issuer.hand_in(issuer.seal([issuer.issue("gone")]))
    _, page = write_report(home, "--notes", str(tmp_path / "notes"))
    for path in (home / "chain").iterdir():
        path.unlink()
    for path, data in before.items():
        path.write_bytes(data)
    (home / "ledger.db").write_bytes(stored)

    code, told = repeat(home, page)
    assert (code, told["confirmed"]) == (1, False)
    assert any("chain.rolled_back" in one for one in told["differences"])


@pytest.mark.parametrize("change", ["digest", "member", "none", "visible"])
def test_a_report_that_was_changed_is_refused(home: Path, change: str) -> None:
    _, page = write_report(home)
    text = page.read_text()
    if change == "digest":
        page.write_text(text.replace('"verdict":"', '"verdict":"not '))
    elif change == "visible":
        page.write_text(text.replace("</h1>", " (not quite)</h1>", 1))
    elif change == "none":
        page.write_text(text.replace(OPENING, "<script>"))
    else:
        document = read_report(page)
        del document["result"]["ledger"]
        page.write_bytes(orjson.dumps({**document, "digest": digest_of(document)}))

    ran = audit(home, "--repeat", str(page))
    assert (ran.exit_code, "(report.unusable)" in ran.stderr) == (2, True)


def test_the_page_fetches_nothing_and_escapes_what_it_shows(home: Path) -> None:
    sql(home, "UPDATE names SET name = '</script><script>alert(1)</script>'")
    _, page = write_report(home, "--by", "<img src=x>")
    reader = Text(page.read_text())
    assert reader.fetched == []
    assert reader.scripts == ["application/json"]
    assert "alert(1)" in json.dumps(read_report(page))
