"""A database is one ledger's, and the keys in it are hashed under one pepper."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from certledger.api.auth.api_keys import KeyRing
from certledger.api.errors import CredentialsInvalidError
from certledger.ledger.core.service_values import Hook, Role
from certledger.ledger.node import Ledger, open_ledger
from certledger.ledger.settings import load_settings
from certledger.ledger.store import SqlStore, check_unnamed, open_store
from certledger.ledger.store.engine import make_engine, switch_to_wal
from certledger.ledger.store.identity import DatabaseLedgerError
from certledger.ledger.store.pepper import (
    PEPPER,
    PepperAbsentError,
    PepperDiffersError,
    PepperPresentError,
    load_pepper,
    renew_pepper,
)
from certledger.verifier.cli.main import main
from tests.ledger.issuers import IDENTITY, Office
from tests.ledger.live import LiveIssuer, open_live
from tests.ledger.store.test_contract import keep

OTHER = bytes(reversed(IDENTITY))


def dump(url: str) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of a database."""
    engine = make_engine(url)
    with engine.connect() as connection:
        names = (
            "SELECT name FROM sqlite_master WHERE type = 'table'"
            if engine.dialect.name == "sqlite"
            else "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        )
        found = {
            name: sorted(map(tuple, connection.execute(text(f"SELECT * FROM {name}"))), key=repr)
            for name in connection.execute(text(names)).scalars()
        }
    engine.dispose()
    return found


def test_the_database_of_another_ledger_is_refused_and_left_as_it_is(database_url: str) -> None:
    open_store(database_url, ledger=IDENTITY).close()
    before = dump(database_url)

    with pytest.raises(DatabaseLedgerError):
        open_store(database_url, ledger=OTHER)
    with pytest.raises(DatabaseLedgerError):
        check_unnamed(database_url)

    assert dump(database_url) == before
    open_store(database_url, ledger=IDENTITY).close()


def test_of_two_ledgers_that_open_an_empty_database_at_once_one_is_refused(
    database_url: str,
) -> None:
    refused: list[Exception] = []

    def reach(ledger: bytes) -> None:
        try:
            open_store(database_url, ledger=ledger).close()
        except Exception as error:
            refused.append(error)

    threads = [threading.Thread(target=reach, args=(one,)) for one in (IDENTITY, OTHER)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [type(error) for error in refused] == [DatabaseLedgerError]


def test_a_new_database_that_is_locked_while_it_is_switched_to_a_log_is_waited_for(
    tmp_path: Path,
) -> None:
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    tries: list[str] = []

    class Counting(sqlite3.Connection):
        def execute(self, statement: str, parameters: Any = ()) -> sqlite3.Cursor:
            tries.append(statement)
            if len(tries) == 3:
                other.execute("COMMIT")
            return super().execute(statement, parameters)

    ours = sqlite3.connect(tmp_path / "ledger.db", timeout=0, factory=Counting)
    switch_to_wal(ours, patience=30)

    assert len(tries) == 3
    assert ours.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    ours.close()
    other.close()


@pytest.mark.parametrize(("ledger", "taken"), [(IDENTITY, True), (OTHER, False)])
def test_a_database_without_a_name_shows_by_its_acts_whose_it_is(
    database_url: str, ledger: bytes, taken: bool
) -> None:
    store, office = open_store(database_url), Office()
    with store.begin() as unit:
        keep(unit, office, office.records(2))
    store.close()
    if taken:
        open_store(database_url, ledger=ledger).close()
    else:
        with pytest.raises(DatabaseLedgerError):
            open_store(database_url, ledger=ledger)


def test_a_home_with_the_database_of_another_changes_nothing_there(tmp_path: Path) -> None:
    with open_live(tmp_path / "one") as ledger:
        issuer = LiveIssuer(ledger)
        issuer.register()
        issuer.submit(2)
        ledger.run_until_idle()
        database = ledger.settings.database
    before = dump(database)
    open_live(tmp_path / "two").close()

    for name in ("two", "new"):
        settings = load_settings(home=tmp_path / name, database_url=database)
        with pytest.raises(DatabaseLedgerError):
            open_ledger(settings, registrars=[(31, bytes(20))])

    assert not (tmp_path / "new").exists(), "nothing was deployed for it"
    assert dump(database) == before


def test_a_home_without_the_pepper_of_its_database_is_refused(
    store: SqlStore, tmp_path: Path
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    pepper = load_pepper(one, store)
    assert load_pepper(one, store) == pepper

    with pytest.raises(PepperAbsentError):
        load_pepper(two, store)
    assert not (two / PEPPER).exists()

    (two / "keys").mkdir(parents=True)
    (two / PEPPER).write_text(bytes(32).hex())
    with pytest.raises(PepperDiffersError):
        load_pepper(two, store)
    (two / PEPPER).write_bytes((one / PEPPER).read_bytes())
    assert load_pepper(two, store) == pepper


def test_a_lost_pepper_is_drawn_anew_and_every_key_ends(store: SqlStore, tmp_path: Path) -> None:
    lost = load_pepper(tmp_path, store)
    ring = KeyRing(store=store, pepper=lost, clock=time.time)
    _, text = ring.create(name="desk", role=Role.COUNTER, counter="desk-7")
    with store.begin() as unit:
        kinds = frozenset({"certificate.status"})
        unit.add_hook(Hook(id="hook_1", caller="desk", url="https://desk", kinds=kinds, created=1))
    with pytest.raises(PepperPresentError):
        renew_pepper(tmp_path, store, now=2)
    (tmp_path / PEPPER).unlink()
    with pytest.raises(PepperAbsentError, match="apikey reset"):
        load_pepper(tmp_path, store)

    assert renew_pepper(tmp_path, store, now=2) == (1, 1)

    drawn = load_pepper(tmp_path, store)
    assert drawn != lost
    with store.begin(write=False) as unit:
        assert [key.revoked for key in unit.api_keys()] == [2]
        assert unit.hooks_of("desk") == []
    for pepper in (lost, drawn):
        with pytest.raises(CredentialsInvalidError):
            KeyRing(store=store, pepper=pepper, clock=time.time).authenticate(text)


def test_the_command_draws_another_pepper_only_where_the_home_has_none(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with open_live(home) as ledger:
        load_pepper(home, ledger.store)

    there = CliRunner().invoke(main, ["apikey", "reset", "--home", str(home)])
    assert (there.exit_code, "(service.pepper_present)" in there.stderr) == (3, True)
    (home / PEPPER).unlink()
    lost = CliRunner().invoke(main, ["apikey", "list", "--home", str(home)])
    assert (lost.exit_code, "(service.pepper_absent)" in lost.stderr) == (3, True)

    done = CliRunner().invoke(main, ["apikey", "reset", "--home", str(home), "--json"])

    assert (done.exit_code, json.loads(done.stdout)) == (0, {"hooks": 0, "keys": 0})
    assert CliRunner().invoke(main, ["apikey", "list", "--home", str(home)]).exit_code == 0


def test_whoever_succeeds_in_a_home_takes_the_lease_at_once_and_its_copy_is_fenced_out(
    tmp_path: Path,
) -> None:
    with open_live(tmp_path / "home") as ledger:
        assert ledger.anchorer.advance()
        first = ledger.anchorer.holder
        again = Ledger.__dataclass_fields__  # The same home opened once more, as after a kill.
        later = Ledger(**{name: getattr(ledger, name) for name in again if name[0] != "_"})
        assert later.anchorer.holder != first
        assert later.anchorer.advance()
        assert not ledger.anchorer.advance()
