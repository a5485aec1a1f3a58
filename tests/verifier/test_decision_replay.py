"""A stranger makes a decision again: from the answer, the book and the policy, offline."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from certledger.ledger.keys import Signer, signer_of
from certledger.verifier.cli.main import main
from certledger.verifier.formats.canonical_json import to_base64url
from certledger.verifier.reform.book import ApplicantKind
from certledger.verifier.reform.book_edition import NO_EDITION, BookEdition
from certledger.verifier.reform.decision import DecisionBasis, decide
from certledger.verifier.reform.operator_record import (
    DECISION_TYPE,
    OperatorRecord,
    record_content,
    record_digest,
)
from certledger.verifier.verify.full import Question
from certledger.verifier.verify.trust_sources import choose_judge
from tests.world import ENTRY, IDENTITY, NOW, World, WorldIssuer, signed_policy

FIELDS = ("certificate_number", "holder_name", "id_number", "birth_date", "address")
CARD = replace(ENTRY, fields=FIELDS, shown=("holder_name", "id_number"))
OPERATOR: Signer = signer_of(bytes(31) + b"\x09")
CATEGORY = [
    *("ID-RESIDENT", "居民身份证", "Resident identity card", "证件", "natural", "department"),
    *("上海市公安局", "Police", "240", "7", "yes", ";".join(FIELDS)),
]
TABLES: dict[str, list[list[str]]] = {
    "regions": [],
    "categories": [CATEGORY],
    "service_items": [
        [
            *("NOCRIME-APPLY", "无犯罪记录", "No crime", "D", "D", "public_service", "personal"),
            *("yes", "yes", "yes"),
        ]
    ],
    "materials": [["NOCRIME-APPLY", "1", "身份证", "Card", "yes", "ID-RESIDENT", "yes"]],
    "issuers": [["11310000XX00000196", "上海市公安局", "Police", "department", "310000"]],
    **{name: [] for name in ("counters", "bundles", "overrides", "restrictions")},
    "delta_scenarios": [],
    "rules": [
        [
            *("NOCRIME-APPLY", "3", "1", "years(m1.birth_date, today) >= 18", "refused"),
            *("未满18周岁", "Younger than 18"),
        ]
    ],
}
EDITION = BookEdition(
    number=1, holds_from="2026-01-01", region="310000", previous=NO_EDITION, tables=TABLES
)


def evidence(born: str) -> bytes:
    issuer = WorldIssuer.of(entries=(CARD,))
    fields = {"id_number": "310101199001010019", "birth_date": born}
    issued = issuer.issue("SH20260001", entry=CARD, fields=fields, index=0)
    issuer.anchor([issued])
    world = World(issuers=[issuer], accounts=8)
    return world.evidence(issuer, issued, show=FIELDS[:4]).format()


def answer(bundle: list[bytes]) -> dict[str, Any]:
    """Return what a service answers for a decision."""
    policy = signed_policy().policy
    basis = DecisionBasis(
        edition=EDITION,
        item="NOCRIME-APPLY",
        applicant=ApplicantKind.PERSON,
        files=bundle,
        question=Question(policy=policy, judge=choose_judge(policy), now=NOW),
    )
    decision, details, leaves = decide(basis)
    content = record_content(
        DECISION_TYPE,
        details,
        outcome=decision.outcome,
        identity=IDENTITY,
        operator=OPERATOR.address,
        reference="7Q2M-9XKD-A0F3",
        caller="key:clk_7Q2M9XKD",
        checked=NOW,
        leaves=leaves,
    )
    content |= {"number": 1, "previous": bytes(32).hex()}
    record = OperatorRecord(content=content, signature=OPERATOR.sign(record_digest(content)))
    return {
        "bundle": [orjson.loads(one) for one in bundle],
        "record": orjson.loads(record.format()),
        "reference": record.reference,
    }


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
