"""Export of an issuer's statuses: IETF Token Status List, W3C Bitstring Status List."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping

from certledger.verifier.formats.canonical_json import Json, to_base64url
from certledger.verifier.formats.status_tree import CELLS
from certledger.verifier.vocabulary import Status

MIN_BITSTRING_ENTRIES = 131_072
"""Least entries of a W3C list, for herd privacy (its section 6.1)."""
_WORD = 32
_TOKEN = {0: 0, 1: 1, 2: 2, 3: 1}
"""Our two bits to those of the token list, where superseded is invalid."""


def token_status_list(words: Mapping[int, bytes], certificates: int) -> Json:
    """Return the `status_list` object of the IETF Token Status List, two bits an entry.

    Certificate i is bits 2(i mod 4) and up of byte i // 4, the least significant first.
    """
    data = bytearray(-(-certificates // 4))
    for position, word in words.items():
        chunk = bytes(map(_token_byte, reversed(word)))
        start = position * _WORD
        data[start : start + _WORD] = chunk[: len(data) - start]
    return {"bits": 2, "lst": to_base64url(zlib.compress(bytes(data), 9))}


def _token_byte(byte: int) -> int:
    return sum(_TOKEN[byte >> shift & 3] << shift for shift in (0, 2, 4, 6))


_PURPOSES = {
    "revocation": (Status.REVOKED, Status.SUPERSEDED),
    "suspension": (Status.SUSPENDED,),
}


def bitstring_status_list(words: Mapping[int, bytes], certificates: int, purpose: str) -> Json:
    """Return `statusPurpose` and `encodedList` of the W3C Bitstring Status List.

    `purpose` is `revocation` or `suspension`.  Certificate i is bit i, the most significant bit
    of the first byte being certificate 0.
    """
    numbers = {status.number for status in _PURPOSES[purpose]}
    size = max(certificates, MIN_BITSTRING_ENTRIES)
    data = bytearray(-(-size // 8))
    for position, word in words.items():
        bits = int.from_bytes(word, "big")
        for place in range(CELLS):
            if bits >> 2 * place & 3 in numbers:
                index = position * CELLS + place
                data[index >> 3] |= 0x80 >> (index & 7)
    packed = gzip.compress(bytes(data), 9, mtime=0)
    return {"statusPurpose": purpose, "encodedList": "u" + to_base64url(packed)}
