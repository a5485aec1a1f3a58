"""What a verifier remembers in its home: the newest policy, and the latest instant it accepted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from verifier.checkpoint import GREATEST_TIME
from verifier.durable import locked, replace_file
from verifier.encoding import Members, format_canonical, parse_canonical
from verifier.policyfile import PolicyOlder

TYPE = "certledger/memory/1"
FILE = "trust-memory.json"
_LONGEST = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """Highest policy version relied on, greatest instant T accepted (seconds); 0 is none yet."""

    version: int = 0
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
    read = Members(parse_canonical(data, _LONGEST), "memory")
    read.const("type", TYPE)
    memory = Memory(
        version=read.integer("version"), time=read.integer("time", greatest=GREATEST_TIME)
    )
    read.done()
    return memory


def remember_version(home: Path, version: int) -> Memory:
    """Remember that a policy of `version` is relied on; returns when that is on disk.

    Raises:
        PolicyOlder: a higher version was relied on before.
    """
    with locked(home / FILE):
        held = recall(home)
        if version < held.version:
            raise PolicyOlder(
                f"the policy has version {version} where {held.version} was relied on before"
            )
        return _keep(home, held, Memory(version=version, time=held.time))


def remember_time(home: Path, time: int) -> Memory:
    """Remember that evidence speaking of `time` was accepted; an earlier one changes nothing.

    To be called only once check 7 has passed: a time beyond the clock's tolerance would make
    everything after it stale.
    """
    with locked(home / FILE):
        held = recall(home)
        return _keep(home, held, Memory(version=held.version, time=max(time, held.time)))


def _keep(home: Path, held: Memory, memory: Memory) -> Memory:
    if memory != held:
        value = {"type": TYPE, "version": memory.version, "time": memory.time}
        replace_file(home / FILE, format_canonical(value))
    return memory
