"""Canonical bytes: what RFC 8785 gives inside the subset, and a named refusal outside it."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import assume, example, given
from hypothesis import strategies as st

from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.canonical_json import (
    BYTES_A_VALUE,
    MAX_FREE_VALUES,
    MAX_INTEGER,
    MAX_MEMBERS,
    MAX_NESTING_LEVELS,
    Members,
    check_nesting,
    format_canonical,
    format_time,
    from_base64url,
    from_hex,
    hash_list,
    parse,
    parse_canonical,
    parse_time,
    to_base64url,
)
from tests.verifier.refusals import refused_as, tried

VECTORS = Path(os.environ.get("CERTLEDGER_VECTORS", "../shared/vectors")) / "jcs"
LIMIT = 100_000

names = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,6}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
leaves = st.booleans() | st.integers(0, MAX_INTEGER) | texts
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
anything = st.recursive(
    st.none() | leaves | st.floats() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=12,
)


def depth_of(value: Any) -> int:
    """Return how many arrays and objects stand inside one another."""
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    return 0


def code_of(data: bytes, limit: int = LIMIT) -> str:
    return refused_as(parse, data, limit)


# The bytes -------------------------------------------------------------------------------------


@given(values)
def test_canonical_bytes_are_those_of_RFC_8785(value):
    assume(depth_of(value) <= MAX_NESTING_LEVELS)
    assert format_canonical(value) == rfc8785.dumps(value)


@given(values)
def test_what_is_written_is_read_back_by_both_readers(value):
    assume(depth_of(value) <= MAX_NESTING_LEVELS)
    data = format_canonical(value)
    assert parse(data, LIMIT) == value
    assert parse_canonical(data, LIMIT) == value


@given(values)
def test_white_space_is_free_for_one_reader_and_refused_by_the_other(value):
    assume(depth_of(value) <= MAX_NESTING_LEVELS)
    data = json.dumps(value, indent=1, ensure_ascii=True).encode()
    assert parse(data, LIMIT) == value
    if data != format_canonical(value):
        assert refused_as(parse_canonical, data, LIMIT) == "json.not_canonical"


@given(anything)
def test_a_value_is_written_as_RFC_8785_says_or_refused(value):
    data, code = tried(format_canonical, value)
    if code is None:
        assert data == rfc8785.dumps(value)
        assert parse_canonical(data, LIMIT) == value


@given(st.binary(max_size=40) | anything.map(lambda value: json.dumps(value).encode()))
@example(b"\xef\xbb\xbf1")
@example(b"[" * 200_000)
@example(b'{"a":' * 5_000)
@example(b"9" * 5_000)
@example(b"-" + b"9" * 5_000)
@example(b"1e999")
@example(b'"\\ud83d"')
def test_any_bytes_are_a_value_or_a_refusal(data):
    for reader in (parse, parse_canonical):
        value, code = tried(reader, data, LIMIT)
        if code is None:
            assert parse_canonical(format_canonical(value), LIMIT) == value
        else:
            assert code.startswith("json.")


@given(values, st.data())
def test_one_byte_changed_never_reads_as_the_same_value(value, data):
    assume(depth_of(value) <= MAX_NESTING_LEVELS)
    good = format_canonical(value)
    place = data.draw(st.integers(0, len(good) - 1))
    changed = bytearray(good)
    changed[place] ^= data.draw(st.integers(1, 255))
    read, code = tried(parse_canonical, bytes(changed), LIMIT)
    assert code is not None or format_canonical(read) == changed


@given(values, st.data())
def test_bytes_cut_short_or_added_never_read_as_the_same_value(value, data):
    assume(depth_of(value) <= MAX_NESTING_LEVELS)
    good = format_canonical(value)
    cut = good[: data.draw(st.integers(0, len(good) - 1))]
    longer = good + data.draw(st.binary(min_size=1, max_size=3))
    for changed in (cut, longer):
        read, code = tried(parse_canonical, changed, LIMIT)
        assert code is not None or format_canonical(read) == changed


# The rules of SPEC section 2, one by one -------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "json.syntax"),
        (b"\xff", "json.syntax"),
        (b'"\xed\xa0\x80"', "json.syntax"),
        (b"\xef\xbb\xbf{}", "json.syntax"),
        (b"{'a':1}", "json.syntax"),
        (b"[1,]", "json.syntax"),
        (b'"\t"', "json.syntax"),
        (b'"\\x"', "json.syntax"),
        (b"[+1]", "json.syntax"),
        (b"[01]", "json.syntax"),
        (b"[.5]", "json.syntax"),
        (b"[NaN]", "json.syntax"),
        (b"[-Infinity]", "json.syntax"),
        (b"True", "json.syntax"),
        (b'{"a":1,"b":2,"a":3}', "json.duplicate_name"),
        (b'{"a":1,"\\u0061":1}', "json.duplicate_name"),
        (b'[{"x":{"a":true,"a":true}}]', "json.duplicate_name"),
        (b"null", "json.null"),
        (b"[null]", "json.null"),
        (b"0.0", "json.number"),
        (b"1E0", "json.number"),
        (b"-1", "json.number"),
        (b"-0", "json.number"),
        (b"9007199254740992", "json.number"),
        (b"18446744073709551616", "json.number"),
        (b'"\\ud800"', "json.surrogate"),
        (b'{"a":"x\\udfff"}', "json.surrogate"),
        (b"[[[[[[[[[]]]]]]]]]", "json.depth"),
        (b"[[[[[[[[{}]]]]]]]]", "json.depth"),
        (b"[]]", "json.trailing"),
        (b"1 1", "json.trailing"),
        (b'{"":1}', "json.name"),
        (b'{"9":1}', "json.name"),
        (b'{"a\\n":1}', "json.name"),
        ('{"ä":1}'.encode(), "json.name"),
    ],
    ids=repr,
)
def test_what_is_outside_the_subset_is_refused_by_its_rule(data, code):
    assert code_of(data) == code
    assert refused_as(parse_canonical, data, LIMIT) == code


def test_more_bytes_than_the_limit_are_not_read():
    assert parse(b"12345", 5) == 12345
    assert code_of(b"123456", 5) == "json.size"
    assert refused_as(parse_canonical, b"123456", 5) == "json.size"


@pytest.mark.parametrize("nest", [b"[", b'{"a":', b'["\\ud800",[', b'["\\\\",{"\\"":'], ids=repr)
def test_what_would_exhaust_the_stack_is_refused_and_not_read(nest):
    held = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)  # As libraries do that are imported beside.
    try:
        assert code_of(nest * 200_000, 10**7) == "json.depth"
    finally:
        sys.setrecursionlimit(held)


def test_brackets_in_texts_are_no_depth_and_many_things_side_by_side_neither():
    value = [{"a": "[[[{" * 1_000, "b": ['"[', "\\", "{"]}] * 1_000
    assert parse(format_canonical(value), 10**7) == value


def test_values_are_counted_before_they_are_built():
    room = MAX_FREE_VALUES + 40_000 // BYTES_A_VALUE
    assert parse(_many(b"0", room).ljust(40_000), LIMIT) == [0] * room
    assert code_of(_many(b"0", room + 1).ljust(40_000)) == "json.size"
    assert code_of(_many(b"[]", room // 2 + 1).ljust(40_000)) == "json.size"
    assert refused_as(parse_canonical, _many(b"0", 40_000), LIMIT) == "json.size"
    texts = ['"],[{,\\"' * 2_000, "," * 50_000, ""]
    assert parse(format_canonical(texts), LIMIT) == texts


def _many(value: bytes, count: int) -> bytes:
    return b"[%b]" % b",".join([value] * count)


def test_an_object_has_at_most_so_many_members():
    largest = {f"m{at}": at for at in range(MAX_MEMBERS)}
    assert parse(format_canonical(largest), LIMIT) == largest
    assert code_of(format_canonical(largest | {"another": 1})) == "json.size"


def test_a_name_that_stands_twice_among_many_is_found_at_once():
    many = b"".join(b'"m%d":null,' % at for at in range(100_000))
    assert code_of(b"{" + many + b'"m99999":1}', 10**7) == "json.duplicate_name"


def test_the_greatest_integer_and_the_greatest_depth_are_read():
    data = b"[" * MAX_NESTING_LEVELS + b"]" * MAX_NESTING_LEVELS
    assert format_canonical(parse(data, LIMIT)) == data
    assert parse_canonical(b"9007199254740991", LIMIT) == MAX_INTEGER


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (1.0, "json.number"),
        (float("nan"), "json.number"),
        (-1, "json.number"),
        (2**53, "json.number"),
        (None, "json.null"),
        ("\ud800", "json.surrogate"),
        ({"1": 1}, "json.name"),
        ({1: 1}, "json.name"),
        ({"a": {"b": [None]}}, "json.null"),
        (b"bytes", "json.number"),
        ([[[[[[[[[]]]]]]]]], "json.depth"),
    ],
    ids=repr,
)
def test_what_is_outside_the_subset_is_never_written(value, code):
    assert refused_as(format_canonical, value) == code


@pytest.mark.skipif(not VECTORS.is_dir(), reason="the published vectors of RFC 8785 are not here")
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("arrays", "json.name"),
        ("french", "json.name"),
        ("structures", "json.number"),
        ("unicode", "json.name"),
        ("values", "json.number"),
        ("weird", "json.name"),
    ],
)
def test_published_vectors_outside_the_subset_are_refused_and_their_texts_agree(name, code):
    data = (VECTORS / f"{name}.input.json").read_bytes()
    expected = bytes.fromhex((VECTORS / f"{name}.outhex.txt").read_text())
    assert code_of(data) == code
    whole = json.loads(data)
    for text in whole.values() if type(whole) is dict else []:
        if type(text) is str:
            assert b":" + format_canonical(text) in expected


# Bytes, hexadecimal, time ----------------------------------------------------------------------


@given(st.binary(max_size=80))
def test_base64url_goes_there_and_back(data):
    text = to_base64url(data)
    assert from_base64url(text) == data
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@given(st.text(max_size=12) | st.text("AB-_+/=\n ", max_size=12))
def test_any_text_is_the_one_spelling_of_bytes_or_refused(text):
    data, code = tried(from_base64url, text)
    if code is None:
        assert to_base64url(data) == text
    else:
        assert code in {"base64.invalid", "base64.not_canonical"}


@pytest.mark.parametrize(
    "text", ["AA==", "AB", "AAB", "A", "+A", "/A", "A A", "AA\n", "é", "=", "-"]
)
def test_a_second_spelling_of_bytes_is_refused(text):
    with pytest.raises(MalformedError):
        from_base64url(text)


def test_a_list_of_hashes_is_the_concatenation():
    assert hash_list([b"a" * 32, b"b" * 32]) == to_base64url(b"a" * 32 + b"b" * 32)
    assert hash_list([]) == ""


@pytest.mark.parametrize("text", ["", "0", "0A", "0x", "０１", "0123", "a\n"])
def test_hexadecimal_is_lower_case_and_of_its_size(text):
    assert from_hex("0a", 1) == b"\x0a"
    assert refused_as(from_hex, text, 1) == "hex.invalid"


@given(st.integers(0, 253_402_300_799))
def test_times_go_there_and_back(seconds):
    assert parse_time(format_time(seconds)) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-24T06:00:00",
        "2026-11-24T06:00:00+00:00",
        "2026-11-24 06:00:00Z",
        "2026-11-24t06:00:00z",
        "2026-11-24T06:00:00.0Z",
        "2026-1-24T06:00:00Z",
        "2026-02-30T06:00:00Z",
        "2026-11-24T24:00:00Z",
        "2026-11-24T06:00:60Z",
        "２０２６-11-24T06:00:00Z",
        "2026-11-24T06:00:00Z\n",
        "",
    ],
)
def test_other_forms_of_a_time_are_refused(text):
    assert refused_as(parse_time, text) == "time.invalid"


@given(st.text(max_size=24))
def test_any_text_is_the_one_spelling_of_a_time_or_refused(text):
    seconds, code = tried(parse_time, text)
    assert code == "time.invalid" or format_time(seconds) == text


# Members ---------------------------------------------------------------------------------------


READERS: dict[str, Callable[[Members], Any]] = {
    "text": lambda read: read.text("a"),
    "integer": lambda read: read.integer("a", 1, 9),
    "boolean": lambda read: read.boolean("a"),
    "binary": lambda read: read.binary("a", 2),
    "hashes": lambda read: read.hashes("a", 1),
    "array": lambda read: read.array("a", 1, 2),
    "inner": lambda read: read.inner("a"),
    "const": lambda read: read.const("a", "x/1"),
}
FITTING: dict[str, list[Any]] = {
    "text": ["x", "x" * 512],
    "integer": [1, 9],
    "boolean": [True, False],
    "binary": ["AAA"],
    "hashes": ["", "A" * 43],
    "array": [[1], [None, None]],
    "inner": [{}],
    "const": ["x/1"],
}


@pytest.mark.parametrize("kind", READERS)
def test_a_fitting_member_is_taken_once(kind):
    for value in FITTING[kind]:
        read = Members({"a": value}, "whole")
        READERS[kind](read)
        read.done()
        with pytest.raises(MalformedError, match=r"whole\.a is missing"):
            READERS[kind](read)


@pytest.mark.parametrize("kind", READERS)
@given(st.none() | st.floats() | values)
@example(True)
@example(0)
@example(10)
@example("")
@example("x" * 513)
@example("A" * 86)
@example([])
@example("x/2")
def test_any_other_member_is_refused(kind, value):
    fits = {
        "text": type(value) is str and 0 < len(value) <= 512,
        "integer": type(value) is int and 1 <= value <= 9,
        "boolean": type(value) is bool,
        "array": type(value) is list and 1 <= len(value) <= 2,
        "inner": type(value) is dict,
    }.get(kind, value in FITTING[kind])
    if fits:
        READERS[kind](Members({"a": value}, "whole"))
        return
    with pytest.raises(MalformedError):
        READERS[kind](Members({"a": value}, "whole"))


def test_an_unknown_member_and_what_is_no_object_are_refused():
    read = Members({"a": 1, "b": 2}, "whole")
    read.take("a")
    assert read.has("b")
    with pytest.raises(MalformedError, match="unknown members: b") as refused:
        read.done()
    assert refused.value.code == "schema.invalid"
    stray: list[Any] = [[], "x", 1, None, True]
    for value in stray:
        assert refused_as(Members, value, "whole") == "schema.invalid"


def test_a_type_or_version_not_known_is_refused_as_such():
    for value in ("certledger/record/2", 1, None, ["certledger/record/1"]):
        read = Members({"type": value}, "record")
        assert refused_as(read.const, "type", "certledger/record/1") == "schema.version"


@pytest.mark.parametrize("nest", [b"[", b'{"a":', b'["\\ud800",[', b'["\\\\",{"\\"":'], ids=repr)
def test_what_would_exhaust_the_stack_is_told_where_it_begins(nest):
    assert refused_as(check_nesting, "7," + nest.decode() * 501, 2) == "json.depth"
    check_nesting("7," + nest.decode() * 200, 2)


@pytest.mark.parametrize("text", ['"[', "{", '["', '["\\', "[]" + "[" * 600, "7" + "[" * 600, ""])
def test_a_value_that_ends_or_never_does_is_not_deep(text):
    check_nesting(text, 0)


def test_nesting_is_told_in_time_however_a_text_is_broken():
    check_nesting('["' + "\\" * 1_000_001, 0)
    check_nesting("[" + '"' * 1_000_001, 0)
    check_nesting("[" + "7" * 1_000_000, 0)
