"""Scenarios between regions are run: each works, or says what stands in the way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from certledger.ledger.core.book_values import StoredEdition
from certledger.ledger.intake.pending_state import head
from certledger.ledger.node import load_policy
from certledger.ledger.reform.certificate_search import CategoryMemory, CertificateSearch
from certledger.ledger.reform.scenarios import OBSTACLES, ScenarioRunner
from certledger.verifier.formats.record import Record
from certledger.verifier.formats.status_tree import CELLS, read_cell
from certledger.verifier.reform.book import Book, CrossRegionScenario, Name
from certledger.verifier.verify.block_trust import Judgement
from certledger.verifier.vocabulary import Status
from tests.api.routes.test_book import edition
from tests.api.world import World

__all__ = ["edition"]


def scenario(region: str, category: str, item: str) -> CrossRegionScenario:
    return CrossRegionScenario(
        code="YD-99",
        name=Name(zh="试", en="Try"),
        verifying_region="320000",
        issuing_region=region,
        category=category,
        item=item,
    )


def run(world: World, one: CrossRegionScenario, **changes: Any) -> dict[str, bool]:
    runner = world.service.scenarios()
    for name, value in changes.items():
        setattr(runner, name, value)
    book: Book = world.service.bookshelf.current().book
    (found,) = runner.run(replace(book, scenarios={one.code: one}))
    assert found.works is all(step.works for step in found.steps)
    return {step.name: step.works for step in found.steps}


def obstacles(steps: dict[str, bool]) -> set[str]:
    assert list(steps) == list(OBSTACLES)
    return {name for name, works in steps.items() if not works}


@pytest.fixture(scope="module")
def category(world: World) -> str:
    return world.issuer.catalog.entries[-1].category


def test_each_obstacle_is_named(edition: StoredEdition, world: World, category: str) -> None:
    good = scenario("310000", category, "NOCRIME-APPLY")

    assert obstacles(run(world, good)) == set()
    nobody = scenario("450000", category, "NOCRIME-APPLY")
    assert obstacles(run(world, nobody)) == {"issuer", "catalog", "certificate"}
    uncatalogued = scenario("310000", "MED-REFERRAL", "MEDICAL-REMOTE")
    assert obstacles(run(world, uncatalogued)) == {"catalog", "certificate"}
    unlinked = scenario("310000", category, "GOV-PROCURE")
    assert obstacles(run(world, unlinked)) == {"item"}


def test_policy_and_witnesses_are_tried(
    edition: StoredEdition, world: World, category: str
) -> None:
    good = scenario("310000", category, "NOCRIME-APPLY")
    signed = load_policy(world.ledger.settings.home)
    assert signed is not None

    assert obstacles(run(world, good, policy=None, judge=None)) == {"policy", "witnesses"}
    ended = replace(signed.policy, ends=1)
    assert "policy" in obstacles(run(world, good, policy=ended))
    away = Judgement(code="block.untrusted", way=None)
    found = obstacles(run(world, good, judge=lambda note, pin, slot: away))
    assert found == {"witnesses", "certificate"}


def test_the_books_scenarios_are_listed_over_http(
    edition: StoredEdition, counter: httpx.Client
) -> None:
    found = counter.get("/v1/scenarios").json()

    assert (found["edition"], len(found["scenarios"])) == (1, 18)
    assert not any(one["works"] for one in found["scenarios"])
    step = found["scenarios"][0]["steps"][0]
    assert (step["name"], step["works"]) == ("issuer", True)


def test_the_search_finds_what_reading_every_record_finds(
    edition: StoredEdition, world: World
) -> None:
    memory = CategoryMemory()
    world.issuer.submit(300)  # More than a frame of stored records.
    world.ledger.run_until_idle()
    issued = range(head(world.ledger.store, world.issuer.issuer).certificates)
    world.issuer.change([issued[-1], issued[-3]], Status.SUSPENDED, "S01")
    world.ledger.run_until_idle()
    for _ in range(2):  # The second time by what is remembered.
        with world.ledger.store.begin(write=False) as unit:
            row = next(one for one in unit.issuers() if one.state.issuer == world.issuer.issuer)
            search = CertificateSearch(unit=unit, memory=memory, day="2026-11-30")
            catalog = memory.of_catalog(unit, row.state.catalog)
            found = {
                name: [one.index for one in search.newest(row, name)] for name in sorted(catalog)
            }
            roots = [
                batch.root
                for number in range(1, row.state.batches + 1)
                if (batch := unit.anchored(row.state.issuer, number)) is not None
            ]
            words = unit.words(row.state.issuer)
            records = [Record.parse(data) for root in roots for data in unit.records(root)]
        cells = {one.index: words.get(one.index // CELLS, bytes(32)) for one in records}
        ended = {at for at, word in cells.items() if read_cell(word, at) is not Status.VALID}
        assert {issued[-1], issued[-3]} < ended
        assert found == {
            name: [
                one.index
                for one in reversed(records)
                if one.category == name and one.index not in ended
            ]
            for name in catalog
        }
        assert sum(map(len, found.values())) == len(issued) - len(ended)
    (without,) = (name for name, listed in found.items() if not listed)
    assert all(memory.lacks(root, without, 1) for root in roots)
    assert not memory.lacks(roots[-1], without, 301)


def test_only_certificates_in_force_are_tried(
    edition: StoredEdition, world: World, category: str
) -> None:
    other = scenario("320000", category, "NOCRIME-APPLY")
    assert obstacles(run(world, other)) == set()
    world.other.submit(1)
    world.ledger.run_until_idle()
    issued = range(head(world.ledger.store, world.other.issuer).certificates)
    world.other.change(issued, Status.SUSPENDED, "S01")
    world.ledger.run_until_idle()
    suspended = obstacles(run(world, other))
    world.other.change(issued, Status.VALID, "V01")
    world.ledger.run_until_idle()

    assert suspended == {"certificate"}
    assert obstacles(run(world, other)) == set()
    assert isinstance(world.service.scenarios(), ScenarioRunner)
