"""Files of a home that hold secrets are their owner's alone, whatever the umask."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from certledger.ledger.store import open_store
from certledger.verifier.cli.main import main
from certledger.verifier.files import write_atomically


@pytest.fixture(autouse=True)
def _open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_database_is_its_owners_alone(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'ledger.db'}")
    store.close()
    assert {mode(file) for file in tmp_path.glob("ledger.db*")} == {0o600}


def test_private_files_are_written_private(tmp_path: Path) -> None:
    write_atomically(tmp_path / "salts.json", b"{}", private=True)
    assert mode(tmp_path / "salts.json") == 0o600


def test_no_command_writes_what_others_may_change(tmp_path: Path) -> None:
    CliRunner().invoke(main, ["--version"])
    (tmp_path / "shown.json").write_text("{}")
    assert mode(tmp_path / "shown.json") == 0o644
