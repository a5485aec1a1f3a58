"""What the engines say of themselves becomes a refusal that says to try again, never a crash."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from certledger.ledger.core.errors import (
    StoreBusyError,
    StoreDamagedError,
    StoreFullError,
    StoreUnavailableError,
    TextUnusableError,
)
from certledger.ledger.core.leases import lease_holder
from certledger.ledger.outbox.worker import Pace
from certledger.ledger.store import SqlStore, open_store
from certledger.ledger.store.engine import IDLE_SECONDS, make_engine
from tests.ledger.issuers import block

CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND {}"
OURS = "datname = current_database()"


def cut_all(url: str) -> None:
    engine = make_engine(url)
    with engine.connect() as connection:
        connection.execute(text(CUT.format(OURS)))
    engine.dispose()


def test_a_connection_that_is_cut_inside_a_unit_is_a_refusal(postgresql: str) -> None:
    store = open_store(postgresql)
    for goes_on in (True, False):
        with pytest.raises(StoreUnavailableError):
            cut_inside(store, postgresql, goes_on=goes_on)
    with store.begin(write=False) as unit:
        assert unit.head() is None
    store.close()


def cut_inside(store: SqlStore, url: str, *, goes_on: bool) -> None:
    """Write in a unit whose connection is cut, before more is written or before it commits."""
    with store.begin() as unit:
        unit.add_block(block(1))
        cut_all(url)
        if goes_on:
            unit.add_block(block(2))


def test_units_under_connections_that_are_cut_again_and_again_are_whole_or_refused(
    postgresql: str,
) -> None:
    store = open_store(postgresql)
    end, others = threading.Event(), list[BaseException]()
    done, refused = set[int](), set[int]()

    def write(first: int) -> None:
        for number in range(first, first + 60):
            try:
                with store.begin() as unit:
                    unit.add_block(block(number))
                done.add(number)
            except (StoreUnavailableError, StoreBusyError):
                refused.add(number)
            except BaseException as error:
                others.append(error)

    def cut() -> None:
        while not end.wait(0.02):
            cut_all(postgresql)

    cutter = threading.Thread(target=cut)
    writers = [threading.Thread(target=write, args=(100 * n,)) for n in range(4)]
    for thread in (cutter, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    end.set()
    cutter.join()

    assert others == []
    assert len(done) + len(refused) == 240
    with store.begin(write=False) as unit:
        assert [number for number in done if unit.block(number) is None] == []
    store.close()


def test_a_database_that_is_not_there_is_a_refusal(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError):
        open_store("postgresql://nobody@127.0.0.1:9/nothing")
    (tmp_path / "folder.db").mkdir()
    with pytest.raises(StoreUnavailableError):
        open_store(f"sqlite:///{tmp_path}/folder.db")


def test_a_damaged_database_is_said_to_be(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    open_store(f"sqlite:///{path}").close()
    path.write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 64)
    with pytest.raises(StoreDamagedError):
        open_store(f"sqlite:///{path}")


def fill(store: SqlStore) -> None:
    """Write until the file may not grow any more, as on a disk that is full."""
    with store.begin() as unit:
        pages = unit.connection.execute(text("PRAGMA page_count")).scalar_one()
        unit.connection.execute(text(f"PRAGMA max_page_count = {pages}"))
        for number in range(2_000):
            unit.add_block(block(number))


def test_a_full_disk_is_a_refusal(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/ledger.db")
    with pytest.raises(StoreFullError):
        fill(store)
    with store.begin(write=False) as unit:
        assert unit.head() is None
    store.close()


def test_a_nul_is_refused_wherever_it_would_be_kept_or_asked_for(postgresql: str) -> None:
    store = open_store(postgresql)
    with pytest.raises(TextUnusableError), store.begin() as unit:
        unit.add_name("a name with \0 in it")
    with pytest.raises(TextUnusableError), store.begin(write=False) as unit:
        unit.issuer("1131\0")
    store.close()


STOPPED = """
import sys, time
from certledger.ledger.store.engine import SqlStore, make_engine
store = SqlStore(make_engine(sys.argv[1]), idle_seconds=1)
with store.begin() as unit:
    unit.lock("an issuer")
    unit.acquire("anchoring", "stopped", seconds=30)
    print("inside", flush=True)
    time.sleep(600)
"""


def test_a_process_that_is_stopped_inside_a_unit_lets_go_of_its_locks(postgresql: str) -> None:
    open_store(postgresql).close()
    store = SqlStore(make_engine(postgresql), idle_seconds=1)
    with subprocess.Popen(
        [sys.executable, "-c", STOPPED, postgresql], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "inside\n"
            os.kill(process.pid, signal.SIGSTOP)
            with store.begin() as unit:  # Waits for the locks, which the server takes back.
                unit.lock("an issuer")
                assert unit.acquire("anchoring", "another", seconds=30) is not None
        finally:
            process.kill()
    store.close()


def test_what_a_unit_may_idle_is_less_than_the_shortest_lease() -> None:
    assert Pace().lease_seconds > IDLE_SECONDS


def test_holders_on_two_machines_of_one_name_and_process_number_differ() -> None:
    assert lease_holder() != lease_holder()


def test_a_lease_ends_by_the_time_of_the_database(store: SqlStore) -> None:
    """Whatever a machine's clock says: nobody hands any time in."""
    with store.begin() as unit:
        assert unit.acquire("anchoring", "one", seconds=0) is not None
    with contextlib.closing(store), store.begin() as unit:
        unit.connection.execute(text("UPDATE leases SET until = until - 1"))
        assert unit.acquire("anchoring", "two", seconds=30) is not None
        assert unit.acquire("anchoring", "one", seconds=30) is None
