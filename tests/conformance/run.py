"""Runs the cases on any verifier: `python -m tests.conformance.run COMMAND...`."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent / "cases"
FILES = ("--evidence", "--policy", "--document", "--snapshot")
LONGEST = 60
"""Seconds that a verifier may take for one case."""

Verifier = Callable[[Sequence[str]], tuple[int, bytes]]


def folders() -> list[Path]:
    """Return the directories of all cases."""
    return sorted(path.parent for path in ROOT.glob("*/case.json"))


def faults_of(folder: Path, verifier: Verifier) -> list[str]:
    """Return what is wrong with a verifier's answer to one case."""
    case = json.loads((folder / "case.json").read_bytes())
    status, output = verifier(list(_located(folder, case["arguments"])))
    expected: dict[str, Any] = case["expected"]
    faults = []
    if status != expected["exit"]:
        faults.append(f"exit status {status}, not {expected['exit']}")
    if "verdict" not in expected:
        return faults
    try:
        result = json.loads(output)
        found: dict[str, Any] = {
            "exit": status,
            "verdict": result["verdict"],
            "codes": [check["code"] for check in result["checks"]],
            **{name: result.get(name) for name in ("as_of", "basis", "certificate", "warnings")},
        }
    except (ValueError, KeyError, TypeError) as error:
        return [*faults, f"no result on standard output: {error!r}"]
    return faults + [
        f"{name} {found[name]}, not {expected.get(name)}"
        for name in found
        if found[name] != expected.get(name) and name != "exit"
    ]


def _located(folder: Path, arguments: Sequence[str]) -> Iterator[str]:
    before = ""
    for argument in arguments:
        yield str(folder / argument) if before in FILES else argument
        before = argument


def command(words: Sequence[str]) -> Verifier:
    """Return the verifier that a command is."""

    def ask(arguments: Sequence[str]) -> tuple[int, bytes]:
        run = subprocess.run(
            [*words, *arguments], stdout=subprocess.PIPE, timeout=LONGEST, check=False
        )
        return run.returncode, run.stdout

    return ask


def main(words: Sequence[str]) -> int:
    """Run every case; returns how many fail."""
    verifier = command(words)
    asked, failed = folders(), 0
    with ThreadPoolExecutor() as pool:
        for folder, faults in zip(
            asked, pool.map(lambda folder: faults_of(folder, verifier), asked), strict=True
        ):
            failed += bool(faults)
            for fault in faults:
                print(f"{folder.name}: {fault}")
    print(f"{len(asked) - failed} of {len(asked)} cases passed")
    return failed


if __name__ == "__main__":
    given = sys.argv[1:]
    if not given:
        raise SystemExit(f"usage: {sys.argv[0]} COMMAND...")
    raise SystemExit(1 if main(shlex.split(given[0]) if len(given) == 1 else given) else 0)
