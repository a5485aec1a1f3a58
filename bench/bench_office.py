"""How fast the reform office's page is at full size: book, decisions, cases, days, scenarios."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from statistics import median

import httpx
import orjson
import structlog

from bench.bench_reform import REGION, full_book
from bench.report import Row, at_most
from certledger.ledger.core.book_values import DecisionLeaf, StoredDecision
from certledger.ledger.core.service_values import Role
from certledger.ledger.reform.book_files import BookTables
from certledger.ledger.reform.cases import CaseFinder
from certledger.ledger.reform.figures import describe
from tests.api.world import World, make_world, serve
from tests.ledger.live import CATEGORIES
from tests.pages.institutions import csrf_of

VISITS = 9
SCENARIOS = 20
CERTIFICATES = 4_000
DECISIONS = 10_000
"""Most of them are on certificates in force; a thousand on the revoked one."""
CASES_PART = 10
DAYS = 400


def rows(quick: bool) -> Sequence[Row]:
    """Return the figures; the targets hold at full size."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    sizes = (300, 2_000, 90, 200) if quick else (3_000, 21_000, 900, 2_000)
    with (
        tempfile.TemporaryDirectory(prefix="certledger-bench-") as folder,
        make_world(Path(folder) / "home") as world,
    ):
        fill(world, with_scenarios(full_book(*sizes)), 200 if quick else 1)
        with serve(world) as running, httpx.Client(base_url=running.url, timeout=60) as client:
            token = csrf_of(client.get("/sign-in").text)
            key = world.keys[Role.AUDITOR]
            client.post("/sign-in", data={"csrf": token, "key": key, "next": ""})
            return _measure(client, 1 if quick else VISITS)


def _measure(client: httpx.Client, visits: int) -> Sequence[Row]:
    def visit(path: str) -> Callable[[], float]:
        def seconds() -> float:
            began = time.perf_counter()
            client.get(path).raise_for_status()
            return time.perf_counter() - began

        return seconds

    pages = {
        "office: the page": visit("/office"),
        "office: with an item's exemptions": visit("/office?item=ONE-THING&applicant=company"),
        "office: coverage as CSV": visit("/office/coverage.csv"),
    }
    bare = visit("/sign-in")
    bare(), pages["office: the page"]()  # The edition is parsed once in a process.
    found: dict[str, list[float]] = {name: [] for name in ("", *pages)}
    for _ in range(visits):
        for name, ask in (("", bare), *pages.items()):
            found[name].append(ask())
    front = 1e3 * median(found.pop(""))
    return [
        Row(name, 1e3 * median(taken), "ms", front, 1e3 * median(taken) / front, at_most(500))
        for name, taken in found.items()
    ]


def with_scenarios(tables: BookTables) -> BookTables:
    """Add cross-region scenarios, half of them of a category that has certificates."""
    others = [row for row in tables["categories"] if row[0] not in CATEGORIES]
    pattern = others[0]
    mine = [[code, *pattern[1:]] for code in CATEGORIES]
    items = tables["service_items"]
    return {
        **tables,
        "regions": [*tables["regions"], ["320000", "江苏省", "Jiangsu", "province", ""]],
        "categories": [*tables["categories"], *mine],
        "delta_scenarios": [
            [
                f"YD-{at:02d}",
                f"场景{at}",
                f"Scenario {at}",
                "320000",
                REGION,
                CATEGORIES[at % len(CATEGORIES)],
                items[at][0],
            ]
            for at in range(SCENARIOS)
        ],
    }


def fill(world: World, tables: BookTables, divided: int = 1) -> None:
    """Store a book of these tables and what a year of work leaves, divided by a number."""
    world.service.bookshelf.add(
        tables, holds_from=date(2026, 1, 1), region=REGION, operator=world.ledger.operator
    )
    world.issuer.submit(CERTIFICATES // divided)
    world.ledger.run_until_idle()
    _decide(world, DECISIONS // divided)
    edition, found = world.service.figures.compute()
    with world.service.store.begin() as unit:
        for at in range(DAYS):
            day = date(2025, 10, 1) + timedelta(days=at)
            figures = describe(edition, found, lists=False)
            unit.add_coverage_day(day.isoformat(), orjson.dumps(figures))


def _decide(world: World, count: int) -> None:
    """Store decisions, some of them on the issuer's revoked certificate, and open their cases."""
    leaves = world.issuer.sealed[0].sealed.leaves
    now = int(world.service.clock())
    for first in range(0, count, 1_000):
        with world.service.store.begin() as unit:
            for number in range(first, min(first + 1_000, count)):
                index = 1 if number % CASES_PART == 0 else 0
                decision = StoredDecision(
                    reference=f"AAAA-{number // 10_000:04d}-{number % 10_000:04d}",
                    item=f"ITEM-{number % 300:04d}",
                    outcome=("granted", "person")[number % 2],
                    party=f"counter:WINDOW-{number % 100:04d}",
                    checked=now,
                )
                leaf = DecisionLeaf(leaf=leaves[index], issuer=world.issuer.issuer, index=index)
                unit.add_decision(decision, [leaf])
    CaseFinder(store=world.service.store, clock=world.service.clock).step()
