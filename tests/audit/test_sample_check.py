"""An audit of samples: a decision that was left off a list is found out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from certledger.ledger.audit.sample_check import SampleCoverage
from certledger.verifier.reform.operator_record import OperatorRecord
from tests.reform_world import decision, sample, signed


def decisions(count: int) -> list[OperatorRecord]:
    """Return decisions as the first records of the chain."""
    made = decision([])
    common = {name: value for name, value in made.content.items() if name != "number"}
    return [signed(common, number) for number in range(1, count + 1)]


def reasons(records: list[OperatorRecord]) -> list[str]:
    coverage = SampleCoverage()
    return [coverage.take(one, one.format()) for one in records]


def test_a_sample_of_all_decisions_is_right() -> None:
    made = decisions(4)

    assert reasons([*made, sample(made, 2).record]) == [""] * 5


def test_a_decision_that_was_left_off_is_found_out() -> None:
    made = decisions(4)
    record = sample(made[:3], 2).record
    content = {**record.content, "details": {**record.details, "last": 4}}
    found = reasons([*made, replace(record, content=content)])

    assert found[-1] == "its candidates are not the decisions among the records 1 to 4"


@pytest.mark.parametrize("first", [2, 3])
def test_a_list_that_begins_later_is_found_out(first: int) -> None:
    made = decisions(4)
    record = sample(made, 2).record
    content = {**record.content, "details": {**record.details, "first": first}}
    found = reasons([*made, replace(record, content=content)])

    assert found[-1] == f"it covers the records from {first}, and the one before ends with 0"
