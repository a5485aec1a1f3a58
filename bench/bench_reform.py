"""How fast the book is imported, asked and counted, and decisions are made and replayed."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import orjson

from bench.report import Row, at_least, at_most
from certledger.ledger.core.book_values import DecisionLeaf, StoredDecision, StoredEdition
from certledger.ledger.core.values import StoredCheckpoint
from certledger.ledger.reform.book_files import BookTables, export_book, read_book
from certledger.ledger.reform.bookshelf import Bookshelf
from certledger.ledger.reform.cases import CaseFinder
from certledger.ledger.reform.figures import Figures
from certledger.ledger.store import SqlStore, open_store
from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.formats.status_tree import choose, move
from certledger.verifier.reform.application import (
    LineOutcome,
    ShownCertificate,
    answer_application,
)
from certledger.verifier.reform.book import ApplicantKind, Book
from certledger.verifier.reform.book_edition import NO_EDITION, BookEdition
from certledger.verifier.reform.decision_replay import DecisionFile, replay
from certledger.verifier.reform.exemptions import exemptions
from certledger.verifier.verify.cached import Verifier
from certledger.verifier.verify.full import Question
from certledger.verifier.verify.trust_sources import choose_judge
from certledger.verifier.verify.verdict import Result
from certledger.verifier.vocabulary import Status
from tests.reform_world import EDITION, answer, card, cards, question
from tests.world import IDENTITY, NOW, policy

REGION = "310000"
ISSUER = "11310000XX00000196"
SALT = bytes(32)


def full_book(items: int, lines: int, categories: int, counters: int) -> BookTables:
    """Return the tables of a book of these sizes, with a bundle of ten items."""
    codes = [f"CATEGORY-{number:04d}" for number in range(categories)]
    named = [f"ITEM-{number:04d}" for number in range(items)]
    each = lines // items
    fields = "certificate_number;holder_name;id_number;issue_date"
    return {
        "regions": [["310000", "上海市", "Shanghai", "province", ""]],
        "categories": [
            [code, f"证照{code}", f"Category {code}", "证件", "natural", "department",
             "上海市公安局" if number % 2 else "无此部门", "Police", "", "7", "yes", fields]
            for number, code in enumerate(codes)
        ],
        "service_items": [
            [code, f"事项{code}", f"Item {code}", f"部门{number % 60}", "Department",
             "public_service", "personal", "yes", "yes", "yes" if number % 4 == 0 else "no"]
            for number, code in enumerate(named)
        ],
        "materials": [
            [item, str(line + 1), f"材料{number}-{line}", f"Material {number}-{line}", "yes",
             "" if line == each - 1 else codes[(number * 7 + line * 13) % categories],
             "no" if line == each - 1 else "yes"]
            for number, item in enumerate(named)
            for line in range(each)
        ],
        "issuers": [[ISSUER, "上海市公安局", "Police", "department", "310000"]],
        "counters": [
            [f"WINDOW-{number:04d}", f"窗口{number}", f"Window {number}", "window", "310000",
             f"部门{number % 60}"]
            for number in range(counters)
        ],
        "bundles": [["ONE-THING", "一件事", "One thing", ";".join(named[:10])]],
        **{name: [] for name in ("overrides", "restrictions", "rules", "delta_scenarios")},
    }  # fmt: skip


def seconds_of(work: Callable[[], object], times: int = 5) -> float:
    """Return the least processor time of one run; others use this machine too."""
    best = float("inf")
    for _ in range(times):
        before = time.process_time()
        work()
        best = min(best, time.process_time() - before)
    return best


@contextmanager
def store_in(folder: Path) -> Iterator[SqlStore]:
    """Give an empty store in SQLite."""
    store = open_store(f"sqlite:///{folder}/bench.db", ledger=IDENTITY)
    try:
        yield store
    finally:
        store.close()


def rows(quick: bool) -> Sequence[Row]:
    """Return the figures; the targets hold at full size."""
    sizes = (300, 2_000, 90, 200) if quick else (3_000, 21_000, 900, 2_000)
    tables = full_book(*sizes)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        export_book(tables, folder / "book")
        return [
            *_book_rows(folder, tables),
            *_decision_rows(),
            _cases_row(folder, 200 if quick else 10_000),
        ]


def _book_rows(folder: Path, tables: BookTables) -> Sequence[Row]:
    importing = seconds_of(lambda: read_book(folder / "book"), 1)
    reading = seconds_of(
        lambda: [path.read_text("utf-8").split("\n") for path in (folder / "book").iterdir()]
    )
    edition = BookEdition(
        number=1, holds_from="2026-01-01", region=REGION, previous=NO_EDITION, tables=tables
    )
    book = Book.from_tables(REGION, tables)
    ask = partial(exemptions, book, "ONE-THING", ApplicantKind.PERSON)
    asking, spelling = seconds_of(ask, 50), seconds_of(lambda: orjson.dumps(ask().to_json()), 50)
    with store_in(folder) as store:
        _shelve(store, edition)
        shelf = Bookshelf(store=store, identity=IDENTITY, clock=lambda: NOW)
        figures = Figures(store=store, shelf=shelf, clock=lambda: NOW)
        shelf.current()
        counting = seconds_of(figures.compute)
    lines = len(tables["materials"])
    return [
        Row(f"import of {lines} lines", importing, "s", reading, importing / reading, at_most(5)),
        Row("exemptions of a bundle of 10 items", asking * 1e3, "ms", spelling * 1e3,
            asking / spelling, at_most(2)),
        Row("coverage at full size", counting * 1e3, "ms", asking * 1e3, counting / asking,
            at_most(300)),
    ]  # fmt: skip


def _shelve(store: SqlStore, edition: BookEdition) -> None:
    stored = StoredEdition(
        number=1,
        holds_from=edition.holds_from,
        digest=edition.digest,
        reference="AAAA-AAAA-AAAA",
        created=NOW,
    )
    with store.begin() as unit:
        unit.add_book_edition(stored, edition.format())


def _decision_rows() -> Sequence[Row]:
    """Return the rates of applications of ten lines and of replays."""
    tables = full_book(20, 200, 10, 1)
    book = Book.from_tables(REGION, tables)
    evidence = card("1990-01-01")
    verifier = Verifier(policy(), choose_judge(policy()), remembered=64)
    asked = exemptions(book, "ITEM-0000", ApplicantKind.PERSON)
    # The tenth line is a form on paper; a second certificate of a category is read all the same.
    categories = [line.categories[0] for line in asked.lines if line.categories]
    shown = [*cards(categories), cards(categories)[0]]
    assert len(shown) == len(asked.lines) == 10

    def apply() -> None:
        found = [ShownCertificate.from_result(verifier.verify_bytes(one, now=NOW)) for one in shown]
        answer = answer_application(asked, found, NOW, SALT)
        assert sum(one.outcome is LineOutcome.MET for one in answer.lines) == 9

    apply()

    def apply_often() -> None:
        for _ in range(10):
            apply()

    applying = 10 / seconds_of(apply_often, 25)
    judged = 50 / seconds_of(
        lambda: [verifier.verify_bytes(evidence, now=NOW) for _ in range(50)], 25
    )
    stored, asking = DecisionFile.parse(orjson.dumps(answer([evidence]))), question()

    def judge(data: bytes, asked: Question) -> Result:
        return verifier.verify_bytes(data, now=asked.now)

    again = partial(replay, stored, EDITION, asking, judge)
    again()
    replaying = 20 / seconds_of(lambda: [again() for _ in range(20)], 25)
    return [
        Row("applications of 10 lines", applying, "1/s", judged, applying / judged, at_least(400)),
        Row("replays of decisions", replaying, "1/s", judged, replaying / judged, at_least(500)),
    ]


def _cases_row(folder: Path, count: int) -> Row:
    """Return the time in which a revoked certificate opens the cases of `count` decisions."""
    place = folder / "cases"
    place.mkdir()
    with store_in(place) as store:
        leaf = DecisionLeaf(leaf=sha256(b"leaf"), issuer=ISSUER, index=0)
        for first in range(0, count, 1_000):
            with store.begin() as unit:
                for number in range(first, min(first + 1_000, count)):
                    unit.add_decision(_decision(number), [leaf])
        with store.begin() as unit:
            unit.put_words(ISSUER, {0: _revoked()}, 1)
            unit.add_checkpoint(_checkpoint(), {})
        before = time.process_time()
        CaseFinder(store=store, clock=lambda: NOW).step()
        spent = time.process_time() - before
        with store.begin(write=False) as unit:
            assert unit.open_case_count() == count
            reading = seconds_of(lambda: unit.cases(party=None, closed=False, limit=count), 3)
    return Row(f"cases of {count} decisions", spent, "s", reading, spent / reading, at_most(5))


def _decision(number: int) -> StoredDecision:
    return StoredDecision(
        reference=f"AAAA-{number // 10_000:04d}-{number % 10_000:04d}",
        item="NOCRIME-APPLY",
        outcome="granted",
        party=f"counter:{number % 100}",
        checked=NOW,
    )


def _revoked() -> bytes:
    """Return a status word whose first certificate is revoked."""
    _, masks = choose([0])
    return move(bytes(32), masks[0], Status.REVOKED)


def _checkpoint() -> StoredCheckpoint:
    return StoredCheckpoint(
        number=2, hash=bytes(32), state_root=bytes(32), time=NOW, note="", account=()
    )
