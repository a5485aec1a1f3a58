"""Mutants of the contracts against their tests: `python -m tests.contracts.mutants` (make mutants).

Each mutant has one condition dropped, one comparison or connective turned, or one term of a hash
left out.  It is built in a copy of the sources and `tests/contracts` run on it until one fails.
Results are kept in a file, so that a run can be stopped and goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from certledger.contracts.build import EXIT_NO_COMPILER

HOUSE = Path(__file__).resolve().parents[2]
SOURCES = ("IssuerRegistry.sol", "CertificateLedger.sol", "StatusTree.sol")
TESTS = ("registrars", "bodies", "anchor", "status", "signers", "logs", "statements", "model")
RESULTS = HOUSE / ".mutants.json"
WANTED = 0.98
TURNED = {
    "<": "<=",
    "<=": "<",
    ">": ">=",
    ">=": ">",
    "==": "!=",
    "!=": "==",
    "&&": "||",
    "||": "&&",
}
_COMPARISON = re.compile(r"(?<= )(<=|>=|==|!=|&&|\|\||<|>)(?= )")
_REFUSAL = re.compile(r"if \((?P<condition>.+)\) revert ")
_HASHED = re.compile(r"(?:abi\.encode|abi\.encodePacked)\(")

EQUIVALENT: dict[str, str] = {
    "if (block.chainid == 0 || block.number > NO_END) revert ChainUnfit(); > >=": (
        "no chain comes to block 2^40 - 1"
    ),
    "for (uint256 left = body[1] >> 192; left != 0; left &= left - 1) { != ==": (
        "a state of no batches has no peak either way, and others never end"
    ),
}
"""Mutants that no call can tell from the contract, each with the reason."""


@dataclass(frozen=True)
class Mutant:
    """One change of one source; `name` says which, and is the same from run to run."""

    source: str
    line: int
    name: str
    text: str


def mutants() -> list[Mutant]:
    """Return every mutant of every source, in the order of the sources."""
    found: dict[str, Mutant] = {}
    for source in SOURCES:
        text = (HOUSE / "contracts" / source).read_text(encoding="utf-8")
        for line, name, changed in _changes(text):
            label = f"{source}:{name}"
            while label in found:
                label += "'"
            found[label] = Mutant(source=source, line=line, name=label, text=changed)
    return list(found.values())


def _changes(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield line, name and the whole changed source of each mutant."""
    start = 0
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        code = line.partition("//")[0]
        if (refusal := _REFUSAL.search(code)) is not None:
            at, end = (start + place for place in refusal.span("condition"))
            yield number, f"{line.strip()} dropped", text[:at] + "false" + text[end:]
        for sign in _COMPARISON.finditer(code):
            at, end = start + sign.start(), start + sign.end()
            other = TURNED[sign[0]]
            name = f"{line.strip()} {sign[0]} {other}"
            yield number, name, text[:at] + other + text[end:]
        start += len(line)
    for hashed in _HASHED.finditer(text):
        number = text.count("\n", 0, hashed.start()) + 1
        for at, end, term in _terms(text, hashed.end()):
            yield number, f"hash without {term}", text[:at] + text[end:]


def _terms(text: str, start: int) -> Iterator[tuple[int, int, str]]:
    """Yield where each argument of a call stands, with its comma, of those that have several."""
    depth, at, spans = 0, start, []
    for place in range(start, len(text)):
        character = text[place]
        if character in "([":
            depth += 1
        elif character in ")]" and depth:
            depth -= 1
        elif character == "," and not depth:
            spans.append((at, place))
            at = place + 1
        elif character == ")":
            spans.append((at, place))
            break
    for index, (first, last) in enumerate(spans if len(spans) > 1 else ()):
        with_comma = (first, last + 1) if index == 0 else (first - 1, last)
        yield (*with_comma, text[first:last].strip())


def _tried(mutant: Mutant, folder: Path, seconds: float) -> str:
    """Return what became of a mutant: `killed by`, `not built`, `survived` or `too slow`."""
    path = folder / "contracts" / mutant.source
    good = path.read_text(encoding="utf-8")
    path.write_text(mutant.text, encoding="utf-8")
    environment = os.environ | {
        "PYTHONPATH": str(folder),
        "CERTLEDGER_SOLC": os.environ.get("CERTLEDGER_SOLC", str(HOUSE / ".ci" / "solc")),
        "CERTLEDGER_OPENZEPPELIN": os.environ.get(
            "CERTLEDGER_OPENZEPPELIN",
            str(HOUSE / ".tools" / "npm" / "node_modules" / "@openzeppelin" / "contracts"),
        ),
    }
    tests = [f"tests/contracts/test_{name}.py" for name in TESTS]
    pytest = ["pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *tests]
    try:
        built = _run(["certledger.contracts.build"], folder, environment, seconds)
        if built.returncode == EXIT_NO_COMPILER:
            sys.exit(built.stderr)
        if built.returncode != 0:
            return "not built"
        done = _run(pytest, folder, environment, seconds)
    except subprocess.TimeoutExpired:
        return "too slow"
    finally:
        path.write_text(good, encoding="utf-8")
    if done.returncode == 0:
        return "survived"
    named = re.search(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.M)
    return f"killed by {named[1] if named else 'the collection'}"


def _run(
    module: list[str], folder: Path, environment: dict[str, str], seconds: float
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *module],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def _copy(folder: Path) -> None:
    for name in ("contracts", "verifier", "tests"):
        shutil.copytree(
            HOUSE / name,
            folder / name,
            ignore=shutil.ignore_patterns("__pycache__", "cases", "vectors"),
        )
    shutil.copy(HOUSE / "pyproject.toml", folder)


def main() -> int:
    """Try mutants, say how many were killed; return 1 where too few were."""
    parser = argparse.ArgumentParser(prog="python -m tests.contracts.mutants", description=__doc__)
    parser.add_argument("--seconds", type=float, default=900, help="most for one mutant's tests")
    parser.add_argument("--budget", type=float, default=float("inf"), help="most seconds in all")
    parser.add_argument("--every", type=int, default=1, help="try only every n-th mutant")
    parser.add_argument("--list", action="store_true", help="only list them")
    parser.add_argument("--again", action="store_true", help="forget earlier results")
    options = parser.parse_args()
    wanted = mutants()[:: options.every]
    if options.list:
        print("\n".join(mutant.name for mutant in wanted))
        return 0
    results: dict[str, str] = {}
    if RESULTS.exists() and not options.again:
        results = json.loads(RESULTS.read_text(encoding="utf-8"))
    end = time.monotonic() + options.budget
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        _copy(Path(name))
        for mutant in wanted:
            if mutant.name in results or time.monotonic() > end:
                continue
            results[mutant.name] = _tried(mutant, Path(name), options.seconds)
            print(f"{results[mutant.name]}: {mutant.name}", flush=True)
            RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return _told({one.name: results[one.name] for one in wanted if one.name in results})


def _told(results: dict[str, str]) -> int:
    built = {name: result for name, result in results.items() if result != "not built"}
    counted = {
        name: result for name, result in built.items() if name.partition(":")[2] not in EQUIVALENT
    }
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
