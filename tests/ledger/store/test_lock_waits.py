"""Units that find others at work wait their turn, and give up in the end with a refusal."""

import threading

import pytest

from certledger.ledger.core.errors import StoreBusyError
from certledger.ledger.store import SqlStore, open_store
from tests.ledger.issuers import block


def test_a_unit_gives_up_when_another_process_holds_on_for_too_long(database_url: str) -> None:
    one, two = open_store(database_url), open_store(database_url, patience=0.05)
    with one.begin() as unit:
        unit.lock("body")
        unit.add_block(block(1))
        with pytest.raises(StoreBusyError):
            write(two)
    write(two)
    one.close()
    two.close()


def test_a_unit_gives_up_when_another_thread_holds_on_for_too_long(database_url: str) -> None:
    store = open_store(database_url, patience=0.05)
    refused: list[StoreBusyError] = []

    def try_to_write() -> None:
        try:
            write(store)
        except StoreBusyError as error:
            refused.append(error)

    with store.begin() as unit:
        unit.lock("body")
        thread = threading.Thread(target=try_to_write)
        thread.start()
        thread.join()
    assert [error.code for error in refused] == ["store.busy"]
    write(store)
    store.close()


def test_many_writers_take_turns(store: SqlStore) -> None:
    def write_many(first: int) -> None:
        for number in range(first, first + 5):
            with store.begin() as unit:
                unit.lock("blocks")
                unit.add_block(block(number))

    threads = [threading.Thread(target=write_many, args=(5 * n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.begin(write=False) as unit:
        assert [unit.block(number) for number in range(40)] == [block(n) for n in range(40)]


def write(store: SqlStore) -> None:
    with store.begin() as unit:
        unit.lock("body")
        unit.add_block(block(2))
