"""The latest evidence time that a verifier accepted, stored in its home."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from certledger.verifier.errors import MalformedError
from certledger.verifier.files import locked, write_atomically
from certledger.verifier.formats.canonical_json import (
    Json,
    Members,
    format_canonical,
    parse_canonical,
)
from certledger.verifier.formats.checkpoint import MAX_TIME_SECONDS

TYPE = "certledger/memory/1"
FILE = "trust-memory.json"
_MAX_FILE_BYTES = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class AcceptedTime:
    """The greatest evidence time T accepted so far (seconds since 1970); 0 for none."""

    time: int = 0


def recall(home: Path) -> AcceptedTime:
    """Load the stored time of `home`.

    Raises:
        MalformedError: the file is damaged; a missing file is not an error.
    """
    try:
        data = (home / FILE).read_bytes()
    except FileNotFoundError:
        return AcceptedTime()
    try:
        read = Members(parse_canonical(data, _MAX_FILE_BYTES), "memory")
        read.const("type", TYPE)
        memory = AcceptedTime(time=read.integer("time", greatest=MAX_TIME_SECONDS))
        read.done()
    except MalformedError as error:
        raise MalformedError(error.code, f"{home / FILE} is damaged: {error}") from error
    return memory


def remember_time(home: Path, time: int) -> AcceptedTime:
    """Store `time` as accepted, unless a later one is stored.

    Call it only after check 7 has passed: a time beyond the clock's tolerance would make all later
    evidence stale.
    """
    with locked(home / FILE):
        current = recall(home)
        if time <= current.time:
            return current
        value: dict[str, Json] = {"type": TYPE, "time": time}
        write_atomically(home / FILE, format_canonical(value), private=True)
        return AcceptedTime(time=time)
