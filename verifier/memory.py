"""What a verifier remembers in its home beside policies: the latest instant it accepted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from certledger.verifier.checkpoint import GREATEST_TIME
from certledger.verifier.durable import locked, replace_file
from certledger.verifier.encoding import Json, Members, format_canonical, parse_canonical
from certledger.verifier.errors import Malformed

TYPE = "certledger/memory/1"
FILE = "trust-memory.json"
_LONGEST = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """The greatest instant T accepted (seconds); 0 is none yet."""

    time: int = 0


def recall(home: Path) -> Memory:
    """Return what is remembered in `home`.

    Raises:
        Malformed: the file there is not a memory.  Forgetting must be somebody's decision.
    """
    try:
        data = (home / FILE).read_bytes()
    except FileNotFoundError:
        return Memory()
    try:
        read = Members(parse_canonical(data, _LONGEST), "memory")
        read.const("type", TYPE)
        memory = Memory(time=read.integer("time", greatest=GREATEST_TIME))
        read.done()
    except Malformed as error:
        raise Malformed(error.code, f"{home / FILE} is damaged: {error}") from error
    return memory


def remember_time(home: Path, time: int) -> Memory:
    """Remember that evidence speaking of `time` was accepted; an earlier one changes nothing.

    To be called only once check 7 has passed: a time beyond the clock's tolerance would make
    everything after it stale.
    """
    with locked(home / FILE):
        held = recall(home)
        if time <= held.time:
            return held
        value: dict[str, Json] = {"type": TYPE, "time": time}
        replace_file(home / FILE, format_canonical(value))
        return Memory(time=time)
