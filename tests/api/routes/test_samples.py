"""Samples over HTTP: opened, anchored, drawn by a later block, and drawn again by a stranger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import cast

import httpx
import pytest

from certledger.ledger.chain.client import EthereumChain
from certledger.ledger.core.book_values import StoredEdition
from certledger.ledger.core.service_values import Role
from certledger.ledger.reform.samples import DELAY_BLOCKS, drawn_references
from certledger.ledger.verification.receipt_log import Logbook
from certledger.verifier.errors import CertledgerError
from certledger.verifier.reform.sample import SampleFile, SampleInvalidError, check_sample
from certledger.verifier.vocabulary import Outcome
from tests.api.routes.test_book import edition
from tests.api.routes.test_decisions import ask
from tests.api.world import Running, World

__all__ = ["edition"]


@dataclass
class OtherBranch:
    """A node that is on another branch than the checkpoint: its headers lead nowhere."""

    chain: EthereumChain

    def header(self, number: int) -> bytes:
        return self.chain.header(number)[:-1] + b"\x00"


@pytest.fixture(scope="module")
def published(
    edition: StoredEdition, world: World, logbook: Logbook, running: Running
) -> SampleFile:
    """Return a sample that is drawn, of decisions made here."""
    with running.client(Role.COUNTER) as counter:
        made = [ask(counter, []).json()["reference"] for _ in range(7)]
    with running.client(Role.AUDITOR) as auditor:
        opened = auditor.post("/v1/samples", json={"size": 3}).json()
        path = f"/v1/samples/{opened['reference']}"
        assert auditor.get(path).json()["code"] == "sample.pending"
        logbook.step()
        world.ledger.run_until_idle()
        world.service.samples.step()
        assert auditor.get(path).json()["code"] == "sample.pending"
        for _ in range(DELAY_BLOCKS):
            world.ledger.mine_heartbeat_block()
        world.ledger.cadence = replace(world.ledger.cadence, seconds=0)
        world.ledger.step()
        branch = OtherBranch(world.ledger.chain)
        replace(world.service.samples, chain=cast("EthereumChain", branch)).step()
        assert auditor.get(path).json()["code"] == "sample.pending"
        world.service.samples.step()
    with running.client(None) as public:
        answer = public.get(path)
    assert answer.status_code == 200, answer.text
    sample = SampleFile.parse(answer.content)
    assert len(sample.candidates) >= len(made)
    assert sample.record.details["delay"] == DELAY_BLOCKS
    return sample


def test_a_stranger_draws_the_same_decisions_from_what_is_published(
    published: SampleFile, world: World
) -> None:
    found = check_sample(published, world.service.verdicts.question())
    identity, file = world.ledger.pin.identity, published.record.format()
    block = world.ledger.chain.block(found.block)
    assert block is not None
    seed = sha256(b"certledger/1/sample" + identity + block.hash + sha256(file).digest()).digest()
    ranked = sorted((sha256(seed + one).digest(), one) for one in published.candidates)

    assert found.anchored.outcome is Outcome.PASS
    assert list(found.drawn) == [one for _, one in ranked[:3]]
    assert found.seed == seed
    store = world.ledger.store
    references = drawn_references(store, published.format())
    with store.begin(write=False) as unit:
        drawn = [unit.verification(one) for one in references]
    assert [sha256(one.receipt).digest() for one in drawn if one] == list(found.drawn)


CHANGES: dict[str, Callable[[SampleFile], SampleFile]] = {
    "a candidate left out": lambda one: replace(one, candidates=one.candidates[1:]),
    "a candidate twice": lambda one: replace(
        one, candidates=[one.candidates[0], *one.candidates[:-1]]
    ),
    "another candidate": lambda one: replace(
        one, candidates=sorted([*one.candidates[1:], bytes(32)])
    ),
    "another block": lambda one: replace(one, headers=one.headers[1:]),
    "a header changed": lambda one: replace(
        one, headers=[one.headers[0][:-1] + b"\x01", *one.headers[1:]]
    ),
    "a header twice": lambda one: replace(one, headers=[one.headers[0], *one.headers]),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_was_chosen_by_hand_is_found_out(
    published: SampleFile, world: World, change: Callable[[SampleFile], SampleFile]
) -> None:
    with pytest.raises(SampleInvalidError):
        check_sample(change(published), world.service.verdicts.question())


def test_a_record_that_was_changed_is_not_the_operators(
    published: SampleFile, world: World
) -> None:
    content = {
        **published.record.content,
        "details": {**published.record.details, "size": 1},
    }
    forged = replace(published, record=replace(published.record, content=content))
    with pytest.raises(CertledgerError) as refused:
        check_sample(forged, world.service.verdicts.question())
    assert refused.value.code == "operator_record.invalid"


def test_a_sample_is_listed_and_the_next_one_needs_newer_decisions(
    published: SampleFile, auditor: httpx.Client, counter: httpx.Client, public: httpx.Client
) -> None:
    reference = published.record.reference
    listed = counter.get("/v1/samples").json()["samples"]
    empty = auditor.post("/v1/samples", json={"size": 3})
    record = counter.get(f"/v1/records/{reference}")

    assert [one["drawn"] for one in listed if one["reference"] == reference] == [True]
    assert (empty.status_code, empty.json()["code"]) == (409, "sample.empty")
    assert record.json()["outcome"] == "sample"
    assert public.get("/v1/samples/AAAA-AAAA-AAAA").json()["code"] == "sample.unknown"
    assert auditor.post("/v1/samples", json={"size": 0}).status_code == 422
    ask(counter, [])
    later = auditor.post("/v1/samples", json={"size": 100}).json()
    assert later["first"] == published.record.details["last"] + 1
