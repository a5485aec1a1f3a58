"""Full evidence judged: every code is reached, and nothing that was tampered with is valid."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from certledger.verifier.formats.canonical_json import format_canonical
from certledger.verifier.formats.compact_evidence import Compact
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.formats.policy import Trust
from certledger.verifier.formats.presentation import Request
from certledger.verifier.formats.signed_policy import SignedPolicy
from certledger.verifier.formats.snapshot import Snapshot
from certledger.verifier.node_rpc import NodeBlock, RpcClient, SlotProof
from certledger.verifier.verify.block_trust import as_block, judge_by_witnesses
from certledger.verifier.verify.cached import MAX_CACHED_BYTES, Reader, Verifier
from certledger.verifier.verify.codes import CODES
from certledger.verifier.verify.compact import CompactVerifier
from certledger.verifier.verify.full import Question, judge_block, verify, verify_bytes
from certledger.verifier.verify.trust_sources import RememberingNode, choose_judge
from certledger.verifier.verify.verdict import Result
from certledger.verifier.vocabulary import Advice, Outcome, Status, Verdict, Way
from tests.conformance.case import Case, Scene
from tests.conformance.file_cases import PARTS, donors, mix
from tests.conformance.force_cases import ASKED, bound, present
from tests.conformance.generate import cases
from tests.effort import effort
from tests.world import ADDRESS, LICENCE, NOW, OPERATORS, World, policy

SPEC = Path(__file__).parents[2] / "docs" / "SPEC.md"
NODES_ONLY = policy(trust=Trust(ways=(Way.NODE, Way.RPC), threshold=3, confirmations=2))
GOOD = Scene(first_batches=1)
FILE = GOOD.file(note=GOOD.world.note(dict.fromkeys(OPERATORS[:3], GOOD.world.time + 5)))
"""Cosigned by as many as must: a line changed into one that nobody knows is missing then."""
NOBODY = "http://127.0.0.1:1/"
"""Where no node listens."""


@cache
def judged() -> list[Case]:
    """Return the cases that get a verdict."""
    return [case for case in cases() if case.verdict != "refused"]


def ask(evidence: bytes, **wishes: Any) -> Result:
    """Return the verdict of the world's policy on a file."""
    return verify_bytes(evidence, question(**wishes))


def question(**wishes: Any) -> Question:
    given_policy = wishes.pop("policy", policy())
    node, trusted = wishes.pop("node", None), wishes.pop("trusted", None)
    judge = choose_judge(given_policy, node, trusted=trusted)
    asked = {"now": NOW, "judge": judge, **wishes}
    return Question(policy=given_policy, **asked)


def of_case(case: Case) -> Question:
    asked = _of_case(case)
    if not case.snapshots or case.evidence_name.endswith(".txt"):
        return asked
    (data,) = case.snapshots.values()
    desk = CompactVerifier.open(
        asked.policy, Snapshot.parse(data), lambda held, pin: asked.judge(held.note, pin, None)
    )
    return replace(asked, newer=desk.newer)


def _of_case(case: Case) -> Question:
    return question(
        policy=SignedPolicy.parse(case.policy).policy,
        now=case.at,
        documents=tuple(case.documents.values()),
        request=None
        if case.request is None
        else Request(audience=case.request[0], nonce=case.request[1]),
    )


def codes_of(result: Result) -> list[str]:
    return [finding.code for finding in result.findings]


# Every code ------------------------------------------------------------------------------------


class HonestNode:
    """A node that knows the world's blocks, kept by number and by tag."""

    def __init__(self, world: World, final: int | None = None) -> None:
        self.world, self.asked = world, 0
        checkpoint = world.checkpoint()
        known = NodeBlock(
            number=checkpoint.number,
            hash=checkpoint.block_hash,
            state_root=checkpoint.state_root,
            time=checkpoint.time,
        )
        self.blocks: dict[int | str, NodeBlock] = {known.number: known}
        self.blocks["finalized"] = replace(known, number=known.number if final is None else final)

    def block(self, which: int | str) -> NodeBlock | None:
        self.asked += 1
        return self.blocks.get(which)

    def proof(self, address: bytes, position: bytes, number: int) -> SlotProof | None:
        """Have no state: the checkpoint's own time counts."""
        return None


def from_nodes() -> Iterator[Result]:
    """Yield verdicts by nodes: one that knows the block, and others that do not."""
    file = GOOD.file(note=GOOD.world.note({}))
    yield ask(file, policy=NODES_ONLY, trusted=HonestNode(GOOD.world))
    yield ask(file, policy=NODES_ONLY, trusted=HonestNode(GOOD.world, final=999))
    forked = HonestNode(GOOD.world)
    forked.blocks[1000] = replace(forked.blocks[1000], hash=bytes(32))
    yield ask(file, policy=NODES_ONLY, trusted=forked)
    yield ask(file, policy=NODES_ONLY, trusted=RpcClient(NOBODY))


def from_desks() -> Iterator[Result]:
    """Yield verdicts on compact codes of certificates that a snapshot does not hold."""
    scene = Scene()
    evidence = scene.evidence()
    chosen = policy()

    def desk(world: World) -> CompactVerifier:
        return CompactVerifier.open(
            chosen,
            world.snapshot(),
            lambda snapshot, pin: judge_by_witnesses(snapshot.note, chosen, pin),
        )

    compact = Compact.of(
        chosen.ledgers[0].identity, evidence.record, evidence.path, evidence.disclosures
    )
    yield desk(World(issuers=[scene.other])).verify(compact, now=NOW)
    foreign = Scene(entries=(LICENCE,), entry=LICENCE)
    foreign.mine = replace(
        foreign.mine, record=replace(foreign.mine.record, category="UNHEARD-OF", index=5)
    )
    foreign.issuer.anchor([foreign.mine])
    unheard = Compact.of(
        chosen.ledgers[0].identity, foreign.mine.record, (), foreign.mine.disclosures[:1]
    )
    yield desk(foreign.world).verify(unheard, now=NOW)


def from_replays() -> Iterator[Result]:
    request = Request(audience=ASKED[0], nonce=ASKED[1])
    yield ask(present(bound()).format(), request=request, seen=lambda signature: True)


def test_every_code_of_the_table_is_reached_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    results = [verify_bytes(case.evidence, of_case(case)) for case in judged()]
    results += [*from_nodes(), *from_desks(), *from_replays()]
    paper = b"paper"
    scene = Scene(documents=[paper], with_sm3=True)
    # An OpenSSL without SM3.
    monkeypatch.setattr("certledger.verifier.verify.content_check.sm3", lambda data: None)
    results.append(ask(scene.file(show=("document",)), documents=[paper]))
    reached = {code for result in results for code in codes_of(result)}
    # What a service's snapshot lacks of an issuer: tests/conformance and tests/api/test_missing.py.
    missing = {"anchor.catalog_absent", "anchor.name_absent"}
    assert reached | missing == set(CODES)


def test_each_code_is_only_ever_the_answer_of_its_own_check() -> None:
    for case in judged():
        for finding in verify_bytes(case.evidence, of_case(case)).findings:
            assert CODES[finding.code].check in (None, finding.check)


def test_the_specification_lists_exactly_the_codes_of_the_table() -> None:
    section = SPEC.read_text(encoding="utf-8").partition("### 18.3")[2].partition("### 18.4")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if re.match(r"\| \d", line)
    ]
    listed: dict[str, tuple[int | None, Outcome]] = {
        "ok": (None, Outcome.PASS),
        "evidence.unusable": (None, Outcome.UNKNOWN),
        "block.needed": (None, Outcome.UNKNOWN),
        "anchor.needed": (None, Outcome.UNKNOWN),
    }
    for number, fail, unknown in rows:
        for outcome, cell in ((Outcome.FAIL, fail), (Outcome.UNKNOWN, unknown)):
            for code in re.findall(r"`([a-z0-9_.]+)`", cell):
                listed[code] = int(number), outcome
    held = {
        code: (None if meaning.check is None else meaning.check.number, meaning.outcome)
        for code, meaning in CODES.items()
    }
    assert listed == held


@pytest.mark.parametrize("line", "abcdefg")
def test_every_line_of_18_2_has_a_certificate_that_it_decides(line: str) -> None:
    names, wanted = {
        "a": (("field_value_changed", "state_epoch_changed"), Verdict.NOT_GENUINE),
        "b": (("two_of_four_witnesses", "number_only_shown"), Verdict.CANNOT_TELL),
        "c": (("revoked_stale", "body_struck"), Verdict.NOT_IN_FORCE),
        "d": (("expired_stale", "not_yet"), Verdict.NOT_IN_FORCE),
        "e": (("suspended", "body_suspended"), Verdict.NOT_IN_FORCE),
        "f": (("fields_shown", "presented_p256"), Verdict.VALID),
        "g": (("suspended_stale", "not_presented"), Verdict.CANNOT_TELL),
    }[line]
    for case in (case for case in judged() if case.name in names):
        assert verify_bytes(case.evidence, of_case(case)).verdict is wanted


# Tampering -------------------------------------------------------------------------------------


def test_one_bit_changed_at_any_byte_of_the_file_is_never_valid() -> None:
    asked = question()
    assert verify_bytes(FILE, asked).verdict is Verdict.VALID
    for at in range(len(FILE)):
        changed = FILE[:at] + bytes([FILE[at] ^ 1 << at % 8]) + FILE[at + 1 :]
        assert verify_bytes(changed, asked).verdict is not Verdict.VALID, at


@given(at=st.integers(0, len(FILE) - 1), to=st.integers(0, 255))
def test_any_byte_changed_to_any_other_is_never_valid(at: int, to: int) -> None:
    changed = FILE[:at] + bytes([to]) + FILE[at + 1 :]
    assert (ask(changed).verdict is Verdict.VALID) == (changed == FILE)


@given(st.data())
def test_bytes_cut_out_put_in_or_moved_are_never_valid(data: st.DataObject) -> None:
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(FILE))] * 2)))
    put = data.draw(st.binary(max_size=8) | st.just(FILE[start:end] * 2))
    changed = FILE[:start] + put + FILE[end:]
    assert (ask(changed).verdict is Verdict.VALID) == (changed == FILE)


def test_one_bit_of_a_presented_file_changed_is_never_valid() -> None:
    file = present(bound()).format()
    asked = question(request=Request(audience=ASKED[0], nonce=ASKED[1]))
    assert verify_bytes(file, asked).verdict is Verdict.VALID
    start = file.index(b'"presentation"')
    for at in range(start, file.index(b'"proof"')):
        changed = file[:at] + bytes([file[at] ^ 1 << at % 7]) + file[at + 1 :]
        assert verify_bytes(changed, asked).verdict is not Verdict.VALID, at


@pytest.mark.parametrize("relation", donors())
def test_no_mix_of_two_good_certificates_is_valid(relation: str) -> None:
    mine, other = donors()[relation]
    differing = [part for part in PARTS if mix(mine, other, (part,)) != mine]
    verifier = Verifier(policy(), choose_judge(policy()))
    assert len(differing) >= 3
    for count in range(1, len(differing)):
        for parts in combinations(differing, count):
            mixed = mix(mine, other, parts)
            verdict = verifier.verify_bytes(mixed.format(), now=NOW).verdict
            assert verdict is not Verdict.VALID, parts


def test_a_presentation_of_another_certificate_is_not_the_holders() -> None:
    one, other = present(bound()), present(bound_again())
    mixed = replace(one, presentation=other.presentation)
    result = ask(mixed.format(), request=Request(audience=ASKED[0], nonce=ASKED[1]))
    assert codes_of(result)[9] == "holder.presentation_unusable"


def bound_again() -> Scene:
    """Return a scene whose bound certificate has the same key and another number."""
    scene = bound()
    scene.mine = scene.issuer.issue("沪示0101", holder_key=str(scene.mine.disclosures[-1].value))
    scene.issuer.anchor([scene.mine])
    return scene


# Bad input -------------------------------------------------------------------------------------


@given(st.binary(max_size=400))
def test_no_bytes_make_it_raise_and_none_are_valid(data: bytes) -> None:
    result = ask(data)
    assert result.verdict is Verdict.CANNOT_TELL
    assert set(codes_of(result)) == {"evidence.unusable"}


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.data(), JSON_VALUES)
def test_no_member_of_any_other_value_makes_it_raise(data: st.DataObject, value: Any) -> None:
    whole_file = json.loads(FILE)
    inner = whole_file
    while True:
        name = data.draw(st.sampled_from(sorted(inner)))
        if not isinstance(inner[name], dict) or data.draw(st.booleans()):
            break
        inner = inner[name]
    before, inner[name] = inner[name], value
    result = ask(json.dumps(whole_file, sort_keys=True, separators=(",", ":")).encode())
    assert result.verdict is not Verdict.VALID or before == value


def test_the_rule_that_a_file_breaks_is_named() -> None:
    for data, rule in (
        (b"", "json.syntax"),
        (FILE + b"\n", "json.not_canonical"),
        (FILE + b"x", "json.trailing"),
        (FILE * 20, "json.size"),
        (FILE.replace(b'"count":5', b'"count":5,"count":5'), "json.duplicate_name"),
        (FILE.replace(b'"count":5', b'"count":5.0'), "json.number"),
        (FILE.replace(b"certledger/evidence/1", b"certledger/evidence/2"), "schema.version"),
        (FILE.replace(b'"epoch"', b'"epoca"'), "schema.invalid"),
    ):
        assert ask(data).findings[0].detail == f"{CODES['evidence.unusable'].en}: {rule}"


def test_a_version_that_the_policy_does_not_accept_is_unusable() -> None:
    later = policy(evidence=("certledger/evidence/2",))
    result = ask(FILE, policy=later)
    assert set(codes_of(result)) == {"evidence.unusable"}
    assert result.findings[0].detail.endswith("schema.version")


# Results ---------------------------------------------------------------------------------------


def test_a_result_is_the_same_bytes_in_another_place_language_and_process(tmp_path: Path) -> None:
    (tmp_path / "evidence.json").write_bytes(FILE)
    mine = format_canonical(ask(FILE).to_json())
    script = (
        "import sys, orjson\n"
        "from tests.world import NOW, policy\n"
        "from certledger.verifier.formats.canonical_json import format_canonical\n"
        "from certledger.verifier.verify.trust_sources import choose_judge\n"
        "from certledger.verifier.verify.full import Question, verify_bytes\n"
        "asked = Question(policy=policy(), judge=choose_judge(policy()), now=NOW)\n"
        "result = verify_bytes(open(sys.argv[1], 'rb').read(), asked)\n"
        "sys.stdout.buffer.write(format_canonical(result.to_json()))\n"
    )
    for zone, language, seed in (
        ("America/St_Johns", "C", "1"),
        ("Asia/Shanghai", "zh_CN.UTF-8", "2"),
    ):
        run = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / "evidence.json")],
            env={**os.environ, "TZ": zone, "LC_ALL": language, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            check=True,
        )
        assert run.stdout == mine


def test_every_result_is_canonical_json() -> None:
    for case in judged():
        value = verify_bytes(case.evidence, of_case(case)).to_json()
        assert orjson.loads(format_canonical(value)) == value


def test_fields_names_and_the_time_of_anchoring_are_told_only_once_the_first_six_pass() -> None:
    told = {"anchored", "body", "name_zh", "name_en", "shown", "withheld"}
    for case in judged():
        result = verify_bytes(case.evidence, of_case(case))
        genuine = codes_of(result)[:6] == ["ok"] * 6
        assert told.issubset(result.certificate) == genuine
        assert told.isdisjoint(result.certificate) or genuine


def test_what_is_shown_and_what_is_withheld_is_listed_by_name() -> None:
    certificate = ask(FILE).certificate
    assert [part["name"] for part in certificate["shown"]] == ["certificate_number", "holder_name"]
    assert certificate["withheld"] == ["sex", "address"]
    assert certificate["body"] == "上海市公安局"
    assert certificate["anchored"] == {"block": 21, "not_after": "2026-10-29T11:06:40Z"}


# Blocks ----------------------------------------------------------------------------------------


def test_a_node_that_knows_the_block_is_believed_without_witnesses() -> None:
    honest, young, forked, dead = from_nodes()
    assert (honest.verdict, honest.as_of) == (Verdict.VALID, GOOD.world.time)
    for result, code in (
        (young, "block.not_final"),
        (forked, "block.differs"),
        (dead, "block.node_unreachable"),
    ):
        assert result.verdict is Verdict.CANNOT_TELL
        assert codes_of(result)[5] == code
        assert result.as_of is None


def test_a_node_never_stands_in_for_witnesses() -> None:
    file = GOOD.file(note=GOOD.world.note({}))
    honest = HonestNode(GOOD.world)
    result = ask(file, node=honest)
    assert (result.verdict, codes_of(result)[5], result.basis) == (
        Verdict.CANNOT_TELL,
        "block.witnesses_too_few",
        "",
    )
    assert ask(file, policy=NODES_ONLY, node=honest).verdict is Verdict.CANNOT_TELL
    trusted = ask(file, trusted=honest)
    assert (trusted.verdict, trusted.basis) == (Verdict.VALID, "your own node alone")


def test_a_result_says_on_whom_its_block_rests() -> None:
    assert ask(FILE).basis == "3 of 4 witnesses: anhui, jiangsu, shanghai"
    assert ask(GOOD.file(), node=HonestNode(GOOD.world)).basis == (
        "4 of 4 witnesses: anhui, jiangsu, shanghai, zhejiang"
    )
    assert ask(GOOD.file(), now=policy().ends + 1).basis == ""


class MovingNode(HonestNode):
    """An honest node whose newest final block lies after something has happened."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene.world)
        self.issuer = scene.issuer

    def move(self, change: Callable[[], object]) -> None:
        change()
        self.world.number += 100
        self.world.time += 100
        later = as_block(self.world.checkpoint())
        self.blocks[later.number] = self.blocks["finalized"] = later

    def proof(self, address: bytes, position: bytes, number: int) -> SlotProof:
        assert (address, number) == (ADDRESS, self.world.number)
        return SlotProof(
            **dict(zip(("account", "slot"), self.world.proofs(self.issuer), strict=True))
        )


@pytest.mark.parametrize("way", ["node", "trusted"])
def test_a_node_that_proves_another_state_overtakes_the_evidence(way: str) -> None:
    scene = Scene()
    file, node = scene.file(), MovingNode(scene)
    node.move(lambda: scene.issuer.change([scene.mine.record.index], Status.REVOKED))
    result = ask(file, **{way: node})
    assert (result.verdict, codes_of(result)[6]) == (Verdict.CANNOT_TELL, "freshness.overtaken")
    assert CODES["freshness.overtaken"].advice is Advice.ASK_HOLDER


def test_a_node_makes_evidence_fresher_only_where_it_is_trusted() -> None:
    scene = Scene()
    file, node = scene.file(), MovingNode(scene)
    node.move(lambda: scene.world.held.add(scene.issuer.state.issuer))  # The brake alone.
    added, trusted = ask(file, node=node), ask(file, trusted=node)
    assert added.as_of == NOW - 595
    assert trusted.as_of == NOW - 500
    assert (added.verdict, trusted.verdict) == (Verdict.VALID, Verdict.VALID)


def test_a_code_is_overtaken_as_a_file_is() -> None:
    scene = Scene()
    evidence, node = scene.evidence(), MovingNode(scene)
    judge = choose_judge(policy(), node)
    desk = CompactVerifier.open(
        policy(),
        scene.world.snapshot(),
        lambda held, pin: judge(held.note, pin, None),
        follow=judge,
    )
    compact = Compact.of(
        policy().ledgers[0].identity, evidence.record, evidence.path, evidence.disclosures
    )
    assert desk.verify(compact, now=NOW).verdict is Verdict.VALID
    node.move(lambda: scene.issuer.change([0], Status.REVOKED))
    assert codes_of(desk.verify(compact, now=NOW))[6] == "freshness.overtaken"


def test_a_node_that_is_down_does_not_undo_what_witnesses_signed() -> None:
    assert ask(FILE, node=RpcClient(NOBODY)).verdict is Verdict.VALID


@pytest.mark.parametrize("way", ["node", "trusted"])
def test_a_node_that_adds_nothing_is_a_warning(way: str) -> None:
    warned = ask(FILE, **{way: RpcClient(NOBODY)})
    assert (warned.verdict, warned.warnings) == (Verdict.VALID, ("node.adds_nothing",))
    assert warned.to_json() == {**ask(FILE).to_json(), "warnings": ["node.adds_nothing"]}
    assert ask(FILE, **{way: HonestNode(GOOD.world)}).warnings == ()


def test_a_node_behind_the_evidence_and_one_that_proves_no_slot_add_nothing() -> None:
    behind = HonestNode(GOOD.world, final=999)
    silent = HonestNode(GOOD.world)
    silent.blocks["finalized"] = replace(silent.blocks[1000], number=1100)
    assert [ask(FILE, node=node).warnings for node in (behind, silent)] == [
        ("node.adds_nothing",)
    ] * 2
    scene = Scene()
    file, moving = scene.file(), MovingNode(scene)
    moving.move(lambda: None)
    assert ask(file, node=moving).warnings == ()


def test_a_late_certificate_and_a_node_that_adds_nothing_are_two_warnings() -> None:
    (late,) = [case for case in judged() if case.name == "anchored_late"]
    asked = replace(of_case(late), judge=choose_judge(policy(), RpcClient(NOBODY)))
    result = verify_bytes(late.evidence, asked)
    assert result.warnings == ("anchoring.late", "node.adds_nothing")


def test_a_node_that_knows_another_block_than_the_witnesses_settles_it_the_other_way() -> None:
    forked = HonestNode(GOOD.world)
    forked.blocks[1000] = replace(forked.blocks[1000], hash=bytes(32))
    result = ask(FILE, node=forked)
    assert (result.verdict, codes_of(result)[5]) == (Verdict.CANNOT_TELL, "block.differs")


def test_the_later_of_two_instants_counts_where_node_and_witnesses_agree() -> None:
    assert ask(FILE, node=HonestNode(GOOD.world)).as_of == GOOD.world.time + 5


def test_a_remembering_node_is_asked_each_question_once() -> None:
    node = HonestNode(GOOD.world)
    remembering = RememberingNode(node)
    for _ in range(3):
        assert ask(FILE, node=remembering).verdict is Verdict.VALID
    assert node.asked == 2


def test_a_block_that_was_not_judged_has_no_slot() -> None:
    ended = judge_block(GOOD.evidence(), question(now=policy().ends + 1))
    assert (ended.judgement.code, ended.slot) == ("policy.ended", "block.needed")


# Memory ----------------------------------------------------------------------------------------


def test_a_verifier_with_a_memory_answers_byte_for_byte_as_one_without() -> None:
    for size in (1, 3, 1000):
        remembering: dict[tuple[bytes, ...], Verifier] = {}
        for _ in range(2):
            for case in judged()[:: effort(5, 1)]:
                asked = of_case(case)
                made = Verifier(asked.policy, asked.judge, newer=asked.newer, remembered=size)
                verifier = remembering.setdefault((case.policy, *case.snapshots.values()), made)
                found = verifier.verify_bytes(
                    case.evidence,
                    now=asked.now,
                    documents=asked.documents,
                    request=asked.request,
                )
                assert found == verify_bytes(case.evidence, asked), case.name


@given(st.lists(st.integers(NOW - 400 * 86_400, NOW + 4_000 * 86_400), min_size=2, max_size=6))
def test_what_is_remembered_is_judged_by_the_clock_of_each_asking(times: list[int]) -> None:
    verifier = Verifier(policy(), question().judge)
    assert verifier.reads(FILE)
    for now in [NOW, *times, NOW]:
        assert verifier.verify_known(FILE, now=now) == ask(FILE, now=now)


def test_only_what_is_canonical_evidence_is_read_and_only_files_of_ordinary_length_kept() -> None:
    verifier = Verifier(policy(), question().judge)
    assert verifier.reads(FILE)
    for other in (b"", b"{}", FILE + b" ", FILE[:-1], FILE[1:], b"{" * MAX_CACHED_BYTES, FILE * 9):
        assert not verifier.reads(other)
    assert verifier.verify_known(FILE, now=NOW) is verifier.verify_known(FILE, now=NOW)
    long = replace(GOOD.evidence(), slot_proof=(bytes(1024),) * 13).format()
    assert len(long) > MAX_CACHED_BYTES
    assert not verifier.reads(long)


def test_what_is_known_gets_the_answer_that_it_would_get_at_first_sight() -> None:
    for case in judged():
        asked = of_case(case)
        verifier = Verifier(asked.policy, asked.judge, newer=asked.newer)
        if not case.documents and case.request is None and verifier.reads(case.evidence):
            for _ in range(2):
                found = verifier.verify_known(case.evidence, now=asked.now)
                assert found == verify_bytes(case.evidence, asked), case.name


def test_a_result_is_spelled_in_the_canonical_way() -> None:
    for case in judged()[::20]:
        result = verify_bytes(case.evidence, of_case(case))
        assert result.canonical() == result.canonical() == format_canonical(result.to_json())


@given(st.data())
def test_files_changed_after_a_good_one_was_remembered_are_read_as_if_they_were_the_first(
    data: st.DataObject,
) -> None:
    reader = Reader(100)
    assert reader.read(FILE) == Evidence.parse(FILE)
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(FILE))] * 2)))
    names = [b',"disclosures":', b',"proof":', b',"record":', b',"signature":', b',"status":']
    put = data.draw(st.binary(max_size=4) | st.sampled_from(names) | st.just(b""))
    changed = FILE[:start] + put + FILE[end:]
    assert outcome(reader.read, changed) == outcome(Evidence.parse, changed)


@given(st.data())
def test_parts_of_two_files_joined_anywhere_are_read_as_if_nothing_were_remembered(
    data: st.DataObject,
) -> None:
    other = Scene(before=0).file()
    reader = Reader(100)
    reader.read(FILE), reader.read(other)
    cut, rest = (
        data.draw(st.sampled_from([m.start() for m in re.finditer(rb',"[a-z]+":', file)]))
        for file in (FILE, other)
    )
    joined = FILE[:cut] + other[rest:]
    assert outcome(reader.read, joined) == outcome(Evidence.parse, joined)


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=40))
def test_texts_that_look_like_members_are_read_as_texts(name: str) -> None:
    state, mine = GOOD.issuer.state, GOOD.evidence()
    for text in (name, f',"record":{name[:20]}', f'\\","proof":{name[:20]}'):
        evidence = replace(mine, issuer=replace(state, name=text))
        file = evidence.format()
        reader = Reader(10)
        assert reader.read(file) == reader.read(file) == Evidence.parse(file) == evidence


def outcome(read: Any, data: bytes) -> Any:
    """Return what reading gives: evidence, or the code of the refusal."""
    try:
        return read(data)
    except Exception as error:
        return getattr(error, "code", error)


def test_evidence_taken_apart_and_changed_shows_what_it_then_has() -> None:
    evidence = Evidence.parse(FILE)
    assert evidence.shown.leaf == evidence.record.leaf()
    other = replace(evidence, record=replace(evidence.record, index=9))
    assert other.shown.leaf == other.record.leaf() != evidence.shown.leaf
    assert verify(other, question()).verdict is Verdict.NOT_GENUINE


def test_the_last_evening_of_the_year_9999_is_a_day_like_any_other() -> None:
    assert ask(FILE, now=253_402_300_799).verdict is Verdict.CANNOT_TELL
