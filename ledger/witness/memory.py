"""What a witness remembers, durably and before it answers: it must never sign two histories."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from verifier.checkpoint import Checkpoint, Note, parse_note
from verifier.encoding import Members, format_canonical, parse_canonical
from verifier.errors import Refused

FILE = "witness.json"
FORK = "fork.json"
_TYPE = "certledger/witness/1"


class MemoryDamaged(Refused):
    """What the witness remembered cannot be read: it signs nothing until somebody has looked."""

    code = "witness.memory_damaged"


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """The last checkpoint signed, and when (seconds)."""

    checkpoint: Checkpoint
    time: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Fork:
    """The proof of two histories: what was signed, and what the node says now."""

    signed: Note
    other: Note


def recall(home: Path) -> Memory | None:
    """Return what the witness signed last, None before the first time.

    Raises:
        MemoryDamaged: the file is not what `remember` writes.
    """
    if not (home / FILE).exists():
        return None
    try:
        read = Members(parse_canonical((home / FILE).read_bytes(), 8192), "memory")
        read.const("type", _TYPE)
        memory = Memory(
            checkpoint=parse_note(read.text("checkpoint", longest=4096)).checkpoint,
            time=read.integer("time"),
        )
        read.done()
    except Refused as error:
        raise MemoryDamaged(f"{home / FILE} is damaged: {error}") from error
    return memory


def remember(home: Path, memory: Memory) -> None:
    """Keep `memory`; once this returns it survives the death of the machine."""
    value = {
        "type": _TYPE,
        "checkpoint": Note(checkpoint=memory.checkpoint).format(),
        "time": memory.time,
    }
    _write(home, FILE, format_canonical(value))


def keep_fork(home: Path, fork: Fork) -> None:
    """Keep the proof of two histories, once: the first proof is never overwritten."""
    if not (home / FORK).exists():
        value = {"signed": fork.signed.format(), "other": fork.other.format()}
        _write(home, FORK, format_canonical(value))


def forked(home: Path) -> bool:
    """Return whether this witness has seen two histories, and so has stopped for good."""
    return (home / FORK).exists()


def _write(home: Path, name: str, data: bytes) -> None:
    """Replace a file so that a kill leaves the old one or the new one, whole."""
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
