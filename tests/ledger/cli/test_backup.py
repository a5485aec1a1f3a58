"""A backup taken while a home is in use becomes a home that goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from certledger.ledger.cli.backup import (
    BackupUnusableError,
    DatabaseElsewhereError,
    back_up,
    restore,
)
from tests.ledger.live import LiveIssuer, open_live


def test_a_home_in_use_is_copied_and_goes_on_elsewhere(tmp_path: Path) -> None:
    file = tmp_path / "copy.tar.gz"
    with open_live(tmp_path / "home") as ledger:
        issuer = LiveIssuer(ledger)
        issuer.register()
        issuer.submit(2)
        ledger.run_until_idle()
        assert back_up(tmp_path / "home", file) > 4
        identity = ledger.pin.identity

    assert file.stat().st_mode & 0o777 == 0o600
    restore(file, tmp_path / "new")
    with open_live(tmp_path / "new") as ledger:
        ledger.run_until_idle()
        assert ledger.pin.identity == identity
        with ledger.store.begin(write=False) as unit:
            assert [one.state.certificates for one in unit.issuers()] == [2]


def test_a_backup_is_a_new_file_outside_and_restored_to_a_new_folder(tmp_path: Path) -> None:
    with open_live(tmp_path / "home"):
        pass
    with pytest.raises(BackupUnusableError):
        back_up(tmp_path / "home", tmp_path / "home" / "copy")
    back_up(tmp_path / "home", tmp_path / "copy")
    with pytest.raises(BackupUnusableError):
        back_up(tmp_path / "home", tmp_path / "copy")
    with pytest.raises(BackupUnusableError):
        restore(tmp_path / "copy", tmp_path / "home")
    whole = (tmp_path / "copy").read_bytes()
    (tmp_path / "short").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BackupUnusableError):
        restore(tmp_path / "short", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_database_on_a_server_is_not_copied_by_halves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CERTLEDGER_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/ledger")
    with pytest.raises(DatabaseElsewhereError, match="pg_dump"):
        back_up(tmp_path, tmp_path.parent / "copy")
