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
from certledger.ledger.issuer.catalogs import catalog_of
from certledger.ledger.issuer.folder import IssuerFolder, Profile
from certledger.ledger.node import Ledger
from certledger.ledger.reference_data import load_domain
from certledger.ledger.settings import save_settings
from certledger.verifier.console import run
from certledger.verifier.vocabulary import IssuerKind
from tests.ledger.foundation.parties import founded
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


def test_a_founded_home_that_was_not_served_yet_says_what_is_next(
    ledger: Ledger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its files are those of a deployment alone; the database comes with the first `serve`."""
    home = tmp_path / "founded"
    (home / "keys").mkdir(parents=True)
    for name in ("deployment.json", "keys/operator.json"):
        (home / name).write_bytes((ledger.settings.home / name).read_bytes())
    (home / "founding.json").write_bytes(founded().format())
    save_settings(home, chain_url=ledger.embedded.url if ledger.embedded else None)

    status, found = ask(home, capsys)
    unwell = {one["name"]: one["advice"] for one in found["diagnoses"] if not one["well"]}
    assert (status, sorted(unwell)) == (3, ["database", "policy"])
    assert "certledger serve" in unwell["database"]
    assert "certledger found policy" in unwell["policy"]

    # Once it was served, a database that is not there is lost.
    (home / "keys" / "api.pepper").write_bytes(bytes(32))
    _, found = ask(home, capsys)
    assert any("certledger rebuild" in one.get("advice", "") for one in found["diagnoses"])


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


@pytest.fixture
def folder(tmp_path: Path) -> IssuerFolder:
    profile = Profile(
        issuer="51310000XX00005530",
        kind=IssuerKind.ASSOCIATION,
        name="上海市示例餐饮行业协会",
        ledger=bytes(32),
    )
    return IssuerFolder.create(tmp_path / "body", profile, "its own", work=16)


def test_an_issuers_folder_says_what_stands_and_what_is_next(
    folder: IssuerFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    status, found = ask(folder.folder, capsys)
    (missing,) = [one for one in found["diagnoses"] if not one["well"]]
    assert (status, missing["name"], missing["advice"]) == (3, "catalog", "certledger catalog make")

    folder.save_catalog(catalog_of(load_domain(), ["AS-MEMBER"]))
    status, found = ask(folder.folder, capsys)
    assert (status, found["well"]) == (0, True), found
    assert [one["name"] for one in found["diagnoses"]] == ["issuer", "key", "keys", "catalog"]
    assert "上海市示例餐饮行业协会" in found["diagnoses"][0]["detail"]


@pytest.mark.parametrize("harm", ["open", "secret", "profile"])
def test_an_issuers_folder_that_is_damaged_says_what_to_do(
    folder: IssuerFolder, harm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.save_catalog(catalog_of(load_domain(), ["AS-MEMBER"]))
    files = {path.suffix: path for path in folder.folder.iterdir()}
    if harm == "open":
        folder.keystore.chmod(0o644)
    elif harm == "secret":
        files[".secret"].unlink()
    else:
        (folder.folder / "body.json").write_text("{")

    status, found = ask(folder.folder, capsys)
    (wrong,) = [one for one in found["diagnoses"] if not one["well"]]
    assert (status, wrong["advice"]) == (3, "chmod 600" if harm == "open" else "restore a backup")
