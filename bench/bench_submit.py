"""How fast a batch is taken in: validated and durable in SQLite, against its bare hashing."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from statistics import median

from bench.bench_seal import ENTRY, ISSUER, certificates
from bench.report import Row, at_least
from certledger.ledger.intake.batches import submit_batch
from certledger.ledger.intake.pending_state import Intake
from certledger.ledger.sealing.batch import Head, SealedBatch, seal_issues
from certledger.verifier.formats.catalog import Catalog
from tests.ledger.live import LiveIssuer, open_live

BATCH = 1_000
TARGET = 25_000
"""Records a second, validated and durable, in batches of 1,000."""


@contextmanager
def issuer() -> Iterator[LiveIssuer]:
    """Give a registered issuer on a real ledger in a folder that is thrown away."""
    with (
        tempfile.TemporaryDirectory(prefix="certledger-bench-") as folder,
        open_live(Path(folder) / "home") as ledger,
    ):
        made = LiveIssuer(ledger, issuer=ISSUER, catalog=Catalog.of([ENTRY]))
        made.register()
        yield made


def sealed(made: LiveIssuer, batches: int) -> list[SealedBatch]:
    """Return consecutive batches of 1,000 certificates with 8 fields."""
    issues = certificates(batches * BATCH)
    head, found = Head(), []
    for number in range(batches):
        batch = seal_issues(
            issues[number * BATCH : (number + 1) * BATCH],
            catalog=made.catalog,
            head=head,
            issuer=made.issuer,
            secret=bytes(32),
            seed=number.to_bytes(32, "big"),
            signer=made.key,
            now=made.now(),
            identity=made.ledger.pin.identity,
        )
        head = batch.head
        found.append(batch)
    return found


def rows(quick: bool) -> list[Row]:
    """Return the rate of submission through the use case."""
    count = 5 if quick else 60
    with issuer() as made:
        batches = [batch.submission() for batch in sealed(made, count)]
        taken = median(_seconds(made.ledger.intake, batches))
    records = batches[0].split(b"},{")
    value, bare = BATCH / taken, BATCH / median(_hash(records) for _ in range(9))
    return [
        Row(
            name="submit_durably",
            value=value,
            unit="records/s",
            baseline=bare,
            ratio=value / bare,
            target=at_least(TARGET),
        )
    ]


def _seconds(intake: Intake, batches: list[bytes]) -> Iterator[float]:
    for data in batches:
        started = time.perf_counter()
        submit_batch(intake, data)
        yield time.perf_counter() - started


def _hash(records: list[bytes]) -> float:
    """Return the seconds that hashing the records alone takes."""
    started = time.perf_counter()
    for record in records:
        sha256(record).digest()
    return time.perf_counter() - started
