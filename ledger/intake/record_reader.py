"""Streaming reader of a submission's records, in any JSON spelling (SPEC section 20).

Memory is bounded by one record and a window of the text around it.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from functools import partial
from typing import IO, NoReturn

import orjson

from certledger.ledger.intake.errors import BatchCountError, RecordRejectedError
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.canonical_json import (
    DECODER,
    MAX_NESTING_LEVELS,
    Json,
    Members,
    check_nesting,
    check_value,
    object_of,
    parse,
)
from certledger.verifier.formats.issuer_state import MAX_BATCH_CERTIFICATES
from certledger.verifier.formats.record import MAX_RECORD_BYTES, Record
from certledger.verifier.formats.record_fast import GRAMMAR, read_canonical

MAX_HEAD_BYTES = 4096
"""Bytes of the first of JSON lines."""
MAX_LINE_BYTES = 2 * MAX_RECORD_BYTES
MAX_PART_CHARACTERS = 8 * MAX_RECORD_BYTES
"""Characters, in an object, of one record and of all other members together."""
_WINDOW = 2**16
_MAX_TOKEN_CHARACTERS = 16
"""Characters of a token that must be read whole: a literal, a number, an escape."""
_SPACE = re.compile(r"[ \t\n\r]*")
_TOO_MANY = f"more than {MAX_BATCH_CERTIFICATES} records"


Found = tuple[Record, bytes, int, int, bool]
"""A record, its canonical bytes, the byte where it starts in the file, its size there, and
whether it is certainly canonical there."""


def reader_of(file: IO[bytes]) -> LinesReader | ObjectReader:
    """Return a reader of the records in `file`; its `head` has the rest once they are read.

    Reading raises MalformedError outside the subset, RecordRejectedError for a malformed record,
    BatchCountError for more than 65,536.
    """
    file.seek(0)
    first = file.readline(MAX_HEAD_BYTES + 1)
    if first.endswith(b"\n") and _is_object(first) and _goes_on(file):
        return LinesReader(file, first)
    return ObjectReader(file)


def _is_object(line: bytes) -> bool:
    try:
        return type(orjson.loads(line)) is dict
    except orjson.JSONDecodeError:
        return False


def _goes_on(file: IO[bytes]) -> bool:
    """Return whether anything but white space follows."""
    return any(piece.strip() for piece in iter(partial(file.read, _WINDOW), b""))


class LinesReader:
    """Reader of JSON lines: the head is the first line, each other line a record."""

    def __init__(self, file: IO[bytes], first: bytes) -> None:
        self.head = Members(parse(first.removesuffix(b"\n"), MAX_HEAD_BYTES), "submission")
        self._file, self._start = file, len(first)

    def __iter__(self) -> Iterator[Found]:
        start = self._file.seek(self._start)
        # One byte above the limit shows that a line is too long.
        lines = iter(partial(self._file.readline, MAX_LINE_BYTES + 2), b"")
        for place, line in enumerate(lines):
            if place == MAX_BATCH_CERTIFICATES:
                raise BatchCountError(_TOO_MANY)
            spelled = line.removesuffix(b"\n")
            yield _read_line(place, spelled, start)
            start += len(line)


def _read_line(place: int, line: bytes, start: int) -> Found:
    match = GRAMMAR.fullmatch(line.decode("ascii")) if line.isascii() else None
    record = read_canonical(match) if match else None
    if record is not None:
        return record, line, start, len(line), True
    try:
        value = parse(line, MAX_LINE_BYTES)
    except MalformedError as error:
        raise RecordRejectedError(place, str(error), error.code) from error
    return _record(place, value), _canonical(value), start, len(line), False


class ObjectReader:
    """Reader of one JSON object, as strict as `verifier.formats.canonical_json.parse`.

    Errors have the same precedence: no JSON first, then JSON outside the subset, then records.
    """

    head: Members

    def __init__(self, file: IO[bytes]) -> None:
        self._text = _Text(file)
        self._count = 0
        self._outside: MalformedError | None = None
        self._refused: RecordRejectedError | None = None

    def __iter__(self) -> Iterator[Found]:
        text = self._text
        members: list[tuple[str, Json]] = []
        if text.peek() == "{":
            yield from self._members(members)
            value = object_of(members)
        else:
            value = text.value(MAX_PART_CHARACTERS)
        text.end()
        check_value(value, 0)
        if self._outside is not None:
            raise self._outside
        self.head = Members(value, "submission")
        if type(self.head.take("records")) is not list:
            self.head.fail("records", "a list of records")
        if self._refused is not None:
            raise self._refused

    def _members(self, members: list[tuple[str, Json]]) -> Iterator[Found]:
        """Yield the records; collect the members, with an empty list for the records."""
        text, room = self._text, MAX_PART_CHARACTERS
        text.take("{")
        more = text.peek() != "}" or text.take("}") != "}"
        while more:
            began = text.position
            name = text.name(room)
            text.take(":")
            if name == "records" and text.peek() == "[":
                members.append((name, []))
                room -= len(name)
                yield from self._records()
            else:
                members.append((name, text.value(room)))
                room -= text.position - began
            more = text.take(",}") == ","

    def _records(self) -> Iterator[Found]:
        text = self._text
        text.take("[")
        more = text.peek() != "]" or text.take("]") != "]"
        while more:
            if self._count == MAX_BATCH_CERTIFICATES:
                raise self._outside or self._refused or BatchCountError(_TOO_MANY)
            text.ahead(MAX_RECORD_BYTES)
            match = GRAMMAR.match(text.text, text.at)
            record = read_canonical(match) if match else None
            if match and record is not None:
                canonical = match.group().encode("ascii")
                yield record, canonical, text.position, len(canonical), True
                text.at = match.end()
            elif (found := self._spelled()) is not None:
                yield found
            self._count += 1
            more = text.take(",]") == ","

    def _spelled(self) -> Found | None:
        """Parse the next record in any spelling; None if an error is due after the whole text."""
        text = self._text
        text.peek()
        start = text.position
        value = text.value(MAX_PART_CHARACTERS)
        try:
            check_value(value, 2)
        except MalformedError as error:
            self._outside = self._outside or error
        if self._outside or self._refused:
            return None
        try:
            record = _record(self._count, value)
        except RecordRejectedError as error:
            self._refused = error
            return None
        return record, _canonical(value), start, text.position - start, False


class _Text:
    """A text read through a window: `text[at:]` is what was read ahead."""

    def __init__(self, file: IO[bytes]) -> None:
        self.text, self.at = "", 0
        self._file, self._decoder = file, codecs.getincrementaldecoder("utf-8")()
        self._file.seek(0)
        self._passed = self._read = 0
        self._ended = False

    @property
    def position(self) -> int:
        """Characters from the start, equal to bytes: accepted text is ASCII."""
        return self._passed + self.at

    def ahead(self, count: int) -> None:
        """Read until `count` characters lie ahead, or the end."""
        while len(self.text) - self.at < count and not self._ended:
            data = self._file.read(_WINDOW)
            self._ended = not data
            current = len(self._decoder.getstate()[0])
            try:
                more = self._decoder.decode(data, final=self._ended)
            except UnicodeDecodeError as error:
                at = self._read - current + error.start
                raise MalformedError("json.syntax", f"not UTF-8 at byte {at}") from error
            self._read += len(data)
            self._passed += self.at
            self.text, self.at = self.text[self.at :] + more, 0

    def peek(self) -> str:
        """Return the next character that is no white space, empty at the end."""
        while (char := self.text[self.at : self.at + 1]) <= " ":
            space = _SPACE.match(self.text, self.at)
            assert space is not None
            if space.end() > self.at:
                self.at = space.end()
            elif char or self._ended:
                break
            self.ahead(1)
        return char

    def take(self, allowed: str) -> str:
        """Consume the next character, one of `allowed`, and return it."""
        char = self.text[self.at : self.at + 1]
        if not char or char not in allowed:
            char = self.peek()
        if not char or char not in allowed:
            self._fail(self.at, f"expecting one of {' '.join(allowed)}")
        self.at += 1
        return char

    def name(self, longest: int) -> str:
        """Consume the name of a member and return it."""
        if self.peek() != '"':
            self._fail(self.at, "expecting property name enclosed in double quotes")
        name: str = self.value(longest)
        return name

    def value(self, longest: int) -> Json:
        """Consume a value of at most `longest` characters; the caller applies `check_value`."""
        self.peek()
        self.ahead(longest + _MAX_TOKEN_CHARACTERS)
        check_nesting(self.text, self.at)
        try:
            value, end = DECODER.raw_decode(self.text, self.at)
        except json.JSONDecodeError as error:
            cut = not self._ended and error.msg.startswith("Unterminated")
            if not cut and error.pos - self.at <= longest:
                self._fail(error.pos, error.msg.lower())
            end = len(self.text)
        except RecursionError as error:
            raise MalformedError(
                "json.depth", f"nested deeper than {MAX_NESTING_LEVELS}"
            ) from error
        if end - self.at > longest:
            raise MalformedError("json.size", f"a part has more than {longest} characters")
        self.at = end
        return value

    def end(self) -> None:
        """Check that only white space follows."""
        if self.peek():
            raise MalformedError(
                "json.trailing", f"not JSON at character {self.position}: extra data"
            )

    def _fail(self, at: int, sentence: str) -> NoReturn:
        where = self._passed + at
        raise MalformedError("json.syntax", f"not JSON at character {where}: {sentence}")


def _record(place: int, value: Json) -> Record:
    try:
        return Record.from_json(value)
    except MalformedError as error:
        raise RecordRejectedError(place, str(error), error.code) from error


def _canonical(value: Json) -> bytes:
    # `parse` read the value strictly, so sorting its members makes it canonical.
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
