"""`certledger backup` and `certledger restore`: a home as one file, even while it is served."""

from __future__ import annotations

import os
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import click

from certledger.ledger.cli.console import Answer, answers, home_in_use_option
from certledger.ledger.settings import load_settings
from certledger.verifier.errors import CertledgerError, ExitStatus
from certledger.verifier.files import PRIVATE

_DATABASES = (".db", ".sqlite")
_LEFT_OUT = ("-wal", "-shm", "-journal", ".lock", ".partial")
"""Suffixes of files of a running process, which do not belong to a copied database."""


class DatabaseElsewhereError(CertledgerError):
    """The database is on a server, which has its own tools for backups."""

    code = "backup.database_elsewhere"
    exit_status = ExitStatus.UNUSABLE


class BackupUnusableError(CertledgerError):
    """A file is no backup of a home, or the target of a restore is not empty."""

    code = "backup.unusable"
    exit_status = ExitStatus.UNUSABLE


def back_up(home: Path, out: Path) -> int:
    """Write the home to a new archive and return the number of its files.

    The ledger's database is copied before the chain's: the follower catches up with a newer chain,
    but would have to roll back on an older one.

    Raises:
        BackupUnusableError: `out` exists, or lies inside the home.
        DatabaseElsewhereError: the database is on a server.
    """
    if not load_settings(home=home).database.startswith("sqlite"):
        raise DatabaseElsewhereError(
            "copy the database with pg_dump, and the home's folder as well"
        )
    if out.exists() or home.resolve() in out.resolve().parents:
        raise BackupUnusableError(f"{out} exists, or lies in the home: name a new file elsewhere")
    partial = out.with_name(f".{out.name}.partial")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE)
    with os.fdopen(handle, "wb") as file, tempfile.TemporaryDirectory(dir=out.parent) as scratch:
        count = 0
        with tarfile.open(fileobj=file, mode="w:gz") as archive:
            for path in _files(home):
                source = _copy(path, Path(scratch)) if path.suffix in _DATABASES else path
                archive.add(source, arcname=str(path.relative_to(home)), recursive=False)
                count += 1
        file.flush()
        os.fsync(file.fileno())
    partial.replace(out)
    return count


def _files(home: Path) -> Iterator[Path]:
    """Yield the files of a home, databases first and the chain's last of these."""
    found = [
        path
        for path in sorted(home.rglob("*"))
        if path.is_file() and not path.is_symlink() and not path.name.endswith(_LEFT_OUT)
    ]
    yield from sorted(
        found, key=lambda path: (path.suffix not in _DATABASES, "chain" in path.parts)
    )


def _copy(database: Path, scratch: Path) -> Path:
    """Copy an SQLite file consistently while other processes write to it."""
    copy = scratch / "copy"
    copy.unlink(missing_ok=True)
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    copy.chmod(database.stat().st_mode & 0o777)
    return copy


def restore(archive: Path, home: Path) -> int:
    """Restore a backup to a new home and return the number of its files.

    Raises:
        BackupUnusableError: `archive` is no backup, or `home` is not empty.
    """
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise BackupUnusableError(f"{home} is not empty: a backup is restored to a new folder")
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent) as scratch:
        try:
            with tarfile.open(archive, mode="r:gz") as opened:
                opened.extractall(scratch, filter="data")
        except (tarfile.TarError, EOFError, ValueError) as error:
            raise BackupUnusableError(
                f"{archive} is no backup of a home, or is cut short"
            ) from error
        if not (Path(scratch) / "deployment.json").is_file():
            raise BackupUnusableError(f"{archive} holds no home of a ledger")
        count = sum(path.is_file() for path in Path(scratch).rglob("*"))
        whole = Path(scratch) / "whole"
        whole.mkdir(mode=0o700)
        for path in list(Path(scratch).iterdir()):
            if path != whole:
                path.rename(whole / path.name)
        whole.rename(home)
    return count


@click.command("backup")
@home_in_use_option
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@answers
def backup_command(home: Path, out: Path) -> Answer:
    """Write the whole home to the new file OUT, also while it is served.

    OUT holds the operator's keystore, salts and secrets: keep it as the home itself.
    """
    return Answer(document={"file": str(out), "files": back_up(home.absolute(), out.absolute())})


@click.command("restore")
@click.argument("archive", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--home",
    required=True,
    type=click.Path(path_type=Path),
    help="A new folder; the home from before must not be served any more.",
)
@answers
def restore_command(archive: Path, home: Path) -> Answer:
    """Make a home of the backup ARCHIVE.  What came after it is on the chain: `rebuild` next."""
    return Answer(document={"files": restore(archive, home.absolute()), "home": str(home)})
