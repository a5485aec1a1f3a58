"""The reform's figures from the store: now, and as they were on each day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import orjson

from certledger.ledger.reform.bookshelf import BookAbsentError, Bookshelf
from certledger.ledger.reform.coverage import Activity, Coverage, counter_parties, coverage
from certledger.ledger.store.unit_of_work import Store
from certledger.verifier.formats.canonical_json import Json, format_time
from certledger.verifier.reform.book import Book
from certledger.verifier.reform.book_edition import BookEdition
from certledger.verifier.verify.checks import today

DAY = 86_400
SEEN_DAYS = 30
"""A counter that asked within so many days is connected."""
MAX_SEEN_DAYS = 3_650
MAX_WAITS = 1_000
MAX_LISTED_DAYS = 400


@dataclass(kw_only=True)
class Figures:
    """Computes and stores the figures; `clock` gives seconds since 1970."""

    store: Store
    shelf: Bookshelf
    clock: Callable[[], float]

    def compute(self, days: int = SEEN_DAYS) -> tuple[BookEdition, Coverage]:
        """Return the edition of today and its figures; a counter is connected for `days`.

        Raises:
            BookAbsentError: no edition of the book holds today.
        """
        now, edition = int(self.clock()), self.shelf.current()
        activity = self._activity(edition.book, now - days * DAY)
        return edition, coverage(edition.book, activity, now)

    def _activity(self, book: Book, since: int) -> Activity:
        parties = {
            party: code for code, one in book.counters.items() for party in counter_parties(one)
        }
        with self.store.begin(write=False) as unit:
            newest: dict[str, int] = {}
            for party, checked in unit.last_checked().items():
                if (code := parties.get(party)) is not None:
                    newest[code] = max(newest.get(code, 0), checked)
            return Activity(
                seen=newest,
                since=since,
                decisions=unit.outcomes_since(since),
                oldest=unit.backlog().oldest,
                waits=unit.final_waits(MAX_WAITS),
            )

    def step(self) -> None:
        """Store the figures of today where there are none yet."""
        day = today(int(self.clock())).isoformat()
        with self.store.begin(write=False) as unit:
            stored = unit.has_coverage_day(day)
        if stored:
            return
        try:
            edition, found = self.compute()
        except BookAbsentError:
            return
        figures = orjson.dumps(describe(edition, found, lists=False), option=orjson.OPT_SORT_KEYS)
        with self.store.begin() as unit:
            unit.add_coverage_day(day, figures)

    def days(self) -> Sequence[Json]:
        """Return the figures of the newest days, oldest first."""
        with self.store.begin(write=False) as unit:
            stored = unit.coverage_days(MAX_LISTED_DAYS)
        return [{"day": day, **orjson.loads(figures)} for day, figures in reversed(stored)]


def describe(edition: BookEdition, found: Coverage, *, lists: bool = True) -> dict[str, Json]:
    """Return the figures with their edition and instant; without `lists`, nothing of what lacks."""
    value = found.to_json()
    if not lists:
        for name in found.shares:
            value[name] = found.shares[name].total.to_json()
    return {
        "at": format_time(found.at),
        "book": edition.digest.hex(),
        "edition": edition.number,
        **value,
    }
