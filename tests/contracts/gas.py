"""What acts cost in gas, on ledgers of a stated size: `python -m tests.contracts.gas` writes it.

Everything is fixed (keys, roots, times), so the figures only change when contract or calldata do.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from certledger.verifier.crypto.hashing import keccak
from certledger.verifier.formats.status_tree import StatusTree, choose, move
from certledger.verifier.vocabulary import Status
from tests.contracts.acts import Anchoring
from tests.contracts.people import ACTS, Office
from tests.contracts.world import REGIONS, World, code, ends_of

SNAPSHOT = Path(__file__).with_name("gas.json")
BATCH = 1_000
ISSUERS = 30
BATCHES_BEFORE = 63
MILLION = 2**20
# All keys for everything, as a small office has it.
PURPOSES = (15, 15, 15)

TARGETS = {
    "anchor, a certificate of 1,000, alone": 68,
    "anchor, a certificate of 1,000, in a list of 30 issuers": 48,
    "status, one change alone": 95_000,
    "status, a change of 1,000 in a row": 150,
    "status, a change of 300 scattered over a million": 8_500,
}
"""Gas that may not be exceeded."""


def measure() -> dict[str, int]:
    """Return gas by what was done; figures for one certificate or change are rounded up."""
    return {**dict(anchoring()), **dict(changing()), **dict(governing())}


def _office(world: World, region: int, number: int) -> Office:
    office = Office(world=world, issuer=code(region, number), purposes=PURPOSES)
    assert office.register().refused is None
    return office


def _grown(office: Office, **changes: Any) -> Office:
    """Let the chain believe that the issuer has come so far already."""
    office.state = replace(office.state, **changes)
    office.world.put_slot(office.issuer, office.state.digest())
    return office


def _with_batches(office: Office, batches: int) -> Office:
    """Let the issuer have anchored so many batches of 1,000."""
    peaks = tuple(keccak(bytes([at])) for at in range(batches.bit_count()))
    return _grown(
        office,
        batches=batches,
        certificates=batches * BATCH,
        last=keccak(office.code),
        catalog=keccak(b"catalog"),
        peaks=peaks,
    )


def _issue(offices: list[Office]) -> int:
    """Return the gas of one call that anchors a batch of every office."""
    entries = []
    for office in offices:
        (batch,) = office.batches(BATCH)
        said = replace(batch.said, root=keccak(office.code))
        entries.append((office.state, (replace(batch, said=said),)))
    outcome = offices[0].carry(Anchoring(entries=tuple(entries)))
    assert outcome.refused is None
    return outcome.gas


def anchoring() -> Iterator[tuple[str, int]]:
    """Yield the gas of batches on issuers of 3 keys, at their dearest up to the 64th."""
    world = World()
    yield "deployment", world.deploy().gas
    office = Office(world=world, issuer=code(31, 2), purposes=PURPOSES)
    yield "register, 3 keys", office.register().gas
    alone = max(_issue([_with_batches(office, before)]) for before in range(BATCHES_BEFORE + 1))
    yield "anchor, a certificate of 1,000, alone", -(-alone // BATCH)
    offices = [_office(world, REGIONS[n % 4], 10 + n) for n in range(ISSUERS)]
    for one in offices:
        _with_batches(one, BATCHES_BEFORE)
    yield (
        "anchor, a certificate of 1,000, in a list of 30 issuers",
        (-(-_issue(offices) // BATCH // ISSUERS)),
    )
    yield "anchor, five batches of one issuer", _with_batches(office, 63).issue(*[BATCH] * 5).gas


def changing() -> Iterator[tuple[str, int]]:
    """Yield the gas of status changes for an issuer of a million certificates, one in 100 moved."""
    world = World()
    world.deploy()
    office = _with_batches(_office(world, 31, 1), BATCHES_BEFORE)
    cells = random.Random(31).sample(range(MILLION), 10_301)
    words, masks = choose(cells[:10_000])
    held = [move(bytes(32), mask, Status.SUSPENDED) for mask in masks]
    office.tree = StatusTree(dict(zip(words, held, strict=True)))
    _grown(office, certificates=MILLION, status=office.tree.root)
    yield "status, one change alone", _change(office, cells[10_000:10_001])
    scattered = _change(office, cells[10_001:])
    yield "status, a change of 300 scattered over a million", -(-scattered // 300)
    valid = (cell for cell in range(MILLION // 2, MILLION) if office.tree.status(cell) == "valid")
    row = [cell for cell, _ in zip(valid, range(1_000), strict=False)]
    yield "status, a change of 1,000 in a row", -(-_change(office, row) // 1_000)


def _change(office: Office, cells: list[int]) -> int:
    act = office.status(cells, Status.REVOKED)
    outcome = office.world.send(act.calldata(office.world.identity))
    assert outcome.refused is None
    office.set_status_of(act, Status.REVOKED, outcome)
    return outcome.gas


def governing() -> Iterator[tuple[str, int]]:
    """Yield the gas of the rarer acts, each on the same small issuer."""
    world = World()
    world.deploy()
    office = Office(world=world)
    office.register()
    office.issue(300)
    start = world.snapshot()
    state = office.state
    for name, make in ACTS.items():
        if name in ("register", "status, countersigned"):
            continue
        world.revert(start)
        office.state = state
        yield name, office.carry(make(office)).gas
    world.revert(start)
    office.state = state
    ending = office.keys_change(ends=ends_of((0, world.block)))
    yield "keys, one ended", office.carry(ending).gas


if __name__ == "__main__":
    SNAPSHOT.write_text(json.dumps(measure(), indent=1) + "\n", encoding="utf-8")
