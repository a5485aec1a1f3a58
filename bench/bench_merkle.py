"""How fast trees are built and evidence is read, against bare hashing and bare JSON."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from hashlib import sha256
from pathlib import Path

import orjson

from bench.report import Row, at_least, at_most, rates
from certledger.verifier.formats import merkle
from certledger.verifier.formats.canonical_json import parse, parse_canonical
from certledger.verifier.formats.evidence import MAX_EVIDENCE_BYTES, Evidence
from certledger.verifier.formats.record import Record
from certledger.verifier.vocabulary import HolderKind

EVIDENCE = Path(__file__).parent.parent / "tests" / "vectors" / "evidence.json"
DIGESTS = 8
MIN_RATIO = 0.45
MAX_MEMORY = 200
RECORD = Record(
    issuer="11310000XX00000196",
    index=0,
    id=bytes(range(32)),
    category="BIZ-LICENCE",
    entry=1,
    holder=HolderKind.LEGAL,
    issued=date(2026, 11, 1),
    expires=date(2031, 10, 31),
    digests=tuple(sha256(bytes([place])).digest() for place in range(DIGESTS)),
)


def records(count: int) -> list[bytes]:
    """Return the canonical bytes of `count` records."""
    return [replace(RECORD, index=index).canonical() for index in range(count)]


def build(data: Sequence[bytes]) -> bytes:
    """Return the root over canonical records."""
    return merkle.root(map(merkle.leaf_hash, data))


def hash_bare(data: Sequence[bytes]) -> None:
    """Do as many hashes of the same sizes as `build`, and nothing else."""
    node = b"\x01" + bytes(64)
    for part in data:
        sha256(part).digest()
    for _ in range(len(data) - 1):
        sha256(node).digest()


def memory(data: Sequence[bytes]) -> float:
    """Return the greatest bytes a leaf that `build` holds above the records themselves."""
    tracemalloc.start()
    build(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / len(data)


def trees(quick: bool) -> list[Row]:
    """Return the rows of tree building."""
    data = records(4_096 if quick else 65_536)
    hashes, rounds = 2 * len(data) - 1, 3 if quick else 9
    value, bare = rates(hashes, rounds, lambda: build(data), lambda: hash_bare(data))
    held = memory(data)
    return [
        Row(
            name="tree_from_records",
            value=value,
            unit="hashes/s",
            baseline=bare,
            ratio=value / bare,
            target=at_least(MIN_RATIO, "ratio"),
        ),
        Row(
            name="tree_memory",
            value=held,
            unit="bytes/leaf",
            baseline=merkle.HASH_SIZE,
            ratio=held / merkle.HASH_SIZE,
            target=at_most(MAX_MEMORY),
        ),
    ]


def reading(quick: bool) -> list[Row]:
    """Return the rows of reading: evidence, its canonical bytes, one record."""
    file = json.loads(EVIDENCE.read_text(encoding="utf-8"))["file"].encode()
    record, value = RECORD.canonical(), RECORD.to_json()
    count, rounds = (200, 3) if quick else (2_000, 7)

    def measure(
        name: str, unit: str, work: Callable[[], object], baseline: Callable[[], object]
    ) -> Row:
        value, bare = rates(count, rounds, again(count, work), again(count, baseline))
        return Row(name, value, unit, bare, value / bare)

    bare = partial(orjson.loads, file)
    return [
        measure("evidence_parse", "files/s", partial(Evidence.parse, file), bare),
        measure(
            "parse_canonical", "files/s", partial(parse_canonical, file, MAX_EVIDENCE_BYTES), bare
        ),
        measure(
            "parse_any_spelling",
            "files/s",
            partial(parse, file, MAX_EVIDENCE_BYTES),
            partial(json.loads, file),
        ),
        measure(
            "record_from_json",
            "records/s",
            partial(Record.from_json, value),
            partial(orjson.loads, record),
        ),
    ]


def again(count: int, work: Callable[[], object]) -> Callable[[], None]:
    """Return what does `work` `count` times."""

    def repeated() -> None:
        for _ in range(count):
            work()

    return repeated


def rows(quick: bool) -> list[Row]:
    """Return the rows of trees and of reading."""
    return [*trees(quick), *reading(quick)]
