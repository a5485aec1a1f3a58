"""The strict reader of CBOR reads what canonical CBOR spells, and refuses everything else."""

from collections.abc import Callable

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from certledger.verifier.formats.cbor import MAX_UINT, CborReader, encode
from tests.verifier.refusals import refused_as, tried

CODE, RESPELLED = "other.invalid", "other.not_canonical"
LEAST = -MAX_UINT - 1


def reader(data: bytes) -> CborReader:
    return CborReader(data, CODE, RESPELLED)


@given(st.lists(st.integers(LEAST, MAX_UINT), max_size=30))
def test_integers_are_read_as_they_were_written(values: list[int]) -> None:
    found = reader(cbor2.dumps(values, canonical=True))
    assert found.integers(len(values), LEAST, MAX_UINT) == values
    found.done()


@given(st.binary(max_size=300), st.text(max_size=100), st.booleans())
def test_bytes_texts_and_the_rest_are_read_as_they_were_written(
    data: bytes, text: str, flag: bool
) -> None:
    found = reader(cbor2.dumps([data, text, flag, None, 5], canonical=True))
    assert found.list(5, 5) == 5
    assert found.binary(0, 300) == data
    assert found.is_text()
    assert found.text(400) == text
    assert found.boolean() is flag
    assert found.null()
    assert not found.null()
    assert found.is_integer()
    assert found.integer(5, 5) == 5
    found.done()


@given(st.dictionaries(st.integers(0, 999), st.binary(min_size=2, max_size=2), max_size=9))
def test_maps_are_read_as_they_were_written(value: dict[int, bytes]) -> None:
    assert reader(cbor2.dumps(value, canonical=True)).byte_map(1000, 2) == value


ITEMS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.binary() | st.text(),
    lambda item: st.lists(item) | st.dictionaries(st.integers(0, 2**64 - 1), item),
)


@given(ITEMS)
def test_what_is_written_is_the_canonical_CBOR_of_another_library(item: object) -> None:
    assert encode(item) == cbor2.dumps(item, canonical=True)


@pytest.mark.parametrize("item", [1.5, {1}, object()])
def test_what_has_no_place_in_the_formats_is_not_written(item: object) -> None:
    with pytest.raises(TypeError, match="no place"):
        encode([item])


ASK: dict[str, Callable[[CborReader], object]] = {
    "integer": lambda found: found.integer(),
    "integers": lambda found: found.integers(2, 0, 300),
    "bytes": lambda found: found.binary(0, 2**64),
    "text": lambda found: found.text(2**64),
    "list": lambda found: found.list(0, 2**64),
    "map": lambda found: found.byte_map(2**64, 1),
    "byte strings": lambda found: list(found.binaries(2**64, 9, ascending=True)),
    "boolean": lambda found: found.boolean(),
}


@given(st.binary(max_size=40), st.sampled_from(sorted(ASK)))
def test_any_bytes_are_read_or_refused(data: bytes, kind: str) -> None:
    _, code = tried(ASK[kind], reader(data))
    assert code in (None, CODE, RESPELLED)


REFUSED: dict[str, tuple[str, bytes, str]] = {
    "nothing": ("integer", b"", CODE),
    "a number cut": ("integer", b"\x19\x01", CODE),
    "a number with a byte too many": ("integer", b"\x18\x17", RESPELLED),
    "a number with two bytes too many": ("integer", b"\x1a\x00\x00\xff\xff", RESPELLED),
    "a number with four bytes too many": ("integer", b"\x1b" + bytes(4) + b"\xff" * 4, RESPELLED),
    "a negative one": ("integer", b"\x20", CODE),
    "beyond what is exact": ("integer", b"\x1b" + b"\xff" * 8, CODE),
    "a bignum": ("integer", b"\xc2\x41\x05", CODE),
    "a float": ("integer", cbor2.dumps(1.0), CODE),
    "true": ("integer", b"\xf5", CODE),
    "undefined": ("boolean", b"\xf7", CODE),
    "a reserved head": ("integer", b"\x1c", CODE),
    "an integer for bytes": ("bytes", b"\x1b" + b"\x7f" * 8, CODE),
    "more bytes than there are": ("bytes", b"\x5b" + b"\x7f" * 8, CODE),
    "bytes in pieces": ("bytes", b"\x5f\x41a\xff", CODE),
    "text that is no UTF-8": ("text", b"\x61\xff", CODE),
    "a lone surrogate": ("text", b"\x63\xed\xa0\x80", CODE),
    "more elements than bytes": ("list", b"\x9b" + b"\x00" * 3 + b"\xff" * 5, CODE),
    "an unending list": ("list", b"\x9f\x01\xff", CODE),
    "a tagged list": ("list", b"\xd8\x1c\x80", CODE),
    "a list in a column": ("integers", b"\x82\x00\x80", CODE),
    "a column of another length": ("integers", b"\x83\x00\x00\x00", CODE),
    "a column cut": ("integers", b"\x82\x00", CODE),
    "a number out of range": ("integers", b"\x82\x00\x19\x01\x2d", CODE),
    "keys out of order": ("map", b"\xa2\x02\x41a\x01\x41a", CODE),
    "a key twice": ("map", b"\xa2\x01\x41a\x01\x41a", CODE),
    "an empty byte string": ("byte strings", b"\x81\x40", CODE),
    "byte strings out of order": ("byte strings", b"\x82\x41b\x41a", CODE),
    "a byte string twice": ("byte strings", b"\x82\x41a\x41a", CODE),
}


@pytest.mark.parametrize(("kind", "data", "code"), REFUSED.values(), ids=REFUSED)
def test_what_has_no_place_is_refused(kind: str, data: bytes, code: str) -> None:
    assert refused_as(ASK[kind], reader(data)) == code


def test_nothing_may_follow() -> None:
    found = reader(b"\x01\x01")
    assert found.integer() == 1
    assert refused_as(found.done) == CODE
