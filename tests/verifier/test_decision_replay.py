"""A stranger makes a decision again: from the answer, the book and the policy, offline."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from certledger.verifier.cli.main import main
from certledger.verifier.formats.canonical_json import to_base64url
from certledger.verifier.reform.book_edition import BookEdition
from certledger.verifier.reform.operator_record import record_digest
from tests.reform_world import EDITION, OPERATOR, answer, decision, record_evidence
from tests.reform_world import card as evidence
from tests.world import signed_policy


def resigned(value: dict[str, Any]) -> dict[str, Any]:
    """Sign what was changed, as an operator that lies would."""
    content = value["record"]["receipt"]
    value["record"]["signature"] = to_base64url(OPERATOR.sign(record_digest(content)))
    return value


def replayed(folder: Path, value: Any, *options: str, edition: BookEdition = EDITION) -> Result:
    (folder / "answer.json").write_bytes(orjson.dumps(value))
    (folder / "book.json").write_bytes(edition.format())
    (folder / "policy.json").write_bytes(signed_policy().format())
    arguments = [str(folder / "answer.json"), "--book", str(folder / "book.json")]
    arguments += ["--policy", str(folder / "policy.json"), *options]
    return CliRunner().invoke(main, ["decision", "replay", *arguments])


@pytest.mark.parametrize(
    ("born", "outcome"), [("1990-01-01", "granted"), ("2020-01-01", "refused")]
)
def test_the_same_comes_out_offline(tmp_path: Path, born: str, outcome: str) -> None:
    operator = f"0x{OPERATOR.address.hex()}"
    found = replayed(tmp_path, answer([evidence(born)]), "--operator", operator, "--json")
    document = orjson.loads(found.stdout)

    assert found.exit_code == 0
    assert (document["same"], document["outcome"]) == (True, outcome)
    words = replayed(tmp_path, answer([evidence(born)]))
    assert "the same, byte for byte" in words.stdout


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({"outcome": "refused"}, ["outcome"]),
        ({"details": {"rule": 2}}, ["rule"]),
        ({"details": {"policy": 9}}, ["policy"]),
        ({"details": {"condition": 1, "code": "rule.condition"}}, ["code", "condition"]),
        ({"leaves": "00" * 32}, ["leaves_digest"]),
        ({"checked": "2036-01-01T00:00:00Z"}, None),
    ],
)
def test_what_differs_is_said_exactly(tmp_path: Path, change: Any, differs: Any) -> None:
    value = answer([evidence("1990-01-01")])
    content = value["record"]["receipt"]
    details = content["details"] | change.get("details", {})
    content |= change | {"details": details}
    found = replayed(tmp_path, resigned(value), "--json")
    document = orjson.loads(found.stdout)

    assert found.exit_code == 1
    if differs is not None:
        assert list(document["differences"]) == differs
    else:
        assert document["differences"]["outcome"]["stated"] == "granted"


def test_other_evidence_than_was_decided_on_is_noticed(tmp_path: Path) -> None:
    value = answer([evidence("1990-01-01")])
    value["bundle"] = [orjson.loads(evidence("2020-01-01"))]
    found = replayed(tmp_path, value, "--json")

    assert found.exit_code == 1
    assert {"evidence", "leaves", "outcome"} <= set(orjson.loads(found.stdout)["differences"])


def test_another_book_and_another_signer_are_refused(tmp_path: Path) -> None:
    value = answer([evidence("1990-01-01")])
    other = replace(EDITION, number=2)
    value_unsigned = orjson.loads(orjson.dumps(value))
    value_unsigned["record"]["receipt"]["caller"] = "key:clk_AAAAAAAA"

    assert replayed(tmp_path, value, edition=other).exit_code == 2
    assert replayed(tmp_path, value_unsigned).exit_code == 1
    assert replayed(tmp_path, value, "--operator", "0x" + "11" * 20).exit_code == 1
    assert replayed(tmp_path, {"record": {}}).exit_code == 2


def test_the_record_is_anchored_or_it_is_said_what_is_against_it(tmp_path: Path) -> None:
    value = answer([evidence("1990-01-01")])
    record, other = decision([evidence("1990-01-01")]), decision([evidence("1990-01-02")])
    for name, of in (("record", record), ("other", other)):
        (tmp_path / f"{name}.json").write_bytes(record_evidence(of))
    proof = ["--evidence", str(tmp_path / "record.json")]
    words, document = replayed(tmp_path, value, *proof), replayed(tmp_path, value, *proof, "--json")
    wrong = replayed(tmp_path, value, "--evidence", str(tmp_path / "other.json"), "--json")

    assert (words.exit_code, document.exit_code, wrong.exit_code) == (0, 0, 1)
    assert "anchored in block" in words.stdout
    assert orjson.loads(document.stdout)["anchored"]["outcome"] == "pass"
    assert orjson.loads(wrong.stdout)["error"]["code"] == "receipt.other_record"
    assert replayed(tmp_path, value, *proof, str(tmp_path / "answer.json")).exit_code == 2


@pytest.mark.parametrize("form", ["record", "answer"])
def test_any_record_is_proved_as_a_receipt_is(tmp_path: Path, form: str) -> None:
    record = decision([evidence("1990-01-01")])
    file = orjson.loads(record.format())
    value = file if form == "record" else {"outcome": record.outcome, "record": file}
    (tmp_path / "record.json").write_bytes(orjson.dumps(value))
    (tmp_path / "evidence.json").write_bytes(record_evidence(record))
    (tmp_path / "policy.json").write_bytes(signed_policy().format())
    arguments = [str(tmp_path / "record.json"), "--evidence", str(tmp_path / "evidence.json")]
    arguments += ["--policy", str(tmp_path / "policy.json"), "--json"]
    found = CliRunner().invoke(main, ["verify-receipt", *arguments])

    assert found.exit_code == 0, found.output
    document = orjson.loads(found.stdout)
    assert document["reference"] == record.reference
    assert document["anchored"]["outcome"] == "pass"


def other_rows(name: str, *rows: list[str]) -> BookEdition:
    return replace(EDITION, tables={**EDITION.tables, name: list(rows)})


RULE = ["NOCRIME-APPLY", "3", "1", "true", "refused", "不", "No"]
LINE = ["NOCRIME-APPLY", "1", "身份证", "Card", "yes", "ID-RESIDENT", "yes"]


@pytest.mark.parametrize(
    ("edition", "status"),
    [
        (other_rows("rules", [*RULE[:3], "m1.birth_date > 18", *RULE[4:]]), 1),
        (other_rows("rules", [*RULE[:3], "exec('rm')", *RULE[4:]]), 1),
        (other_rows("rules", [*RULE[:3], "((", *RULE[4:]]), 2),
        (other_rows("rules", [*RULE[:3], "today" + "+today" * 500, *RULE[4:]]), 2),
        (other_rows("rules", ["NO-ITEM", *RULE[1:]]), 2),
        (other_rows("materials", [*LINE[:5], "NO-CATEGORY", "yes"]), 2),
        (other_rows("materials", ["NO-ITEM", *LINE[1:]]), 2),
        (other_rows("materials", [LINE[0], "x", *LINE[2:]]), 2),
        (other_rows("bundles", ["NOCRIME-APPLY", "套", "Bundle", "NOCRIME-APPLY"]), 2),
    ],
)
def test_a_book_that_no_importer_checked_ends_with_a_code(
    tmp_path: Path, edition: BookEdition, status: int
) -> None:
    value = answer([evidence("1990-01-01")])
    value["record"]["receipt"]["details"]["book"] = edition.digest.hex()
    found = replayed(tmp_path, resigned(value), "--json", edition=edition)

    assert isinstance(found.exception, SystemExit)
    assert found.exit_code == status


def test_words_of_a_strangers_book_do_nothing_to_a_terminal(tmp_path: Path) -> None:
    edition = other_rows(
        "rules", [*RULE[:3], "m1.own && !m1.own", "refused", "\x1b[2J", "a\u202eb"]
    )
    value = answer([evidence("1990-01-01")])
    value["record"]["receipt"]["details"] |= {"book": edition.digest.hex(), "code": "\x1b[2J"}
    found = replayed(tmp_path, resigned(value), edition=edition)
    absent = replayed(
        tmp_path, resigned(value), edition=other_rows("rules", ["\x1b[2J", *RULE[1:]])
    )

    assert found.exit_code == 1
    assert "⟨U+001B⟩[2J" in found.stdout
    assert "a⟨U+202E⟩b" in found.stdout
    assert absent.exit_code == 2
    assert not {"\x1b", "\u202e"} & set(found.output + absent.output)
