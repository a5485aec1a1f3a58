"""Mutants of the contracts, found in the sources and woven into them.

A woven source has every mutant in it, each behind a switch that one number turns on: so many
mutants are compiled at once, and the number 0 leaves the contract as it is.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
SOURCES = (
    "CertificateLedger.sol",
    "IssuerRegistry.sol",
    "Issuers.sol",
    "PackedWords.sol",
    "Registrars.sol",
    "Signatures.sol",
    "StatusTree.sol",
)
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
SWITCH_SOURCE = "MutantSwitch.sol"
SWITCH = """// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @dev The mutant that is on stands in the last 32 bytes of the code, which the tests put there.
function mutant(uint256 which) pure returns (bool on) {
    assembly ("memory-safe") {
        codecopy(0x00, sub(codesize(), 0x20), 0x20)
        on := eq(mload(0x00), which)
    }
}
"""
_IMPORT = f'pragma solidity 0.8.30; import {{mutant}} from "./{SWITCH_SOURCE}";'
_COMPARISON = re.compile(r"(?<= )(<=|>=|==|!=|&&|\|\||<|>)(?= )")
_REFUSAL = re.compile(r"if \((?P<condition>.+)\) (?:revert |return \w+\.selector)")
_HASHED = re.compile(r"(?:abi\.encodePacked|abi\.encode)\(")


@dataclass(frozen=True)
class Mutant:
    """One change of one source: the expression from `start` to `end` becomes `changed`.

    `name` says which, and is the same from run to run.
    """

    source: str
    name: str
    start: int
    end: int
    changed: str


def mutants() -> list[Mutant]:
    """Return every mutant of every source, in an order that is stable and mixes the sources."""
    found: dict[str, Mutant] = {}
    for source in SOURCES:
        text = (CONTRACTS / source).read_text(encoding="utf-8")
        for name, start, end, changed in _changes(text):
            label = f"{source}:{name}"
            while label in found:
                label += "'"
            found[label] = Mutant(source, label, start, end, changed)
    return sorted(found.values(), key=lambda one: hashlib.sha256(one.name.encode()).digest())


def woven(group: Sequence[Mutant]) -> dict[str, str]:
    """Return sources that hold the mutants of a group: the first is number 1, and so on."""
    texts = {SWITCH_SOURCE: SWITCH}
    for source in SOURCES:
        text = (CONTRACTS / source).read_text(encoding="utf-8")
        here = {number: one for number, one in enumerate(group, 1) if one.source == source}
        changed = _weave(text, 0, len(text), here)
        texts[source] = changed.replace("pragma solidity 0.8.30;", _IMPORT, 1)
    return texts


def _weave(text: str, start: int, end: int, inside: Mapping[int, Mutant]) -> str:
    """Return `text[start:end]` with switches for the mutants in it, the outer ones first."""
    parts, at = [], start
    spans = {(one.start, one.end) for one in inside.values()}
    for first, last in sorted(spans, key=lambda span: (span[0], -span[1])):
        if first < at:
            continue  # It lies in the span before.
        parts.append(text[at:first])
        at = last
        here = {n: one for n, one in inside.items() if (one.start, one.end) == (first, last)}
        deeper = {
            n: one
            for n, one in inside.items()
            if n not in here and first <= one.start and one.end <= last
        }
        good = _weave(text, first, last, deeper)
        for number, one in here.items():
            good = f"(mutant({number}) ? ({one.changed}) : ({good}))"
        parts.append(good)
    return "".join([*parts, text[at:end]])


def _changes(text: str) -> Iterator[tuple[str, int, int, str]]:
    """Yield name, span and changed text of each mutant."""
    start = 0
    for line in text.splitlines(keepends=True):
        code = line.partition("//")[0]
        if (refusal := _REFUSAL.search(code)) is not None:
            at, end = (start + place for place in refusal.span("condition"))
            yield f"{line.strip()} dropped", at, end, "false"
        for sign in _COMPARISON.finditer(code):
            at, end = start + sign.start(), start + sign.end()
            other = TURNED[sign[0]]
            first, last = _expression(text, at, end)
            changed = text[first:at] + other + text[end:last]
            yield f"{line.strip()} {sign[0]} {other}", first, last, changed
        start += len(line)
    for hashed in _HASHED.finditer(text):
        terms, last = _terms(text, hashed.end())
        for at, end in terms:
            changed = text[hashed.start() : at] + text[end:last]
            term = text[at:end].strip(", \n")
            yield f"hash without {term}", hashed.start(), last, changed


def _expression(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the span of the whole expression around an operator."""
    depth, first = 0, start
    for first in range(start - 1, -1, -1):
        character = text[first]
        depth += (character in ")]") - (character in "([")
        ends = character in ",;?:{" or text[first - 1 : first + 2] == " = "
        if depth < 0 or (depth == 0 and (ends or text[: first + 1].endswith("return"))):
            break
    depth, last = 0, end
    for last in range(end, len(text)):
        character = text[last]
        depth += (character in "([") - (character in ")]")
        if depth < 0 or (depth == 0 and character in ",;?:"):
            break
    inner = text[first + 1 : last]
    return first + 1 + len(inner) - len(inner.lstrip()), last - len(inner) + len(inner.rstrip())


def _terms(text: str, start: int) -> tuple[list[tuple[int, int]], int]:
    """Return where each argument of a call stands, with a comma, and where the call ends.

    A call of one argument has none that can be left out.
    """
    depth, at, spans, place = 0, start, [], start
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
    with_commas = [
        (first, last + 1) if index == 0 else (first - 1, last)
        for index, (first, last) in enumerate(spans)
    ]
    return with_commas if len(spans) > 1 else [], place + 1
