"""A counter's desk: the verdicts of full evidence, from a code and a snapshot."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certledger.verifier.formats.compact_evidence import Compact
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.formats.policy import LedgerPin, TrustPolicy
from certledger.verifier.formats.presentation import Request, format_holder_key
from certledger.verifier.formats.snapshot import Snapshot
from certledger.verifier.verify.block_trust import Judgement
from certledger.verifier.verify.compact import CompactVerifier
from certledger.verifier.verify.full import Question, verify
from certledger.verifier.verify.trust_sources import choose_judge
from certledger.verifier.verify.verdict import Result
from certledger.verifier.vocabulary import Standing, Status, Verdict
from tests.changing import ASKED, HOLDERS, PAPERS, presented
from tests.conformance.case import Scene
from tests.conformance.force_cases import changed
from tests.verifier.test_compact import CODES, compact_of
from tests.world import ENTRY, LICENCE, NOW, OPERATORS, World, policy

SHOWN = ("certificate_number", "holder_name", "holder_key")


def desk_of(
    world: World, chosen: TrustPolicy | None = None, snapshot: Snapshot | None = None, **more: Any
) -> CompactVerifier:
    trusted = chosen or policy()

    def judge(found: Snapshot, ledger: LedgerPin) -> Judgement:
        return choose_judge(trusted)(found.note, ledger, None)

    return CompactVerifier.open(trusted, snapshot or world.snapshot(), judge, **more)


def full(evidence: Evidence, chosen: TrustPolicy | None = None, **asked: Any) -> Result:
    trusted = chosen or policy()
    question = Question(policy=trusted, judge=choose_judge(trusted), **asked)
    return verify(evidence, question)


def codes(result: Result) -> list[str]:
    return [finding.code for finding in result.findings]


# The same verdicts as full evidence ------------------------------------------------------------

SCENES: dict[str, Callable[[], Scene]] = {
    "plain": Scene,
    "first of its issuer": lambda: Scene(before=0),
    "alone in its batch": lambda: Scene(before=0, after=0),
    "after other batches": lambda: Scene(first_batches=5),
    "licence without end": lambda: Scene(entry=LICENCE, entries=(LICENCE, ENTRY), expires=None),
    "documents": lambda: Scene(documents=PAPERS, with_sm3=True),
    "revoked": lambda: changed(Status.REVOKED),
    "suspended": lambda: changed(Status.SUSPENDED),
    "superseded": lambda: changed(Status.SUPERSEDED),
    "body closed": lambda: changed(standing=Standing.CLOSED),
    "body suspended": lambda: changed(standing=Standing.SUSPENDED),
    "body struck": lambda: changed(standing=Standing.STRUCK),
    "key ended": lambda: _ended(),
    "holder of another kind": lambda: Scene(entries=(LICENCE, ENTRY), entry=LICENCE),
    "late": lambda: Scene(issued=date(2026, 8, 1)),
}
LASTING = policy(ends=NOW + 30 * 365 * 86400)


def _ended() -> Scene:
    scene = Scene()
    scene.issuer.end_key(20)
    return scene


def questions() -> Iterator[dict[str, Any]]:
    for now in (NOW, NOW + 2 * 86400, NOW - 86400, NOW + 20 * 365 * 86400):
        yield {"now": now}
    for paper in PAPERS[:2]:
        yield {"now": NOW, "documents": (paper,)}


@pytest.mark.parametrize("make", SCENES.values(), ids=SCENES)
def test_a_code_is_judged_as_full_evidence_is(make: Callable[[], Scene]) -> None:
    scene = make()
    desk = desk_of(scene.world, LASTING)
    for show in (SHOWN, ("certificate_number",), ()):
        evidence = scene.evidence(show=show)
        code = compact_of(evidence)
        for asked in questions():
            ours, theirs = desk.verify(code, **asked), full(evidence, LASTING, **asked)
            assert ours.to_json() == theirs.to_json()


@pytest.mark.parametrize("holder", HOLDERS, ids=["ed25519", "p256"])
def test_a_presentation_is_judged_as_in_full_evidence(holder: Any) -> None:
    scene = Scene(holder_key=format_holder_key(holder.public_key()))
    desk = desk_of(scene.world)
    for evidence in (
        presented(scene.evidence(show=SHOWN), holder, time=NOW - 60),
        presented(scene.evidence(show=SHOWN), holder, time=NOW - 601),
        presented(scene.evidence(show=SHOWN[:2]), holder, time=NOW),
        scene.evidence(show=SHOWN),
    ):
        for request in (ASKED, None, replace(ASKED, nonce="other"), replace(ASKED, audience="b")):
            asked: dict[str, Any] = {"now": NOW, "request": request}
            mine = desk.verify(compact_of(evidence), **asked)
            assert mine.to_json() == full(evidence, **asked).to_json()


def test_the_policy_rules_a_desk_as_it_rules_evidence() -> None:
    scene = Scene()
    evidence = scene.evidence()
    for chosen in (
        policy(countersignature=True),
        policy(ends=NOW - 1),
        policy(ages={"ID-RESIDENT": 1}),
        policy(witnesses=policy().witnesses[:2]),
        policy(block_lag=1),
    ):
        ours = desk_of(scene.world, chosen).verify(compact_of(evidence), now=NOW)
        theirs = full(evidence, chosen, now=NOW)
        assert ours.verdict is theirs.verdict
        if "block.needed" not in codes(theirs):
            assert codes(ours) == codes(theirs)


# What only a snapshot can say ------------------------------------------------------------------


def test_a_presentation_is_good_once_at_a_counter_that_remembers() -> None:
    holder = HOLDERS[1]
    scene = Scene(holder_key=format_holder_key(holder.public_key()))
    code = compact_of(presented(scene.evidence(show=SHOWN), holder, time=NOW))
    accepted: set[bytes] = set()
    desk = desk_of(scene.world, seen=accepted.__contains__)
    assert desk.verify(code, now=NOW, request=ASKED).verdict is Verdict.VALID
    assert code.presentation is not None
    accepted.add(code.presentation.mark)
    again = desk.verify(code, now=NOW, request=ASKED)
    assert (again.verdict, codes(again)[9]) == (Verdict.CANNOT_TELL, "holder.replayed")


def test_a_category_that_was_never_granted_is_not_genuine() -> None:
    scene = Scene()
    record = replace(scene.mine.record, category="NEVER-GRANTED", index=5)
    scene.mine = replace(scene.mine, record=record)
    scene.issuer.anchor([scene.mine])
    code = replace(CODES["plain"], record=record, path=(), shown=())
    result = desk_of(scene.world).verify(code, now=NOW)
    assert result.verdict is Verdict.NOT_GENUINE
    assert codes(result)[4] == "entitlement.category_absent"


def test_what_the_snapshot_does_not_have_may_have_come_since() -> None:
    scene = Scene()
    desk = desk_of(scene.world)
    scene.mine = scene.issuer.issue("沪迟1")
    scene.issuer.anchor([scene.mine])
    pending = desk.verify(compact_of(scene.evidence()), now=NOW)
    absent = desk_of(World(issuers=[scene.other])).verify(CODES["plain"], now=NOW)
    for result, code in ((pending, "anchor.batch_pending"), (absent, "anchor.body_absent")):
        assert result.verdict is Verdict.CANNOT_TELL
        assert codes(result)[1:5] == [
            "inclusion.path_unusable",
            code,
            "anchor.needed",
            "anchor.needed",
        ]


@pytest.mark.parametrize("chosen", [policy(ends=NOW - 1), policy(block_lag=1)])
def test_a_snapshot_that_is_not_trusted_makes_no_forger_of_anybody(chosen: TrustPolicy) -> None:
    scene = Scene()
    lying = replace(CODES["plain"], path=CODES["plain"].path[::-1])
    result = desk_of(scene.world, chosen).verify(lying, now=NOW)
    assert result.verdict is Verdict.CANNOT_TELL
    assert result.as_of is None


def test_a_code_of_another_ledger_is_judged_by_that_ledgers_snapshot_alone() -> None:
    result = desk_of(Scene().world).verify(replace(CODES["plain"], ledger=bytes(8)), now=NOW)
    assert (result.verdict, codes(result)[5]) == (Verdict.CANNOT_TELL, "block.other_ledger")


def test_too_few_witnesses_of_the_snapshot_are_told_as_such() -> None:
    scene = Scene()
    few = scene.world.note(dict.fromkeys(OPERATORS[:2], NOW - 595))
    desk = desk_of(scene.world, snapshot=scene.world.snapshot(note=few))
    assert codes(desk.verify(CODES["plain"], now=NOW))[5] == "block.witnesses_too_few"


# Any text --------------------------------------------------------------------------------------

SCENE = Scene()
DESK = desk_of(SCENE.world)
CODE = CODES["plain"].format()


@given(st.integers(0, len(CODE) - 1), st.characters())
def test_no_changed_character_of_a_code_is_valid(at: int, to: str) -> None:
    text = CODE[:at] + to + CODE[at + 1 :]
    result = DESK.verify_text(text, now=NOW)
    assert (result.verdict is Verdict.VALID) == (text == CODE)


@given(st.text(max_size=60))
def test_any_text_is_a_verdict(text: str) -> None:
    for candidate in (text, "CL1:" + text):
        assert DESK.verify_text(candidate, now=NOW).verdict is Verdict.CANNOT_TELL


@given(st.data())
def test_parts_of_two_certificates_make_no_valid_third(data: st.DataObject) -> None:
    mine, other = (
        compact_of(SCENE.world.evidence(SCENE.issuer, issued))
        for issued in (SCENE.mine, SCENE.certificates[0])
    )
    names = ("record", "path", "shown")
    taken = {name: getattr(data.draw(st.sampled_from([mine, other])), name) for name in names}
    mixed = replace(mine, **taken)
    verdict = DESK.verify(Compact.from_cbor(mixed.to_cbor()), now=NOW).verdict
    assert (verdict is Verdict.VALID) == (mixed in (mine, other))


def test_documents_may_come_as_fingerprints_of_a_request() -> None:
    assert Request(audience="a", nonce="b") != ASKED
    assert DESK.verify(CODES["plain"], now=NOW).verdict is Verdict.VALID
