"""What the figures of the reform rest on, in every store."""

from __future__ import annotations

from certledger.ledger.core.book_values import StoredDecision
from certledger.ledger.core.service_values import Verification
from certledger.ledger.store import SqlStore


def told(number: int, party: str, checked: int) -> Verification:
    return Verification(
        reference=f"AAAA-BBBB-{number:04d}",
        caller="key:clk_AAAAAAAA",
        party=party,
        checked=checked,
        verdict="valid",
        leaves=b"",
        receipt=b"{}",
        number=number,
    )


def test_the_last_question_of_each_party_is_found(store: SqlStore) -> None:
    with store.begin() as unit:
        assert unit.last_checked() == {}
        unit.add_verifications([told(1, "a", 5), told(2, "a", 9), told(3, "b", 7)])
    with store.begin(write=False) as unit:
        assert unit.last_checked() == {"a": 9, "b": 7}


def test_outcomes_are_counted_since_a_second(store: SqlStore) -> None:
    with store.begin() as unit:
        assert unit.newest_decision() is None
        for number, (checked, outcome) in enumerate(
            [(5, "granted"), (9, "granted"), (8, "person")]
        ):
            unit.add_decision(
                StoredDecision(
                    reference=f"AAAA-BBBB-{number:04d}",
                    item="NOCRIME-APPLY",
                    outcome=outcome,
                    party="a",
                    checked=checked,
                ),
                [],
            )
    with store.begin(write=False) as unit:
        assert unit.outcomes_since(6) == {"granted": 1, "refused": 0, "person": 1}
        assert unit.newest_decision() == 9


def test_a_day_has_its_figures_once_and_the_newest_come_first(store: SqlStore) -> None:
    with store.begin() as unit:
        assert unit.add_coverage_day("2026-11-29", b"1")
        assert unit.add_coverage_day("2026-11-30", b"2")
        assert not unit.add_coverage_day("2026-11-30", b"3")
    with store.begin(write=False) as unit:
        assert unit.coverage_days(9) == [("2026-11-30", b"2"), ("2026-11-29", b"1")]
        assert unit.coverage_days(1) == [("2026-11-30", b"2")]
        assert unit.has_coverage_day("2026-11-29")
        assert not unit.has_coverage_day("2026-11-28")
