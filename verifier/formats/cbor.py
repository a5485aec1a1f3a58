"""Strict CBOR reader and writer for the deterministic subset of SPEC section 19.

The caller requests each element by type and range; tags, floats, indefinite lengths and overlong
numbers are rejected.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Any, NoReturn

from certledger.verifier.errors import MalformedError

MAX_UINT = 2**53 - 1
_INTEGER, _NEGATIVE, _BYTES, _TEXT, _LIST, _MAP = (kind << 5 for kind in range(6))
_NULL = 0xF6
_SIMPLE = {False: 0xF4, True: 0xF5, None: _NULL}
_MAX_SHORT = 23
"""Greatest argument that is encoded in the head byte itself."""
_HEAD_0, _HEAD_1, _HEAD_2, _HEAD_4, _HEAD_8 = (
    Struct(form).pack for form in (">B", ">BB", ">BH", ">BL", ">BQ")
)
"""Encoders of heads with 0, 1, 2, 4 and 8 bytes of argument."""


class CborReader:
    """Reads one CBOR item sequentially.

    Every method raises MalformedError: `code` for another type, range or length, `respelled` for a
    number in overlong encoding.
    """

    __slots__ = ("_at", "_code", "_data", "_respelled")

    def __init__(self, data: bytes, code: str, respelled: str) -> None:
        self._data, self._at = data, 0
        self._code, self._respelled = code, respelled

    def fail(self, want: str) -> NoReturn:
        """Raise MalformedError at the current byte."""
        raise MalformedError(self._code, f"byte {self._at} does not begin {want}")

    def done(self) -> None:
        """Check that no bytes are left."""
        if self._at != len(self._data):
            self.fail("nothing: bytes are left over")

    def is_integer(self) -> bool:
        """Return whether an unsigned integer is next."""
        return self._kind() == _INTEGER

    def is_binary(self) -> bool:
        """Return whether a byte string is next."""
        return self._kind() == _BYTES

    def is_text(self) -> bool:
        """Return whether a text is next."""
        return self._kind() == _TEXT

    def null(self) -> bool:
        """Read null if it is next; return whether it was."""
        found = self._at < len(self._data) and self._data[self._at] == _NULL
        self._at += found
        return found

    def boolean(self) -> bool:
        """Read true or false."""
        first = self._data[self._at : self._at + 1]
        if first not in (b"\xf4", b"\xf5"):
            self.fail("true or false")
        self._at += 1
        return first == b"\xf5"

    def integer(self, least: int = 0, greatest: int = MAX_UINT) -> int:
        """Read an integer from `least` to `greatest`."""
        negative = least < 0 and self._kind() == _NEGATIVE
        number = self._argument(_NEGATIVE if negative else _INTEGER, "an integer")
        value = -1 - number if negative else number
        if not least <= value <= greatest:
            self.fail(f"an integer from {least} to {greatest}")
        return value

    def integers(self, size: int, least: int, greatest: int) -> list[int]:
        """Read a list of `size` integers from `least` to `greatest`."""
        self.list(size, size)
        column = self._data[self._at : self._at + size]
        if size and max(column) <= _MAX_SHORT and len(column) == size:
            self._at += size
            values = list(column)
        else:
            values = [self.integer(least, greatest) for _ in range(size)]
        if values and not (least <= min(values) and max(values) <= greatest):
            self.fail(f"integers from {least} to {greatest}")
        return values

    def binary(self, least: int, greatest: int) -> bytes:
        """Read a byte string of `least` to `greatest` bytes."""
        return self._take(_BYTES, least, greatest, "bytes")

    def text(self, longest: int) -> str:
        """Read a text of at most `longest` bytes of UTF-8."""
        data = self._take(_TEXT, 0, longest, "a text")
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise MalformedError(self._code, "a text is not UTF-8") from error

    def list(self, least: int, greatest: int) -> int:
        """Read the head of a list; return its size, from `least` to `greatest`."""
        return self._size(_LIST, least, greatest, "a list")

    def byte_map(self, below: int, size: int) -> dict[int, bytes]:
        """Read a map from ascending integers less than `below` to byte strings of `size`."""
        found: dict[int, bytes] = {}
        last = -1
        for _ in range(self._size(_MAP, 0, below, "a map")):
            last = self.integer(last + 1, below - 1)
            found[last] = self.binary(size, size)
        return found

    def binaries(self, most: int, longest: int, *, ascending: bool = False) -> Iterator[bytes]:
        """Read a list of at most `most` byte strings of 1 to `longest` bytes each."""
        last = b""
        for _ in range(self.list(0, most)):
            value = self.binary(1, longest)
            if ascending and value <= last:
                self.fail("bytes greater than the ones before")
            yield value
            last = value

    def _kind(self) -> int:
        return self._data[self._at] & 0xE0 if self._at < len(self._data) else -1

    def _size(self, kind: int, least: int, greatest: int, want: str) -> int:
        size = self._argument(kind, want)
        # Each element takes at least a byte, so a count is at most the remaining bytes.
        if not least <= size <= min(greatest, len(self._data) - self._at):
            self.fail(f"{want} of {least} to {greatest}")
        return size

    def _take(self, kind: int, least: int, greatest: int, want: str) -> bytes:
        size = self._size(kind, least, greatest, want)
        self._at += size
        return self._data[self._at - size : self._at]

    def _argument(self, kind: int, want: str) -> int:
        """Read a head of `kind` (major type in the upper three bits) and return its argument."""
        data, at = self._data, self._at
        if self._kind() != kind:
            self.fail(want)
        low = data[at] & 31
        if low <= _MAX_SHORT:
            self._at = at + 1
            return low
        width = 1 << (low - 24)
        if low > 27 or at + 1 + width > len(data):
            self.fail(f"{want} whose length is known")
        number = int.from_bytes(data[at + 1 : at + 1 + width], "big")
        if number <= (_MAX_SHORT if width == 1 else (1 << 4 * width) - 1):
            raise MalformedError(self._respelled, f"the number at byte {at} has a shorter spelling")
        self._at = at + 1 + width
        return number


def encode(item: Any) -> bytes:
    """Encode integers, bytes, texts, lists, maps, booleans and None as deterministic CBOR.

    Map keys are unsigned integers.

    Raises:
        TypeError: any other type.
    """
    out = bytearray()
    _append(out, item)
    return bytes(out)


def _append(out: bytearray, item: Any) -> None:
    match item:
        case None | True | False:
            out.append(_SIMPLE[item])
        case int():
            out += _integer(item)
        case bytes():
            out += _head(_BYTES, len(item)) + item
        case str():
            data = item.encode()
            out += _head(_TEXT, len(data)) + data
        case list() | tuple():
            out += _head(_LIST, len(item))
            if all(type(part) is int for part in item):  # Fast path for snapshot columns.
                out += b"".join([_integer(part) for part in item])
                return
            for part in item:
                _append(out, part)
        case dict():
            out += _head(_MAP, len(item))
            for key in sorted(item):
                _append(out, key)
                _append(out, item[key])
        case _:
            raise TypeError(f"{type(item).__name__} has no place in these formats")


def _integer(value: int) -> bytes:
    return _head(_INTEGER, value) if value >= 0 else _head(_NEGATIVE, -1 - value)


def _head(kind: int, argument: int) -> bytes:
    """Encode a head with its argument (below 2^64) in the shortest form."""
    if argument <= _MAX_SHORT:
        return _HEAD_0(kind | argument)
    if argument < 1 << 8:
        return _HEAD_1(kind | 24, argument)
    if argument < 1 << 16:
        return _HEAD_2(kind | 25, argument)
    if argument < 1 << 32:
        return _HEAD_4(kind | 26, argument)
    return _HEAD_8(kind | 27, argument)
