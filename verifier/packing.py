"""How snapshots pack bodies, batches and statuses into CBOR (SPEC section 17)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import accumulate, pairwise
from typing import Any

import cbor2

from verifier.errors import Malformed
from verifier.merkle import split
from verifier.state import MOST_CERTIFICATES
from verifier.status import CELLS
from verifier.vocabulary import Status

LISTED = (Status.REVOKED, Status.SUSPENDED, Status.SUPERSEDED)
"""The statuses that a snapshot lists, in their order."""
_LONGEST_SHIFT = 28
"""Where the last seven bits of a gap below 2^32 stand: no run of bytes is summed up for long."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AnchoredRow:
    """What a snapshot holds of one batch; the rest follows from the batches before it."""

    root: bytes
    count: int
    not_after: int
    block: int
    key: int
    catalog: bytes
    countersignature: bytes


def pack_batches(rows: Sequence[AnchoredRow], catalogs: Mapping[bytes, int]) -> list[Any]:
    """Return batches as columns; `catalogs` gives the place of each catalog by root."""
    return [
        b"".join(row.root for row in rows),
        [row.count for row in rows],
        differences([row.not_after for row in rows]),
        differences([row.block for row in rows]),
        [row.key for row in rows],
        [catalogs.get(row.catalog, -1) for row in rows],
        {at: row.countersignature for at, row in enumerate(rows) if any(row.countersignature)},
    ]


def unpack_batches(columns: Any, catalogs: Sequence[bytes]) -> list[AnchoredRow]:
    """Return the batches of columns; `catalogs` are the roots by place.

    Raises:
        Malformed: `snapshot.invalid`, columns of different lengths or wrong types.
    """
    roots, counts, not_afters, blocks, keys, places, countersignatures = columns
    found = split(roots)
    size = len(found)
    if len(roots) % 32 or any(len(column) != size for column in (counts, not_afters, blocks)):
        raise Malformed("snapshot.invalid", "the columns of batches differ in length")
    if len(keys) != size or len(places) != size or not set(countersignatures) <= set(range(size)):
        raise Malformed("snapshot.invalid", "the columns of batches differ in length")
    for column in (counts, not_afters, blocks, keys, places):
        if not set(map(type, column)) <= {int}:
            raise Malformed("snapshot.invalid", "a column of batches holds more than numbers")
    times, heights = sums(not_afters), sums(blocks)
    return [
        AnchoredRow(
            root=root,
            count=counts[at],
            not_after=times[at],
            block=heights[at],
            key=keys[at],
            catalog=catalogs[places[at]] if places[at] >= 0 else bytes(32),
            countersignature=countersignatures.get(at, bytes(32)),
        )
        for at, root in enumerate(found)
    ]


def differences(values: Sequence[int]) -> list[int]:
    """Return each value less the one before, the first from zero."""
    return [after - before for before, after in pairwise([0, *values])]


def sums(steps: Iterable[int]) -> list[int]:
    """Return the values that `differences` came from."""
    return list(accumulate(steps))


def pack_statuses(words: Mapping[int, bytes]) -> list[bytes]:
    """Return, for each listed status, its certificates as LEB128 gaps."""
    return [_pack_gaps(indexes) for indexes in listed(words)]


def listed(words: Mapping[int, bytes]) -> list[list[int]]:
    """Return, for each listed status, its certificates, ascending."""
    found: dict[int, list[int]] = {status.number: [] for status in LISTED}
    for position in sorted(words):
        bits = int.from_bytes(words[position], "big")
        base = position * CELLS
        while bits:
            place = ((bits & -bits).bit_length() - 1) // 2
            number = bits >> 2 * place & 3
            found[number].append(base + place)
            bits &= ~(3 << 2 * place)
    return [found[status.number] for status in LISTED]


def unpack_statuses(packed: Any, certificates: int) -> dict[int, bytes]:
    """Return the words that are not zero, by position, of a body with so many certificates.

    Raises:
        Malformed: `snapshot.invalid`, a certificate twice or beyond those issued.
    """
    words: dict[int, int] = {}
    for status, gaps in zip(LISTED, packed, strict=True):
        for index in _unpack_gaps(gaps, min(certificates, MOST_CERTIFICATES)):
            position, shift = index // CELLS, 2 * (index % CELLS)
            held = words.get(position, 0)
            if held >> shift & 3:
                raise Malformed("snapshot.invalid", f"certificate {index} has two statuses")
            words[position] = held | status.number << shift
    return {position: word.to_bytes(32, "big") for position, word in words.items()}


def _pack_gaps(indexes: Sequence[int]) -> bytes:
    packed = bytearray()
    for before, index in pairwise([-1, *indexes]):
        gap = index - before - 1
        while gap > 0x7F:
            packed.append(gap & 0x7F | 0x80)
            gap >>= 7
        packed.append(gap)
    return bytes(packed)


def _unpack_gaps(packed: bytes, below: int) -> Iterator[int]:
    index, gap, shift = -1, 0, 0
    for byte in packed:
        gap |= (byte & 0x7F) << shift
        if byte & 0x80 and shift < _LONGEST_SHIFT:
            shift += 7
            continue
        if shift and not byte:
            raise Malformed("snapshot.invalid", "a gap has a second spelling")
        index += gap + 1
        gap = shift = 0
        if index >= below or byte & 0x80:
            raise Malformed("snapshot.invalid", "a status lies beyond the certificates issued")
        yield index
    if shift:
        raise Malformed("snapshot.invalid", "the last gap is cut short")


def load_cbor(data: bytes) -> Any:
    """Return the one CBOR item that `data` is; that it is the one spelling is left to its reader.

    Raises:
        Malformed: `snapshot.invalid`, not CBOR, or bytes left over.
    """
    stream = BytesIO(data)
    try:
        value = cbor2.load(stream)
    except (cbor2.CBORDecodeError, RecursionError) as error:
        raise Malformed("snapshot.invalid", "not CBOR") from error
    if stream.read(1):
        raise Malformed("snapshot.invalid", "bytes left over")
    return value
