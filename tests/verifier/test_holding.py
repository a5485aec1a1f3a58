"""The holder's file: one spelling, all disclosures in order, and nothing foreign in it."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certledger.verifier.formats.canonical_json import format_canonical
from certledger.verifier.formats.holder_file import MAX_HOLDING_BYTES, Holding
from tests.conformance.case import Scene
from tests.verifier.mutations import mutated, one_byte_changed
from tests.verifier.refusals import refused_as, tried

SCENE = Scene(documents=[b"one", b"two"])
HELD = Holding(
    record=SCENE.mine.record, disclosures=SCENE.mine.disclosures, names=("one.pdf", "two.pdf")
)
FOREIGN = SCENE.certificates[0].disclosures[0].text
GOOD: Any = HELD.to_json()
BYTES = HELD.format()


def test_a_holding_is_read_back_as_it_was_written() -> None:
    assert Holding.parse(BYTES) == HELD
    plain = Scene().mine
    bare = Holding(record=plain.record, disclosures=plain.disclosures)
    assert Holding.parse(bare.format()) == bare


def changed(**members: Any) -> bytes:
    return format_canonical({**GOOD, **members})


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "json.syntax"),
        (BYTES + b"\n", "json.not_canonical"),
        (BYTES + b" " * MAX_HOLDING_BYTES, "json.size"),
        (changed(type="certledger/holding/2"), "schema.version"),
        (changed(more=1), "schema.invalid"),
        (changed(disclosures=[]), "schema.invalid"),
        (changed(disclosures=GOOD["disclosures"][::-1]), "schema.invalid"),
        (changed(disclosures=[GOOD["disclosures"][0]] * 2), "schema.invalid"),
        (changed(disclosures=[1]), "schema.invalid"),
        (changed(disclosures=[*GOOD["disclosures"][:-1], FOREIGN]), "disclosure.foreign"),
        (changed(names=["one.pdf"]), "schema.invalid"),
        (changed(names=["one.pdf", 2]), "schema.invalid"),
        (changed(names=["a", "b", "c"]), "schema.invalid"),
        (changed(disclosures=GOOD["disclosures"][:-1]), "schema.invalid"),
        (changed(record={**GOOD["record"], "index": 2**32}), "schema.invalid"),
    ],
    ids=str,
)  # fmt: skip
def test_what_a_holding_cannot_say_is_refused_by_name(data: bytes, code: str) -> None:
    assert refused_as(Holding.parse, data) == code


def test_a_holding_of_another_record_is_refused() -> None:
    other = replace(HELD, record=SCENE.certificates[0].record)
    assert refused_as(Holding.parse, other.format()) == "disclosure.foreign"


@given(mutated(GOOD))
def test_any_changed_part_is_refused_or_has_one_spelling(value: Any) -> None:
    data, code = tried(format_canonical, value)
    if code is not None:
        return
    held, code = tried(Holding.parse, data)
    assert code is not None or held.format() == data


@given(one_byte_changed(BYTES))
def test_any_changed_byte_is_refused_or_says_something_else(data: bytes) -> None:
    held, code = tried(Holding.parse, data)
    assert code is not None or held.format() == data


@given(st.binary(max_size=80))
def test_any_bytes_are_refused(data: bytes) -> None:
    assert tried(Holding.parse, data)[1] is not None
