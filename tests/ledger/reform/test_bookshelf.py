"""Editions in the store: one holds on a day, a new one comes in whole or not at all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import date
from pathlib import Path
from threading import Lock

import pytest
from sqlalchemy import update

from certledger.ledger.core.book_values import StoredDecision
from certledger.ledger.core.receipt_chain import ReceiptChain
from certledger.ledger.keys import signer_of
from certledger.ledger.publish.evidence import EvidenceMaker
from certledger.ledger.reform.book_files import BookInvalidError, BookTables, read_book
from certledger.ledger.reform.bookshelf import (
    BookAbsentError,
    BookDamagedError,
    BookDayError,
    Bookshelf,
    BookUnchangedError,
)
from certledger.ledger.reform.decisions import DecisionMaker, DecisionRequest
from certledger.ledger.store import SqlStore
from certledger.ledger.store.tables import BOOK_EDITIONS
from certledger.verifier.errors import MalformedError
from certledger.verifier.reform.book import ApplicantKind
from certledger.verifier.reform.book_edition import NO_EDITION
from certledger.verifier.reform.operator_record import OperatorRecord
from tests.ledger.issuers import IDENTITY
from tests.ledger.reform.books import append_row, domain_book, domain_folder
from tests.reform_world import question

NOW = 1_796_000_000  # 2026-11-30
OPERATOR = signer_of(bytes(31) + b"\x07")


@pytest.fixture
def shelf(store: SqlStore) -> Bookshelf:
    return Bookshelf(store=store, identity=IDENTITY, clock=lambda: NOW)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory):
    return domain_book(tmp_path_factory.mktemp("book")).tables


def other(tables: BookTables) -> BookTables:
    counters = [*tables["counters"], ("BANK-1", "示例银行", "Bank", "bank", "310115", "")]
    return {**tables, "counters": counters}


def add(shelf: Bookshelf, tables, day: str):
    return shelf.add(tables, holds_from=date.fromisoformat(day), region="310000", operator=OPERATOR)


def test_the_edition_that_holds_on_a_day_is_the_last_from_before(shelf: Bookshelf, tables) -> None:
    first = add(shelf, tables, "2026-11-01")
    second = add(shelf, other(tables), "2026-12-15")

    assert [one.number for one in shelf.editions()] == [1, 2]
    assert shelf.current().digest == first.digest
    assert shelf.current(date(2026, 12, 15)).digest == second.digest
    assert shelf.edition(2).previous == first.digest
    assert shelf.edition(1).previous == NO_EDITION
    assert shelf.edition_named(second.digest).book.counters["BANK-1"].region == "310115"
    with pytest.raises(BookAbsentError):
        shelf.current(date(2026, 10, 31))
    with pytest.raises(BookAbsentError):
        shelf.edition(3)


def test_the_operator_signs_each_edition_in_the_chain_of_receipts(
    shelf: Bookshelf, store: SqlStore, tables
) -> None:
    stored = [add(shelf, tables, "2026-11-01"), add(shelf, other(tables), "2026-12-15")]
    with store.begin(write=False) as unit:
        rows = unit.unsealed_verifications(9)
    records = [OperatorRecord.parse(row.receipt) for row in rows]
    for record in records:
        record.check(OPERATOR.address)

    assert [record.details["book"] for record in records] == [one.digest.hex() for one in stored]
    assert [(record.number, record.reference) for record in records] == [
        (at, one.reference) for at, one in enumerate(stored, 1)
    ]


def test_no_two_editions_hold_from_one_day_and_none_from_before(shelf: Bookshelf, tables) -> None:
    add(shelf, tables, "2026-12-01")
    for day in ("2026-12-01", "2026-11-30"):
        with pytest.raises(BookDayError):
            add(shelf, other(tables), day)

    assert len(shelf.editions()) == 1


def test_the_same_import_again_changes_nothing(shelf: Bookshelf, store: SqlStore, tables) -> None:
    first = add(shelf, tables, "2026-12-01")

    assert add(shelf, tables, "2026-12-01") == first
    with pytest.raises(BookUnchangedError):
        add(shelf, tables, "2026-12-02")
    with store.begin(write=False) as unit:
        assert len(unit.unsealed_verifications(9)) == 1


def test_an_edition_does_not_start_in_the_past_of_a_decision(
    shelf: Bookshelf, store: SqlStore, tables
) -> None:
    add(shelf, tables, "2026-11-01")
    decision = StoredDecision(
        reference="AAAA-BBBB-CCCC",
        item="NOCRIME-APPLY",
        outcome="granted",
        party="key:clk_AAAAAAAA",
        checked=NOW,
    )
    with store.begin() as unit:
        unit.add_decision(decision, [])
    for day in ("2026-11-20", "2026-11-30"):
        with pytest.raises(BookDayError):
            add(shelf, other(tables), day)

    assert add(shelf, other(tables), "2026-12-01").number == 2


def test_an_edition_that_was_changed_in_the_database_is_not_used(
    shelf: Bookshelf, store: SqlStore, tables
) -> None:
    add(shelf, tables, "2026-11-01")
    with store.begin() as unit:
        content = unit.book_content(1)
        assert content is not None
        changed = content.replace(b'"hotel"', b'"other"')
        unit.connection.execute(update(BOOK_EDITIONS).values(content=changed))
    with pytest.raises(BookDamagedError):
        shelf.current()


def test_a_preview_changes_nothing(shelf: Bookshelf, tables) -> None:
    assert list(shelf.preview(tables)) == [name for name, rows in tables.items() if rows]
    add(shelf, tables, "2026-11-01")

    assert shelf.preview(tables) == {}
    assert shelf.preview(other(tables))["counters"].added == ["BANK-1"]
    assert len(shelf.editions()) == 1


def test_an_import_with_a_fault_leaves_the_editions_as_they_are(
    shelf: Bookshelf, tmp_path: Path
) -> None:
    domain_folder(tmp_path)
    append_row(tmp_path, "counters", "C-KIND", "窗口", "Window", "castle", "310101", "")
    with pytest.raises(BookInvalidError):
        read_book(tmp_path)

    assert shelf.editions() == []


def test_a_rule_that_changes_needs_a_higher_version(shelf: Bookshelf, tables) -> None:
    add(shelf, tables, "2026-01-01")
    rules = [list(row) for row in tables["rules"]]
    rules[0][3] = "m1.own && years(m1.birth_date, today) >= 16"
    for version, refused in (("1", True), ("2", False)):
        changed = {**tables, "rules": [[row[0], version, *row[2:]] for row in rules]}
        if refused:
            with pytest.raises(BookInvalidError) as fault:
                shelf.preview(changed)
            (found,) = fault.value.faults
            assert (found.file, found.line, found.column) == ("rules.csv", 2, "version")
            assert found.code == "rule.version"
        else:
            assert set(shelf.preview(changed)) == {"rules"}


def test_an_edition_that_could_not_be_read_again_is_not_stored(shelf: Bookshelf, tables) -> None:
    row = tables["counters"][0]
    long = [(f"C-{at}", "长" * 200, "x" * 4_096, *row[3:]) for at in range(20_000)]
    for changed, region, code in (
        ({**tables, "counters": long}, "310000", "json.size"),
        (tables, "31000", "schema.invalid"),
        (tables, "Shanghai", "schema.invalid"),
    ):
        with pytest.raises(MalformedError) as refused:
            shelf.add(changed, holds_from=date(2026, 12, 1), region=region, operator=OPERATOR)
        assert refused.value.code == code

    assert shelf.editions() == []


def test_no_decision_comes_in_between_an_import_and_its_look_at_decisions(
    shelf: Bookshelf, store: SqlStore, tables
) -> None:
    add(shelf, tables, "2026-11-01")
    decision = StoredDecision(
        reference="AAAA-BBBB-CCCC", item="NOCRIME-APPLY", outcome="person", party="a", checked=NOW
    )
    with ThreadPoolExecutor(1) as pool:
        with store.begin() as unit:
            unit.receipt_chain(ReceiptChain.VERIFICATIONS)  # As each decision begins.
            importing = pool.submit(add, shelf, other(tables), "2026-11-30")
            done, _ = wait([importing], timeout=0.5)
            assert not done
            unit.add_decision(decision, [])
        with pytest.raises(BookDayError):
            importing.result(timeout=60)


def test_a_decision_by_an_edition_that_another_replaced_meanwhile_is_asked_for_again(
    shelf: Bookshelf, store: SqlStore, tables
) -> None:
    first = add(shelf, tables, "2026-01-01")
    asked = replace(question(), now=NOW)
    maker = DecisionMaker(
        store=store,
        maker=EvidenceMaker(store, asked.policy.ledgers[0]),
        making=Lock(),
        identity=IDENTITY,
        operator=OPERATOR,
    )
    request = DecisionRequest(item="NOCRIME-APPLY", applicant=ApplicantKind.PERSON, evidence=())
    edition = shelf.edition(first.number)
    add(shelf, other(tables), "2026-11-30")
    with pytest.raises(BookDayError):
        maker.decide(request, edition, asked, caller="key:clk_AAAAAAAA", party="a")
    made = maker.decide(request, shelf.current(), asked, caller="key:clk_AAAAAAAA", party="a")

    assert made.record.outcome == "person"
    with store.begin(write=False) as unit:
        assert unit.outcomes_since(0) == {"granted": 0, "refused": 0, "person": 1}
