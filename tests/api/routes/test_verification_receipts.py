"""A counter proves later what it was told, and nobody else learns of it."""

from __future__ import annotations

from pathlib import Path

import httpx
import orjson
import pytest
from click.testing import CliRunner, Result

from certledger.ledger.core.service_values import Role
from certledger.ledger.node import POLICY
from certledger.ledger.verification.receipt_log import Logbook
from certledger.ledger.verification.verification_receipt import VerificationReceipt, content_of
from certledger.verifier.cli.main import main
from certledger.verifier.formats.canonical_json import format_canonical
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.verify.receipt import OtherRecordError, show
from certledger.verifier.vocabulary import Status
from tests.api.operator_issuer import OPERATOR, operator_issuer
from tests.api.world import Running, World


@pytest.fixture
def told(world: World, logbook: Logbook, counter: httpx.Client, tmp_path: Path) -> Path:
    """Return the answer to a counter, anchored by now; beside it the evidence of its receipt."""
    question = {"evidence": orjson.loads(world.evidence(0).format())}
    answer = counter.post("/v1/verifications", json=question).json()
    path = f"/v1/verifications/{answer['reference']}/evidence"
    waiting = counter.get(path)
    assert (waiting.status_code, waiting.json()["code"]) == (409, "receipt.pending")
    logbook.step()
    world.ledger.run_until_idle()
    (tmp_path / "answer.json").write_bytes(orjson.dumps(answer))
    evidence = counter.get(path)
    assert evidence.status_code == 200, evidence.text
    (tmp_path / "evidence.json").write_bytes(evidence.content)
    return tmp_path


def node_of(world: World) -> str:
    assert world.ledger.embedded is not None
    return world.ledger.embedded.url


def check(world: World, folder: Path, *more: str, answer: str = "answer.json") -> Result:
    policy = str(world.ledger.settings.home / POLICY)
    given = ["--evidence", str(folder / "evidence.json"), "--policy", policy]
    node = ["--trust-node", node_of(world)]
    return CliRunner().invoke(main, ["verify-receipt", str(folder / answer), *given, *node, *more])


def test_what_was_told_is_proved_by_what_the_operator_anchored(world: World, told: Path) -> None:
    operator = "0x" + world.ledger.operator.address.hex()
    done = check(world, told, "--operator", operator, "--json")
    assert done.exit_code == 0, done.output
    found = orjson.loads(done.stdout.splitlines()[-1])
    assert found["anchored"]["issuer"] == OPERATOR
    assert found["anchored"]["outcome"] == "pass"
    assert found["anchored"]["warnings"] == []
    assert found["good"]
    # The registered operator's key signed it, so it need not be named.
    assert check(world, told).exit_code == 0


def test_the_evidence_is_good_for_the_usual_verifier_too(world: World, told: Path) -> None:
    policy = str(world.ledger.settings.home / POLICY)
    arguments = ["verify", str(told / "evidence.json"), "--policy", policy]
    done = CliRunner().invoke(main, [*arguments, "--trust-node", node_of(world), "--json"])
    assert done.exit_code == 0, done.output
    certificate = orjson.loads(done.stdout.splitlines()[-1])["results"][0]["certificate"]
    shown = {part["name"]: part["value"] for part in certificate["shown"]}
    assert (
        shown["certificate_number"]
        == orjson.loads((told / "answer.json").read_bytes())["reference"]
    )
    assert certificate["category"] == "OP-RECEIPT"


def test_evidence_that_shows_nothing_proves_as_much(world: World, told: Path) -> None:
    file = told / "evidence.json"
    file.write_bytes(Evidence.parse(file.read_bytes()).showing([]).format())
    assert check(world, told).exit_code == 0


def test_a_verdict_that_was_altered_is_caught(world: World, told: Path) -> None:
    answer = orjson.loads((told / "answer.json").read_bytes())
    answer["result"]["verdict"] = "not_in_force"
    (told / "altered.json").write_bytes(orjson.dumps(answer))
    done = check(world, told, answer="altered.json")
    assert (done.exit_code, "receipt.invalid" in done.output) == (1, True)


def test_a_receipt_that_the_operator_signed_and_did_not_anchor_is_caught(
    world: World, told: Path, counter: httpx.Client
) -> None:
    question = {"lookup": {"digest": "7" * 64}}
    other = counter.post("/v1/verifications", json=question).json()
    (told / "other.json").write_bytes(orjson.dumps(other))
    done = check(world, told, answer="other.json")
    assert (done.exit_code, "receipt.other_record" in done.output) == (1, True)


def test_a_receipt_of_another_operator_is_caught(world: World, told: Path) -> None:
    from tests.ledger.live import person

    thief, results = person("thief"), [b"{}"]
    made = VerificationReceipt.sign(
        content_of(
            identity=world.ledger.pin.identity,
            operator=thief.address,
            reference="AAAA-BBBB-CCCC",
            caller="key:clk_AAAAAAAA",
            checked=1_795_500_000,
            results=results,
            leaves=b"",
            verdicts={"valid": 1},
        ),
        thief,
        number=1,
        previous=bytes(32),
    )
    (told / "thief.json").write_bytes(format_canonical(made.to_json()))
    done = check(world, told, answer="thief.json")
    assert done.exit_code == 1
    assert "receipt.other_record" in done.output


def test_another_issuers_evidence_proves_no_receipt(world: World, told: Path) -> None:
    (told / "evidence.json").write_bytes(world.evidence(0).format())
    done = check(world, told)
    assert (done.exit_code, "receipt.other_record" in done.output) == (1, True)


def test_damaged_evidence_cannot_tell_and_changed_evidence_is_refused(
    world: World, told: Path
) -> None:
    file = told / "evidence.json"
    whole = file.read_bytes()
    file.write_bytes(whole[:500])
    assert check(world, told).exit_code == 2
    value = orjson.loads(whole)
    value["path"] = "A" * 43
    file.write_bytes(format_canonical(value))
    done = check(world, told)
    assert done.exit_code == 1
    assert "inclusion" in done.output


def test_what_was_told_stays_told_though_the_operator_revokes_its_record(
    world: World, told: Path, counter: httpx.Client
) -> None:
    record = Evidence.parse((told / "evidence.json").read_bytes()).record
    operator_issuer(world.ledger).change([record.index], Status.REVOKED, "R01")
    world.ledger.run_until_idle()
    reference = orjson.loads((told / "answer.json").read_bytes())["reference"]
    answer = counter.get(f"/v1/verifications/{reference}/evidence")
    assert Evidence.parse(answer.content).issuer.epoch == 1
    (told / "evidence.json").write_bytes(answer.content)
    done = check(world, told, "--json")
    assert done.exit_code == 0, done.output


def test_it_is_proved_long_after_as_long_as_the_policy_lasts(world: World, told: Path) -> None:
    assert check(world, told, "--at", "2027-08-01T00:00:00Z").exit_code == 0
    ended = check(world, told, "--at", "2036-01-01T00:00:00Z")
    assert (ended.exit_code, "policy.ended" in ended.output) == (3, True)


def test_without_a_way_to_trust_the_block_nothing_is_said(world: World, told: Path) -> None:
    policy = str(world.ledger.settings.home / POLICY)
    arguments = [str(told / "answer.json"), "--evidence", str(told / "evidence.json")]
    done = CliRunner().invoke(main, ["verify-receipt", *arguments, "--policy", policy])
    assert done.exit_code == 3
    assert "block.untrusted" in done.output
    without = CliRunner().invoke(main, ["verify-receipt", *arguments])
    assert without.exit_code == 2


def test_a_receipt_is_proved_to_whoever_was_told_and_not_to_others(
    world: World, running: Running, told: Path, counter: httpx.Client
) -> None:
    reference = orjson.loads((told / "answer.json").read_bytes())["reference"]
    path = f"/v1/verifications/{reference}/evidence"
    with running.client(Role.PARTNER) as partner, running.client(Role.AUDITOR) as auditor:
        assert partner.get(path).json()["detail"] == f"no verification {reference}"
        assert auditor.get(path).status_code == 200
        assert partner.get("/v1/verifications/AAAA-BBBB-CCCC/evidence").status_code == 404


def test_the_holder_of_a_receipt_finds_its_record_by_itself(running: Running, told: Path) -> None:
    """The lookup digest follows from the receipt, so an operator can keep nothing back."""
    receipt = VerificationReceipt.from_json(
        orjson.loads((told / "answer.json").read_bytes())["receipt"]
    )
    with running.client(Role.PARTNER) as partner:
        found = partner.post("/v1/lookups", json={"digest": receipt.lookup.hex()}).json()
        evidence = Evidence.parse(partner.get(f"/v1/evidence/{found['leaf']}").content)
    assert evidence.record.issuer == OPERATOR
    proved = show(evidence, receipt.format(), receipt.reference)
    assert proved.record == evidence.record
    assert len(proved.disclosures) == 2
    forged = VerificationReceipt(content=receipt.content, signature=bytes(65))
    with pytest.raises(OtherRecordError):
        show(evidence, forged.format(), receipt.reference)
