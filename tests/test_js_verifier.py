"""The JavaScript verifier, written after SPEC, says what ours says, byte for byte."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from certledger.verifier.crypto.hashing import keccak, sm3
from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.canonical_json import format_canonical, format_time
from certledger.verifier.formats.compact_evidence import Compact
from certledger.verifier.formats.policy_fingerprint import (
    check_fingerprint,
    fingerprint_of,
    format_words,
    parse_fingerprint,
)
from certledger.verifier.formats.presentation import Subject, format_holder_key, sign
from certledger.verifier.formats.signed_policy import SignedPolicy, find_successors
from certledger.verifier.formats.snapshot import Snapshot
from certledger.verifier.formats.snapshot_delta import apply_delta, format_delta
from certledger.verifier.verify.block_trust import judge_by_witnesses
from certledger.verifier.verify.compact import CompactVerifier
from certledger.verifier.verify.full import Question, verify_bytes
from certledger.verifier.verify.trust_sources import choose_judge
from certledger.verifier.verify.verdict import Result
from certledger.verifier.vocabulary import Status
from tests.changing import (
    ASKED,
    HOLDERS,
    PAPERS,
    POLICIES,
    changed_bytes,
    changed_policies,
    changed_values,
    questions,
    sources,
)
from tests.conformance.ours import answer
from tests.conformance.run import ROOT, faults_of, folders
from tests.effort import effort
from tests.rotation import ONE, STRANGERS_TWO, THREE, TWO
from tests.world import IDENTITY, LICENCE, NOW, Issued, World, WorldIssuer, signed_policy

HERE = Path(__file__).parent
MODULE = HERE.parent / "api" / "web" / "static" / "certledger-verifier.mjs"
COMMAND = HERE / "conformance" / "js_verifier.mjs"
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node.js, which is not installed")


class Other:
    """The JavaScript verifier as one process that is asked many questions."""

    def __init__(self, folder: Path) -> None:
        assert NODE is not None
        self._folder = folder
        self._files = 0
        self._process = subprocess.Popen(
            [NODE, str(COMMAND), "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def file(self, data: bytes, name: str = "file") -> str:
        """Return the path of a new file with these bytes."""
        self._files += 1
        path = self._folder / f"{self._files % 64}-{name}"
        path.write_bytes(data)
        return str(path)

    def ask(self, arguments: Sequence[str]) -> tuple[int, bytes]:
        """Return (exit status, result or code of the refusal)."""
        asked, answered = self._process.stdin, self._process.stdout
        assert asked is not None
        assert answered is not None
        asked.write(json.dumps(arguments).encode() + b"\n")
        asked.flush()
        status, output = json.loads(answered.readline())
        return status, output.encode()

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Other]:
    process = Other(tmp_path_factory.mktemp("js"))
    yield process
    process.close()


# The conformance suite -------------------------------------------------------------------------


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.name)
def test_a_case_of_the_suite_comes_out_the_same_byte_for_byte(folder: Path, other: Other) -> None:
    answers: list[tuple[int, bytes]] = []

    def ask(words: Sequence[str]) -> tuple[int, bytes]:
        answers[:] = answer(words), other.ask(words)
        return answers[1]

    assert faults_of(folder, ask) == []
    ours, theirs = answers
    assert theirs[0] == ours[0]
    assert ours[0] == 2 or without_rule(theirs[1]) == without_rule(ours[1])


def without_rule(result: bytes) -> bytes:
    """Return a result without the rule broken: where several are, any may be named (SPEC 1.7)."""
    return re.sub(rb"(the file cannot be read as evidence): [a-z0-9_.]+", rb"\1", result)


def test_the_command_line_answers_one_question_by_exit_status_and_output() -> None:
    assert NODE is not None
    folder = ROOT / "fields_shown"

    def ask(words: Sequence[str]) -> tuple[int, bytes]:
        run = subprocess.run(
            [NODE or "", str(COMMAND), *words], stdout=subprocess.PIPE, check=False
        )
        return run.returncode, run.stdout

    assert faults_of(folder, ask) == []
    assert ask(["--evidence", "nothing"]) == (2, b"")


def test_without_sm3_a_document_of_another_sha256_differs_where_all_are_disclosed(
    tmp_path: Path,
) -> None:
    evidence, policy = tmp_path / "evidence.json", tmp_path / "policy.json"
    evidence.write_bytes(format_canonical(sources()[1]))
    policy.write_bytes(POLICIES[0])
    script = f"""
    import * as verifier from {json.dumps(MODULE.as_uri())};
    import {{ readFileSync }} from "node:fs";
    const policy = verifier.parsePolicy(readFileSync({json.dumps(str(policy))}));
    const documents = [{{ sha256: "ab".repeat(32), size: 7 }}];
    const bytes = readFileSync({json.dumps(str(evidence))});
    const result = verifier.verifyEvidence(bytes, {{ policy, now: {NOW}, documents }});
    console.log(result.checks[0].code, result.verdict);
    """
    run = subprocess.run(
        [NODE or "", "--input-type=module", "-e", script], stdout=subprocess.PIPE, check=True
    )
    assert run.stdout == b"content.document_differs not_genuine\n"


def test_every_code_means_what_SPEC_says_it_means() -> None:
    assert NODE is not None
    script = f"""
    import {{ CODES, WARNINGS }} from {json.dumps(MODULE.as_uri())};
    console.log(JSON.stringify([[...CODES], [...WARNINGS]]));
    """
    run = subprocess.run(
        [NODE, "--input-type=module", "-e", script], stdout=subprocess.PIPE, check=True
    )
    known = json.loads((HERE / "vectors" / "codes.json").read_bytes())
    assert json.loads(run.stdout) == [
        [
            [
                code["code"],
                {
                    "outcome": code["outcome"],
                    "advice": code.get("advice", ""),
                    "en": code["en"],
                    "zh": code["zh"],
                },
            ]
            for code in known["codes"]
        ],
        [[code["code"], {"en": code["en"], "zh": code["zh"]}] for code in known["warnings"]],
    ]


# Evidence, changed at random -------------------------------------------------------------------


def ask_both(other: Other, data: bytes, asked: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """Return the results of both verifiers, canonical."""
    policy = SignedPolicy.parse(asked["policy"]).policy
    ours = verify_bytes(
        data,
        Question(
            policy=policy,
            judge=choose_judge(policy),
            now=asked["now"],
            documents=asked["documents"],
            request=asked["request"],
        ),
    )
    status, theirs = other.ask(["--evidence", other.file(data), *arguments(other, asked)])
    assert status != 2, theirs
    return format_canonical(ours.to_json()), theirs


def arguments(other: Other, asked: Mapping[str, Any]) -> list[str]:
    """Return the question in the words of the protocol."""
    found = ["--policy", other.file(asked["policy"]), "--at", format_time(asked["now"])]
    for document in asked["documents"]:
        found += ["--document", other.file(document)]
    if asked["request"] is not None:
        found += ["--audience", asked["request"].audience, "--nonce", asked["request"].nonce]
    return found


EXAMPLES = effort(60, 500)
SHARED = settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@SHARED
@given(value=changed_values(), asked=questions())
def test_changed_evidence_is_judged_the_same(
    other: Other, value: Any, asked: Mapping[str, Any]
) -> None:
    ours, theirs = ask_both(other, format_canonical(value), asked)
    assert theirs == ours


@SHARED
@given(data=changed_bytes(), asked=questions())
def test_damaged_bytes_are_refused_by_the_same_rule(
    other: Other, data: bytes, asked: Mapping[str, Any]
) -> None:
    ours, theirs = ask_both(other, data, asked)
    assert theirs == ours


@SHARED
@given(policy=changed_policies())
def test_a_changed_policy_is_refused_by_the_same_rule_or_leads_to_the_same_verdict(
    other: Other, policy: bytes
) -> None:
    data = format_canonical(sources()[0])
    asked = {"policy": policy, "now": NOW, "documents": (), "request": None}
    try:
        ours, theirs = ask_both(other, data, asked)
    except CertledgerError as refusal:
        words = ["--evidence", other.file(data), *arguments(other, asked)]
        ours, (_, theirs) = refusal.code.encode(), other.ask(words)
    assert theirs == ours


@pytest.mark.parametrize("kind", ["refused", "not_canonical"])
def test_what_SPEC_refuses_as_json_is_refused_by_the_same_rule(other: Other, kind: str) -> None:
    asked = {"policy": POLICIES[0], "now": NOW, "documents": [], "request": None}
    listed = json.loads((HERE / "vectors" / "canonical.json").read_bytes())[kind]
    for part in listed:
        data = bytes.fromhex(part if isinstance(part, str) else part["input"])
        ours, theirs = ask_both(other, data, asked)
        assert theirs == ours


# Snapshots, deltas and compact codes -----------------------------------------------------------


class Counter:
    """A world with a snapshot before and after something happened, and codes of certificates."""

    def __init__(self) -> None:
        issuer = self.issuer = WorldIssuer.of()
        self.elsewhere = WorldIssuer.of(
            "12320000MB2F00001A", "江苏省住房和城乡建设厅", entries=(LICENCE,)
        )
        self.world = World(issuers=[self.elsewhere, issuer])
        self.elsewhere.anchor([self.elsewhere.issue("苏1", entry=LICENCE, expires=None)])
        issuer.anchor([issuer.issue(f"沪示{n}", index=n, documents=PAPERS[:1]) for n in range(5)])
        issuer.anchor([issuer.issue("沪示5", index=5), issuer.issue("沪示6", index=6)])
        issuer.change([1, 5], Status.REVOKED)
        issuer.change([2], Status.SUSPENDED)
        self.old = Snapshot.parse(self.world.snapshot().format())  # The world moves on.
        holder = format_holder_key(HOLDERS[0].public_key())
        self.bound = issuer.issue("沪示7", holder_key=holder)
        issuer.anchor([self.bound])
        issuer.change([2], Status.VALID)
        self.absent = issuer.issue("沪示8", index=900)
        late = WorldIssuer.of("11330000MB2F00002B", "浙江省民政厅")
        self.world.issuers.append(late)
        self.world.number, self.world.time = 1001, NOW - 30
        self.new = self.world.snapshot()
        self.delta = format_delta(self.old, self.new)
        self.file = self.new.format()
        self.codes = tuple(self._codes())

    def _codes(self) -> Iterator[str]:
        """Yield compact codes, of certificates that are in a snapshot and others."""
        shown = ("certificate_number", "holder_name")
        for issuer in (self.elsewhere, self.issuer):
            for batch in issuer.batches:
                for issued in batch.issued:
                    yield self.code(issuer, issued, issued.named(*shown)).format()
        first = self.issuer.batches[0].issued[0]
        yield self.code(self.issuer, first, first.disclosures).format()
        yield self.code(self.issuer, first, first.named("document")).format()
        yield Compact.of(IDENTITY, self.absent.record, (), self.absent.named(*shown)).format()
        yield Compact.of(bytes(32), first.record, (), first.named(*shown)).format()
        whole = self.code(self.issuer, self.bound, self.bound.disclosures)
        subject = Subject(
            identity=IDENTITY,
            leaf=self.bound.record.leaf(),
            shown=tuple(part.digest for part in self.bound.disclosures),
        )
        answered = sign(HOLDERS[0], ASKED, subject, time=NOW - 5)
        yield replace(whole, presentation=answered).format()

    def code(self, issuer: WorldIssuer, issued: Issued, shown: Sequence[Any]) -> Compact:
        evidence = self.world.evidence(issuer, issued)
        return Compact.of(IDENTITY, issued.record, evidence.path, shown)


@pytest.fixture(scope="module")
def counter() -> Counter:
    return Counter()


@cache
def open_desk(snapshots: tuple[bytes, ...], policy: bytes) -> CompactVerifier:
    """Return our desk on a snapshot and deltas to it."""
    chosen = SignedPolicy.parse(policy).policy
    whole, *deltas = snapshots
    snapshot = Snapshot.parse(whole)
    desk = CompactVerifier.open(
        chosen, snapshot, lambda held, pin: judge_by_witnesses(held.note, chosen, pin)
    )
    for delta in deltas:
        snapshot = apply_delta(snapshot, delta, desk.ledger)
        desk = CompactVerifier.open(
            chosen, snapshot, lambda held, pin: judge_by_witnesses(held.note, chosen, pin)
        )
    return desk


def ask_desks(
    other: Other, snapshots: Sequence[bytes], text: str, asked: Mapping[str, Any]
) -> tuple[bytes, bytes]:
    """Return the results of both verifiers on a code, or the codes of their refusals."""
    words = ["--evidence", other.file(text.encode(), "code.txt"), *arguments(other, asked)]
    for snapshot in snapshots:
        words += ["--snapshot", other.file(snapshot)]
    _, theirs = other.ask(words)
    try:
        desk = open_desk(tuple(snapshots), asked["policy"])
    except CertledgerError as refusal:
        return refusal.code.encode(), theirs
    result: Result = desk.verify_text(
        text, now=asked["now"], documents=asked["documents"], request=asked["request"]
    )
    return format_canonical(result.to_json()), theirs


QUIET = {"policy": POLICIES[0], "now": NOW, "documents": (), "request": ASKED}


def test_every_code_is_judged_the_same_from_a_snapshot_and_after_a_delta(
    other: Other, counter: Counter
) -> None:
    old, verdicts = counter.old.format(), set()
    for text in counter.codes:
        for snapshots in ([old], [old, counter.delta], [counter.new.format()]):
            ours, theirs = ask_desks(other, snapshots, text, QUIET)
            assert theirs == ours
            verdicts.add(json.loads(ours)["verdict"])
    assert verdicts == {"valid", "not_in_force", "cannot_tell"}


@SHARED
@given(data=st.data(), asked=questions())
def test_a_changed_code_is_judged_the_same(
    other: Other, counter: Counter, data: st.DataObject, asked: Mapping[str, Any]
) -> None:
    text = data.draw(st.sampled_from(counter.codes))
    at = data.draw(st.integers(0, len(text)))
    put = data.draw(st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:é", max_size=3))
    changed = text[:at] + put + text[at + len(put) :]
    ours, theirs = ask_desks(other, [counter.file], changed, asked)
    mine, others = json.loads(ours), json.loads(theirs)
    assert others["verdict"] == mine["verdict"]
    assert [check["code"] for check in others["checks"]] == [
        check["code"] for check in mine["checks"]
    ]


def test_snapshots_that_do_not_fit_are_refused_by_both(other: Other, counter: Counter) -> None:
    whole, text = counter.old.format(), counter.codes[0]
    for snapshots in (
        [b""],
        [whole[:-1]],
        [whole + b"\0"],
        [whole, whole],
        [counter.new.format(), counter.delta],
        [replace(counter.old, nodes=counter.old.nodes[1:]).format()],
        [replace(counter.old, nodes=counter.new.nodes).format()],
        [replace(counter.old, issuers=counter.old.issuers[:1]).format()],
        [replace(counter.old, issuers=counter.old.issuers[::-1]).format()],
        [replace(counter.old, checkpoint=counter.new.checkpoint).format()],
        [replace(counter.old, checkpoint="no note").format()],
        [replace(counter.old, account_proof=()).format()],
        [format_delta(counter.old, counter.new)],
    ):
        ours, theirs = ask_desks(other, snapshots, text, QUIET)
        assert not ours.startswith(b"{")
        assert theirs == ours


# Primitives ------------------------------------------------------------------------------------

SCRIPT = f"""
import * as own from {json.dumps(MODULE.as_uri())};
import {{ readFileSync }} from "node:fs";
const bytes = (text) => Uint8Array.from(Buffer.from(text, "hex"));
const asked = JSON.parse(readFileSync(0, "utf8"));
const said = asked.map(([name, ...given]) => own[name](...given.map(bytes)));
const plain = (one) => (typeof one === "boolean" ? one : Buffer.from(one).toString("hex"));
console.log(JSON.stringify(said.map(plain)));
"""


def ask_primitives(asked: Sequence[Sequence[str | bytes]]) -> list[Any]:
    """Return what functions of the module, named first, say to bytes; bytes come back in hex."""
    assert NODE is not None
    lines = [[part.hex() if isinstance(part, bytes) else part for part in one] for one in asked]
    run = subprocess.run(
        [NODE, "--input-type=module", "-e", SCRIPT],
        input=json.dumps(lines).encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    found: list[Any] = json.loads(run.stdout)
    return found


def test_hashes_of_every_length_around_the_blocks_are_those_of_the_libraries() -> None:
    texts = [bytes(range(256))[:length] + b"x" * (length // 256) for length in range(300)]
    expected: dict[str, Callable[[bytes], bytes]] = {
        "sha256": lambda data: hashlib.sha256(data).digest(),
        "sha512": lambda data: hashlib.sha512(data).digest(),
        "keccak256": keccak,
    }
    if sm3(b"") is not None:  # Not every OpenSSL has it.
        expected["sm3"] = lambda data: sm3(data) or b""
    asked = [(name, data) for name in expected for data in texts]
    assert ask_primitives(asked) == [expected[name](data).hex() for name, data in asked]


def test_odd_Ed25519_keys_and_signatures_are_judged_as_OpenSSL_judges_them() -> None:
    key = HOLDERS[0]
    assert isinstance(key, Ed25519PrivateKey)
    message, order = b"a message", 2**252 + 27742317777372353535851937790883648493
    public, good = key.public_key().public_bytes_raw(), key.sign(b"a message")
    raised = int.from_bytes(good[32:], "little") + order
    points = [(number).to_bytes(32, "little") for number in (0, 1, 2, 2**255 - 20, 2**255 - 19)]
    points += [(number + 2**255).to_bytes(32, "little") for number in (0, 1, 2**255 - 20)]
    points += [(2**255 - 18).to_bytes(32, "little"), b"\xff" * 32, public]
    signatures = [good, good[:32] + raised.to_bytes(32, "little"), bytes(64)]
    signatures += [point + bytes(32) for point in points] + [point + good[32:] for point in points]
    asked = [("verifyEd25519", point, message, mark) for point in points for mark in signatures]
    assert ask_primitives(asked) == [judge_ed25519(*one[1:]) for one in asked]


def judge_ed25519(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


# Policies ----------------------------------------------------------------------------------------


def ask_node(script: str, asked: Any) -> Any:
    """Return what a script prints as JSON; `asked` is its constant of that name."""
    assert NODE is not None
    head = f"import * as verifier from {json.dumps(MODULE.as_uri())};"
    head += f"const asked = {json.dumps(asked)};"
    run = subprocess.run(
        [NODE, "--input-type=module", "-e", head + script], stdout=subprocess.PIPE, check=True
    )
    return json.loads(run.stdout)


def test_both_take_the_same_policies_of_any_chain_after_the_one_held() -> None:
    known = [ONE, TWO, THREE, STRANGERS_TWO, signed_policy(version=1, clock_tolerance=301)]
    chains: list[tuple[int | None, list[int]]] = [
        (held, list(chain))
        for held in (None, 0, 1, 2)
        for length in range(4)
        for chain in product(range(len(known)), repeat=length)
    ]

    def ours(held: int | None, chain: Sequence[int]) -> Any:
        current = None if held is None else known[held]
        try:
            new = find_successors(current, [known[number] for number in chain])
        except CertledgerError as error:
            return error.code
        return [known.index(one) for one in new]

    script = """
    const known = asked.known.map((text) => verifier.parsePolicy(new TextEncoder().encode(text)));
    const answers = asked.chains.map(([held, chain]) => {
      try {
        const found = verifier.findSuccessors(held === null ? null : known[held],
          chain.map((number) => known[number]));
        return found.map((one) => known.indexOf(one));
      } catch (error) { return error.code; }
    });
    console.log(JSON.stringify(answers));
    """
    asked = {"known": [one.format().decode() for one in known], "chains": chains}
    answers = ask_node(script, asked)
    assert answers == [ours(held, chain) for held, chain in chains]
    assert {"policy.older", "policy.unsigned"} < set(map(str, answers))


def test_both_read_a_fingerprint_as_people_type_it() -> None:
    found = fingerprint_of(ONE.policy)
    words = format_words(found)
    texts = [
        found.hex(), found.hex().upper(), words, words.upper(), words.replace(" ", "-"),
        f"\t{words}\r\n", found.hex()[:-1], words[:-1], words + " ", f"{words} babab", "",
        format_words(bytes(16)), "00" * 32, words.replace("i", "\u0130"), words + " " * 200,
        words.replace("k", "\u212a"), words.replace(" ", "\u00a0"), words.replace(" ", "\x1c"),
    ]  # fmt: skip

    def ours(text: str) -> str:
        try:
            check_fingerprint(ONE.policy, parse_fingerprint(text))
        except CertledgerError as error:
            return str(error.code)
        return "ok"

    script = """
    const policy = verifier.parsePolicy(new TextEncoder().encode(asked.policy));
    const answers = asked.texts.map((text) => {
      try { verifier.checkFingerprint(policy, text); } catch (error) { return error.code; }
      return "ok";
    });
    console.log(JSON.stringify([verifier.policyFingerprint(policy), answers]));
    """
    fingerprint, answers = ask_node(script, {"policy": ONE.format().decode(), "texts": texts})
    assert fingerprint == {"hex": found.hex(), "words": words}
    assert answers == list(map(ours, texts))
    assert {"ok", "fingerprint.invalid", "policy.fingerprint"} == set(answers)
