"""Merkle trees as in RFC 9162, section 2.1, and their peaks.  Pure: bytes in, bytes out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

from certledger.verifier.errors import ProofInvalidError

HASH_SIZE = 32


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf: SHA-256 of 0x00 and the leaf's bytes."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256 of 0x01 and both children (32 bytes each)."""
    return sha256(b"\x01" + left + right).digest()


def _level_above(level: list[bytes]) -> list[bytes]:
    """Return the hashes one level up; a last hash without a sibling is carried up unchanged."""
    digest = sha256
    pairs = iter(level)
    above = [
        digest(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=False)
    ]
    if len(level) & 1:
        above.append(level[-1])
    return above


def root(leaves: Iterable[bytes]) -> bytes:
    """Return the root over leaf hashes.

    Raises:
        ProofInvalidError: there is no leaf.
    """
    level = list(leaves)
    if not level:
        raise ProofInvalidError("a tree needs at least one leaf")
    while len(level) > 1:
        level = _level_above(level)
    return level[0]


def prove(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the inclusion path of leaf `index`, from the leaf upwards.

    Raises:
        ProofInvalidError: `index` lies outside the tree.
    """
    return prove_all(leaves, [index])[0]


def prove_all(leaves: Sequence[bytes], indexes: Sequence[int]) -> list[list[bytes]]:
    """Return the inclusion path of each of `indexes`, hashing the tree once.

    Raises:
        ProofInvalidError: an index lies outside the tree.
    """
    for index in indexes:
        if not 0 <= index < len(leaves):
            raise ProofInvalidError(f"leaf {index} is outside a tree of {len(leaves)} leaves")
    paths: list[list[bytes]] = [[] for _ in indexes]
    places = list(indexes)
    level = list(leaves)
    while len(level) > 1:
        for path, at in zip(paths, places, strict=True):
            if (sibling := at ^ 1) < len(level):
                path.append(level[sibling])
        places = [at >> 1 for at in places]
        level = _level_above(level)
    return paths


class Tree:
    """A tree with all levels in memory, 64 bytes a leaf, so that paths need no hashing."""

    def __init__(self, leaves: Iterable[bytes]) -> None:
        level = list(leaves)
        self.size = len(level)
        self._levels = [b"".join(level)]
        while len(level) > 1:
            level = _level_above(level)
            self._levels.append(b"".join(level))

    @property
    def root(self) -> bytes:
        """The root; empty for no leaf."""
        return self._levels[-1]

    def prove(self, index: int) -> list[bytes]:
        """Return the inclusion path of leaf `index`, from the leaf upwards.

        Raises:
            ProofInvalidError: `index` lies outside the tree.
        """
        if not 0 <= index < self.size:
            raise ProofInvalidError(f"leaf {index} is outside a tree of {self.size} leaves")
        path = []
        for height, level in enumerate(self._levels[:-1]):
            at = HASH_SIZE * (index >> height ^ 1)
            if at < len(level):
                path.append(level[at : at + HASH_SIZE])
        return path


def implied_root(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Return the root that `path` implies for leaf hash `leaf` at `index` of `size` leaves.

    Raises:
        ProofInvalidError: `index` lies outside the tree, or `path` has the wrong length.
    """
    if not 0 <= index < size:
        raise ProofInvalidError(f"leaf {index} is outside a tree of {size} leaves")
    found, position, last = leaf, index, size - 1
    hashes = iter(path)
    while last:
        # The right edge of an uneven tree has no sibling at some levels.
        if position & 1 or position < last:
            if (sibling := next(hashes, None)) is None:
                raise ProofInvalidError(
                    f"path of {len(path)} hashes is too short for {index} of {size}"
                )
            pair = sibling + found if position & 1 else found + sibling
            found = sha256(b"\x01" + pair).digest()
        position, last = position >> 1, last >> 1
    if next(hashes, None) is not None:
        raise ProofInvalidError(f"path of {len(path)} hashes is too long for {index} of {size}")
    return found


def mountain(index: int, size: int) -> tuple[int, int, int]:
    """Return (peak number, index below it, height) of leaf `index` in an append-only tree.

    Raises:
        ProofInvalidError: `index` lies outside the tree.
    """
    if not 0 <= index < size:
        raise ProofInvalidError(f"leaf {index} is outside a tree of {size} leaves")
    start = which = 0
    for height in reversed(range(size.bit_length())):
        if size >> height & 1:
            if index < start + (1 << height):
                return which, index - start, height
            start += 1 << height
            which += 1
    raise AssertionError("every leaf below the size stands under a peak")


def append(peaks: Sequence[bytes], size: int, leaf: bytes) -> list[bytes]:
    """Return the peaks after leaf hash `leaf` is appended to a tree of `size` leaves."""
    grown, carry = list(peaks), leaf
    while size & 1:
        carry = node_hash(grown.pop(), carry)
        size >>= 1
    return [*grown, carry]


def peaks(leaves: Iterable[bytes]) -> list[bytes]:
    """Return the peaks over leaf hashes, greatest first; none for no leaf."""
    found: list[bytes] = []
    for size, leaf in enumerate(leaves):
        found = append(found, size, leaf)
    return found


def prove_to_peak(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the path from leaf `index` to its peak.

    Raises:
        ProofInvalidError: `index` lies outside the tree.
    """
    _, place, height = mountain(index, len(leaves))
    start = index - place
    return prove(leaves[start : start + (1 << height)], place)


def check_peak(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], peaks: Sequence[bytes]
) -> None:
    """Verify leaf hash `leaf` at `index` against the peaks of a tree of `size` leaves.

    Raises:
        ProofInvalidError: `index` lies outside, a length is wrong, or the path has another root.
    """
    which, place, height = mountain(index, size)
    if len(peaks) != size.bit_count():
        raise ProofInvalidError(f"{len(peaks)} peaks cannot stand for {size} leaves")
    if implied_root(leaf, place, 1 << height, path) != peaks[which]:
        raise ProofInvalidError(f"path of leaf {index} does not lead to its peak")


def split(hashes: bytes) -> list[bytes]:
    """Split concatenated 32-byte hashes."""
    return [hashes[at : at + HASH_SIZE] for at in range(0, len(hashes), HASH_SIZE)]
