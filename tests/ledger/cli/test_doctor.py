"""The doctor says what is well, what is missing or wrong, and what to do; it changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from certledger.ledger.cli.doctor import command
from certledger.ledger.foundation.home import RegionHome
from certledger.ledger.node import Ledger
from certledger.verifier.console import run
from tests.ledger.live import LiveIssuer, open_live


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_live(tmp_path / "home") as opened:
        issuer = LiveIssuer(opened)
        issuer.register()
        issuer.submit(2)
        opened.run_until_idle()
        yield opened


def ask(home: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, Any]:
    capsys.readouterr()
    status = run(command, ["--home", str(home), "--json"], "doctor")
    return status, json.loads(capsys.readouterr().out)


def test_a_home_in_use_is_well_until_records_are_missing(
    ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    status, found = ask(ledger.settings.home, capsys)
    assert (status, found["well"]) == (0, True), found
    assert {one["name"] for one in found["diagnoses"]} >= {"home", "operator", "database", "chain"}

    engine = create_engine(ledger.settings.database)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM batches"))
    engine.dispose()

    status, found = ask(ledger.settings.home, capsys)
    assert status == 3
    (missing,) = [one for one in found["diagnoses"] if not one["well"]]
    assert (missing["name"], missing["advice"]) == ("missing", "submit it again")


def test_a_folder_without_a_ledger_is_not_well(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, found = ask(tmp_path, capsys)
    assert status == 3
    assert "certledger found" in found["diagnoses"][0]["advice"]
    assert list(tmp_path.iterdir()) == []


def test_a_home_of_a_region_says_what_is_next_and_whose_keys_lie_open(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = RegionHome.create(tmp_path, 31, "shanghai", "its own", witness=None)
    status, found = ask(tmp_path, capsys)
    assert (status, [one["name"] for one in found["diagnoses"]]) == (
        3,
        ["part", "keys", "founding"],
    )
    assert "certledger found sign" in found["diagnoses"][-1]["advice"]

    home.registrar_file.chmod(0o644)
    status, found = ask(tmp_path, capsys)
    assert found["diagnoses"][1] == {
        "name": "keys",
        "well": False,
        "detail": "others may read registrar.json",
        "advice": "chmod 600",
    }
