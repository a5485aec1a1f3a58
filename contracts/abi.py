"""Strict encoder and decoder for the types of the contract ABI that the ledger uses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

WORD = 32
_ARRAY = re.compile(r"(.*)\[(\d*)\]\Z")


class AbiError(ValueError):
    """A value does not fit its type, or bytes are not the standard encoding of a value."""


def encode(types: Sequence[str], values: Sequence[Any]) -> bytes:
    """Encode `values` as the ABI encodes arguments.

    Types: uintN (int), address (20 bytes), bytesN, bytes; T[], T[n], tuples "(T,...)" (sequences).

    Raises:
        AbiError: a value does not fit.
    """
    if len(types) != len(values):
        raise AbiError(f"{len(values)} values for {len(types)} types")
    heads = [None if is_dynamic(kind) else _encode(kind, v) for kind, v in _pairs(types, values)]
    offset = sum(WORD if head is None else len(head) for head in heads)
    front, back = [], []
    for head, (kind, value) in zip(heads, _pairs(types, values), strict=True):
        if head is None:
            tail = _encode(kind, value)
            head = offset.to_bytes(WORD, "big")
            offset += len(tail)
            back.append(tail)
        front.append(head)
    return b"".join(front + back)


def decode(types: Sequence[str], data: bytes) -> tuple[Any, ...]:
    """Decode arguments; reject every encoding but the standard one.

    Arrays and tuples are returned as tuples.

    Raises:
        AbiError: `data` is not the encoding of any values of these types.
    """
    values = tuple(_decode_parts(types, data, 0))
    if encode(types, values) != data:
        raise AbiError("the data are not the standard encoding of their values")
    return values


def is_dynamic(kind: str) -> bool:
    """Return whether values of this type vary in length."""
    if array := _ARRAY.match(kind):
        return not array[2] or is_dynamic(array[1])
    if kind.startswith("("):
        return any(is_dynamic(part) for part in members(kind))
    return kind == "bytes"


def members(kind: str) -> list[str]:
    """Return the component types of a tuple type."""
    parts, depth, start = [], 0, 1
    for at, character in enumerate(kind):
        if character in "(),":
            if depth == 1 and character in "),":
                parts.append(kind[start:at])
                start = at + 1
            depth += {"(": 1, ")": -1, ",": 0}[character]
    return parts


def _pairs(types: Sequence[str], values: Sequence[Any]) -> list[tuple[str, Any]]:
    return list(zip(types, values, strict=True))


def _encode(kind: str, value: Any) -> bytes:
    if array := _ARRAY.match(kind):
        count = b"" if array[2] else len(value).to_bytes(WORD, "big")
        if array[2] and len(value) != int(array[2]):
            raise AbiError(f"{len(value)} values for {kind}")
        return count + encode([array[1]] * len(value), value)
    if kind.startswith("("):
        return encode(members(kind), value)
    if kind == "bytes":
        tail: bytes = value + bytes(-len(value) % WORD)
        return len(value).to_bytes(WORD, "big") + tail
    if kind.startswith("uint"):
        if not 0 <= value < 1 << int(kind[4:]):
            raise AbiError(f"{value} is no {kind}")
        number: int = value
        return number.to_bytes(WORD, "big")
    raw = bytes(value)
    if len(raw) != (20 if kind == "address" else int(kind[5:])):
        raise AbiError(f"{len(raw)} bytes for {kind}")
    return raw.rjust(WORD, b"\x00") if kind == "address" else raw.ljust(WORD, b"\x00")


def _decode_parts(types: Sequence[str], data: bytes, start: int) -> list[Any]:
    values, at = [], start
    for kind in types:
        if is_dynamic(kind):
            values.append(_decode(kind, data, start + _integer(data, at)))
            at += WORD
        else:
            values.append(_decode(kind, data, at))
            at += _size(kind)
    return values


def _decode(kind: str, data: bytes, at: int) -> Any:
    if array := _ARRAY.match(kind):
        count = int(array[2]) if array[2] else _integer(data, at)
        # Every element takes at least a word, so bound the count before decoding.
        if count * WORD > len(data) - at:
            raise AbiError(f"{count} elements do not fit into {len(data)} bytes")
        return tuple(_decode_parts([array[1]] * count, data, at if array[2] else at + WORD))
    if kind.startswith("("):
        return tuple(_decode_parts(members(kind), data, at))
    if kind == "bytes":
        size = _integer(data, at)
        return _slice(data, at + WORD, size)
    word = _slice(data, at, WORD)
    if kind.startswith("uint"):
        return int.from_bytes(word, "big") & ((1 << int(kind[4:])) - 1)
    return word[12:] if kind == "address" else word[: int(kind[5:])]


def _size(kind: str) -> int:
    if array := _ARRAY.match(kind):
        return int(array[2]) * _size(array[1])
    return sum(_size(part) for part in members(kind)) if kind.startswith("(") else WORD


def _integer(data: bytes, at: int) -> int:
    return int.from_bytes(_slice(data, at, WORD), "big")


def _slice(data: bytes, at: int, size: int) -> bytes:
    if at + size > len(data):
        raise AbiError(f"{len(data)} bytes end before byte {min(at + size, 2**64)}")
    return data[at : at + size]
