"""Hostile inputs for every decoder, measured: `python -m tests.attack.decoders SECONDS`.

Memory is at most 20 bytes a byte and 1 MiB; time is told in units of a fixed loop of the same
process, so that a slow or busy machine changes nothing.
"""

from __future__ import annotations

import gzip
import random
import sys
import time
import tracemalloc
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import cbor2

from certledger.ledger.verification.questions import parse_questions
from certledger.verifier.audit.sources import chunks, unzipped
from certledger.verifier.crypto.hashing import keccak
from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.base45 import from_base45, to_base45
from certledger.verifier.formats.canonical_json import parse, parse_canonical
from certledger.verifier.formats.compact_evidence import Compact
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.formats.issuer_state import MAX_BATCH_CERTIFICATES
from certledger.verifier.formats.snapshot import Snapshot
from certledger.verifier.formats.state_proof import NodeSet, check_account, check_slot
from tests.conformance.case import Scene
from tests.conformance.snapshot_cases import code_of, pack

LONGEST = 65_536
MAX_BYTES_A_BYTE = 20
MAX_FREE_BYTES = 1 << 20
MAX_LOOPS = 40
"""Times the loop below (some 4 ms where nothing else runs) that 64 KB may take."""
MAX_SNAPSHOT_LOOPS = 400
"""The same for snapshots: the root over each status listed is hashed while they are read."""

JSON_PARTS = (b"[]", b"{}", b'""', b"0", b"[[]]", b'{"a":0}', b'"a"', b'"\\u0000"', b"null",
              b'"\xe4\xb8\xad"', b"9007199254740991", b"[", b"{", b'{"a":', b"]", b'"', b"\\",
              b"1e9",              b"-", b"true", b"\xff", b" ", b'"k":0', b":")  # fmt: skip
CBOR_PARTS = (b"\x00", b"\x20", b"\x40", b"\x60", b"\x80", b"\xa0", b"\x81", b"\xa1", b"\xd8\x1c",
              b"\xd8\x1d\x00", b"\xf5", b"\xf6", b"\xf9\x00\x00", b"\x9f", b"\xff",
              b"\x1b" + b"\xff" * 8, b"\x5b" + b"\x00" * 4 + b"\xff" * 4,
              b"\x9b" + b"\x00" * 4 + b"\xff" * 4,
              b"\xba\xff\xff\xff\xff", b"\x98\x01", b"\xc2\x41\x01", b"\x58\x20" + bytes(32),
              b"\x41a", b"\x61a")  # fmt: skip
RLP_PARTS = (b"\xc0", b"\x80", b"\xa0" + bytes(32), b"\xf9\x02\x11", b"\xbf" + b"\xff" * 8,
             b"\xff" + b"\x7f" * 8, b"\xc1\x80", b"\x00", b"\xc2\x20\x80")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Decoder:
    """A decoder, and what makes one hostile input of a seed."""

    decode: Callable[[bytes], object]
    make: Callable[[random.Random], bytes]
    loops: int = MAX_LOOPS


def crowd(luck: random.Random, parts: tuple[bytes, ...], between: bytes = b"") -> bytes:
    """Return a few parts repeated until nearly 64 KB are full."""
    some = [luck.choice(parts) for _ in range(luck.randint(1, 4))]
    unit = between.join(some) + between
    return unit * luck.choice([1, 10, LONGEST // len(unit) - 8])


def json(luck: random.Random) -> bytes:
    """Return JSON, or what looks like it."""
    inner = crowd(luck, JSON_PARTS, luck.choice([b",", b"", b",,"])).rstrip(b",")
    opened, closed = luck.choice([(b"[", b"]"), (b"{", b"}"), (b"", b""), (b'{"a":[', b"]}")])
    return opened + inner + closed


def questions(luck: random.Random) -> bytes:
    """Return a request with a question outside the subset, so that each item is parsed alone."""
    odd = luck.choice([b"null", b"1.5", b'{"a":1,"a":2}', b'{"evidence":{"a":[null]}}', b"0"])
    # Plain texts: for others orjson reserves memory that it never touches, which counts here.
    parts = [part for part in JSON_PARTS[:10] if part.isascii() and b"\\" not in part]
    unit = b",".join(luck.choice(parts) for _ in range(luck.randint(1, 4))) + b","
    items = unit * (LONGEST // len(unit) - 32)
    return luck.choice([b"[%b,%b0]", b'[%b,{"evidence":{"a":[%b0]}}]']) % (odd, items)


def changed(luck: random.Random, data: bytes, parts: tuple[bytes, ...]) -> bytes:
    """Return good data with hostile parts in the place of some of its own, or behind it."""
    at = luck.randrange(len(data))
    return (data[:at] + crowd(luck, parts) + data[at + luck.randint(0, 9) :])[:LONGEST]


def scattered(luck: random.Random) -> bytes:
    """Return the item of a snapshot with as many scattered statuses as its batches allow."""
    parts = cbor2.loads(SNAPSHOT)
    count, gap = luck.choice([1, 10, 100]), luck.choice([0, 1, 127])
    body = parts[5][1]
    body[10] = [bytes(32 * count), [MAX_BATCH_CERTIFICATES] * count, [0] * count, [0] * count, [0] *
    count,
                [-1] * count, {}]  # fmt: skip
    body[11] = [bytes([gap]) * min(count * MAX_BATCH_CERTIFICATES // (gap + 1), 50_000), b"", b""]
    return cbor2.dumps(parts, canonical=True)


def _snapshot_item(luck: random.Random) -> bytes:
    return scattered(luck) if luck.random() < 0.3 else changed(luck, SNAPSHOT, CBOR_PARTS)


def _node(luck: random.Random) -> bytes:
    return crowd(luck, RLP_PARTS)[: luck.choice([31, 32, 532, 1_024, LONGEST])]


def _prove(node: bytes) -> None:
    for prove in (
        lambda: check_slot(bytes(32), bytes(32), [node]),
        lambda: check_account(bytes(32), bytes(20), [node] * 64),
        lambda: NodeSet([node]).slot(keccak(node), bytes(32)),
    ):
        with suppress(CertledgerError):
            prove()


def _lines(data: bytes) -> None:
    for _ in chunks(unzipped(iter([data]))):
        pass


def _scene() -> tuple[bytes, bytes, bytes]:
    scene = Scene(first_batches=1)
    evidence = scene.evidence()
    return scene.world.snapshot().to_cbor(), code_of(evidence).to_cbor(), scene.file()


SNAPSHOT, CODE, EVIDENCE = _scene()
DECODERS: Mapping[str, Decoder] = {
    "json": Decoder(lambda data: parse(data, LONGEST), json),
    "canonical json": Decoder(lambda data: parse_canonical(data, LONGEST), json),
    "evidence": Decoder(Evidence.parse, lambda luck: changed(luck, EVIDENCE, JSON_PARTS)),
    "compact": Decoder(Compact.from_cbor, lambda luck: changed(luck, CODE, CBOR_PARTS)),
    "any cbor": Decoder(Compact.from_cbor, lambda luck: crowd(luck, CBOR_PARTS)),
    "snapshot": Decoder(
        lambda item: Snapshot.parse(pack(item)), _snapshot_item, MAX_SNAPSHOT_LOOPS
    ),
    "questions": Decoder(lambda data: parse_questions(data, LONGEST, lambda _: False), questions),
    "base45": Decoder(
        lambda data: from_base45(data.decode("latin-1")),
        lambda luck: to_base45(luck.randbytes(luck.choice([9, 999, 43_000]))).encode(),
    ),
    "trie": Decoder(_prove, _node),
    "records": Decoder(_lines, lambda luck: gzip.compress(luck.randbytes(30_000) + b"\n")),
}


@dataclass(frozen=True, slots=True)
class Bomb:
    """A decoder, and what makes a small file that unpacks to much."""

    decode: Callable[[bytes], object]
    make: Callable[[], bytes]


def _padded_snapshot(byte: bytes) -> Bomb:
    return Bomb(Snapshot.parse, lambda: zlib.compress(SNAPSHOT[:-1] + byte * (1 << 26), 9))


BOMBS: Mapping[str, Bomb] = {
    "snapshot of zeros": _padded_snapshot(b"\0"),
    "snapshot of empty lists": _padded_snapshot(b"\x80"),
    "snapshot of empty bytes": _padded_snapshot(b"\x40"),
    "records of line feeds": Bomb(_lines, lambda: gzip.compress(b"\n" * (1 << 26), 9)),
    "records of one line": Bomb(_lines, lambda: gzip.compress(b"a" * (1 << 26), 9)),
}


def loop() -> float:
    """Return the seconds of processor time that a fixed loop takes here and now."""
    start, total = time.process_time(), 0
    for number in range(100_000):
        total += number & 7
    return time.process_time() - start


def run(decode: Callable[[bytes], object], data: bytes) -> float:
    """Decode, and return the seconds of processor time; anything but a refusal is a fault."""
    start = time.process_time()
    with suppress(CertledgerError):
        decode(data)
    return time.process_time() - start


def memory(decode: Callable[[bytes], object], data: bytes) -> int:
    """Return the most bytes that decoding took at once."""
    tracemalloc.start()
    try:
        run(decode, data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def faults(name: str, seed: int) -> list[str]:
    """Return what is wrong with a decoder on the input of a seed."""
    decoder = DECODERS[name]
    data = decoder.make(random.Random(seed))
    found, taken = [], memory(decoder.decode, data)
    if taken > MAX_BYTES_A_BYTE * len(data) + MAX_FREE_BYTES:
        found.append(f"{name} {seed}: {taken} bytes of memory for {len(data)}")
    # The least of three, so that what else runs here does not count.
    loops = min(run(decoder.decode, data) / loop() for _ in range(3))
    if loops > decoder.loops:
        found.append(f"{name} {seed}: {loops:.0f} loops for {len(data)} bytes")
    return found


def main() -> None:
    """Try seeds until the seconds are over; exit with 1 and a list of faults, if there are any."""
    ends, seed = time.monotonic() + float(sys.argv[1] if len(sys.argv) > 1 else 60), 0
    found: list[str] = []
    while time.monotonic() < ends:
        found += [fault for name in DECODERS for fault in faults(name, seed)]
        seed += 1
    print(f"{seed} inputs for each of {len(DECODERS)} decoders, {len(found)} faults")
    print("\n".join(found))
    raise SystemExit(bool(found))


if __name__ == "__main__":
    main()
