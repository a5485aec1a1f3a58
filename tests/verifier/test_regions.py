"""Two issuers of one name are told apart: code and region stand beside the name."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from certledger.api.translations import words
from certledger.verifier.cli.main import main
from certledger.verifier.formats.canonical_json import format_time
from certledger.verifier.regions import REGIONS, issuer_in_words, region_named
from certledger.verifier.verify.full import Question, verify_bytes
from certledger.verifier.verify.trust_sources import choose_judge
from tests.world import NOW, World, WorldIssuer, policy, signed_policy

NAME = "上海市公安局"
CODES = {"11310000XX00000196": ("上海", "Shanghai"), "11340000XX00000196": ("安徽", "Anhui")}
WORLD = World(issuers=[WorldIssuer.of(code, NAME) for code in CODES])
EVIDENCE = {}
for one in WORLD.issuers:
    issued = one.issue("沪示0100", index=0)
    one.anchor([issued])
    EVIDENCE[one.state.issuer] = (one, issued)


def asked() -> Question:
    return Question(policy=policy(), judge=choose_judge(policy()), now=NOW)


def evidence(code: str) -> bytes:
    return WORLD.evidence(*EVIDENCE[code]).format()


@pytest.mark.parametrize("code", CODES)
def test_two_issuers_of_one_name_are_told_apart(code: str, tmp_path: Path) -> None:
    chinese, english = CODES[code]
    (tmp_path / "policy.json").write_bytes(signed_policy().format())
    (tmp_path / "a.json").write_bytes(evidence(code))
    policy_file = str(tmp_path / "policy.json")
    arguments = ["verify", str(tmp_path / "a.json"), "--policy", policy_file]
    ran = CliRunner().invoke(main, [*arguments, "--at", format_time(NOW)])
    assert ran.exit_code == 0
    (line,) = [line for line in ran.stdout.splitlines() if NAME in line]
    assert all(part in line for part in (code, chinese, english))


@pytest.mark.parametrize("code", CODES)
def test_the_words_of_the_service_tell_them_apart(code: str) -> None:
    chinese, english = CODES[code]
    result = verify_bytes(evidence(code), asked())
    assert (result.certificate["issuer"], result.certificate["body"]) == (code, NAME)
    assert words(result, "zh")["issuer"] == f"{NAME}（{code}，{chinese}）"
    assert words(result, "en")["issuer"] == f"{NAME} ({code}, {english})"


def test_a_name_that_is_not_proved_is_not_said() -> None:
    file = evidence("11340000XX00000196")
    forged = verify_bytes(file.replace(b'"category":"', b'"category":"X', 1), asked())
    assert "body" not in forged.certificate
    words_of_it = issuer_in_words(forged.certificate)
    assert words_of_it == ("11340000XX00000196，安徽", "11340000XX00000196, Anhui")


def test_a_file_that_cannot_be_read_names_no_issuer() -> None:
    result = verify_bytes(b"{}", asked())
    assert issuer_in_words(result.certificate) is None
    assert "issuer" not in words(result, "en")


def test_a_region_that_the_standard_does_not_list_has_its_number() -> None:
    assert len(REGIONS) == 34
    assert all(region_named(number) is region for number, region in REGIONS.items())
    assert region_named(99).en == "region 99"
