"""Every command that takes a trust policy takes it in the same way, with the same refusals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from certledger.ledger.keys import make_pem_key, save_pem_key
from certledger.verifier.cli.main import main
from certledger.verifier.cli.policy_options import HOME
from certledger.verifier.formats.canonical_json import format_time
from certledger.verifier.formats.policy_fingerprint import fingerprint_of
from certledger.verifier.policy_store import policy_files, read_chain
from tests.conformance.case import Scene
from tests.rotation import ONE, STRANGERS_TWO, TWO
from tests.world import NOW

NOWHERE = "http://127.0.0.1:9"
AT = ("--at", format_time(NOW))
ACCEPTED: dict[str, tuple[tuple[str, ...], int, str]] = {
    "ask": (("good.json", "--operator", "0x" + "1" * 40, "--server", NOWHERE, "--patience", "0"),
            3, "(server.silent)"),
    "audit": (("--rpc", NOWHERE), 3, "(block.node_unreachable)"),
    "decision replay": (("good.json", "--book", "good.json"), 2, "file.receipt is missing"),
    "join": (("--home", "joined", "--chain", NOWHERE), 3, "(chain.unreachable)"),
    "sample check": (("good.json",), 2, "not 'certledger/sample-file/1'"),
    "snapshot check": (("day", *AT), 0, ""),
    "snapshot export": (("day", "nobody"), 2, "the snapshot has no issuer nobody"),
    "snapshot fetch": (("new", "--from", NOWHERE, *AT), 3, "(snapshot.unreachable)"),
    "verify": (("good.json", *AT), 0, ""),
    "verify-receipt": (("good.json", "--evidence", "good.json", *AT), 2, "file.receipt is missing"),
    "witness": (("--home", "witness", "--name", "nobody", "--key", "key.pem", "--rpc", NOWHERE),
                2, "nobody is no witness of the policy"),
}  # fmt: skip
"""Of each command the arguments, and how it ends once its policy is accepted."""


def commands(group: click.Group = main, path: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command


def options(command: click.Command) -> dict[str, click.Parameter]:
    return {name: option for option in command.params for name in option.opts}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    room, scene = tmp_path_factory.mktemp("desk"), Scene()
    for name, signed in {"one": ONE, "two": TWO, "strangers": STRANGERS_TWO}.items():
        (room / f"{name}.json").write_bytes(signed.format())
    (room / "good.json").write_bytes(scene.file())
    (room / "day").write_bytes(scene.world.snapshot().format())
    save_pem_key(room / "key.pem", make_pem_key("ed25519"), "a passphrase")
    return room


@pytest.fixture(autouse=True)
def here(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk)
    monkeypatch.delenv("CERTLEDGER_POLICY", raising=False)
    monkeypatch.setenv("CERTLEDGER_PASSPHRASE", "a passphrase")


def run(name: str, *chain: str, home: Path | None = None, pin: str = "") -> Result:
    words = [*name.split(), *ACCEPTED[name][0]]
    words += [word for file in chain for word in ("--policy", f"{file}.json")]
    words += [] if home is None else [HOME, str(home)]
    return CliRunner().invoke(main, [*words, "--fingerprint", pin] if pin else words)


def refused(ran: Result, code: str) -> bool:
    return (ran.exit_code, ran.stdout) == (2, "") and f"({code})" in ran.stderr


def accepted(name: str, ran: Result) -> bool:
    _, status, sentence = ACCEPTED[name]
    return ran.exit_code == status and sentence in ran.stderr and "(policy." not in ran.stderr


def test_every_command_with_a_policy_is_in_the_table_and_has_the_same_options() -> None:
    taking = {name: options(command) for name, command in commands() if "--policy" in
              options(command)}  # fmt: skip
    assert set(taking) == set(ACCEPTED)
    for option in ("--policy", "--fingerprint", HOME):
        told = {(found[option].multiple, found[option].help) for found in taking.values()}
        assert len(told) == 1, option


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_chain_is_followed_and_kept(name: str, tmp_path: Path) -> None:
    home = tmp_path / "counter"
    assert refused(run(name), "policy.missing")
    assert refused(run(name, home=home), "policy.missing")
    first = run(name, "one", "two", home=home)
    assert accepted(name, first), first.output
    assert "First use of this trust policy" in first.stderr
    assert read_chain(policy_files(home)) == [ONE, TWO]
    assert accepted(name, run(name, home=home))
    assert refused(run(name, "one", home=home), "policy.older")


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_policy_that_does_not_follow_is_refused(name: str, tmp_path: Path) -> None:
    home = tmp_path / "counter"
    assert refused(run(name, "one", "strangers"), "policy.unsigned")
    assert accepted(name, run(name, "one", home=home))
    assert refused(run(name, "strangers", home=home), "policy.unsigned")
    assert read_chain(policy_files(home)) == [ONE]


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_fingerprint_pins_the_first_policy(name: str, tmp_path: Path) -> None:
    home = tmp_path / "counter"
    wrong = fingerprint_of(STRANGERS_TWO.policy).hex()
    for where in (None, home):
        assert refused(run(name, "one", pin=wrong, home=where), "policy.fingerprint")
        assert refused(run(name, "one", pin="lusab", home=where), "fingerprint.invalid")
    assert not policy_files(home)
    ran = run(name, "one", "two", pin=fingerprint_of(ONE.policy).hex(), home=home)
    assert accepted(name, ran), ran.output
    assert "First use" not in ran.stderr


def test_an_audit_of_a_home_takes_a_policy_in_the_same_way(tmp_path: Path) -> None:
    def audit(*words: str) -> Result:
        return CliRunner().invoke(main, ["audit", "--home", str(tmp_path / "none"), *words])

    chain = ("--policy", "one.json", "--policy")
    assert refused(audit(*chain, "strangers.json"), "policy.unsigned")
    assert refused(audit("--policy", "one.json", "--fingerprint", "0" * 64), "policy.fingerprint")
    assert refused(audit("--fingerprint", "0" * 64), "policy.missing")
    kept = audit(*chain, "two.json", HOME, str(tmp_path / "kept"))
    assert (kept.exit_code, "(policy." in kept.stderr) == (3, False)
    assert "the home's own policy is trusted" in audit().stderr
    assert "the home's own policy is trusted" not in audit(HOME, str(tmp_path / "kept")).stderr


def test_a_receipt_without_evidence_has_no_use_for_a_fingerprint() -> None:
    ran = CliRunner().invoke(main, ["verify-receipt", "good.json", "--fingerprint", "0" * 64])
    assert (ran.exit_code, "--evidence" in ran.stderr) == (2, True)


@pytest.mark.parametrize("name", sorted(ACCEPTED.keys() - {"snapshot export", "witness"}))
def test_refusals_are_one_json_document(name: str) -> None:
    words = [*name.split(), *ACCEPTED[name][0], "--policy", "one.json", "--json"]
    ran = CliRunner().invoke(main, [*words, "--fingerprint", "0" * 64])
    assert ran.exit_code == 2
    assert json.loads(ran.stdout)["error"]["code"] == "policy.fingerprint"
