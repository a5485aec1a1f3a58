"""Mutants of the contracts against their tests: `python -m tests.contracts.mutants` (make mutants).

Each mutant has one condition dropped, one comparison or connective turned, or one term of a hash
left out.  Groups of them are compiled into one contract, and `tests/contracts` run with each one
turned on until a test fails, those of the mutant's subject first.  Before, all of these tests must
pass with none turned on.  Results are kept in a file, so that a run can be stopped and goes on.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from certledger.contracts import build
from tests.contracts.mutant_runs import HOUSE, SURVIVED, TOO_SLOW, run_tests
from tests.contracts.mutations import Mutant, mutants, woven

RESULTS = HOUSE / ".mutants.json"
WANTED = 0.98
NOT_BUILT = "not built"
SETTINGS: Mapping[str, Any] = {
    **build.SETTINGS,
    # Quick: a short list of steps, and what the stack has no room for in memory.
    "optimizer": {
        "enabled": True,
        "runs": 1,
        "details": {
            "cse": False,
            "constantOptimizer": False,
            "yul": True,
            "yulDetails": {
                "stackAllocation": True,
                "optimizerSteps": "dhfoDgvulfnTUtnIf:fDnTOcmu",
            },
        },
    },
}
TESTS = ("anchor", "bodies", "registrars", "signers", "logs", "statements", "status", "model")
"""Files of tests; the slow ones come last."""
FIRST = {
    "CertificateLedger.sol": ("anchor", "status"),
    "IssuerRegistry.sol": ("bodies",),
    "Issuers.sol": ("bodies", "signers"),
    "PackedWords.sol": ("anchor", "bodies"),
    "Registrars.sol": ("registrars",),
    "Signatures.sol": ("registrars", "anchor"),
    "StatusTree.sol": ("status",),
}
"""Which of them are about a source."""

EQUIVALENT: dict[str, str] = {}
"""Mutants that no call can tell from the contract, each with the reason."""


def _tests_of(source: str) -> list[str]:
    first = FIRST.get(source, ())
    names = [*first, *(name for name in TESTS if name not in first)]
    return [f"tests/contracts/test_{name}.py" for name in names]


def _tried(group: Sequence[Mutant], folder: Path, seconds: float) -> Iterator[tuple[Mutant, str]]:
    """Yield each mutant of a group and what became of it."""
    artifact, log = folder / "artifact.json", folder / "log"
    try:
        artifact.write_text(build.build(SETTINGS, woven(group)), encoding="utf-8")
    except build.SourcesRefused:
        if len(group) == 1:
            yield group[0], NOT_BUILT
            return
        for half in (group[: len(group) // 2], group[len(group) // 2 :]):
            yield from _tried(half, folder, seconds)
        return
    start = time.monotonic()
    if run_tests(artifact, 0, _tests_of(""), float("inf"), log) != SURVIVED:
        sys.exit(f"tests fail with no mutant turned on:\n{log.read_text(encoding='utf-8')}")
    unmutated = time.monotonic() - start
    print(f"{len(group)} mutants built; without any the tests take {unmutated:.0f} s", flush=True)
    for number, mutant in enumerate(group, 1):
        result = run_tests(artifact, number, _tests_of(mutant.source), seconds, log)
        if result == TOO_SLOW and unmutated * 5 < seconds:
            result = "killed by the clock"
        yield mutant, result


def main() -> int:
    """Try mutants, say how many were killed; return 1 where too few were."""
    parser = argparse.ArgumentParser(prog="python -m tests.contracts.mutants", description=__doc__)
    parser.add_argument("--seconds", type=float, default=900, help="most for one mutant's tests")
    parser.add_argument("--budget", type=float, default=float("inf"), help="most seconds in all")
    parser.add_argument("--every", type=int, default=1, help="try only every n-th mutant")
    parser.add_argument("--group", type=int, default=50, help="mutants in one build")
    parser.add_argument("--only", default="", help="try only those with this text in their name")
    parser.add_argument("--list", action="store_true", help="only list them")
    parser.add_argument("--again", action="store_true", help="forget earlier results")
    options = parser.parse_args()
    wanted = [one for one in mutants()[:: options.every] if options.only in one.name]
    if options.list:
        print("\n".join(mutant.name for mutant in wanted))
        return 0
    results: dict[str, str] = {}
    if RESULTS.exists():
        results = json.loads(RESULTS.read_text(encoding="utf-8"))
    if options.again:
        results = {name: results[name] for name in results.keys() - {one.name for one in wanted}}
    try:
        _try_all(wanted, results, options)
    except build.CannotBuild as error:
        print(build.HOW_TO.format(error), file=sys.stderr)
        return build.EXIT_NO_COMPILER
    return _report({one.name: results[one.name] for one in wanted if one.name in results})


def _try_all(wanted: Sequence[Mutant], results: dict[str, str], options: Any) -> None:
    """Try what has no result yet, and write each result down at once."""
    end = time.monotonic() + options.budget
    pending = [one for one in wanted if one.name not in results]
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        for at in range(0, len(pending), options.group):
            group = pending[at : at + options.group]
            for mutant, result in _tried(group, Path(name), options.seconds):
                results[mutant.name] = result
                print(f"{result}: {mutant.name}", flush=True)
                RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
                if time.monotonic() > end:
                    return


def _report(results: Mapping[str, str]) -> int:
    built = {name: result for name, result in results.items() if result != NOT_BUILT}
    counted = {name: result for name, result in built.items() if name not in EQUIVALENT}
    killed = sum(result.startswith("killed") for result in counted.values())
    for name, result in counted.items():
        if not result.startswith("killed"):
            print(f"{result}: {name}")
    share = killed / len(counted) if counted else 0.0
    print(
        f"{killed} of {len(counted)} killed ({share:.1%}); {len(built) - len(counted)} equivalent"
    )
    return 0 if share >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
