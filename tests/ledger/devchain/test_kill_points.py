"""A process killed between any two writes of a block leaves a disk that opens to a whole block."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

from certledger.ledger.devchain.chain import DurableChain, open_chain
from certledger.ledger.devchain.db import SqliteDB, connect_writer
from tests.ledger.devchain.conftest import CHAIN_ID
from tests.ledger.devchain.test_durable import GENESIS, mine_one, seen


class PhotographedDB(SqliteDB):
    """Copies the files as they lie on the disk, before every write and after the last.

    What a killed process had written is in the files, and what it had not is lost: nobody rolls
    back for it.  That is what the next process finds.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, album: Path) -> None:
        super().__init__(connection)
        self.path, self.album, self.pages = path, album, 0

    def execute(self, statement: str, values: Any = ()) -> sqlite3.Cursor:
        if not statement.startswith("SELECT"):
            self.photograph()
        return super().execute(statement, values)

    def photograph(self) -> None:
        copy = self.album / str(self.pages)
        copy.mkdir(parents=True)
        for file in (self.path, self.path.with_name(self.path.name + "-wal")):
            if file.exists():
                shutil.copy(file, copy / file.name)
        self.pages += 1


def test_the_disk_holds_whole_blocks_at_every_write(tmp_path: Path) -> None:
    path, album = tmp_path / "chain.sqlite", tmp_path / "album"
    begun = SqliteDB(connect_writer(path))
    mine_one(open_chain(begun, GENESIS), 0)
    begun.close()
    connection = connect_writer(path)
    # A tiny cache makes SQLite spill unfinished pages into the log, as a large block would.
    connection.execute("PRAGMA cache_size = 1")
    db = PhotographedDB(connection, path, album)

    mine_one(DurableChain(db, CHAIN_ID), 1)
    db.photograph()

    found = [seen(album / str(page) / path.name) for page in range(db.pages)]
    db.close()
    assert db.pages > 8
    assert found[:-1] == [(1, 1, 1)] * (db.pages - 1)
    assert found[-1] == (2, 2, 2), "a block that is reported is on the disk"


def test_a_home_killed_while_its_chain_began_begins_again(tmp_path: Path) -> None:
    path, album = tmp_path / "chain.sqlite", tmp_path / "album"
    db = PhotographedDB(connect_writer(path), path, album)
    genesis = open_chain(db, GENESIS).get_canonical_head().hash

    for page in range(db.pages):
        again = SqliteDB(connect_writer(album / str(page) / path.name))
        assert open_chain(again, GENESIS).get_canonical_head().hash == genesis
        again.close()
    db.close()


def test_two_hundred_blocks_are_all_there_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "chain.sqlite"
    db = SqliteDB(connect_writer(path))
    open_chain(db, GENESIS)
    for nonce in range(200):
        mine_one(DurableChain(db, CHAIN_ID), nonce)
    db.close()

    assert seen(path) == (200, 200, 200)
