"""Two verifiers asked about the same mutants of good files: `python -m tests.conformance.fuzz`.

A mutant is a good case of the suite in which one file was changed: evidence and policies as JSON
(policies are signed anew), codes, snapshots and deltas as CBOR, or any of them byte by byte.  Both
verifiers speak the suite's protocol.  They must give the same exit status, verdict and codes, and
say the same of the certificate; which rule an unreadable file breaks may differ (SPEC 1.7).
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import subprocess
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cbor2
import orjson

from certledger.verifier.formats.base45 import from_base45, to_base45
from certledger.verifier.formats.compact_evidence import PREFIX
from tests.conformance.ours import answer
from tests.conformance.policy_cases import signed_again
from tests.conformance.run import FILES, ROOT
from tests.conformance.snapshot_cases import pack

SECOND = ("node", str(Path(__file__).parent / "js_verifier.mjs"), "--batch")
Answer = tuple[int, Any]
Ask = Callable[[Sequence[str]], Answer]

ODD: tuple[Any, ...] = (
    0, 1, 2, 15, 16, 17, 96, 127, 128, 255, 4095, 4096, 65535, 65536, 2**32 - 1, 2**32, 2**40 - 1,
    2**40, 2**53 - 1, "", "A", "AA", "é", "名" * 129, [], {}, True, False,
)  # fmt: skip
"""What may stand anywhere in JSON."""
ODD_CBOR: tuple[Any, ...] = (
    *ODD, -1, -2, -(2**32), 2**53, 2**63, 2**64 - 1, None, 0.0,
    1.5, b"", b"\0", b"\0" * 16, b"\1" * 32, b"\0" * 33, {0: 0}, {"a": 1}, [[]], [0],
)  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A changed case: the arguments with files beside, and what was changed."""

    origin: str
    part: str
    arguments: Sequence[str]
    files: Mapping[str, bytes]


def good_cases() -> list[tuple[str, list[str], dict[str, bytes]]]:
    """Return the cases of the suite that end well or in a proved status: name, arguments, files."""
    found = []
    for folder in sorted(path.parent for path in ROOT.glob("*/case.json")):
        case = json.loads((folder / "case.json").read_bytes())
        if case["expected"].get("verdict") in ("valid", "not_in_force"):
            files = {
                path.name: path.read_bytes()
                for path in folder.iterdir()
                if path.name not in ("case.json", "README.md")
            }
            found.append((folder.name, case["arguments"], files))
    return found


def mutants(seed: int, count: int) -> Iterator[Mutant]:
    """Yield as many mutants, the same for the same seed and suite."""
    chance, cases = random.Random(seed), good_cases()
    # Codes are rarer in the suite than files: each kind has its turn.
    kinds = [
        [case for case in cases if any(name.endswith(".bin") for name in case[2])],
        [case for case in cases if not any(name.endswith(".bin") for name in case[2])],
    ]
    for number in range(count):
        origin, arguments, files = chance.choice(kinds[number % 2])
        names = [name for name in files if name in arguments]
        name = chance.choice(names)
        changed = change(chance, name, files[name])
        yield Mutant(origin, name, arguments, {**files, name: changed})


def change(chance: random.Random, name: str, data: bytes) -> bytes:
    """Return a file of this name changed in one or two places."""
    if chance.random() < 0.15 or name.startswith("document"):
        return change_bytes(chance, data)
    if name == "policy.json":
        value = orjson.loads(data)["policy"]
        return signed_again(change_value(chance, value, ODD))
    if name.endswith(".json"):
        return orjson.dumps(
            change_value(chance, orjson.loads(data), ODD), option=orjson.OPT_SORT_KEYS
        )
    if name.endswith(".txt"):
        item = cbor2.loads(from_base45(data.decode()[len(PREFIX) :]))
        return (PREFIX + to_base45(spell(chance, change_value(chance, item, ODD_CBOR)))).encode()
    return pack(spell(chance, change_value(chance, cbor2.loads(zlib.decompress(data)), ODD_CBOR)))


def spell(chance: random.Random, item: Any) -> bytes:
    """Return the CBOR of an item, now and then in another than the one spelling."""
    return cbor2.dumps(item, canonical=chance.random() > 0.05)


def change_bytes(chance: random.Random, data: bytes) -> bytes:
    """Return bytes of which one is changed, left out, doubled, or the rest cut off."""
    if not data:
        return b"\0"
    at = chance.randrange(len(data))
    how = chance.randrange(5)
    if how == 0:
        return data[:at]
    if how == 1:
        return data[:at] + data[at + 1 :]
    if how == 2:
        return data[:at] + data[at : at + 1] + data[at:]
    if how == 3:
        return data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]


def change_value(chance: random.Random, value: Any, odd: Sequence[Any]) -> Any:
    """Return a copy of a list or object in which one or two values are others."""
    value = copy.deepcopy(value)
    for _ in range(chance.choice((1, 1, 1, 2))):
        inner = chance.choice(list(containers(value)))
        if not len(inner):
            continue
        key = chance.choice(list(inner) if isinstance(inner, dict) else range(len(inner)))
        change_at(chance, inner, key, odd)
    return value


def containers(value: Any) -> Iterator[Any]:
    """Yield the lists and objects of a value, itself first."""
    if isinstance(value, dict | list):
        yield value
        for part in value.values() if isinstance(value, dict) else value:
            yield from containers(part)


def change_at(chance: random.Random, inner: Any, key: Any, odd: Sequence[Any]) -> None:
    """Change what stands at `key`: leave it out, double or swap it, or put another value there."""
    held, how = inner[key], chance.randrange(10)
    if how == 0:
        del inner[key]
    elif how == 1 and isinstance(inner, list):
        inner.insert(key, copy.deepcopy(held))
    elif how == 2 and isinstance(inner, list):
        other = chance.randrange(len(inner))
        inner[key], inner[other] = inner[other], inner[key]
    elif how == 3:
        inner[key] = copy.deepcopy(chance.choice(odd))
    elif how == 4 and isinstance(held, dict | list):
        names = range(len(held)) if odd is ODD_CBOR else map(str, range(len(held)))
        inner[key] = (
            list(held.values()) if isinstance(held, dict) else dict(zip(names, held, strict=True))
        )
    else:
        inner[key] = nearby(chance, held, odd)


def nearby(chance: random.Random, held: Any, odd: Sequence[Any]) -> Any:
    """Return a value near `held`: one more or less, a bit changed, another type."""
    if isinstance(held, bool):
        return chance.choice((not held, int(held)))
    if isinstance(held, int):
        return chance.choice((held + 1, abs(held - 1), held ^ 1 << chance.randrange(40), str(held)))
    if isinstance(held, bytes):
        return chance.choice((change_bytes(chance, held), held.hex(), held[:-1], held + b"\0"))
    if isinstance(held, str) and held:
        at = chance.randrange(len(held))
        put = chance.choice("0123456789abcdefABCDEFghij-_ \n名")
        return chance.choice((held[:at] + put + held[at + 1 :], held[:-1], held + put, held[:at]))
    return copy.deepcopy(chance.choice(odd))


# Asking both --------------------------------------------------------------------------------------


def first(arguments: Sequence[str]) -> Answer:
    """Return the answer of the Python verifier; one that breaks off has no exit status of ours."""
    try:
        status, output = answer(arguments)
    except Exception as error:  # Whatever it is, it is no answer.
        return -1, repr(error)
    return status, without_details(output)


class Second:
    """Another verifier, asked line by line: `[arguments]` in, `[exit status, output]` out."""

    def __init__(self, command: Sequence[str] = SECOND) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __call__(self, arguments: Sequence[str]) -> Answer:
        """Return its answer."""
        asked, answered = self._process.stdin, self._process.stdout
        assert asked is not None
        assert answered is not None
        asked.write(json.dumps(list(arguments)).encode() + b"\n")
        asked.flush()
        status, output = json.loads(answered.readline())
        return status, None if status == 2 else without_details(output.encode())

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)


def without_details(output: bytes) -> Any:
    """Return a result whose checks are but their codes."""
    if not output:
        return None
    result = orjson.loads(output)
    result["checks"] = [check["code"] for check in result["checks"]]
    return result


def disagreements(found: Iterator[Mutant], one: Ask, other: Ask, room: Path) -> Iterator[str]:
    """Yield a line for each mutant that two verifiers answer differently; keep its files."""
    for number, mutant in enumerate(found):
        folder = room / str(number)
        folder.mkdir()
        for name, data in mutant.files.items():
            (folder / name).write_bytes(data)
        before, arguments = "", []
        for word in mutant.arguments:
            arguments.append(str(folder / word) if before in FILES else word)
            before = word
        left, right = one(arguments), other(arguments)
        if left != right:
            yield f"{folder}: {mutant.part} of {mutant.origin}: {left} and {right}"
            continue
        for name in mutant.files:
            (folder / name).unlink()
        folder.rmdir()


def main() -> int:
    """Ask both about many mutants; returns how many they answer differently."""
    parser = argparse.ArgumentParser(description="Ask two verifiers about mutants of good files.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mutants", type=int, default=5000)
    given = parser.parse_args()
    room, second, count = Path(tempfile.mkdtemp(prefix="mutants-")), Second(), 0
    for line in disagreements(mutants(given.seed, given.mutants), first, second, room):
        print(line[:2000], flush=True)
        count += 1
    second.close()
    if not count:
        room.rmdir()
    print(f"{given.mutants} mutants of seed {given.seed}: {count} differ, see {room}")
    return count


if __name__ == "__main__":
    raise SystemExit(1 if main() else 0)
