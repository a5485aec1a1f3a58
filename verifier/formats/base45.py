"""Base45 (RFC 9285), the encoding for the alphanumeric mode of QR codes."""

from __future__ import annotations

from certledger.verifier.errors import MalformedError

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
_PAIRS = [first + second for second in _ALPHABET for first in _ALPHABET]
"""Two characters for each value below 2025, least significant first."""


def to_base45(data: bytes) -> str:
    """Encode bytes: three characters for two bytes, two for a last odd one."""
    parts = []
    for high, low in zip(data[::2], data[1::2], strict=False):
        third, rest = divmod(high << 8 | low, 2025)
        parts.append(_PAIRS[rest] + _ALPHABET[third])
    if len(data) & 1:
        parts.append(_PAIRS[data[-1]])
    return "".join(parts)


def from_base45(text: str) -> bytes:
    """Decode base45 text.

    Raises:
        MalformedError: `base45.invalid`, a character outside the alphabet or a group out of range.
    """
    try:
        values = [_VALUES[character] for character in text]
    except KeyError as error:
        raise MalformedError("base45.invalid", f"{error.args[0]!r} is not of base45") from error
    whole = len(values) - len(values) % 3
    data = bytearray()
    for at in range(0, whole, 3):
        number = values[at] + 45 * values[at + 1] + 2025 * values[at + 2]
        if number >> 16:
            raise MalformedError("base45.invalid", f"the group at character {at} is out of range")
        data += number.to_bytes(2, "big")
    if whole == len(values):
        return bytes(data)
    last = values[whole] + 45 * values[-1]
    if len(values) - whole == 1 or last > 255:
        raise MalformedError("base45.invalid", "the last group is out of range")
    data.append(last)
    return bytes(data)
