"""What a counter relied on stays relied on, and no presentation is good there twice."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from certledger.verifier.accepted_time import recall
from certledger.verifier.counter_state import FILE, MIN_RETENTION_SECONDS, Counter
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.formats.presentation import HolderPrivateKey, format_holder_key
from certledger.verifier.formats.signed_policy import PolicyOlderError
from certledger.verifier.formats.statements import ZERO
from certledger.verifier.verify.full import Question, verify
from certledger.verifier.verify.trust_sources import choose_judge
from certledger.verifier.verify.verdict import Result
from certledger.verifier.vocabulary import Status, Verdict
from tests.changing import ASKED, HOLDERS, presented
from tests.conformance.case import Scene
from tests.conformance.force_cases import changed
from tests.verifier.refusals import refused_as
from tests.world import NOW, policy, signed_policy

T = NOW - 595
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def evidence_of(holder: HolderPrivateKey, time: int = NOW) -> Evidence:
    scene = Scene(holder_key=format_holder_key(holder.public_key()))
    shown = scene.evidence(show=("certificate_number", "holder_name", "holder_key"))
    return presented(shown, holder, time=time)


def answer(counter: Counter, evidence: Evidence) -> Result:
    trusted = policy()
    question = Question(
        policy=trusted,
        judge=choose_judge(trusted),
        now=counter.now,
        request=ASKED,
        seen=counter.seen,
    )
    return verify(evidence, question)


def ask(home: Path, evidence: Evidence, now: int = NOW) -> Result:
    counter = Counter.open(home, [signed_policy()], now)
    result = answer(counter, evidence)
    assert counter.relied(result)
    return result


@pytest.mark.parametrize("holder", HOLDERS, ids=["ed25519", "p256"])
def test_a_presentation_is_good_once(tmp_path: Path, holder: HolderPrivateKey) -> None:
    evidence = evidence_of(holder)
    assert ask(tmp_path, evidence).verdict is Verdict.VALID
    again = ask(tmp_path, evidence)
    assert (again.verdict, again.findings[9].code) == (Verdict.CANNOT_TELL, "holder.replayed")
    assert ask(tmp_path, evidence_of(holder, NOW - 1)).verdict is Verdict.VALID


def test_another_counter_knows_nothing_of_it(tmp_path: Path) -> None:
    evidence = evidence_of(HOLDERS[0])
    for home in ("one", "other"):
        assert ask(tmp_path / home, evidence).verdict is Verdict.VALID


def test_the_other_spelling_of_a_p256_signature_is_the_same_presentation(tmp_path: Path) -> None:
    evidence = evidence_of(HOLDERS[1])
    given = evidence.presentation
    assert given is not None
    s = P256_ORDER - int.from_bytes(given.signature[32:], "big")
    other = replace(given, signature=given.signature[:32] + s.to_bytes(32, "big"))
    assert ask(tmp_path / "other", replace(evidence, presentation=other)).verdict is Verdict.VALID
    ask(tmp_path, evidence)
    again = ask(tmp_path, replace(evidence, presentation=other))
    assert again.findings[9].code == "holder.replayed"


def test_what_was_not_relied_on_may_be_shown_again(tmp_path: Path) -> None:
    evidence = evidence_of(HOLDERS[0], NOW + 200)
    scene = Scene()
    scene.world.time = NOW - 90_000
    stale = replace(evidence, checkpoint=scene.world.note().format(), account_proof=())
    assert ask(tmp_path, stale).verdict is Verdict.CANNOT_TELL
    assert ask(tmp_path, evidence).verdict is Verdict.VALID


def test_two_processes_that_answer_at_once_do_not_both_accept(tmp_path: Path) -> None:
    evidence = evidence_of(HOLDERS[0])
    one, other = (Counter.open(tmp_path, [signed_policy()], NOW) for _ in range(2))
    results = [answer(counter, evidence) for counter in (one, other)]
    assert [result.verdict for result in results] == [Verdict.VALID] * 2
    assert one.relied(results[0])
    assert not other.relied(results[1])
    assert answer(other, evidence).findings[9].code == "holder.replayed"


def test_a_presentation_that_no_policy_lets_be_so_old_is_forgotten(tmp_path: Path) -> None:
    ask(tmp_path, evidence_of(HOLDERS[0]))
    size = (tmp_path / FILE).stat().st_size
    for marks in (1, 2):
        counter = Counter.open(tmp_path, [signed_policy()], NOW + MIN_RETENTION_SECONDS + marks)
        assert not counter.seen(bytes([marks]) * 32)
        assert counter.relied(Result(verdict=Verdict.VALID, findings=()))
    assert (tmp_path / FILE).stat().st_size == size + (size - len(b'{"presentations":[],"type":""}')
        - len("certledger/accepted/1")) + 1  # fmt: skip


def test_the_latest_instant_relied_on_is_the_least_that_now_can_be(tmp_path: Path) -> None:
    ask(tmp_path, Scene().evidence())
    assert recall(tmp_path).time == T
    assert Counter.open(tmp_path, [signed_policy()], T - 1000).now == T
    assert Counter.open(tmp_path, [signed_policy()], T + 1000).now == T + 1000


def test_what_is_not_in_force_tells_the_time_too(tmp_path: Path) -> None:
    assert ask(tmp_path, changed(Status.REVOKED).evidence()).verdict is Verdict.NOT_IN_FORCE
    assert recall(tmp_path).time == T


def test_what_is_stale_or_untrusted_or_from_the_future_tells_no_time(tmp_path: Path) -> None:
    scene = Scene()
    for now, evidence in (
        (NOW + 90_000, scene.evidence()),
        (T - 301, scene.evidence()),
        (NOW, scene.evidence(note=scene.world.note({"anhui": NOW - 595}))),
    ):
        assert ask(tmp_path, evidence, now).verdict is Verdict.CANNOT_TELL
        assert recall(tmp_path).time == 0


def test_an_older_policy_is_refused(tmp_path: Path) -> None:
    Counter.open(tmp_path, [signed_policy(version=3)], NOW)
    with pytest.raises(PolicyOlderError):
        Counter.open(tmp_path, [signed_policy(version=2)], NOW)
    Counter.open(tmp_path, [signed_policy(version=3)], NOW)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b'{"presentations":[],"type":"certledger/accepted/2"}',
        b'{"presentations":[{"accepted":1,"mark":"00"}],"type":"certledger/accepted/1"}',
        b'{"presentations":[],"type":"certledger/accepted/1"}\n',
        b'{"presentations":[%b,%b],"type":"certledger/accepted/1"}'
        % ((b'{"accepted":1,"mark":"%b"}' % ZERO.hex().encode(),) * 2),
    ],
)
def test_a_damaged_memory_is_refused_rather_than_forgotten(tmp_path: Path, data: bytes) -> None:
    (tmp_path / FILE).write_bytes(data)
    counter = Counter.open(tmp_path, [signed_policy()], NOW)
    assert refused_as(counter.seen, bytes(32))
    assert (tmp_path / FILE).read_bytes() == data


def test_processes_that_accept_at_once_lose_nothing(tmp_path: Path) -> None:
    Counter.open(tmp_path, [signed_policy()], 5)
    script = (
        "import sys; from pathlib import Path\n"
        "from certledger.verifier.counter_state import Counter\n"
        "from certledger.verifier.verify.verdict import Result\n"
        "from certledger.verifier.vocabulary import Verdict\n"
        "counter = Counter.open(Path(sys.argv[1]), [], 5)\n"
        "for n in range(30):\n"
        "    counter.seen(bytes([n]) * 31 + sys.argv[2].encode())\n"
        "    assert counter.relied(Result(verdict=Verdict.VALID, findings=()))\n"
    )
    house = Path(__file__).resolve().parents[2]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path), name],
            env={**os.environ, "PYTHONPATH": str(house)},
        )
        for name in "ab"
    ]
    assert [process.wait(timeout=60) for process in running] == [0, 0]
    counter = Counter.open(tmp_path, [], 5)
    assert all(counter.seen(bytes([n]) * 31 + name) for n in range(30) for name in (b"a", b"b"))
