"""The mirror is made again from the chain alone, and proved before it is used."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine, text

from certledger.ledger.core.acts import ActState
from certledger.ledger.node import Ledger
from certledger.ledger.publish.evidence import EvidencePendingError
from certledger.ledger.repair.rebuild import rebuild
from certledger.verifier.cli.main import main
from certledger.verifier.vocabulary import Status
from tests.effort import effort
from tests.ledger.conftest import ENGINES
from tests.ledger.live import LiveIssuer, open_live

on_each_engine = pytest.mark.parametrize("database_url", ENGINES, indirect=True)
on_sqlite = pytest.mark.parametrize("database_url", effort(ENGINES[:1], ENGINES), indirect=True)
"""On PostgreSQL too in the long form."""


@pytest.fixture
def ledger(database_url: str, tmp_path: Path) -> Iterator[Ledger]:
    with open_live(tmp_path / "home", database_url=database_url) as opened:
        yield opened


@pytest.fixture
def issuer(ledger: Ledger) -> LiveIssuer:
    made = LiveIssuer(ledger)
    made.register()
    for count in (3, 4):
        made.submit(count)
    ledger.run_until_idle()
    made.change([1], Status.REVOKED, "R01")
    ledger.run_until_idle()
    return made


def everything(ledger: Ledger, issuer: LiveIssuer) -> list[object]:
    with ledger.store.begin(write=False) as unit:
        acts = [unit.act(batch.digest) for batch in issuer.sealed]
        assert all(act is not None and act.state is ActState.FINAL for act in acts)
        return [
            *acts,
            unit.head(),
            unit.issuers(),
            unit.words(issuer.issuer),
            unit.anchored_batches(issuer.issuer),
            unit.status_changes(issuer.issuer),
            unit.catalog_changes(issuer.issuer),
            unit.registrars(),
        ]


DAMAGE = [
    "DELETE FROM anchored",
    "UPDATE bodies SET state = '{}', held = NOT held",
    "UPDATE status_words SET word = :zero",
]


@on_sqlite
@pytest.mark.parametrize("damage", DAMAGE[:: effort(2, 1)])
def test_a_damaged_mirror_is_as_before_once_made_again(
    damage: str, ledger: Ledger, issuer: LiveIssuer
) -> None:
    before, evidence = everything(ledger, issuer), ledger.maker.at(issuer.issuer, 0)
    engine = create_engine(ledger.settings.database)
    with engine.begin() as connection:
        given = {"zero": bytes(32)} if ":zero" in damage else {}
        assert connection.execute(text(damage), given).rowcount
    engine.dispose()

    rebuilt = rebuild(ledger)

    assert (rebuilt.issuers, rebuilt.batches, rebuilt.certificates) == (1, 2, 7)
    assert rebuilt.checkpoint == rebuilt.block
    assert everything(ledger, issuer) == before
    assert ledger.maker.at(issuer.issuer, 0).issuer == evidence.issuer


@on_sqlite
def test_nothing_is_anchored_again_after_the_mirror_was_made_again(
    ledger: Ledger, issuer: LiveIssuer
) -> None:
    nonce = ledger.chain.next_nonce()

    rebuild(ledger)
    ledger.run_until_idle()

    assert ledger.chain.next_nonce() == nonce


@on_sqlite
def test_work_goes_on_after_the_mirror_was_made_again(ledger: Ledger, issuer: LiveIssuer) -> None:
    rebuild(ledger)

    issuer.submit(2)
    ledger.run_until_idle()

    assert ledger.maker.at(issuer.issuer, 8).record.index == 8


@on_sqlite
def test_an_issuer_without_a_name_has_no_evidence_until_it_is_handed_in(
    ledger: Ledger, issuer: LiveIssuer
) -> None:
    engine = create_engine(ledger.settings.database)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM names"))
        connection.execute(text("UPDATE bodies SET state = '{}'"))
    engine.dispose()

    missing = rebuild(ledger).missing
    assert [(one.kind, one.issuer) for one in missing] == [("name", issuer.issuer)]
    with pytest.raises(EvidencePendingError):
        ledger.maker.at(issuer.issuer, 0)

    with ledger.store.begin() as unit:
        unit.add_name(issuer.name)
    assert ledger.maker.at(issuer.issuer, 0).issuer.name == issuer.name


def test_the_command_tells_what_the_chain_could_not(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with open_live(home) as ledger:
        issuer = LiveIssuer(ledger)
        issuer.register()
        issuer.submit(2)
        ledger.run_until_idle()
        database = Path(ledger.settings.database.removeprefix("sqlite:///"))
    for file in database.parent.glob(database.name + "*"):
        file.unlink()

    done = CliRunner().invoke(main, ["rebuild", "--home", str(home), "--json"])

    assert done.exit_code == 3, done.output
    told = json.loads(done.stdout)
    assert (told["bodies"], told["batches"], told["certificates"]) == (1, 1, 2)
    kinds = [(one["kind"], one["issuer"]) for one in told["missing"]]
    assert kinds == [
        ("name", issuer.issuer),
        ("catalog", issuer.issuer),
        ("records", issuer.issuer),
    ]


@on_sqlite
def test_the_command_does_not_touch_a_home_that_is_in_use(ledger: Ledger) -> None:
    done = CliRunner().invoke(main, ["rebuild", "--home", str(ledger.settings.home)])

    assert done.exit_code == 3
    assert "(home_in_use)" in done.stderr


@on_sqlite
def test_an_edited_name_is_mended_or_reported_and_the_ledger_goes_on(
    ledger: Ledger, issuer: LiveIssuer
) -> None:
    engine = create_engine(ledger.settings.database)
    with engine.begin() as connection:
        connection.execute(text("UPDATE names SET name = 'somebody else'"))
    engine.dispose()

    rebuilt = rebuild(ledger)

    assert (rebuilt.missing, rebuilt.left) == ([], [])
    assert ledger.maker.at(issuer.issuer, 0).issuer.name == issuer.name


@on_each_engine
def test_lost_records_are_mended_from_batch_files(
    ledger: Ledger, issuer: LiveIssuer, tmp_path: Path
) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "batch.json").write_bytes(issuer.sealed[0].submission())
    engine = create_engine(ledger.settings.database)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM certificates"))
        connection.execute(text("DELETE FROM batches WHERE first = 0"))
    engine.dispose()

    rebuilt = rebuild(ledger, [tmp_path / "files"])

    assert (rebuilt.missing, rebuilt.left) == ([], [])
    assert ledger.maker.at(issuer.issuer, 0).record.index == 0


KILLED = """
import os, signal, sys
from pathlib import Path
from certledger.ledger.repair import rebuild as rebuild_module
from tests.ledger.live import open_live

def killed(*_):
    os.kill(os.getpid(), signal.SIGKILL)

with open_live(Path(sys.argv[1])) as opened:
    rebuild_module._audit = killed  # The new view is made by now, and not committed.
    rebuild_module.rebuild(opened)
"""


def test_a_rebuild_that_is_killed_leaves_the_old_database(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with open_live(home) as ledger:
        issuer = LiveIssuer(ledger)
        issuer.register()
        issuer.submit(2)
        ledger.run_until_idle()
        before = everything(ledger, issuer)

    done = subprocess.run([sys.executable, "-c", KILLED, str(home)], check=False)

    assert done.returncode == -signal.SIGKILL
    with open_live(home) as ledger:
        assert everything(ledger, issuer)[1:] == before[1:]
