"""`make attack`: every attack in turn against one service on one core, and whether it stands."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from tests.attack.homes import make_home
from tests.attack.inputs import attacks
from tests.attack.measuring import MEGABYTE, Measured, measure, target

MAX_HEALTH_SECONDS = 0.05
MAX_VERIFY_SECONDS = 0.25
MAX_MEMORY = 600 * MEGABYTE
FILES = 1_024
_HEAD = f"{'attack':24}{'sent':>8}{'healthz p99':>14}{'verify p99':>14}{'memory':>10}"


def main() -> None:
    """Run all attacks, or those named, for the seconds named first; exit with 1 on a miss."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    chosen = sys.argv[2:] or list(attacks())
    cores = sorted(os.sched_getaffinity(0))
    missed = False
    with tempfile.TemporaryDirectory(prefix="certledger-attack-") as folder:
        home = Path(folder) / "home"
        question, key = make_home(home)
        with target(home, files=FILES, core=cores[0]) as at:
            os.sched_setaffinity(0, {cores[-1]})
            print(_HEAD)
            for name in ("none", *chosen):
                attack = attacks()[name]() if name != "none" else None
                found = measure(at, attack, question, key, seconds)
                memory = at.memory()
                print(_row(name, found, memory), flush=True)
                for line in found.wrong[:3]:
                    print(f"  {line}")
                missed |= _misses(found, memory) or at.process.poll() is not None
    raise SystemExit(1 if missed else 0)


def _misses(found: Measured, memory: int) -> bool:
    return bool(
        found.wrong
        or found.percentile(found.health) > MAX_HEALTH_SECONDS
        or found.percentile(found.verify) > MAX_VERIFY_SECONDS
        or memory > MAX_MEMORY
    )


def _row(name: str, found: Measured, memory: int) -> str:
    health, verify = (found.percentile(times) * 1_000 for times in (found.health, found.verify))
    size = memory / MEGABYTE
    return f"{name:24}{found.sent:>8}{health:>11.1f} ms{verify:>11.1f} ms{size:>7.0f} MB"


if __name__ == "__main__":
    main()
