"""Canonical JSON: the strict subset of RFC 8785 (JCS) in SPEC section 2."""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NoReturn

import orjson

from certledger.verifier.errors import MalformedError

Json = Any
"""A value of the subset: dict, list, str, bool, or int from 0 to 2**53-1."""

MAX_INTEGER = 2**53 - 1
MAX_NESTING_LEVELS = 8
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\Z")
MAX_FREE_VALUES = 4096
"""Values and members that any text may have; one more for each `BYTES_A_VALUE` of its bytes."""
BYTES_A_VALUE = 8
MAX_MEMBERS = 4096
"""Members of one object."""
_MAX_OPEN_BRACKETS = 500
"""Open brackets before the parser runs: few enough for any recursion limit."""
_BRACKET = re.compile(r'[^"\[\]{}]*+(?:"(?:[^"\\]++|\\.)*+"[^"\[\]{}]*+)*+([\[\]{}])')
"""Matches up to the next bracket outside a string."""
_NO_MARKS = bytes(byte for byte in range(256) if byte not in b'"[]{},')
_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_", b"+/")
_PADDING = (b"", b"===", b"==", b"=")
_LAST_CHARACTERS = ("", "", "AQgw", "AEIMQUYcgkosw048")
"""By length modulo 4, the last characters whose spare bits (4 or 2) are zero."""


def format_canonical(value: Json) -> bytes:
    """Encode `value` as canonical JSON.

    Raises:
        MalformedError: the value is outside the subset.
    """
    check_value(value, 0)
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def parse(data: bytes, limit: int) -> Json:
    """Parse JSON of the subset; white space and member order are free.

    Raises:
        MalformedError: more than `limit` bytes or values, or outside the subset (SPEC section 2).
    """
    _check_size(data, limit)
    check_shape(data)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedError("json.syntax", f"not UTF-8 at byte {error.start}") from error
    try:
        value = DECODER.decode(text)
    except json.JSONDecodeError as error:
        code = "json.trailing" if error.msg == "Extra data" else "json.syntax"
        raise MalformedError(
            code, f"not JSON at character {error.pos}: {error.msg.lower()}"
        ) from error
    except RecursionError as error:
        raise MalformedError("json.depth", f"nested deeper than {MAX_NESTING_LEVELS}") from error
    check_value(value, 0)
    return value


def parse_canonical(data: bytes, limit: int) -> Json:
    """Parse canonical JSON.

    Raises:
        MalformedError: as `parse`, and where `data` are not the canonical bytes of their value.
    """
    _check_size(data, limit)
    check_shape(data)
    try:
        value = orjson.loads(data)
        check_value(value, 0)
        if orjson.dumps(value, option=orjson.OPT_SORT_KEYS) == data:
            return value
    except (orjson.JSONDecodeError, TypeError, RecursionError, MalformedError):
        pass  # `parse` below reports the specific code.
    parse(data, limit)
    raise MalformedError("json.not_canonical", "a second spelling of the same value")


def _check_size(data: bytes, limit: int) -> None:
    if len(data) > limit:
        raise MalformedError("json.size", f"{len(data)} bytes where at most {limit} are read")


def check_shape(data: bytes, *, nesting: bool = True) -> None:
    """Reject value counts and, with `nesting`, depths that exhaust memory or stack, before parsing.

    An empty list takes 3 bytes of JSON and 60 bytes of memory.

    Raises:
        MalformedError: `json.size`, `json.depth`.
    """
    room = MAX_FREE_VALUES + len(data) // BYTES_A_VALUE
    brackets = data.count(b"[") + data.count(b"{")
    if brackets <= _MAX_OPEN_BRACKETS and brackets + data.count(b",") <= room:
        return
    plain = data.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _NO_MARKS)
    outside = b"".join(plain.replace(b'""', b"").split(b'"')[::2])
    if nesting:
        _check_open(outside.replace(b",", b""))
    if outside.count(b"[") + outside.count(b"{") + outside.count(b",") > room:
        raise MalformedError("json.size", f"more than {room} values in {len(data)} bytes")


def _check_open(brackets: bytes) -> None:
    for _ in range(MAX_NESTING_LEVELS + 1):
        brackets = brackets.replace(b"{}", b"").replace(b"[]", b"")
    if brackets.count(b"[") + brackets.count(b"{") > _MAX_OPEN_BRACKETS:
        raise MalformedError("json.depth", f"nested deeper than {MAX_NESTING_LEVELS}")


def check_nesting(text: str, at: int) -> None:
    """Check the nesting of the value that starts at `at`, before it is parsed.

    Raises:
        MalformedError: `json.depth`.
    """
    depth = 0
    if text.startswith(("[", "{"), at):
        while found := _BRACKET.match(text, at):
            depth += 1 if found[1] in "[{" else -1
            if depth == 0:
                return
            if depth > _MAX_OPEN_BRACKETS:
                raise MalformedError("json.depth", f"nested deeper than {MAX_NESTING_LEVELS}")
            at = found.end()


def object_of(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    """Build an object from member pairs.

    Raises:
        MalformedError: `json.duplicate_name`, a duplicate name; `json.size`, too many members.
    """
    found = dict(pairs)
    if len(found) != len(pairs):
        for name, _ in pairs:
            if name not in found:
                raise MalformedError("json.duplicate_name", f"the name {name[:40]!r} appears twice")
            del found[name]
    if len(pairs) > MAX_MEMBERS:
        raise MalformedError(
            "json.size", f"{len(pairs)} members where at most {MAX_MEMBERS} are read"
        )
    return found


def _integer(token: str) -> int:
    if token.startswith("-") or len(token) > 16 or int(token) > MAX_INTEGER:
        _fail_number(token)
    return int(token)


def _fail_number(token: str) -> NoReturn:
    raise MalformedError("json.number", f"{token[:40]} is not an integer from 0 to 2^53-1")


def _fail_word(token: str) -> NoReturn:
    # Python's decoder accepts NaN and Infinity, which are not JSON.
    raise MalformedError("json.syntax", f"{token} is not JSON")


DECODER = json.JSONDecoder(
    object_pairs_hook=object_of,
    parse_int=_integer,
    parse_float=_fail_number,
    parse_constant=_fail_word,
)
"""Decoder without duplicate names, floats or negative numbers; `check_value` checks the rest.

For callers that decode a text in parts, after `check_nesting`; all others call `parse`.
"""


def check_value(value: Json, depth: int) -> None:
    """Check names, texts, null and depth of a value nested in `depth` others.

    Raises:
        MalformedError: outside the subset.
    """
    kind = type(value)
    if kind is str:
        _check_text(value)
    elif kind is int:
        if not 0 <= value <= MAX_INTEGER:
            _fail_number(str(value))
    elif kind is dict:
        for name in value:
            if type(name) is not str or not NAME.match(name):
                raise MalformedError("json.name", f"{str(name)[:40]!r} is not a member name")
        _check_parts(value.values(), depth)
    elif kind is list:
        _check_parts(value, depth)
    elif value is None:
        raise MalformedError("json.null", "null has no meaning here")
    elif kind is not bool:
        _fail_number(repr(value))


def _check_parts(parts: Iterable[Json], depth: int) -> None:
    if depth == MAX_NESTING_LEVELS:
        raise MalformedError("json.depth", f"nested deeper than {MAX_NESTING_LEVELS}")
    for part in parts:
        # Most values are ASCII texts, about which nothing is to be checked.
        if type(part) is not str or not part.isascii():
            check_value(part, depth + 1)


def _check_text(value: str) -> None:
    if not value.isascii():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise MalformedError("json.surrogate", "a lone surrogate is no text") from error


# Bytes in JSON ---------------------------------------------------------------------------------


def to_base64url(data: bytes) -> str:
    """Encode bytes as base64url without padding (RFC 4648, section 5)."""
    return binascii.b2a_base64(data, newline=False).translate(_TO_URL).rstrip(b"=").decode("ascii")


def from_base64url(text: str) -> bytes:
    """Decode canonical base64url.

    Raises:
        MalformedError: characters outside the alphabet, padding, or spare bits that are not zero.
    """
    try:
        raw = text.encode("ascii").translate(_FROM_URL)
        data = binascii.a2b_base64(raw + _PADDING[len(raw) % 4], strict_mode=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise MalformedError("base64.invalid", f"{text[:20]!r} is not base64url") from error
    # Of a text without padding only the alphabet and the spare bits of the end can be otherwise.
    last = _LAST_CHARACTERS[len(raw) % 4]
    if (last and text[-1] not in last) or "+" in text or "/" in text or "=" in text:
        raise MalformedError("base64.not_canonical", f"{text[:20]!r} is a second spelling")
    return data


def bytes_of(spelled: bytes) -> bytes:
    """Decode base64url that is known to be canonical."""
    return binascii.a2b_base64(spelled.translate(_FROM_URL) + b"=" * (-len(spelled) % 4))


def from_hex(text: str, size: int) -> bytes:
    """Decode `size` bytes of lower-case hexadecimal without `0x`.

    Raises:
        MalformedError: another length, upper case, or other characters.
    """
    if len(text) != 2 * size or not re.fullmatch("[0-9a-f]*", text):
        raise MalformedError("hex.invalid", f"{text[:20]!r} is not {size} bytes in lower-case hex")
    return bytes.fromhex(text)


# Time ------------------------------------------------------------------------------------------


def parse_time(text: str) -> int:
    """Parse an RFC 3339 instant in UTC (whole seconds, ending in Z) to seconds since 1970.

    Raises:
        MalformedError: any other form.
    """
    try:
        moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise MalformedError(
            "time.invalid", f"{text!r} is not like 2026-11-24T06:00:00Z"
        ) from error
    if format_time(int(moment.timestamp())) != text:
        raise MalformedError("time.invalid", f"{text!r} is not like 2026-11-24T06:00:00Z")
    return int(moment.timestamp())


@lru_cache(maxsize=1_024)
def format_time(seconds: int) -> str:
    """Format seconds since 1970 as RFC 3339 in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


# Members of an object --------------------------------------------------------------------------


class Members:
    """Typed access to the members of a JSON object; `done` rejects members that were not read.

    Every method raises MalformedError (`schema.invalid`) where the member is missing or ill-typed.
    """

    __slots__ = ("_left", "_where")

    def __init__(self, value: Json, where: str) -> None:
        if type(value) is not dict:
            raise MalformedError("schema.invalid", f"{where} is not an object")
        self._left: dict[str, Json] = dict(value)
        self._where = where

    def fail(self, name: str, want: str) -> NoReturn:
        """Raise MalformedError for member `name`."""
        raise MalformedError("schema.invalid", f"{self._where}.{name} is not {want}")

    def take(self, name: str) -> Json:
        """Return a member without a type check."""
        try:
            return self._left.pop(name)
        except KeyError as error:
            raise MalformedError("schema.invalid", f"{self._where}.{name} is missing") from error

    def has(self, name: str) -> bool:
        """Return whether the member exists and was not read yet."""
        return name in self._left

    def string(self, name: str) -> str:
        """Return a text of any length."""
        value = self.take(name)
        if type(value) is not str:
            self.fail(name, "text")
        return value

    def text(self, name: str, pattern: re.Pattern[str] | None = None, longest: int = 512) -> str:
        """Return a text of 1 to `longest` characters that fully matches `pattern`."""
        value = self.take(name)
        if type(value) is not str or not 0 < len(value) <= longest:
            self.fail(name, f"text of 1 to {longest} characters")
        if pattern is not None and not pattern.fullmatch(value):
            self.fail(name, f"text like {pattern.pattern}")
        return value

    def const(self, name: str, want: str) -> None:
        """Check a type or version member: another value is `schema.version`."""
        value = self.take(name)
        if value != want or type(value) is not str:
            raise MalformedError(
                "schema.version", f"{self._where}.{name} is {str(value)[:60]!r}, not {want!r}"
            )

    def integer(self, name: str, least: int = 0, greatest: int = MAX_INTEGER) -> int:
        """Return an integer from `least` to `greatest`."""
        value = self.take(name)
        if type(value) is not int or not least <= value <= greatest:
            self.fail(name, f"an integer from {least} to {greatest}")
        return value

    def boolean(self, name: str) -> bool:
        """Return true or false."""
        value = self.take(name)
        if type(value) is not bool:
            self.fail(name, "true or false")
        return value

    def binary(self, name: str, size: int | None = None) -> bytes:
        """Return the bytes of a base64url member, of `size` if given."""
        value = self.take(name)
        if type(value) is not str:
            self.fail(name, "base64url")
        data = from_base64url(value)
        if size is not None and len(data) != size:
            self.fail(name, f"{size} bytes")
        return data

    def hashes(self, name: str, most: int) -> list[bytes]:
        """Return a list of at most `most` 32-byte hashes from their base64url concatenation."""
        data = self.binary(name)
        if len(data) % 32 or len(data) > 32 * most:
            self.fail(name, f"at most {most} hashes")
        return [data[at : at + 32] for at in range(0, len(data), 32)]

    def array(self, name: str, least: int, most: int) -> list[Json]:
        """Return a list of `least` to `most` values."""
        value = self.take(name)
        if type(value) is not list or not least <= len(value) <= most:
            self.fail(name, f"a list of {least} to {most}")
        return value

    def inner(self, name: str) -> Members:
        """Return the members of an object inside this one."""
        return Members(self.take(name), f"{self._where}.{name}")

    def done(self) -> None:
        """Check that all members were read."""
        if self._left:
            names = ", ".join(sorted(self._left)[:3])
            raise MalformedError(
                "schema.invalid", f"{self._where} has unknown members: {names[:80]}"
            )


def hash_list(hashes: Iterable[bytes]) -> str:
    """Return the base64url of concatenated hashes."""
    return to_base64url(b"".join(hashes))
