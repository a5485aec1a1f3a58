"""The operator's logbook: what was told is anchored as records of the operator's own issuer."""

from __future__ import annotations

from dataclasses import replace

import httpx

from certledger.ledger.core.service_values import Role
from certledger.ledger.sealing.batch import Head
from certledger.ledger.verification.receipt_log import LEASE, Logbook
from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.formats.catalog import Catalog
from certledger.verifier.verify.receipt import RECEIPT_ENTRY
from tests.api.operator_issuer import OPERATOR
from tests.api.world import DAY, Running, World, disclosures


def ask(running: Running) -> str:
    with running.client(Role.COUNTER) as client:
        told = client.post("/v1/verifications", json={"lookup": {"digest": "3" * 64}})
        reference: str = told.json()["reference"]
        return reference


def seal_only(logbook: Logbook, now: int) -> None:
    """Seal what is due, and go no further, as if the process had been killed there."""
    with logbook.store.begin() as unit:
        token = unit.acquire(LEASE, logbook.holder, seconds=60)
    assert token is not None
    logbook.seal_due(now, token)


def test_receipts_are_sealed_handed_in_and_anchored_once(
    world: World, running: Running, logbook: Logbook, counter: httpx.Client
) -> None:
    references = [ask(running) for _ in range(3)]
    assert logbook.step() >= 3
    assert logbook.step() == 0
    world.ledger.run_until_idle()
    batches = {counter.get(f"/v1/verifications/{one}").json()["batch"] for one in references}
    assert len(batches) == 1
    with world.ledger.store.begin(write=False) as unit:
        anchored = unit.anchored(OPERATOR, batches.pop())
    assert anchored is not None


def test_a_kill_between_sealing_and_handing_in_leaves_one_batch(
    world: World, running: Running, logbook: Logbook
) -> None:
    reference = ask(running)
    seal_only(logbook, int(world.service.clock()))
    assert logbook.step() == 1
    world.ledger.run_until_idle()
    with world.ledger.store.begin(write=False) as unit:
        found = unit.verification(reference)
        assert found is not None
        assert found.sequence is not None
        state = unit.issuer(OPERATOR)
    assert state is not None
    assert state.state.batches == found.sequence


def test_a_sealed_batch_that_can_no_longer_come_is_sealed_anew(
    world: World, running: Running, logbook: Logbook
) -> None:
    reference = ask(running)
    late = replace(logbook, every=-30 * DAY)
    seal_only(late, int(world.service.clock()) - 8 * DAY)
    with world.ledger.store.begin(write=False) as unit:
        assert unit.receipt_batch_waiting() is not None
    assert logbook.step() == 0
    assert logbook.step() == 1
    world.ledger.run_until_idle()
    with world.ledger.store.begin(write=False) as unit:
        found = unit.verification(reference)
    assert found is not None
    assert found.sequence is not None


def test_a_batch_that_was_handed_in_and_never_came_is_sealed_anew(
    world: World, running: Running, logbook: Logbook, counter: httpx.Client
) -> None:
    reference = ask(running)
    assert logbook.step() == 1
    with world.ledger.store.begin() as unit:
        assert unit.expire(int(world.service.clock()) + 8 * DAY) == 1
    assert replace(logbook, clock=lambda: world.service.clock() + 60).step() == 1
    world.ledger.run_until_idle()
    assert counter.get(f"/v1/verifications/{reference}/evidence").status_code == 200
    assert logbook.step() == 0
    with world.ledger.store.begin(write=False) as unit:
        assert unit.receipt_batches_under_way() == []


def test_what_is_anchored_is_the_digest_of_the_receipts_file(
    world: World, running: Running, logbook: Logbook
) -> None:
    reference = ask(running)
    logbook.step()
    world.ledger.run_until_idle()
    with world.ledger.store.begin(write=False) as unit:
        found = unit.verification(reference)
        assert found is not None
        assert found.sequence is not None
        anchored = unit.anchored(OPERATOR, found.sequence)
        assert anchored is not None
        records = list(unit.records(anchored.root))
    evidence = world.ledger.maker.at(OPERATOR, anchored.first)
    assert evidence.record.canonical() == records[0]
    head = Head(sequence=anchored.sequence, previous=bytes(32), first=anchored.first)
    again = logbook.seal([found], OPERATOR, Catalog.of([RECEIPT_ENTRY]), head, found.checked)
    assert again.records == records
    shown = [part for part in disclosures(again, 0) if part.name == "receipt_digest"]
    assert shown[0].value == sha256(found.receipt).hex()
