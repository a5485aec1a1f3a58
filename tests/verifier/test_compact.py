"""Compact codes: one spelling each, and no text that brings the reader down."""

from dataclasses import replace
from datetime import date
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from certledger.verifier.errors import CertledgerError, MalformedError
from certledger.verifier.formats.base45 import to_base45
from certledger.verifier.formats.canonical_json import to_base64url
from certledger.verifier.formats.compact_evidence import MAX_COMPACT_CHARACTERS, PREFIX, Compact
from certledger.verifier.formats.evidence import Evidence
from tests.conformance.case import Scene
from tests.conformance.force_cases import bound, present
from tests.world import ENTRY, IDENTITY, LICENCE, draw

EIGHT = replace(
    ENTRY,
    fields=("certificate_number", "holder_name", "sex", "address", "a", "b", "c", "d"),
)


def compact_of(evidence: Evidence) -> Compact:
    return Compact.of(
        IDENTITY, evidence.record, evidence.path, evidence.disclosures, evidence.presentation
    )


PAPER = b"paper"
CODES = {
    "plain": compact_of(Scene().evidence()),
    "no expiry": compact_of(Scene(entry=LICENCE, expires=None).evidence()),
    "second edition": compact_of(Scene(edition=1, replaces=0).evidence()),
    "documents": compact_of(Scene(documents=[PAPER], with_sm3=True).evidence(show=("document",))),
    "plain document": compact_of(Scene(documents=[PAPER]).evidence(show=("document",))),
    "presented": compact_of(present(bound())),
    "nothing shown": compact_of(Scene().evidence(show=())),
    "long ago": compact_of(Scene(issued=date(1950, 1, 1)).evidence()),
}
CODE = CODES["plain"].format()
PARTS = cbor2.loads(CODES["plain"].to_cbor())


def refused(text: str) -> str:
    with pytest.raises(MalformedError) as caught:
        Compact.parse(text)
    return caught.value.code


@pytest.mark.parametrize("compact", CODES.values(), ids=CODES)
def test_a_code_is_read_back_as_it_was_written(compact: Compact) -> None:
    assert Compact.parse(compact.format()) == compact
    assert Compact.from_cbor(compact.to_cbor()) == compact


def test_the_entry_gives_the_names_back() -> None:
    scene = Scene(documents=[PAPER])
    evidence = scene.evidence(show=("certificate_number", "holder_name", "document"))
    compact = compact_of(evidence)
    named = tuple(part.named(ENTRY, bound=False) for part in compact.shown)
    assert named == evidence.disclosures


def test_eight_fields_with_three_shown_out_of_a_batch_of_4096_fit_1500_characters() -> None:
    fields = dict.fromkeys(EIGHT.fields[2:], "上海市黄浦区示例路一百号")
    scene = Scene(entry=EIGHT, entries=(EIGHT,), fields=fields)
    evidence = scene.evidence(show=("certificate_number", "holder_name", "address"))
    path = tuple(draw(f"hash {level}") for level in range(12))
    assert len(compact_of(replace(evidence, path=path)).format()) <= 1500


def test_a_disclosure_of_another_record_is_refused() -> None:
    scene = Scene()
    foreign = scene.certificates[0].disclosures[:1]
    with pytest.raises(MalformedError) as caught:
        Compact.of(IDENTITY, scene.mine.record, (), foreign)
    assert caught.value.code == "disclosure.foreign"


@given(st.text(max_size=80))
def test_no_text_raises_anything_but_a_refusal(text: str) -> None:
    for candidate in (text, PREFIX + text):
        with pytest.raises(CertledgerError):
            Compact.parse(candidate)


@given(st.binary(max_size=80))
def test_no_bytes_raise_anything_but_a_refusal(data: bytes) -> None:
    with pytest.raises(CertledgerError):
        Compact.from_cbor(data)


@given(st.integers(0, len(CODE) - 1), st.characters(codec="ascii"))
def test_a_changed_character_is_refused_or_says_something_else(at: int, to: str) -> None:
    text = CODE[:at] + to + CODE[at + 1 :]
    try:
        compact = Compact.parse(text)
    except CertledgerError:
        return
    assert compact.format() == text
    assert (compact == CODES["plain"]) == (text == CODE)


CBOR = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8)
    | st.binary(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.integers(0, 9), inner, max_size=3)
    ),
    max_leaves=8,
)  # fmt: skip


@given(st.data(), CBOR)
def test_any_other_value_of_any_part_is_refused_or_has_one_spelling(
    data: st.DataObject, value: Any
) -> None:
    parts = cbor2.loads(CODES["presented"].to_cbor())
    inner = parts
    while True:
        at = data.draw(st.integers(0, len(inner) - 1))
        if not isinstance(inner[at], list) or not inner[at] or data.draw(st.booleans()):
            break
        inner = inner[at]
    inner[at] = value
    try:
        encoded = cbor2.dumps(parts, canonical=True)
    except (ValueError, OverflowError):
        return
    try:
        compact = Compact.from_cbor(encoded)
    except CertledgerError:
        return
    assert compact.to_cbor() == encoded


SHARED = b"\x85\x01" + b"".join(
    b"\xd8\x1c\x82" + b"\xd8\x1d" + bytes([max(at - 1, 0)]) + b"\xd8\x1d" for at in range(24)
)
"""Lists that share one another (tags 28 and 29), so that their copies are without end."""


def edited(**changes: Any) -> bytes:
    """Return the CBOR of a code with parts replaced: `p2_5` is part 5 of part 2."""
    parts = cbor2.loads(CODES["plain"].to_cbor())
    for name, value in changes.items():
        *where, last = (int(digits) for digits in name[1:].split("_"))
        inner = parts
        for at in where:
            inner = inner[at]
        inner[last] = value
    return cbor2.dumps(parts, canonical=True)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "compact.invalid"),
        (edited()[:-1], "compact.invalid"),
        (edited() + b"\x00", "compact.invalid"),
        (cbor2.dumps(PARTS[:4]), "compact.invalid"),
        (cbor2.dumps({"a": 1}), "compact.invalid"),
        (edited(p0=2), "compact.version"),
        (edited(p1=bytes(7)), "compact.invalid"),
        (edited(p1="12345678"), "compact.invalid"),
        (edited(p3=bytes(31)), "compact.invalid"),
        (edited(p3=bytes(33 * 32)), "compact.invalid"),
        (edited(p3=[]), "compact.invalid"),
        (edited(p2_0="11310000xx00000196"), "schema.invalid"),
        (edited(p2_1=-1), "compact.invalid"),
        (edited(p2_1=True), "compact.invalid"),
        (edited(p2_2=bytes(31)), "schema.invalid"),
        (edited(p2_7=3), "compact.invalid"),
        (edited(p2_7=-1), "compact.invalid"),
        (edited(p2_8=10**9), "compact.invalid"),
        (edited(p2_9=0), "record.dates"),
        (edited(p2_10=1), "compact.invalid"),
        (edited(p2_11=b""), "schema.invalid"),
        (edited(p4=[[1, "text", "a"]]), "compact.invalid"),
        (edited(p4=[[0, bytes(16), "a"]]), "compact.invalid"),
        (edited(p4=[[1, bytes(16), "a"], [0, "code", "b"]]), "compact.invalid"),
        (edited(p4=[[1, bytes(16), [bytes(31), 1]]]), "compact.invalid"),
        (edited(p4=[[1, bytes(16), [bytes(32), 1, bytes(31)]]]), "compact.invalid"),
        (edited(p4=[[1, bytes(16), [bytes(32), -1]]]), "compact.invalid"),
        (edited(p4=[[1, bytes(16), [bytes(32), 1, bytes(32), bytes(32)]]]), "compact.invalid"),
        (edited(p4=[[1, bytes(16), ["a" * 32, 1]]]), "compact.invalid"),
        (edited(p4=[[1, bytes(16), {"a" * 32: 1, "b" * 32: 2}]]), "compact.invalid"),
        (edited(p4=[[1, bytes(16), ""]]), "schema.invalid"),
        (edited(p4=[[1, bytes(16), "x" * 513]]), "schema.invalid"),
        (edited(p4=[[1, bytes(16), 5]]), "compact.invalid"),
        (edited(p4=[[-1, bytes(16), "a"]]), "compact.invalid"),
        (edited(p4=[[2**63, bytes(16), "a"]]), "compact.invalid"),
        (edited(p4=[[1, bytes(16), "a"], [1, bytes(16), "a"]]), "compact.invalid"),
        (edited(p4=[[at, bytes(16), "a"] for at in range(1, 98)]), "compact.invalid"),
        (edited(p2_1=cbor2.CBORTag(2, b"\1")), "compact.invalid"),
        (edited(p2_1=1.0), "compact.invalid"),
        (b"\xd9\xd9\xf7" + edited(), "compact.invalid"),
        (b"\x9f" + edited()[1:] + b"\xff", "compact.invalid"),
        (SHARED, "compact.invalid"),
        (cbor2.dumps([*PARTS, ["a", "b", 1, bytes(64)]]), "compact.invalid"),
        (cbor2.dumps(PARTS, canonical=False)[:1] + b"\x18\x01" + edited()[2:],
         "compact.not_canonical"),
    ],
)  # fmt: skip
def test_what_a_code_cannot_say_is_refused_by_name(data: bytes, code: str) -> None:
    assert refused(PREFIX + to_base45(data)) == code


def test_another_prefix_and_too_long_a_text_are_refused() -> None:
    assert refused(CODE.removeprefix(PREFIX)) == "compact.invalid"
    assert refused(CODE.replace("CL1:", "CL2:")) == "compact.invalid"
    assert refused(CODE.replace("CL1:", "cl1:")) == "compact.invalid"
    assert refused(CODE.ljust(MAX_COMPACT_CHARACTERS + 1, "0")) == "compact.invalid"
    assert refused(" " + CODE) == "compact.invalid"


def test_deep_nesting_is_refused() -> None:
    assert refused(PREFIX + to_base45(b"\x81" * 1300 + b"\x01")) in (
        "compact.invalid",
        "compact.version",
    )


def test_a_salt_that_is_no_bytes_cannot_be_written() -> None:
    shown = replace(CODES["plain"].shown[1], salt="not base64url!")
    broken = replace(CODES["plain"], shown=(CODES["plain"].shown[0], shown))
    with pytest.raises(MalformedError):
        broken.to_cbor()
    assert to_base64url(bytes(16)) == "A" * 22
