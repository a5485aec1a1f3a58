"""Reading record by record comes to the same as reading the whole and looking at it afterwards."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from certledger.ledger.intake.batch_submission import parse_submission
from certledger.ledger.intake.batches import submit_batch
from certledger.ledger.intake.errors import RecordRejectedError
from certledger.ledger.intake.record_reader import (
    MAX_HEAD_BYTES,
    MAX_LINE_BYTES,
    MAX_PART_CHARACTERS,
    reader_of,
)
from certledger.ledger.store import open_store
from certledger.verifier.errors import CertledgerError, MalformedError
from certledger.verifier.formats.canonical_json import Json, Members, parse
from certledger.verifier.formats.issuer_state import MAX_BATCH_CERTIFICATES
from certledger.verifier.formats.record import Record
from tests.ledger.issuers import Office, desk, found

BATCH = Office().seal(4)
VALUE: dict[str, Any] = orjson.loads(BATCH)
HEAD = {name: part for name, part in VALUE.items() if name != "records"}
RECORDS: list[dict[str, Any]] = VALUE["records"]

Outcome = tuple[list[bytes], Json] | tuple[str, int | None]
"""Canonical records and the other members, or the code and the place of a refusal."""


def outcome(read: Callable[[], Outcome]) -> Outcome:
    try:
        return read()
    except CertledgerError as refused:
        return refused.code, getattr(refused, "place", None)


def whole(data: bytes) -> Outcome:
    """Read what is held whole, in the plainest way."""
    first, _, rest = data.partition(b"\n")
    try:
        lines = len(first) <= MAX_HEAD_BYTES and type(orjson.loads(first)) is dict
    except orjson.JSONDecodeError:
        lines = False
    if lines and rest.strip():
        head = parse(first, MAX_HEAD_BYTES)
        listed = [
            record(place, lambda line=line: parse(line, MAX_LINE_BYTES))  # type: ignore[misc]
            for place, line in enumerate(rest.removesuffix(b"\n").split(b"\n"))
        ]
        return listed, known(Members(head, "submission"))
    members = Members(parse(data, len(data)), "submission")
    values = members.take("records")
    if type(values) is not list:
        raise MalformedError("schema.invalid", "no list")
    listed = [
        record(place, lambda value=value: value)  # type: ignore[misc]
        for place, value in enumerate(values)
    ]
    return listed, known(members)


def known(members: Members) -> Json:
    """Return the members that a head has; raise where there are more."""
    found = {name: members.take(name) for name in HEAD if members.has(name)}
    members.done()
    return found


def record(place: int, read: Callable[[], Json]) -> bytes:
    try:
        return Record.from_json(read()).canonical()
    except MalformedError as error:
        raise RecordRejectedError(place, str(error), error.code) from error


def one_by_one(data: bytes, sip: int = 2**20) -> Outcome:
    reader, plain_text = reader_of(Sipped(data, sip)), data.isascii()
    listed = []
    for read, canonical, start, size, plain in reader:
        assert read.canonical() == canonical
        spelled = data[start : start + size]
        if plain_text:  # Whatever is not is refused in the end.
            assert plain <= (spelled == canonical)
            assert Record.from_json(orjson.loads(spelled)) == read
        listed.append(canonical)
    return listed, known(reader.head)


class Sipped(BytesIO):
    """A file that gives little at a time."""

    def __init__(self, data: bytes, sip: int) -> None:
        super().__init__(data)
        self._sip = sip

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(self._sip if size is None or size < 0 else min(size, self._sip))


def check_same(data: bytes, sip: int = 2**20) -> None:
    assert outcome(lambda: one_by_one(data, sip)) == outcome(lambda: whole(data))


# Spellings --------------------------------------------------------------------------------------

spaces = st.sampled_from(["", "", " ", "\n", "\r\n\t ", " " * 100])
sips = st.sampled_from([13, 100, 2**16])


def spelled(value: Json, draw: st.DrawFn) -> str:
    """Return some spelling of a value."""
    if isinstance(value, dict):
        names = draw(st.permutations(list(value)))
        inner = [
            f"{spelled(name, draw)}{draw(spaces)}:{spelled(value[name], draw)}" for name in names
        ]
        return draw(spaces) + "{" + ",".join(inner) + draw(spaces) + "}" + draw(spaces)
    if isinstance(value, list):
        inner = [spelled(part, draw) for part in value]
        return draw(spaces) + "[" + ",".join(inner) + draw(spaces) + "]"
    text: str = orjson.dumps(value).decode()
    if isinstance(value, str) and value and draw(st.integers(0, 9)) == 0:
        return f'"\\u{ord(value[0]):04x}{text[2:]}'
    return text


@st.composite
def spellings(draw: st.DrawFn) -> bytes:
    listed: list[Any] = draw(st.lists(st.sampled_from(RECORDS), max_size=4))
    canonical = draw(st.booleans())
    marks = [f"<{number}>" for number in range(len(listed))]
    text = spelled(HEAD | {"records": marks}, draw)
    for mark, value in zip(marks, listed, strict=True):
        line = orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
        found = re.escape(mark).replace("<", r"(<|\\u003c)", 1)
        put = line if canonical or draw(st.booleans()) else spelled(value, draw)
        text = re.sub(f'"{found}"', put.replace("\\", r"\\"), text, count=1)
    return text.encode()


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    listed = draw(st.lists(st.sampled_from(RECORDS), min_size=1, max_size=4))
    parts = [orjson.dumps(HEAD)]
    for value in listed:
        text = spelled(value, draw) if draw(st.booleans()) else None
        canonical = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        parts.append(canonical if text is None else text.replace("\n", " ").encode())
    return b"\n".join(parts) + draw(st.sampled_from([b"", b"\n", b"\r\n", b"\n\n"]))


@given(data=st.one_of(spellings(), lines()), sip=sips)
def test_any_spelling_is_read_as_if_it_were_held_whole(data: bytes, sip: int) -> None:
    check_same(data, sip)


PUT = ['"', "{", "}", "[", "]", ",", ":", "\n", " ", "0", "-", "9" * 20, ".5", "null", "NaN", "\\"]
PUT += ['"x":1,', '"x":null,', '"x":', "[[[[[[[[[", "\\ud800", "é", "\x00", "true", "{},", "/"]


@st.composite
def corrupted(draw: st.DrawFn) -> bytes:
    data = draw(st.one_of(st.just(BATCH), spellings(), lines()))
    start = draw(st.integers(0, len(data)))
    gone = draw(st.one_of(st.just(0), st.just(1), st.integers(0, 40)))
    put = draw(st.one_of(st.sampled_from(PUT).map(str.encode), st.binary(max_size=4)))
    return data[:start] + put + data[start + gone :]


@given(data=corrupted(), sip=sips)
def test_whatever_is_broken_is_refused_as_if_it_were_held_whole(data: bytes, sip: int) -> None:
    check_same(data, sip)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" \n ",
        b"[]",
        b"[" * 50_000,
        b'{"records":[' + b"[" * 50_000,
        b'{"x":' + b'{"x":' * 10_000,
        b"7",
        b"7 7",
        b"{}",
        b"{,}",
        b'{"x":1,}',
        b'{"records":[],"records":[]}',
        b'{"records":[1,]}',
        b'{"records":[1 2]}',
        b'{"records":[]',
        b'{"records":[',
        b'{"records"',
        b'{"records":7}',
        b'{"records":{}}',
        b'{"x":null,"records":[1.5]}',
        b'{"x":null,"records":[{"a":7}]}',
        b'{"records":[7,null]}',
        b'{"records":[null,{"a":1,"a":2}]}',
        b'{"records":[[[[[[[[[[1]]]]]]]]]]}',
        b'{"records":[[[[[[[[1]]]]]]]]}',
        b'{"records":["\\ud800"]}',
        b'{"records":["\xff"]}',
        b'{"records":[]}x',
        b"\xef\xbb\xbf{}",
        b'{"statement":{}}\n7\n',
        b'{"statement":{}}\n\n7',
    ],
)
def test_what_is_broken_at_its_ends_is_refused_as_if_it_were_held_whole(data: bytes) -> None:
    for sip in (1 if len(data) < 1_000 else 1_000, 2**20):
        check_same(data, sip)


# Bounds -----------------------------------------------------------------------------------------


def test_a_batch_wider_than_the_window_gives_back_its_records_in_every_spelling() -> None:
    records = Office().records(600)
    data = Office().seal(records)
    value = orjson.loads(data)
    mixed = [
        orjson.dumps(one, option=orjson.OPT_INDENT_2 if place % 3 else orjson.OPT_SORT_KEYS)
        for place, one in enumerate(value["records"])
    ]
    head = orjson.dumps({name: part for name, part in value.items() if name != "records"})
    listed = [record.canonical() for record in records]
    for spelling in (
        data,
        orjson.dumps(value, option=orjson.OPT_INDENT_2),
        orjson.dumps(dict(reversed(value.items()))),
        head[:-1] + b',"records":[' + b" ,\n".join(mixed) + b"]}",
        b"\n".join([head, *listed]),
        b"\n".join([head, *(one.replace(b"\n", b" ") for one in mixed), b""]),
    ):
        submission = parse_submission(spelling)
        assert list(submission.records()) == listed
        assert submission.lookups.ids == b"".join(record.id for record in records)


@pytest.mark.parametrize("extra", [0, 1])
def test_a_part_of_an_object_has_a_greatest_length(extra: int) -> None:
    filled = orjson.dumps(RECORDS[0])
    filled = filled[:-1] + b" " * (MAX_PART_CHARACTERS + extra - len(filled)) + b"}"
    data = b'{"records":[' + filled + b"]," + orjson.dumps(HEAD)[1:]
    if extra:
        assert outcome(lambda: one_by_one(data)) == ("json.size", None)
    else:
        check_same(data)


@pytest.mark.parametrize(
    "data",
    [
        b'{"records":[{"id":"' + b"A" * 2 * MAX_PART_CHARACTERS + b'"}]}',
        b'{"records":[{"id":"' + b"A" * 2 * MAX_PART_CHARACTERS,
        b'{"x":[' + b"1," * MAX_PART_CHARACTERS + b"1]}",
        b"{" + b",".join(b'"x%d":1' % number for number in range(MAX_PART_CHARACTERS // 8)) + b"}",
        b'"' + b"A" * 2 * MAX_PART_CHARACTERS + b'"',
    ],
)
def test_parts_without_an_end_are_not_held(data: bytes) -> None:
    assert outcome(lambda: one_by_one(data)) == ("json.size", None)


def test_a_line_without_an_end_is_not_held() -> None:
    data = orjson.dumps(HEAD) + b"\n" + b" " * 2 * MAX_LINE_BYTES
    assert outcome(lambda: one_by_one(data + b"{}")) == ("json.size", 0)


@pytest.mark.parametrize("before", [b'{"records":[', b'{"type":"x"}\n'])
def test_no_more_records_are_read_than_a_batch_has(before: bytes) -> None:
    line = orjson.dumps(RECORDS[0], option=orjson.OPT_SORT_KEYS)
    comma = b"," if before.endswith(b"[") else b"\n"
    data = before + comma.join([line] * (MAX_BATCH_CERTIFICATES + 1)) + comma + b"no JSON"
    assert outcome(lambda: one_by_one(data)) == ("batch.count", None)


def held_at_most(count: int, folder: Path) -> int:
    """Return the most bytes held while a batch of `count` is taken in from a file."""
    store, office = open_store(f"sqlite:///{folder}/{count}.db"), Office()
    found(store, office.state())
    with (folder / str(count)).open("w+b") as file:
        file.write(office.seal(count))
        tracemalloc.start()
        submit_batch(desk(store), file)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    store.close()
    return peak


def test_of_each_record_of_a_batch_little_is_held(tmp_path: Path) -> None:
    few, many = held_at_most(3_000, tmp_path), held_at_most(9_000, tmp_path)
    # A record of three digests has 450 bytes, and some 1,500 where it is held as an object.
    assert (many - few) / 6_000 < 300
