"""From ten codes to one verdict: SPEC 18.2 line by line, then every combination there is."""

from collections.abc import Mapping
from itertools import product

import pytest

from certledger.verifier.formats.canonical_json import format_canonical
from certledger.verifier.verify.codes import CODES
from certledger.verifier.verify.verdict import CHECKS, Finding, Result, decide, judged, unusable
from certledger.verifier.vocabulary import CheckName, Outcome, Verdict

PASSED = dict.fromkeys(CHECKS, "ok")
FAILS = {
    CheckName.CONTENT: "content.field_differs",
    CheckName.INCLUSION: "inclusion.path_differs",
    CheckName.ANCHOR: "anchor.state_differs",
    CheckName.SIGNATURE: "signature.key_ended",
    CheckName.ENTITLEMENT: "entitlement.holder_kind",
}
UNKNOWNS = {
    CheckName.CONTENT: "content.nothing_compared",
    CheckName.INCLUSION: "inclusion.path_unusable",
    CheckName.ANCHOR: "anchor.proof_unusable",
    CheckName.SIGNATURE: "signature.damaged",
    CheckName.ENTITLEMENT: "entitlement.entry_unproved",
    CheckName.BLOCK: "block.witnesses_too_few",
}


def verdict(codes: Mapping[str, str] | None = None, *, timely: bool = True, **more: str) -> Verdict:
    """Return the verdict where these checks end with these codes and all others pass."""
    changed = {**(codes or {}), **more}
    return decide(PASSED | {CheckName(name): code for name, code in changed.items()}, timely=timely)


@pytest.mark.parametrize("check", [CheckName.CONTENT, CheckName.INCLUSION])
def test_line_a_content_or_inclusion_that_failed_is_not_genuine_whatever_the_block(
    check: CheckName,
) -> None:
    for block in ("ok", "block.witnesses_too_few"):
        assert verdict({check: FAILS[check], "block": block}) is Verdict.NOT_GENUINE


@pytest.mark.parametrize("check", [CheckName.ANCHOR, CheckName.SIGNATURE, CheckName.ENTITLEMENT])
def test_line_a_anchor_signature_or_entitlement_that_failed_counts_only_under_a_trusted_block(
    check: CheckName,
) -> None:
    assert verdict({check: FAILS[check]}) is Verdict.NOT_GENUINE
    assert verdict({check: FAILS[check], "block": "block.clock"}) is Verdict.CANNOT_TELL


def test_line_a_comes_before_a_revocation() -> None:
    both = verdict(content="content.field_differs", status="status.revoked")
    assert both is Verdict.NOT_GENUINE


@pytest.mark.parametrize("check", UNKNOWNS)
def test_line_b_an_undecided_check_of_the_first_six_cannot_tell(check: CheckName) -> None:
    assert verdict({check: UNKNOWNS[check]}) is Verdict.CANNOT_TELL
    assert verdict({check: UNKNOWNS[check], "status": "status.revoked"}) is Verdict.CANNOT_TELL


@pytest.mark.parametrize("code", ["status.revoked", "status.superseded", "status.body_struck"])
def test_line_c_what_stays_true_is_not_in_force_however_old_the_evidence(code: str) -> None:
    for freshness in ("ok", "freshness.stale", "freshness.future"):
        found = verdict(status=code, freshness=freshness, timely=freshness != "freshness.future")
        assert found is Verdict.NOT_IN_FORCE


@pytest.mark.parametrize("code", ["dates.expired", "dates.not_yet"])
def test_line_d_dates_decide_unless_the_clock_is_behind_the_evidence(code: str) -> None:
    assert verdict(dates=code) is Verdict.NOT_IN_FORCE
    assert verdict(dates=code, freshness="freshness.stale") is Verdict.NOT_IN_FORCE
    late = verdict(dates=code, freshness="freshness.future", timely=False)
    assert late is Verdict.CANNOT_TELL


@pytest.mark.parametrize("code", ["status.suspended", "status.body_suspended"])
def test_line_e_a_suspension_counts_only_while_it_is_fresh(code: str) -> None:
    assert verdict(status=code) is Verdict.NOT_IN_FORCE
    assert verdict(status=code, freshness="freshness.stale") is Verdict.CANNOT_TELL
    assert verdict(status=code, holder="holder.presentation_missing") is Verdict.NOT_IN_FORCE


def test_line_f_only_ten_passes_are_valid() -> None:
    assert verdict() is Verdict.VALID
    for check in CHECKS:
        for code in (code for code, meaning in CODES.items() if meaning.check is check):
            assert verdict({check: code}) is not Verdict.VALID


@pytest.mark.parametrize(
    "codes",
    [
        {"freshness": "freshness.stale"},
        {"freshness": "freshness.future"},
        {"status": "status.unproved"},
        {"holder": "holder.presentation_missing"},
    ],
    ids=str,
)
def test_line_g_anything_else_cannot_tell(codes: dict[str, str]) -> None:
    assert verdict(codes) is Verdict.CANNOT_TELL


def by_the_letter(codes: dict[CheckName, str], timely: bool) -> Verdict:
    """SPEC 18.2 once more, written as it stands there."""
    outcome = {check.number: CODES[code].outcome for check, code in codes.items()}
    failed = [number for number in outcome if outcome[number] is Outcome.FAIL]
    passed = [number for number in outcome if outcome[number] is Outcome.PASS]
    status = codes[CheckName.STATUS]
    if 1 in failed or 2 in failed or (6 in passed and (3 in failed or 4 in failed or 5 in failed)):
        return Verdict.NOT_GENUINE
    if any(number not in passed for number in (1, 2, 3, 4, 5, 6)):
        return Verdict.CANNOT_TELL
    if status in ("status.revoked", "status.superseded", "status.body_struck"):
        return Verdict.NOT_IN_FORCE
    if 9 in failed and timely:
        return Verdict.NOT_IN_FORCE
    if status in ("status.suspended", "status.body_suspended") and 7 in passed:
        return Verdict.NOT_IN_FORCE
    return Verdict.VALID if len(passed) == 10 else Verdict.CANNOT_TELL


def test_every_combination_of_outcomes_ends_as_the_letter_of_the_specification_says() -> None:
    choices = []
    for check in CHECKS:
        own = [code for code, meaning in CODES.items() if meaning.check is check]
        if check is not CheckName.STATUS:  # Of which each code counts; of others the outcome.
            own = list({CODES[code].outcome: code for code in own}.values())
        choices.append(["ok", *own])
    for picked in product(*choices):
        codes = dict(zip(CHECKS, picked, strict=True))
        for timely in (True, False):
            assert decide(codes, timely=timely) is by_the_letter(codes, timely), codes


def test_a_file_that_cannot_be_read_leaves_every_check_unknown_and_names_the_rule() -> None:
    result = unusable("json.trailing")
    assert result.verdict is Verdict.CANNOT_TELL
    assert {finding.code for finding in result.findings} == {"evidence.unusable"}
    assert {finding.outcome for finding in result.findings} == {Outcome.UNKNOWN}
    assert result.findings[0].detail == "the file cannot be read as evidence: json.trailing"


def test_a_result_has_all_ten_checks_in_order_and_is_canonical_json() -> None:
    result = Result(verdict=Verdict.VALID, findings=judged(("ok",) * 10, timely=True)[1], as_of=0)
    value = result.to_json()
    assert [check["number"] for check in value["checks"]] == list(range(1, 11))
    assert value["as_of"] == "1970-01-01T00:00:00Z"
    assert format_canonical(value).startswith(b'{"as_of":"1970-01-01T00:00:00Z","certificate":{}')


def test_a_finding_says_the_sentence_of_its_code_unless_it_has_its_own() -> None:
    plain = Finding(check=CheckName.DATES, code="dates.expired")
    assert plain.to_json() == {
        "number": 9,
        "name": "dates",
        "outcome": "fail",
        "code": "dates.expired",
        "detail": "it has expired",
    }
    told = Finding(check=CheckName.DATES, code="dates.expired", detail="more")
    assert told.to_json()["detail"] == "more"


def test_every_code_has_a_sentence_in_both_languages_and_what_to_do() -> None:
    for code, meaning in CODES.items():
        assert meaning.en == meaning.en.lower() or "SM3" in meaning.en, code
        assert not meaning.en.endswith("."), code
        assert any("\u4e00" <= letter <= "\u9fff" for letter in meaning.zh), code
        assert (meaning.advice is None) == (code == "ok"), code
