"""Mutants of the contracts against their tests: `python -m tests.contracts.mutants` (make mutants).

Each mutant has one condition dropped, one comparison or connective turned, or one term of a hash
left out.  Groups of them are compiled into one contract, and `tests/contracts` run with each one
turned on until a test fails, those of the mutant's subject first.  Before, all of these tests must
pass with none turned on.  Results are kept in a file, so that a run can be stopped and goes on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from certledger.contracts import build
from tests.contracts.mutant_runs import HOUSE, SURVIVED, TOO_SLOW, import_early, run_tests
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
TESTS = ("anchor", "issuers", "registrars", "signers", "logs", "statements", "status", "model")
"""Files of tests; the slow ones come last."""
FIRST = {
    "CertificateLedger.sol": ("anchor", "status"),
    "IssuerRegistry.sol": ("issuers",),
    "Issuers.sol": ("issuers", "signers"),
    "PackedWords.sol": ("anchor", "issuers"),
    "Registrars.sol": ("registrars",),
    "Signatures.sol": ("registrars", "anchor"),
    "StatusTree.sol": ("status",),
}
"""Which of them are about a source."""

_COMPLETE = (
    "PackedWords.sol:return issuer.length > HEAD_WORDS"
    " && issuer.length > HEAD_WORDS + peakCount(issuer);"
)
EQUIVALENT: dict[str, str] = {
    f"{_COMPLETE} > >=": "the second comparison implies the first",
    f"{_COMPLETE} > >='": (
        "a state without a key is under no slot, so that it is not current either way"
    ),
    "Issuers.sol:for (uint256 j; j < count + i; ++j)"
    " if (grown.key(j).account() == account) revert KeyInvalid(); < <=": (
        "the word behind the keys so far is memory not yet written, and no account is zero"
    ),
    "StatusTree.sol:if (least << 7 > issued) _checkIssued(word << 7, mask, issued); > >=": (
        "a word that ends with the last certificate passes the check that it need not have"
    ),
}
"""Mutants that no call can tell from the contract, each with the reason."""


def _tests_of(source: str) -> list[str]:
    first = FIRST.get(source, ())
    names = [*first, *(name for name in TESTS if name not in first)]
    return [f"tests/contracts/test_{name}.py" for name in names]


@dataclass
class Results:
    """What became of mutants by name, kept in a file.

    `unmutated` has how many seconds the tests took with no mutant on, by digest of build and tests.
    """

    mutants: dict[str, str] = field(default_factory=dict)
    unmutated: dict[str, float] = field(default_factory=dict)

    @classmethod
    def load(cls) -> Results:
        return cls(**json.loads(RESULTS.read_text(encoding="utf-8"))) if RESULTS.exists() else cls()

    def save(self) -> None:
        RESULTS.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


def _try_group(
    group: Sequence[Mutant], results: Results, folder: Path, seconds: float, end: float
) -> None:
    """Try what of a group has no result yet, and write each result down at once."""
    artifact, log = folder / "artifact.json", folder / "log"
    try:
        artifact.write_text(build.build(SETTINGS, woven(group)), encoding="utf-8")
    except build.SourcesInvalidError:
        if len(group) == 1:
            _note(results, group[0], NOT_BUILT)
            return
        for half in (group[: len(group) // 2], group[len(group) // 2 :]):
            _try_group(half, results, folder, seconds, end)
        return
    unmutated = _seconds_unmutated(artifact, results, log)
    print(f"{len(group)} mutants built; without any the tests take {unmutated:.0f} s", flush=True)
    for number, mutant in enumerate(group, 1):
        if mutant.name in results.mutants:
            continue
        if time.monotonic() > end:
            return
        result = run_tests(artifact, number, _tests_of(mutant.source), seconds, log)
        if result == TOO_SLOW and unmutated * 5 < seconds:
            result = "killed by the clock"
        _note(results, mutant, result)


def _note(results: Results, mutant: Mutant, result: str) -> None:
    results.mutants[mutant.name] = result
    results.save()
    print(f"{result}: {mutant.name}", flush=True)


def _seconds_unmutated(artifact: Path, results: Results, log: Path) -> float:
    """Return how long the tests take with no mutant on; they must pass."""
    texts = [artifact.read_bytes()]
    texts += [path.read_bytes() for path in sorted((HOUSE / "tests" / "contracts").glob("*.py"))]
    digest = hashlib.sha256(b"".join(texts)).hexdigest()
    if digest not in results.unmutated:
        start = time.monotonic()
        if run_tests(artifact, 0, _tests_of(""), float("inf"), log) != SURVIVED:
            sys.exit(f"tests fail with no mutant turned on:\n{log.read_text(encoding='utf-8')}")
        results.unmutated[digest] = time.monotonic() - start
        results.save()
    return results.unmutated[digest]


def main() -> int:
    """Try mutants, say how many were killed; return 1 where too few were."""
    parser = argparse.ArgumentParser(prog="python -m tests.contracts.mutants", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1_800, help="most for a mutant's tests")
    parser.add_argument("--budget", type=float, default=float("inf"), help="most seconds in all")
    parser.add_argument("--every", type=int, default=1, help="try only every n-th mutant")
    parser.add_argument("--group", type=int, default=185, help="mutants in one build")
    parser.add_argument("--only", default="", help="try only those with this text in their name")
    parser.add_argument("--list", action="store_true", help="only list them")
    parser.add_argument("--again", action="store_true", help="forget their earlier results")
    options = parser.parse_args()
    wanted = [one for one in mutants()[:: options.every] if options.only in one.name]
    if options.list:
        print("\n".join(mutant.name for mutant in wanted))
        return 0
    results = Results.load()
    if options.again:
        for one in wanted:
            results.mutants.pop(one.name, None)
    import_early(_tests_of(""))
    end = time.monotonic() + options.budget
    try:
        with tempfile.TemporaryDirectory(prefix="mutants-") as name:
            for at in range(0, len(wanted), options.group):
                group = wanted[at : at + options.group]
                if any(one.name not in results.mutants for one in group):
                    _try_group(group, results, Path(name), options.seconds, end)
    except build.BuildError as error:
        print(build.HOW_TO.format(error), file=sys.stderr)
        return build.EXIT_NO_COMPILER
    return _report([one for one in wanted if one.name in results.mutants], results.mutants)


def _report(tried: Sequence[Mutant], results: Mapping[str, str]) -> int:
    """Print what was not killed, and the share that was; return 1 where it is too small."""
    built = [one.name for one in tried if results[one.name] != NOT_BUILT]
    counted = [name for name in built if name not in EQUIVALENT]
    left = [name for name in counted if not results[name].startswith("killed")]
    for name in left:
        print(f"{results[name]}: {name}")
    killed = len(counted) - len(left)
    share = killed / len(counted) if counted else 0.0
    print(
        f"{killed} of {len(counted)} killed ({share:.1%}), {len(built) - len(counted)} equivalent,"
        f" {len(tried) - len(built)} not built"
    )
    return 0 if share >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
