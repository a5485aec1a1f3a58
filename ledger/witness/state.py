"""Durable state of a witness: the last checkpoint it signed, and the proof of a fork.

It is written before a signature is returned, so that a witness never signs two histories.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.canonical_json import Members, format_canonical, parse_canonical
from certledger.verifier.formats.checkpoint import (
    MAX_NOTE_BYTES,
    Checkpoint,
    Note,
    check_cosignature,
    parse_note,
)

FILE = "witness.json"
FORK = "fork.json"
LOCK = "witness.lock"
MAX_MEMORY_BYTES = 2 * MAX_NOTE_BYTES
_TYPE = "certledger/witness/1"


class MemoryDamagedError(CertledgerError):
    """The state cannot be read: the witness signs nothing until its operator has acted."""

    code = "witness.memory_damaged"


class OtherLedgerHomeError(CertledgerError):
    """The home belongs to the witness of another ledger."""

    code = "witness.other_ledger_home"


class HomeLockedError(CertledgerError):
    """Another process has locked this home."""

    code = "witness.home_locked"


@dataclass(frozen=True, kw_only=True, slots=True)
class WitnessState:
    """The last checkpoint signed, with this witness's own signature line."""

    note: Note

    @property
    def checkpoint(self) -> Checkpoint:
        """The checkpoint that was signed."""
        return self.note.checkpoint

    @property
    def time(self) -> int:
        """When it was signed, in seconds."""
        return self.note.cosignatures[0].time


@dataclass(frozen=True, kw_only=True, slots=True)
class Fork:
    """The proof of two histories: the note that was signed, and the node's block now."""

    signed: Note
    other: Note


def recall(home: Path, *, identity: bytes, public_key: bytes) -> WitnessState | None:
    """Read the last checkpoint signed, None before the first.

    `identity` is the ledger's and `public_key` the witness's (32 bytes each).  The stored signature
    is checked, so that a flipped bit does not look like another history.

    Raises:
        MemoryDamagedError: the file is not what this witness wrote.
        OtherLedgerHomeError: it signed another ledger's checkpoints in this home.
    """
    path = home / FILE
    try:
        if not path.exists():
            return None
        with path.open("rb") as file:
            data = file.read(MAX_MEMORY_BYTES + 1)
        read = Members(parse_canonical(data, MAX_MEMORY_BYTES), "memory")
        read.const("type", _TYPE)
        note = parse_note(read.text("note", longest=MAX_NOTE_BYTES))
        read.done()
    except (CertledgerError, OSError, ValueError) as error:
        raise MemoryDamagedError(f"{path} is damaged: {error}") from error
    lines = note.cosignatures
    if len(lines) != 1 or not check_cosignature(note.checkpoint, lines[0], public_key):
        raise MemoryDamagedError(f"{path} is damaged, or another witness wrote it")
    if note.checkpoint.identity != identity:
        other = note.checkpoint.identity.hex()
        raise OtherLedgerHomeError(f"{home} is the home of a witness of the ledger {other}")
    return WitnessState(note=note)


def remember(home: Path, memory: WitnessState) -> None:
    """Store the last checkpoint signed; once this returns it survives a crash of the machine."""
    _write(home, FILE, format_canonical({"type": _TYPE, "note": memory.note.format()}))


def keep_fork(home: Path, fork: Fork) -> None:
    """Store the proof of two histories, unless there is one: the first is never overwritten."""
    if not (home / FORK).exists():
        value = {"signed": fork.signed.format(), "other": fork.other.format()}
        _write(home, FORK, format_canonical(value))


def forked(home: Path) -> bool:
    """Return whether this witness has seen two histories, and so has stopped for good."""
    return (home / FORK).exists()


def _write(home: Path, name: str, data: bytes) -> None:
    """Replace a file atomically: a crash leaves the old one or the new one, whole."""
    fresh = home / f"{name}.new"
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(home / name)
    folder = os.open(home, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


# The lock --------------------------------------------------------------------------------------


class _HomeLock:
    """Lock of a home: a file lock between processes, then `turn` between threads of this one."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.turn = file, threading.Lock()


_LOCKS: dict[Path, _HomeLock] = {}
_LOCKING = threading.Lock()


def acquire_home(home: Path) -> None:
    """Lock a home for this process, until `release_home` or the end of the process.

    Raises:
        HomeLockedError: another process has it.
    """
    _lock_of(home)


def release_home(home: Path) -> None:
    """Unlock a home."""
    with _LOCKING:
        lock = _LOCKS.pop(home.resolve(), None)
    if lock is not None:
        with lock.turn:
            lock.file.close()


@contextmanager
def exclusive(home: Path) -> Iterator[None]:
    """Lock a home against other processes and threads; raises as `acquire_home`."""
    with _lock_of(home).turn:
        yield


def _lock_of(home: Path) -> _HomeLock:
    place = home.resolve()
    with _LOCKING:
        lock = _LOCKS.get(place)
        if lock is None:
            home.mkdir(parents=True, exist_ok=True)
            file = (home / LOCK).open("wb")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                file.close()
                raise HomeLockedError(f"another process witnesses from {home}") from error
            lock = _LOCKS[place] = _HomeLock(file)
        return lock
