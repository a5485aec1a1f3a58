"""Gas: the committed figures hold, and stay within what was promised."""

from __future__ import annotations

import json

import pytest

from tests.contracts.gas import SNAPSHOT, TARGETS, measure


@pytest.fixture(scope="module")
def measured() -> dict[str, int]:
    return measure()


def test_gas_is_as_committed(measured):
    """After a deliberate change: python -m tests.contracts.gas, and look at the difference."""
    assert measured == json.loads(SNAPSHOT.read_text(encoding="utf-8"))


@pytest.mark.parametrize("what", TARGETS)
def test_gas_stays_within_its_target(measured, what):
    assert measured[what] <= TARGETS[what]
