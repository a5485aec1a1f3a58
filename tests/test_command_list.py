"""The list of commands, and the commands that this installation has."""

from __future__ import annotations

from importlib.metadata import entry_points

import click
import orjson
import pytest
from click.testing import CliRunner

from certledger.verifier.cli.main import GROUP, ROOM_COMMANDS, main

HAD = main.list_commands(click.Context(main))


def test_every_command_is_listed_with_what_it_does_and_nothing_else_is() -> None:
    others = {point.name for point in entry_points(group=GROUP)}

    assert set(ROOM_COMMANDS) == others
    assert set(HAD) == others | set(main.commands)


@pytest.mark.parametrize("name", sorted({*HAD, *ROOM_COMMANDS}))
def test_a_listed_command_can_be_run(name: str) -> None:
    ran = CliRunner().invoke(main, [name, "--help"])

    assert (ran.exit_code, ran.exception) == (0, None)
    assert f"main {name} " in ran.stdout


def test_settings_are_told_with_value_and_origin_and_without_secrets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CERTLEDGER_CHAIN_URL", "https://user:hunter2@node.example/key")
    monkeypatch.setenv("CERTLEDGER_OPERATOR_PASSPHRASE", "hunter2")
    ran = CliRunner().invoke(main, ["settings", "--json"])
    words = CliRunner().invoke(main, ["settings"])

    assert (ran.exit_code, words.exit_code) == (0, 0)
    rows = {row["name"]: row for row in orjson.loads(ran.stdout)["settings"]}
    assert rows["chain_url"]["value"] == "https://********@node.example/********"
    assert rows["chain_url"]["origin"] == "CERTLEDGER_CHAIN_URL"
    assert rows["port"] == {
        "name": "port",
        "meaning": "port of `serve`; 0 picks one",
        "value": "8080",
        "origin": "default",
    }
    assert "hunter2" not in ran.stdout + words.stdout
    assert "node.example" in words.stdout
