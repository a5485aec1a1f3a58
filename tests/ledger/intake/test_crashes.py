"""Whatever dies at whatever instant: a batch is stored whole or not at all, and can come again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from certledger.ledger.intake.acts import submit_act
from certledger.ledger.intake.batches import submit_batch
from certledger.ledger.intake.pending_state import head
from certledger.ledger.store import SqlStore, open_store
from certledger.ledger.store.engine import make_engine
from certledger.verifier.formats.catalog import Catalog
from tests.ledger.intake.test_acts import catalog_change
from tests.ledger.intake.test_batches import rows
from tests.ledger.issuers import (
    Office,
    act_file,
    desk,
    entry,
    found,
    leaf_of,
    person,
    with_entries,
)

STEPS = ["lock", "act", "issuer", "editions", "add_records", "add_act", "backlog"]


class Crash(BaseException):
    """The process dies here; nothing may catch it on the way."""


class FaultyUnit:
    """A unit that dies at one step, before or after it was done."""

    def __init__(self, unit: Any, step: str, applied: bool, die: Callable[[], None]) -> None:
        self._unit, self._step, self._applied, self._die = unit, step, applied, die

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._unit, name)
        if name != self._step:
            return method

        def die_here(*args: Any, **kwargs: Any) -> Any:
            if self._applied:
                method(*args, **kwargs)
            self._die()

        return die_here


class FaultyStore:
    """A store whose writing units die at one step."""

    def __init__(self, store: SqlStore, step: str, applied: bool, die: Callable[[], None]) -> None:
        self._store, self._step, self._applied, self._die = store, step, applied, die

    @contextmanager
    def begin(self, *, write: bool = True) -> Iterator[Any]:
        with self._store.begin(write=write) as unit:
            yield FaultyUnit(unit, self._step, self._applied, self._die) if write else unit

    def close(self) -> None:
        self._store.close()


def crash() -> None:
    raise Crash


@pytest.mark.parametrize("applied", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_a_crash_at_any_step_leaves_nothing_half_stored(
    step: str, applied: bool, store: SqlStore
) -> None:
    office = Office()
    records = office.records(3)
    found(store, office.state())
    data = office.seal(records)
    before = rows(store)

    with pytest.raises(Crash):
        submit_batch(desk(FaultyStore(store, step, applied, crash)), data)
    assert rows(store) == before

    receipt = submit_batch(desk(store), data)
    assert submit_batch(desk(store), data) == receipt
    assert head(store, office.issuer).batches == 1
    with store.begin(write=False) as unit:
        assert unit.place_of_leaf(leaf_of(records[2])) is not None


@pytest.mark.parametrize("step", ["add_catalog", "add_act"])
def test_a_crash_while_a_catalog_is_taken_in_leaves_nothing(step: str, store: SqlStore) -> None:
    office = Office()
    found(store, office.state())
    entries = [entry(), entry("SH-SHIP")]
    root = Catalog.of(entries).root()
    said = catalog_change(office, root)
    data = with_entries(
        act_file(said, office.key, person("registrar 31")),
        sorted(entries, key=lambda one: one.order),
    )
    before = rows(store)
    with pytest.raises(Crash):
        submit_act(desk(FaultyStore(store, step, True, crash)), data)
    assert rows(store) == before
    assert submit_act(desk(store), data)


@pytest.mark.parametrize("step", ["add_records", "add_act"])
def test_a_process_that_is_killed_leaves_a_database_that_goes_on(step: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    office = Office()
    first, second = office.seal(3), office.seal(2)
    store = open_store(url)
    found(store, Office().state())
    store.close()

    child = os.fork()
    if not child:  # No connection crosses the fork: the child opens its own.
        inside = open_store(url)
        submit_batch(desk(inside), first)
        submit_batch(desk(FaultyStore(inside, step, True, lambda: os._exit(7))), second)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7

    again = SqlStore(make_engine(url))
    assert head(again, office.issuer).batches == 1, "what was answered is there, the rest is not"
    assert submit_batch(desk(again), second)
    assert head(again, office.issuer).batches == 2
    again.close()
