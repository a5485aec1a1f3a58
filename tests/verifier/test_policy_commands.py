"""`certledger policy`, and the options by which commands name policies."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from certledger.verifier.cli.main import main
from certledger.verifier.formats.canonical_json import format_time
from certledger.verifier.formats.policy_fingerprint import fingerprint_of, format_words
from certledger.verifier.formats.signed_policy import SignedPolicy, sign
from certledger.verifier.policy_store import policy_files, read_chain
from tests.conformance.case import Scene
from tests.rotation import ONE, OTHERS, STRANGERS_TWO, THREE, TWO, roots_of
from tests.world import NOW, policy, signed_policy

FILES = {"one": ONE, "two": TWO, "three": THREE, "strangers": STRANGERS_TWO}
SCENE = Scene()
GOOD, DAY = SCENE.file(), SCENE.world.snapshot().format()
HEX = fingerprint_of(ONE.policy).hex()
PHRASE = format_words(fingerprint_of(ONE.policy))


@pytest.fixture
def room(tmp_path: Path) -> Path:
    for name, signed in FILES.items():
        (tmp_path / f"{name}.json").write_bytes(signed.format())
    (tmp_path / "good.json").write_bytes(GOOD)
    (tmp_path / "day").write_bytes(DAY)
    return tmp_path


def run(*words: object) -> Result:
    ran = CliRunner().invoke(main, [str(word) for word in words])
    assert ran.exception is None or isinstance(ran.exception, SystemExit)
    return ran


def chain(room: Path, *names: str) -> list[object]:
    return [word for name in names for word in ("--policy", room / f"{name}.json")]


def verify(room: Path, *names: str, more: tuple[object, ...] = (), home: bool = True) -> Result:
    where = ("--home", room / "counter") if home else ()
    return run("verify", room / "good.json", *chain(room, *names), *where, *more,
               "--at", format_time(NOW))  # fmt: skip


def refused(ran: Result, code: str) -> bool:
    return (ran.exit_code, ran.stdout) == (2, "") and f"({code})" in ran.stderr


def kept(room: Path) -> list[SignedPolicy]:
    return read_chain(policy_files(room / "counter"))


# verify ----------------------------------------------------------------------------------------


def test_a_home_takes_nobody_elses_version_2_and_then_the_genuine_one(room: Path) -> None:
    assert verify(room, "one").exit_code == 0
    assert refused(verify(room, "strangers"), "policy.unsigned")
    assert verify(room, "two").exit_code == 0
    assert kept(room) == [ONE, TWO]


def test_a_home_that_has_a_policy_needs_none(room: Path) -> None:
    assert refused(verify(room), "policy.missing")
    verify(room, "one")
    assert verify(room).exit_code == 0
    assert refused(verify(room, home=False), "policy.missing")


def test_a_chain_of_policies_may_be_named_each_day(room: Path) -> None:
    assert refused(verify(room, "one", "three"), "policy.unsigned")
    for names in (("one", "two"), ("one", "two"), ("one", "two", "three"), ("three",)):
        assert verify(room, *names).exit_code == 0
    assert refused(verify(room, "one", "two"), "policy.older")
    assert kept(room) == [ONE, TWO, THREE]


def test_a_chain_is_checked_without_a_home_too(room: Path) -> None:
    assert verify(room, "one", "two", home=False).exit_code == 0
    assert refused(verify(room, "two", "one", home=False), "policy.older")
    assert refused(verify(room, "one", "strangers", home=False), "policy.unsigned")


def test_the_environment_may_name_a_chain(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [str(room / f"{name}.json") for name in ("one", "two")]
    monkeypatch.setenv("CERTLEDGER_POLICY", os.pathsep.join(files))
    assert verify(room).exit_code == 0
    assert kept(room) == [ONE, TWO]


def test_the_first_use_prints_the_fingerprint_once_for_a_person_to_compare(room: Path) -> None:
    ran = verify(room, "one", "two", more=("--json",))
    assert PHRASE in ran.stderr
    assert HEX in ran.stderr
    assert json.loads(ran.stdout)["results"][0]["verdict"] == "valid"
    assert verify(room, "two").stderr == ""
    assert verify(room, "three").stderr == ""


@pytest.mark.parametrize("text", [HEX, HEX.upper(), PHRASE, PHRASE.replace(" ", "-")])
def test_a_fingerprint_pins_the_first_policy(room: Path, text: str) -> None:
    pinned = ("--fingerprint", text)
    assert refused(verify(room, "strangers", more=pinned), "policy.fingerprint")
    assert not policy_files(room / "counter")
    first = verify(room, "one", more=pinned)
    assert (first.exit_code, first.stderr) == (0, "")
    assert verify(room, "two", more=pinned).exit_code == 0
    assert refused(verify(room, "two", more=pinned, home=False), "policy.fingerprint")


def test_a_fingerprint_that_is_none_is_refused(room: Path) -> None:
    ran = verify(room, "one", more=("--fingerprint", "lusab babad"))
    assert refused(ran, "fingerprint.invalid")
    assert not policy_files(room / "counter")


# snapshot --------------------------------------------------------------------------------------


def test_snapshots_are_judged_by_the_policy_that_a_counter_keeps(room: Path) -> None:
    where = ("--counter-home", room / "counter", "--at", format_time(NOW))

    def check(*names: str, more: tuple[object, ...] = ()) -> Result:
        return run("snapshot", "check", room / "day", *chain(room, *names), *where, *more)

    assert refused(check(), "policy.missing")
    assert refused(check("strangers", more=("--fingerprint", PHRASE)), "policy.fingerprint")
    assert check("one", more=("--fingerprint", PHRASE)).exit_code == 0
    assert refused(check("strangers"), "policy.unsigned")
    assert check("two").exit_code == 0
    assert check().exit_code == 0
    assert verify(room).exit_code == 0
    assert kept(room) == [ONE, TWO]


# policy ----------------------------------------------------------------------------------------


def test_check_says_what_a_chain_leads_to(room: Path) -> None:
    files = [room / f"{name}.json" for name in ("one", "two", "three")]
    ran = run("policy", "check", *files, "--fingerprint", PHRASE, "--json")
    assert ran.exit_code == 0
    found = fingerprint_of(THREE.policy)
    assert json.loads(ran.stdout) == {
        "fingerprint": {"hex": found.hex(), "words": format_words(found)},
        "version": 3,
    }
    assert format_words(found) in run("policy", "check", *files).stdout
    assert refused(run("policy", "check", files[0], files[2]), "policy.unsigned")
    assert refused(run("policy", "check", files[0], room / "strangers.json"), "policy.unsigned")
    assert refused(run("policy", "check", *files[1:], "--fingerprint", HEX), "policy.fingerprint")
    assert refused(run("policy", "check", *reversed(files)), "policy.older")


def test_keep_gives_a_home_its_policy_before_the_first_question(room: Path) -> None:
    home = ("--home", room / "counter")
    wrong = run("policy", "keep", room / "strangers.json", *home, "--fingerprint", PHRASE)
    assert refused(wrong, "policy.fingerprint")
    ran = run("policy", "keep", room / "one.json", *home, "--fingerprint", PHRASE)
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert verify(room).exit_code == 0
    later = run("policy", "keep", room / "two.json", room / "three.json", *home)
    assert later.exit_code == 0
    assert kept(room) == [ONE, TWO, THREE]


def test_show_says_in_full_what_a_policy_says(room: Path) -> None:
    said = run("policy", "show", room / "two.json")
    assert said.exit_code == 0
    trusted = TWO.policy
    found = fingerprint_of(trusted)
    for part in (
        found.hex(),
        format_words(found),
        format_time(trusted.ends),
        *(key.hex() for key in trusted.roots.keys),
        *(key.hex() for key in TWO.signatures),
        *(f"{one.operator}: {one.name} {one.key.hex()}" for one in trusted.witnesses),
        *(f"0x{getattr(trusted.ledgers[0], name).hex()}" for name in
          ("genesis", "address", "code_hash", "identity", "deployment")),
        *(str(number) for number in (trusted.block_lag, trusted.default_age, *trusted.ages.values(),
          trusted.clock_tolerance, trusted.presentation_age, trusted.trust.confirmations)),
        *trusted.ages,
        *trusted.evidence,
        *trusted.trust.ways,
    ):  # fmt: skip
        assert part in said.stdout
    assert said.stdout.count("has signed") == len(TWO.signatures)


def test_show_gives_programs_the_whole_policy(room: Path) -> None:
    shown = json.loads(run("policy", "show", room / "one.json", "--json").stdout)
    assert shown["policy"] == json.loads(ONE.format())["policy"]
    assert shown["signed_by"] == sorted(key.hex() for key in ONE.signatures)
    assert shown["fingerprint"] == {"hex": HEX, "words": PHRASE}


def test_show_lets_no_name_speak_to_the_terminal_and_reads_nothing_unsigned(room: Path) -> None:
    pin = replace(policy().ledgers[0], name="上海\x1b[2J账本")
    strange = sign(policy(ledgers=(pin,), roots=roots_of(OTHERS)), OTHERS)
    (room / "strange.json").write_bytes(strange.format())
    said = run("policy", "show", room / "strange.json")
    assert "上海<U+001B>[2J账本" in said.stdout
    (room / "none.json").write_bytes(replace(ONE, signatures={}).format())
    assert refused(run("policy", "show", room / "none.json"), "policy.unsigned")
    (room / "long.json").write_bytes(b" " * 70_000)
    assert refused(run("policy", "show", room / "long.json"), "file.size")


def test_show_says_when_a_ledger_was_retired(room: Path) -> None:
    last = SCENE.world.checkpoint()
    pin = replace(policy().ledgers[0], retired=last)
    (room / "retired.json").write_bytes(signed_policy(ledgers=(pin,)).format())
    said = run("policy", "show", room / "retired.json").stdout
    for part in (str(last.number), last.block_hash.hex(), last.state_root.hex()):
        assert part in said
