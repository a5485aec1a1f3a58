"""Columns of snapshots: issuers' batches and statuses in CBOR (SPEC section 17)."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import ItemsView, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import accumulate, pairwise, repeat
from typing import Any

from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.cbor import CborReader
from certledger.verifier.formats.checkpoint import MAX_BLOCK_NUMBER, MAX_TIME_SECONDS
from certledger.verifier.formats.issuer_state import MAX_BATCH_CERTIFICATES, MAX_CERTIFICATES
from certledger.verifier.formats.merkle import split
from certledger.verifier.formats.status_tree import CELLS, ZERO_WORD
from certledger.verifier.vocabulary import Status

LISTED = (Status.REVOKED, Status.SUSPENDED, Status.SUPERSEDED)
"""The statuses that a snapshot lists, in order."""
_COLUMNS = 7
_MAX_GAP = 5
"""LEB128 bytes of a gap below 2^32."""
_MAX_SHIFT_BITS = 28
"""Shift of the fifth LEB128 byte; longer encodings are rejected."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PackedBatch:
    """One batch in a snapshot; the rest follows from the batches before it."""

    root: bytes
    count: int
    not_after: int
    block: int
    key: int
    catalog: bytes
    countersignature: bytes


def pack_batches(rows: Sequence[PackedBatch], catalogs: Mapping[bytes, int]) -> list[Any]:
    """Encode batches as columns; `catalogs` gives the index of each catalog by root."""
    return [
        b"".join(row.root for row in rows),
        [row.count for row in rows],
        differences([row.not_after for row in rows]),
        differences([row.block for row in rows]),
        [row.key for row in rows],
        [catalogs.get(row.catalog, -1) for row in rows],
        {at: row.countersignature for at, row in enumerate(rows) if any(row.countersignature)},
    ]


def unpack_batches(reader: CborReader, catalogs: Sequence[bytes], keys: int) -> list[PackedBatch]:
    """Read batches of an issuer with `keys` keys; `catalogs` lists the roots by index.

    Raises:
        MalformedError: `snapshot.invalid`, columns of different lengths, wrong types or out of
            range.
    """
    reader.list(_COLUMNS, _COLUMNS)
    joined = reader.binary(0, 32 * MAX_CERTIFICATES)
    if len(joined) % 32:
        reader.fail("behind roots of 32 bytes each")
    roots = split(joined)
    size = len(roots)
    counts = reader.integers(size, 1, MAX_BATCH_CERTIFICATES)
    not_afters = sums(reader.integers(size, -MAX_TIME_SECONDS, MAX_TIME_SECONDS))
    blocks = sums(reader.integers(size, -MAX_BLOCK_NUMBER, MAX_BLOCK_NUMBER))
    signers = reader.integers(size, 0, keys - 1)
    places = reader.integers(size, -1, len(catalogs) - 1)
    countersignatures = reader.byte_map(size, 32)
    if size and not (min(not_afters) >= 0 and max(not_afters) <= MAX_TIME_SECONDS):
        reader.fail("batches whose last instants lie between 1970 and 9999")
    if size and not (min(blocks) >= 0 and max(blocks) <= MAX_BLOCK_NUMBER):
        reader.fail(f"batches anchored in blocks from 0 to {MAX_BLOCK_NUMBER}")
    if not all(map(any, countersignatures.values())):
        reader.fail("countersignatures that are not zero")
    return [
        PackedBatch(
            root=root,
            count=counts[at],
            not_after=not_afters[at],
            block=blocks[at],
            key=signers[at],
            catalog=catalogs[places[at]] if places[at] >= 0 else ZERO_WORD,
            countersignature=countersignatures.get(at, ZERO_WORD),
        )
        for at, root in enumerate(roots)
    ]


def differences(values: Sequence[int]) -> list[int]:
    """Return each value less the one before, the first from zero."""
    return [after - before for before, after in pairwise([0, *values])]


def sums(steps: Iterable[int]) -> list[int]:
    """Return each value minus the one before, the first minus zero."""
    return list(accumulate(steps))


def pack_statuses(words: Mapping[int, bytes]) -> list[bytes]:
    """Encode, for each listed status, its certificates as LEB128 gaps."""
    return [_pack_gaps(indexes) for indexes in listed(words)]


def listed(words: Mapping[int, bytes]) -> Sequence[Sequence[int]]:
    """Return, for each listed status, its certificates, ascending."""
    if isinstance(words, ListedWords):
        return words.listed
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


class ListedWords(Mapping[int, bytes]):
    """Non-zero status words by position, computed on access from the certificates listed.

    The lists take 4 bytes a certificate; the words of scattered certificates would take 200.
    """

    __slots__ = ("listed",)

    def __init__(self, listed: Sequence[array[int]]) -> None:
        self.listed = listed

    def __getitem__(self, position: int) -> bytes:
        word, base = 0, position * CELLS
        for status, indexes in zip(LISTED, self.listed, strict=True):
            for at in range(bisect_left(indexes, base), bisect_left(indexes, base + CELLS)):
                word |= status.number << 2 * (indexes[at] - base)
        if not word:
            raise KeyError(position)
        return word.to_bytes(32, "big")

    def __iter__(self) -> Iterator[int]:
        last = -1
        for index in merge(*self.listed):
            if index // CELLS != last:
                last = index // CELLS
                yield last

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def items(self) -> ItemsView[int, bytes]:
        """Return positions and words, ascending; all are computed in one pass."""
        return _WordsInOrder(self)


class _WordsInOrder(ItemsView[int, bytes]):
    _mapping: ListedWords

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        columns = zip(LISTED, self._mapping.listed, strict=True)
        cells = merge(*(zip(found, repeat(status.number)) for status, found in columns))
        last, word = -1, 0
        for index, number in cells:
            if index // CELLS != last:
                if word:
                    yield last, word.to_bytes(32, "big")
                last, word = index // CELLS, 0
            word |= number << 2 * (index % CELLS)
        if word:
            yield last, word.to_bytes(32, "big")


def unpack_statuses(reader: CborReader, certificates: int) -> ListedWords:
    """Read the statuses of an issuer with `certificates` certificates.

    Raises:
        MalformedError: `snapshot.invalid`, a certificate twice or not issued.
    """
    reader.list(len(LISTED), len(LISTED))
    indexes = [
        _unpack_gaps(reader.binary(0, certificates * _MAX_GAP), certificates) for _ in LISTED
    ]
    if any(first == second for first, second in pairwise(merge(*indexes))):
        raise MalformedError("snapshot.invalid", "a certificate has two statuses")
    return ListedWords(indexes)


def _pack_gaps(indexes: Sequence[int]) -> bytes:
    packed = bytearray()
    for before, index in pairwise([-1, *indexes]):
        gap = index - before - 1
        while gap > 0x7F:
            packed.append(gap & 0x7F | 0x80)
            gap >>= 7
        packed.append(gap)
    return bytes(packed)


def _unpack_gaps(packed: bytes, below: int) -> array[int]:
    found = array("I")
    index, gap, shift = -1, 0, 0
    for byte in packed:
        gap |= (byte & 0x7F) << shift
        if byte & 0x80 and shift < _MAX_SHIFT_BITS:
            shift += 7
            continue
        if shift and not byte:
            raise MalformedError("snapshot.invalid", "a gap has a second spelling")
        index += gap + 1
        gap = shift = 0
        if index >= below or byte & 0x80:
            raise MalformedError("snapshot.invalid", "a status lies beyond the certificates issued")
        found.append(index)
    if shift:
        raise MalformedError("snapshot.invalid", "the last gap is cut short")
    return found
