"""How large snapshots and evidence are on a large ledger, and how long proving a snapshot takes."""

from __future__ import annotations

import random
import zlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256

from bench.report import Row, at_most, seconds
from certledger.verifier.formats.snapshot import Snapshot, SnapshotIssuer
from certledger.verifier.formats.snapshot_columns import PackedBatch, pack_statuses
from certledger.verifier.formats.snapshot_delta import apply_delta, format_delta
from certledger.verifier.formats.statements import ZERO
from certledger.verifier.formats.status_tree import StatusTree, choose, move
from certledger.verifier.vocabulary import Status
from tests.large import Size, large_evidence
from tests.world import IDENTITY, NOW, Anchored, World, WorldIssuer, policy

ISSUERS = 100
CERTIFICATES = 1_000_000
REVOKED = 0.01
BATCHES = 1_000
"""Batches of each issuer: a million certificates in batches of ten is the worst case."""


def rows(quick: bool) -> list[Row]:
    """Return sizes and seconds, against what no snapshot can do without."""
    issuers, batches = (20, 50) if quick else (ISSUERS, BATCHES)
    count = CERTIFICATES // (ISSUERS * BATCHES)
    world = large_world(issuers, batches, count)
    made = world.issuers
    snapshot = world.snapshot()
    data = snapshot.format()
    statuses = b"".join(part for issuer in made for part in pack_statuses(issuer.tree.words))
    packed = len(zlib.compress(statuses, 9))
    total, pin = issuers * batches, policy().ledgers[0]
    parsed, bare = seconds(1 if quick else 3, partial(_whole, data), partial(_hashes, total))
    old = _a_batch_before(world)
    delta = format_delta(old, snapshot)
    applied, whole = seconds(1, lambda: apply_delta(old, delta, pin), partial(_whole, data))
    return [
        _size("snapshot_statuses", packed, total * count * REVOKED, 25 * 1024),
        _size("snapshot_bytes_a_batch", (len(data) - packed) / total, 32, 55),
        Row("snapshot_proved", parsed, "s", bare, parsed / bare, at_most(10)),
        Row("delta_of_a_day", len(delta), "B", len(data), len(delta) / len(data)),
        Row("delta_applied", applied, "s", whole, applied / whole),
        *_evidence(quick),
    ]


def large_world(issuers: int, batches: int, count: int) -> World:
    """Return a ledger with so many issuers, batches of each, and certificates in each batch."""
    made = [_issuer(number, batches, count) for number in range(issuers)]
    return World(issuers=made, accounts=300)


def _size(name: str, value: float, least: float, target: float) -> Row:
    """Return the row of a size; `least` is what the entropy of its content alone would take."""
    return Row(name, value, "B", least, value / least, at_most(target))


def _issuer(number: int, batches: int, count: int) -> WorldIssuer:
    """Return an issuer with so many batches of `count` certificates, one in a hundred revoked."""
    luck = random.Random(number)
    issuer = WorldIssuer.of(f"1232{number:06d}XX000001"[:18], f"示例机构第{number}号")
    rows, block, time = [], 10, NOW - 2 * 365 * 86400
    for _ in range(batches):
        block, time = block + luck.randrange(1, 2000), time + luck.randrange(1, 60_000)
        rows.append(
            PackedBatch(
                root=luck.randbytes(32),
                count=count,
                not_after=time,
                block=block,
                key=0,
                catalog=issuer.state.catalog,
                countersignature=ZERO,
            )
        )
    total = batches * count
    words, masks = choose(luck.sample(range(total), round(total * REVOKED)))
    issuer.tree = StatusTree(
        {at: move(bytes(32), mask, Status.REVOKED) for at, mask in zip(words, masks, strict=True)}
    )
    issuer.state = replace(issuer.state, status=issuer.tree.root, epoch=len(words))
    return _anchored(issuer, rows)


def _anchored(issuer: WorldIssuer, rows: Sequence[PackedBatch]) -> WorldIssuer:
    held = SnapshotIssuer.of(issuer.state, rows, issuer.tree.words, IDENTITY)
    issuer.state = held.state
    issuer.batches = [
        Anchored(
            statement=statement,
            signature=b"",
            signer=issuer.signer,
            key=row.key,
            block=row.block,
            issued=[],
            catalog=issuer.catalog,
        )
        for row, statement in zip(rows, held.statements, strict=True)
    ]
    return issuer


def _a_batch_before(world: World) -> Snapshot:
    """Return the snapshot of a day ago, when a tenth of the issuers had a batch less."""
    before = World(issuers=[], number=world.number - 1, time=world.time - 86400, accounts=300)
    for at, issuer in enumerate(world.issuers):
        if at % 10:
            before.issuers.append(issuer)
            continue
        state = replace(issuer.state, batches=0, certificates=0, last=ZERO, peaks=())
        made = replace(issuer, state=state)
        before.issuers.append(_anchored(made, [one.row() for one in issuer.batches[:-1]]))
    return before.snapshot()


def _whole(data: bytes) -> None:
    """Do what a counter does with a snapshot that arrives."""
    Snapshot.parse(data).check(policy().ledgers[0])


def _hashes(batches: int) -> None:
    """Do nothing but the hashes without which no batch can be checked."""
    for _ in range(batches):
        for _ in range(5):
            sha256(_BLOCK).digest()


_BLOCK = bytes(320)


def _evidence(quick: bool) -> list[Row]:
    """Return the largest of some evidence on a large chain, on base64 of its hashes alone."""
    seeds = range(1, 2 if quick else 6)
    accounts = 10_000 if quick else 1_000_000
    found = []
    for name, size, target in (
        ("evidence_bytes", Size(accounts=accounts), at_most(10_240)),
        (
            "evidence_bytes_1000_bodies",
            Size(accounts=accounts, issuers=1_000, entries=50),
            None,
        ),
    ):
        made = [large_evidence(size, seed=seed) for seed in seeds]
        largest = max(len(one.format()) for one in made)
        nodes = max(sum(map(len, (*one.account_proof, *one.slot_proof))) for one in made)
        found.append(Row(name, largest, "B", nodes, largest / nodes, target))
    return found
