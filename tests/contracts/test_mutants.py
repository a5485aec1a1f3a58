"""The mutants themselves: that each is another contract, and that with none on it is the same."""

from __future__ import annotations

import re

import pytest

from tests.contracts.mutants import EQUIVALENT, FIRST, TESTS
from tests.contracts.mutations import CONTRACTS, SOURCES, SWITCH_SOURCE, mutants, woven

SWITCH = re.compile(r"mutant\((\d+)\)")
INTERFACE = "ICertificateLedger.sol"


def test_every_source_has_mutants():
    everyone = mutants()
    assert {one.source for one in everyone} == set(SOURCES) == set(FIRST)
    assert {*SOURCES, INTERFACE} == {path.name for path in CONTRACTS.glob("*.sol")}
    assert len(everyone) >= 150
    assert len({one.name for one in everyone}) == len(everyone)


def test_one_in_two_has_mutants_of_every_source():
    assert {one.source for one in mutants()[::2]} == set(SOURCES)


def test_each_mutant_changes_a_whole_expression():
    for one in mutants():
        text = (CONTRACTS / one.source).read_text(encoding="utf-8")
        good = text[one.start : one.end]
        assert one.changed != good
        for expression in (good, one.changed):
            for opens, closes in ("()", "[]", "{}"):
                assert expression.count(opens) == expression.count(closes), one.name


def test_all_are_woven_each_behind_its_own_switch():
    everyone = mutants()
    texts = woven(everyone)
    del texts[SWITCH_SOURCE]
    numbers = [int(number) for text in texts.values() for number in SWITCH.findall(text)]
    assert sorted(numbers) == list(range(1, len(everyone) + 1))


def test_without_mutants_the_sources_are_as_they_were():
    texts = woven([])
    for name in SOURCES:
        later = texts[name].partition("pragma")[2].partition("\n")[2]
        assert (
            later
            == (CONTRACTS / name)
            .read_text(encoding="utf-8")
            .partition("pragma")[2]
            .partition("\n")[2]
        )


@pytest.mark.parametrize("name", TESTS)
def test_the_tests_that_are_run_exist(name):
    assert (CONTRACTS.parent / "tests" / "contracts" / f"test_{name}.py").exists()


def test_only_mutants_are_called_equivalent_each_with_a_reason():
    assert set(EQUIVALENT) <= {one.name for one in mutants()}
    assert all(EQUIVALENT.values())
