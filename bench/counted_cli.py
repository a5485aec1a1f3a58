"""`python -m bench.counted_cli OUT ARGUMENT...`: run a command, and write what each cache saved it.

`functools.lru_cache` and `cache` are replaced before the product is imported: what a function
computes is timed by the processor time of its thread, what it remembers is counted.
"""

from __future__ import annotations

import functools
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

_REAL: Final = functools.lru_cache
_COUNTED: Final[dict[str, Counted]] = {}


@dataclass(slots=True)
class Counted:
    """What the caches of one function did: `nanoseconds` went into computing `misses` values."""

    misses: int = 0
    nanoseconds: int = 0
    caches: list[Any] = field(default_factory=list)

    def to_json(self) -> dict[str, float]:
        """Return the counts, and the seconds that as many computations as there were hits take."""
        hits = sum(each.cache_info().hits for each in self.caches)
        each = self.nanoseconds / max(self.misses, 1)
        return {"hits": hits, "misses": self.misses, "saved": hits * each / 1e9}


def lru_cache(maxsize: Any = 128, typed: bool = False) -> Any:
    """Cache as `functools.lru_cache` does, and count."""
    if callable(maxsize):
        return _count(maxsize, 128, typed)
    return lambda function: _count(function, maxsize, typed)


def _count(function: Callable[..., Any], maxsize: int | None, typed: bool) -> Any:
    if not (getattr(function, "__module__", None) or "").startswith("certledger"):
        return _REAL(maxsize, typed)(function)
    name = f"{function.__module__.removeprefix('certledger.')}.{function.__qualname__}"
    counted = _COUNTED.setdefault(name, Counted())

    @functools.wraps(function)
    def computed(*args: Any, **named: Any) -> Any:
        began = time.thread_time_ns()
        try:
            return function(*args, **named)
        finally:
            counted.misses += 1
            counted.nanoseconds += time.thread_time_ns() - began

    cached = _REAL(maxsize, typed)(computed)
    counted.caches.append(cached)
    return cached


def main() -> None:
    """Run the command of the arguments behind the first, which is where the counts go."""
    functools.lru_cache = lru_cache
    functools.cache = lambda function: lru_cache(None)(function)
    from certledger.verifier.cli.main import main as command

    out, sys.argv = Path(sys.argv[1]), ["certledger", *sys.argv[2:]]
    try:
        command()
    finally:
        counts = {name: counted.to_json() for name, counted in sorted(_COUNTED.items())}
        out.write_text(json.dumps({"seconds": time.process_time(), "caches": counts}))


if __name__ == "__main__":
    main()
