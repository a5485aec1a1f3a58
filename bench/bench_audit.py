"""How fast an audit goes through leaves and records on one core, and what memory it takes."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from hashlib import sha256
from pathlib import Path

from bench.bench_seal import ENTRY, ISSUER, certificates
from bench.report import Row, at_least, at_most, rates
from certledger.ledger.sealing.records import seal_records
from certledger.verifier.audit.batches import BatchTask, check_batch
from certledger.verifier.audit.certificate_index import CertificateIndex
from certledger.verifier.formats import merkle
from certledger.verifier.formats.canonical_json import format_canonical, to_base64url
from certledger.verifier.formats.catalog import Catalog
from certledger.verifier.vocabulary import Status

ROOTS, RECORDS = 250_000, 100_000
"""Leaves, and records with every check, a second on one core."""
MEMORY = 1.5
"""Greatest memory of an audit of millions, in that of one batch alone."""
BATCH = 65_536
CHUNK = 256
NOW = 1_795_500_000
CATALOG = Catalog.of([ENTRY])


@lru_cache(maxsize=1)
def template() -> tuple[bytes, bytes, bytes]:
    """Return a sealed record in three parts, between which its id and its index stand."""
    sealed = seal_records(certificates(1), issuer=ISSUER, secret=bytes(32), seed=bytes(32), first=0)
    before, _, rest = sealed.records[0].partition(b'"id":"')
    between, _, after = rest[43:].partition(b'"index":0')
    return before + b'"id":"', between + b'"index":', after


def records(first: int, count: int) -> Iterator[list[bytes]]:
    """Yield records with ids of their own, some at a time, as they come from a database."""
    before, between, after = template()
    for start in range(first, first + count, CHUNK):
        yield [
            b"%b%b%b%d%b" % (before, _id(index), between, index, after)
            for index in range(start, min(start + CHUNK, first + count))
        ]


def _id(index: int) -> bytes:
    return to_base64url(sha256(index.to_bytes(8, "big")).digest()).encode("ascii")


@dataclass(eq=False, slots=True)
class Shelf:
    """Publishes one batch at a time from memory, so that only the checking is measured."""

    chunks: list[list[bytes]] = field(default_factory=list)

    def records(self, issuer: str, sequence: int, root: bytes) -> Iterator[list[bytes]]:
        return iter(self.chunks)

    def catalog(self, root: bytes) -> bytes:
        return format_canonical(CATALOG.to_json())

    def name(self, issuer: str, digest: bytes) -> str | None:
        return None

    def notes(self) -> Iterator[tuple[str, str]]:
        return iter(())


def task(shelf: Shelf, place: int, first: int, count: int) -> BatchTask:
    """Put a batch of new records on the shelf, and return the task of checking it."""
    shelf.chunks = []  # The batch before goes first, or there would be two in memory.
    shelf.chunks = list(records(first, count))
    return BatchTask(
        published=shelf,
        issuer=ISSUER,
        issuer_number=0,
        sequence=place + 1,
        first=first,
        count=count,
        root=root_of(shelf.chunks),
        catalog=CATALOG.root(),
        time=NOW,
        now=NOW,
    )


def root_of(chunks: Sequence[Sequence[bytes]]) -> bytes:
    """Return the root that records lead to, and nothing else."""
    return merkle.root(sha256(b"\x00" + line).digest() for chunk in chunks for line in chunk)


def hash_all(chunks: Sequence[Sequence[bytes]]) -> None:
    """Hash every record, and as many pairs of hashes: what no root can be had without."""
    digest, pair = sha256, bytes(65)
    for chunk in chunks:
        for line in chunk:
            digest(line).digest()
            digest(pair).digest()


def sweep(certificates: int, batch: int) -> dict[str, float]:
    """Audit so many certificates, batch by batch, with all ids told apart in the end.

    Returns certificates a second of the checking alone, and the greatest memory in megabytes.
    """
    spent, shelf = 0.0, Shelf()
    with tempfile.TemporaryDirectory() as folder:
        register = CertificateIndex(Path(folder) / "rows")
        for place, first in enumerate(range(0, certificates, batch)):
            work = task(shelf, place, first, min(batch, certificates - first))
            began = time.perf_counter()
            report = check_batch(work)
            register.add(report.rows)
            spent += time.perf_counter() - began
            assert not report.faults, report.faults[0]
        began = time.perf_counter()
        assert not list(register.check([ISSUER], set(), lambda issuer, index: Status.VALID))
        spent += time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"rate": certificates / spent, "memory": memory}


def _apart(certificates: int, batch: int) -> dict[str, float]:
    """Sweep in a process of its own, whose greatest memory is then the sweep's."""
    asked = [sys.executable, "-m", "bench.bench_audit", str(certificates), str(batch)]
    done = subprocess.run(asked, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def rows(quick: bool) -> list[Row]:
    """Return the rows of the audit; memory stands beside that of one batch alone."""
    batch, rounds = (8_192, 3) if quick else (BATCH, 5)
    sizes = (16_384,) if quick else (1_048_576, 4_194_304)
    shelf = Shelf()
    work = task(shelf, 0, 0, batch)
    assert not check_batch(work).faults
    bare = partial(hash_all, shelf.chunks)
    found = [
        _rate("audit_roots", ROOTS, *rates(batch, rounds, partial(root_of, shelf.chunks), bare)),
        _rate("audit_records", RECORDS, *rates(batch, rounds, partial(check_batch, work), bare)),
    ]
    alone = _apart(batch, batch)["memory"]
    least = found[-1].baseline
    for size in sizes:
        swept = _apart(size, batch)
        found.append(_rate(f"audit_{size}", RECORDS, swept["rate"], least))
        memory = swept["memory"]
        name = f"audit_memory_{size}"
        target = at_most(MEMORY, of="ratio")
        found.append(Row(name, memory, "MB", alone, memory / alone, target))
    return found


def _rate(name: str, target: float, value: float, baseline: float) -> Row:
    return Row(name, value, "1/s", baseline, value / baseline, at_least(target))


if __name__ == "__main__":
    print(json.dumps(sweep(int(sys.argv[1]), int(sys.argv[2]))))
