"""A counter asks, and a caller sees to its hooks, on the command line, over real HTTP."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import orjson
import pytest

from certledger.ledger.core.service_values import Delivery, DeliveryState, Role
from certledger.ledger.node import POLICY
from certledger.verifier.formats.short_link import ShortLink
from tests.api.world import Running, World
from tests.fork_server import certledger


def run(*arguments: object, **environment: str) -> CompletedProcess[str]:
    """Run a command in a process of its own: the service that it asks runs, and logs, in this."""
    return subprocess.run(
        [certledger(), *map(str, arguments)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )


def call(running: Running, role: Role | None, *arguments: object) -> CompletedProcess[str]:
    """Run a command that asks the running service with the key of a role."""
    token = "" if role is None else running.world.keys[role]
    whom = ("--server", running.url, "--patience", "30")
    return run(*arguments, *whom, CERTLEDGER_TOKEN=token)


def told(result: CompletedProcess[str]) -> Any:
    assert result.returncode == 0, result.stderr
    return orjson.loads(result.stdout)


@pytest.fixture
def files(world: World, tmp_path: Path) -> list[Path]:
    """Return evidence of a certificate that is in force, and of one that is revoked."""
    made = [tmp_path / "good.json", tmp_path / "revoked.json"]
    for place, file in enumerate(made):
        file.write_bytes(world.evidence(place).format())
    return made


def test_a_counter_asks_and_keeps_what_it_was_told(
    world: World, running: Running, files: list[Path], tmp_path: Path
) -> None:
    operator = f"0x{world.ledger.operator.address.hex()}"
    trust = ["--policy", world.ledger.settings.home / POLICY, "--operator", operator]
    kept = tmp_path / "answer.json"
    good = call(running, Role.COUNTER, "ask", files[0], *trust, "--out", kept, "--language", "en")
    assert good.returncode == 0, good.stderr
    assert "Genuine and in force" in good.stdout
    checked = run("verify-receipt", kept, "--operator", operator)
    assert checked.returncode == 0, checked.stderr
    both = call(running, None, "ask", *files, *trust, "--json")
    assert both.returncode == 1
    verdicts = [one["result"]["verdict"] for one in orjson.loads(both.stdout)["results"]]
    assert verdicts == ["valid", "not_in_force"]

    code = world.issuer.sealed[0].sealed.codes[0].decode()
    link = ShortLink(number=world.issuer.sealed[0].issues[0].number, code=code)
    (tmp_path / "link.txt").write_text(link.format("https://elsewhere.example"), encoding="utf-8")
    looked_up = call(running, None, "ask", tmp_path / "link.txt", *trust, "--json")
    # The record is found and in force; whether the paper says what it says, nobody has compared.
    assert looked_up.returncode == 3, looked_up.stderr
    (answer,) = orjson.loads(looked_up.stdout)["results"]
    failed = [one["code"] for one in answer["result"]["checks"] if one["outcome"] != "pass"]
    assert failed == ["content.nothing_compared"]
    assert code not in looked_up.stdout
    (tmp_path / "link.txt").write_text(f"https://elsewhere.example/v#{code}", encoding="utf-8")
    without = call(running, None, "ask", tmp_path / "link.txt", *trust)
    assert (without.returncode, "has no number" in without.stderr) == (3, True)

    another = call(running, None, "ask", files[0], *trust[:2], "--operator", "0x" + "1" * 40)
    assert (another.returncode, "server.false" in another.stderr) == (3, True)
    files[0].write_bytes(b"{")
    assert call(running, None, "ask", files[0], *trust).returncode == 3


def test_hooks_are_added_listed_replayed_and_removed(world: World, running: Running) -> None:
    world.service.options = type(world.service.options)(private_targets=True, lookup_floor=0.0)
    try:
        made = told(
            call(
                running, Role.ISSUER, "hooks", "add", "http://127.0.0.1:9/", "--kind",
                "batch.final", "--json",
            )
        )  # fmt: skip
    finally:
        world.service.options = type(world.service.options)(lookup_floor=0.0)
    hook = made["id"]
    assert made["secret"].startswith("whsec_")
    assert hook in call(running, Role.ISSUER, "hooks", "list").stdout

    party = f"body:{world.issuer.issuer}"
    with world.ledger.store.begin() as unit:
        unit.add_event(party, "batch.final", "test/1", b"{}", int(world.service.clock()))
        number = unit.events_of(party, after=0, limit=10_000)[-1].number
        unit.set_delivery(
            Delivery(
                event=number, hook=hook, state=DeliveryState.FAILED, tries=9, due=0, fault="away"
            )
        )
    assert "away" in call(running, Role.ISSUER, "hooks", "failed").stdout
    assert len(told(call(running, Role.ISSUER, "hooks", "failed", "--replay", "--json"))) == 1
    assert "none" in call(running, Role.ISSUER, "hooks", "failed").stdout
    feed = call(running, Role.ISSUER, "hooks", "events", "--after", number - 1, "--json")
    assert told(feed)["next"] == number
    assert call(running, Role.ISSUER, "hooks", "remove", hook).returncode == 0
    refused = call(running, Role.COUNTER, "hooks", "remove", hook)
    assert (refused.returncode, "resource.unknown" in refused.stderr) == (3, True)
