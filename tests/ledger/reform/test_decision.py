"""Decisions: granted only on valid verdicts, refused in words, everything doubtful to a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certledger.verifier.reform.application import (
    LineOutcome,
    ShownCertificate,
    answer_application,
)
from certledger.verifier.reform.book import ApplicantKind, Book
from certledger.verifier.reform.decision import Decision, decide_application
from certledger.verifier.reform.exemptions import exemptions
from certledger.verifier.vocabulary import Verdict
from tests.effort import effort
from tests.ledger.reform.books import domain_book

NOW = 1_796_000_000  # 2026-11-30
ITEM = "NOCRIME-APPLY"
PERSON = "310101199001010019"
GOOD = {"id_number": PERSON, "birth_date": "1990-01-01", "address": "上海市黄浦区"}


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    return Book.from_tables("310000", domain_book(tmp_path_factory.mktemp("book")).tables)


def card(verdict: Verdict = Verdict.VALID, code: str = "ok", **fields: str) -> ShownCertificate:
    shown = {name: value for name, value in (GOOD | fields).items() if value}
    return ShownCertificate(
        verdict=verdict, code=code, category="ID-RESIDENT", leaf="aa", fields=shown, as_of=NOW
    )


def decided(book: Book, evidence: Sequence[ShownCertificate], item: str = ITEM) -> Decision:
    asked = exemptions(book, item, ApplicantKind.PERSON)
    return decide_application(
        book, item, answer_application(asked, evidence, NOW, bytes(32)), evidence
    )


def told(found: Decision) -> tuple[str, str, int, int]:
    return found.outcome, found.code, found.line, found.condition


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        ([card()], ("granted", "ok", 0, 0)),
        ([card(birth_date="2008-12-01")], ("refused", "rule.condition", 0, 1)),
        ([card(birth_date="2008-11-30")], ("granted", "ok", 0, 0)),
        ([card(address="外省某市")], ("person", "rule.condition", 0, 2)),
        ([card(birth_date="")], ("person", "rule.error", 0, 1)),
        ([card(birth_date="1990-13-01")], ("person", "rule.error", 0, 1)),
        ([card(id_number="")], ("person", "holder.unknown", 1, 0)),
        ([], ("person", "material.to_fetch", 1, 0)),
        (
            [card(Verdict.NOT_IN_FORCE, "status.revoked")],
            ("refused", "status.revoked", 1, 0),
        ),
        (
            [card(Verdict.CANNOT_TELL, "freshness.stale")],
            ("person", "freshness.stale", 1, 0),
        ),
    ],
)
def test_an_outcome_has_its_reason(
    book: Book, evidence: list[ShownCertificate], expected: tuple[str, str, int, int]
) -> None:
    assert told(decided(book, evidence)) == expected


def test_the_condition_that_failed_is_named_in_words(book: Book) -> None:
    found = decided(book, [card(birth_date="2020-01-01")])

    assert (found.words.zh, found.words.en) == (
        "申请人未满18周岁",
        "The applicant is younger than 18",
    )


def test_an_item_without_a_rule_goes_to_a_person(book: Book) -> None:
    assert told(decided(book, [card()], "BIZ-OPEN")) == ("person", "rule.absent", 0, 0)


@settings(max_examples=effort(200, 5_000), deadline=None)
@given(
    st.lists(
        st.builds(
            card,
            st.sampled_from(list(Verdict)),
            st.sampled_from(["status.revoked", "freshness.stale"]),
            birth_date=st.sampled_from(["1990-01-01", "2020-01-01", "", "x"]),
            address=st.sampled_from(["上海", "外省", ""]),
            id_number=st.sampled_from([PERSON, "310101199101010027", ""]),
        ),
        max_size=3,
    )
)
def test_nothing_is_granted_unless_every_required_line_is_met_by_a_valid_verdict(
    evidence: list[ShownCertificate],
) -> None:
    book = _book()
    asked = exemptions(book, ITEM, ApplicantKind.PERSON)
    answer = answer_application(asked, evidence, NOW, bytes(32))
    found = decide_application(book, ITEM, answer, evidence)

    assert found.outcome in ("granted", "refused", "person")
    if found.outcome == "granted":
        for line in answer.lines:
            if line.line.required:
                assert line.outcome is LineOutcome.MET
                assert line.place is not None
                assert evidence[line.place].verdict is Verdict.VALID
                assert evidence[line.place].fields["birth_date"] == "1990-01-01"
    if any(one.verdict is not Verdict.VALID for one in evidence) and len(evidence) == 1:
        assert found.outcome != "granted"


_MADE: list[Any] = []


@pytest.fixture(autouse=True, scope="module")
def _made(book: Book) -> None:
    _MADE.append(book)


def _book() -> Book:
    found: Book = _MADE[-1]
    return found
