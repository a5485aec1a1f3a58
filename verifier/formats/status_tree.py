"""Status tree: two bits per certificate under one root (SPEC section 9)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from certledger.verifier.crypto.hashing import keccak
from certledger.verifier.errors import CertledgerError, MalformedError, ProofInvalidError
from certledger.verifier.formats.canonical_json import Json, Members, hash_list, to_base64url
from certledger.verifier.vocabulary import MEANING, Status

DEPTH = 25
CELLS = 128
"""Certificates in a word."""
MAX_STATUS_WORDS = 512
"""Greatest number of words in one statement."""
ZERO_WORD = bytes(32)


def _defaults() -> tuple[bytes, ...]:
    found = [ZERO_WORD]
    for _ in range(DEPTH):
        found.append(keccak(found[-1] + found[-1]))
    return tuple(found)


DEFAULTS = _defaults()
"""The hash of an empty subtree of each height, 0 to 25."""
EMPTY_ROOT = DEFAULTS[DEPTH]

_STATUSES = tuple(Status)


class StepForbiddenError(CertledgerError):
    """The status table does not allow this change."""

    code = "status.step_forbidden"


def cell(index: int) -> tuple[int, int]:
    """Return (word, shift) of certificate `index`."""
    return index // CELLS, 2 * (index % CELLS)


def read_cell(word: bytes, index: int) -> Status:
    """Return the status of certificate `index` in its word (32 bytes)."""
    return _STATUSES[int.from_bytes(word, "big") >> 2 * (index % CELLS) & 3]


def choose(indexes: Iterable[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return (words, masks) of a statement that changes the certificates `indexes`."""
    masks: dict[int, int] = {}
    for index in indexes:
        word, shift = cell(index)
        masks[word] = masks.get(word, 0) | 3 << shift
    words = tuple(sorted(masks))
    return words, tuple(masks[word] for word in words)


def chosen(words: Sequence[int], masks: Sequence[int]) -> list[int]:
    """Return the certificates in (words, masks), ascending."""
    return [
        word * CELLS + place
        for word, mask in zip(words, masks, strict=True)
        for place in range(CELLS)
        if mask >> 2 * place & 3
    ]


def move(word: bytes, mask: int, to: Status, *, correction: bool = False) -> bytes:
    """Return `word` with the cells of `mask` changed to `to`.

    A correction (countersigned by the registrar) may leave a final status.

    Raises:
        StepForbiddenError: a change that the status table does not allow, or no change.
    """
    if not 0 < mask < 1 << 2 * CELLS:
        raise StepForbiddenError("the mask selects nothing, or more than the word has")
    bits = int.from_bytes(word, "big")
    for place in range(CELLS):
        cell_mask = mask >> 2 * place & 3
        if not cell_mask:
            continue
        if cell_mask != 3:
            raise StepForbiddenError(f"the mask takes half of cell {place}")
        current = _STATUSES[bits >> 2 * place & 3]
        if current is to or not (correction or to in MEANING[current].may_become):
            raise StepForbiddenError(
                f"the certificate in cell {place} is {current}, not to become {to}"
            )
    every = int("01" * CELLS, 2) * to.number
    return (bits & ~mask | every & mask).to_bytes(32, "big")


@dataclass(frozen=True, kw_only=True, slots=True)
class WordProof:
    """One word (32 bytes) and its path: bit k of `marks` is set if `siblings` includes level k."""

    word: bytes
    marks: int
    siblings: tuple[bytes, ...]

    def implied_root(self, position: int) -> bytes:
        """Return the status root implied for the word at `position`.

        Raises:
            ProofInvalidError: position or marks out of range, a wrong number of siblings, or a
                listed sibling that is its level's default.
        """
        if position >> DEPTH or self.marks >> DEPTH or len(self.siblings) != self.marks.bit_count():
            raise ProofInvalidError(f"the status proof of word {position} has no possible shape")
        found, listed = self.word, iter(self.siblings)
        for level in range(DEPTH):
            sibling = DEFAULTS[level]
            if self.marks >> level & 1:
                sibling = next(listed)
                if sibling == DEFAULTS[level]:
                    raise ProofInvalidError(f"level {level} of the status proof lists the default")
            right = position >> level & 1
            found = keccak(sibling + found if right else found + sibling)
        return found

    def to_json(self) -> Json:
        """Encode the proof as in evidence."""
        return {
            "marks": self.marks,
            "siblings": hash_list(self.siblings),
            "word": to_base64url(self.word),
        }

    @classmethod
    def from_json(cls, value: Json) -> WordProof:
        """Parse the proof from evidence.

        Raises:
            MalformedError: an unknown, missing or ill-typed member.
        """
        read = Members(value, "status")
        proof = cls(
            word=read.binary("word", 32),
            marks=read.integer("marks", greatest=2**DEPTH - 1),
            siblings=tuple(read.hashes("siblings", DEPTH)),
        )
        read.done()
        return proof


@dataclass(frozen=True, kw_only=True, slots=True)
class MultiProof:
    """One proof for several words of a tree (SPEC section 9).

    `marks` has one bit per sibling, least significant first: 1 is listed, 0 is the default.
    """

    marks: bytes
    siblings: tuple[bytes, ...]

    def implied_root(self, positions: Sequence[int], words: Sequence[bytes]) -> bytes:
        """Return the root implied for `words` at `positions`, strictly increasing.

        Raises:
            ProofInvalidError: positions out of order or range, siblings or marks left over or
                missing, or a listed sibling that is its level's default.
        """
        if not positions or any(b <= a for a, b in pairwise(positions)):
            raise ProofInvalidError("positions must be there and strictly increase")
        if positions[0] < 0 or positions[-1] >> DEPTH or len(words) != len(positions):
            raise ProofInvalidError("positions are out of range, or words are not as many")
        reader = _SiblingReader(self)
        known = dict(zip(positions, words, strict=True))
        for level in range(DEPTH):
            above: dict[int, bytes] = {}
            for at, node in known.items():
                if at >> 1 in above:
                    continue  # Hashed with its left neighbour above.
                sibling = known.get(at ^ 1) or reader.next(level)
                above[at >> 1] = keccak(sibling + node if at & 1 else node + sibling)
            known = above
        reader.done()
        return known[0]


class _SiblingReader:
    """Reads marks and siblings once, in order."""

    def __init__(self, proof: MultiProof) -> None:
        self._marks = int.from_bytes(proof.marks, "little")
        self._size = 8 * len(proof.marks)
        self._read = 0
        self._siblings = iter(proof.siblings)

    def next(self, level: int) -> bytes:
        if self._read == self._size:
            raise ProofInvalidError("the multi-proof has too few marks")
        listed = self._marks >> self._read & 1
        self._read += 1
        if not listed:
            return DEFAULTS[level]
        sibling = next(self._siblings, None)
        if sibling is None:
            raise ProofInvalidError("the multi-proof has too few siblings")
        if sibling == DEFAULTS[level]:
            raise ProofInvalidError(f"the multi-proof lists the default of level {level}")
        return sibling

    def done(self) -> None:
        if self._marks >> self._read or self._size - self._read >= 8:
            raise ProofInvalidError("the multi-proof has marks left over")
        if next(self._siblings, None) is not None:
            raise ProofInvalidError("the multi-proof has siblings left over")


def root_of_words(words: Iterable[tuple[int, bytes]]) -> bytes:
    """Return the status root of words by ascending position; memory is one node per level.

    Raises:
        MalformedError: `status.position`, a word beyond the tree.
    """
    # Left children without their right siblings yet: (level, position, hash).
    waiting: list[tuple[int, int, bytes]] = []

    def climb(level: int, at: int, node: bytes, top: int) -> bytes:
        for height in range(level, top):
            left = DEFAULTS[height]
            if waiting and waiting[-1][:2] == (height, at ^ 1):
                left = waiting.pop()[2]
            node = keccak(left + node if at & 1 else node + DEFAULTS[height])
            at >>= 1
        return node

    last: tuple[int, bytes] | None = None
    for at, word in words:
        if not 0 <= at < 1 << DEPTH:
            raise MalformedError("status.position", "a word lies beyond the status tree")
        if last is not None:
            top = (last[0] ^ at).bit_length() - 1
            waiting.append((top, last[0] >> top, climb(0, *last, top)))
        last = at, word
    return EMPTY_ROOT if last is None else climb(0, *last, DEPTH)


class StatusTree:
    """Sparse status tree of one issuer: stores the words and nodes that are not defaults."""

    def __init__(self, words: Mapping[int, bytes] | None = None) -> None:
        self._levels: list[dict[int, bytes]] = [{} for _ in range(DEPTH + 1)]
        self.update(words or {})

    @property
    def root(self) -> bytes:
        """The status root (32 bytes)."""
        return self._node(DEPTH, 0)

    @property
    def words(self) -> Mapping[int, bytes]:
        """The words that are not zero, by position."""
        return self._levels[0]

    def word(self, position: int) -> bytes:
        """Return the word at `position`."""
        return self._node(0, position)

    def status(self, index: int) -> Status:
        """Return the status of certificate `index`."""
        return read_cell(self.word(index // CELLS), index)

    def _node(self, level: int, at: int) -> bytes:
        return self._levels[level].get(at, DEFAULTS[level])

    def _put(self, level: int, at: int, node: bytes) -> None:
        if node == DEFAULTS[level]:
            self._levels[level].pop(at, None)
        else:
            self._levels[level][at] = node

    def update(self, words: Mapping[int, bytes]) -> None:
        """Set `words` by position, and rehash the nodes above them."""
        if any(not 0 <= at < 1 << DEPTH for at in words):
            raise MalformedError("status.position", "a word lies beyond the status tree")
        for at, word in words.items():
            self._put(0, at, word)
        touched = set(words)
        for level in range(DEPTH):
            touched = {at >> 1 for at in touched}
            for at in touched:
                children = self._node(level, 2 * at) + self._node(level, 2 * at + 1)
                self._put(level + 1, at, keccak(children))

    def prove(self, position: int) -> WordProof:
        """Return the proof of the word at `position`."""
        marks, siblings = 0, []
        for level in range(DEPTH):
            sibling = self._levels[level].get(position >> level ^ 1)
            if sibling is not None:
                marks |= 1 << level
                siblings.append(sibling)
        return WordProof(word=self.word(position), marks=marks, siblings=tuple(siblings))

    def prove_many(self, positions: Sequence[int]) -> MultiProof:
        """Return one proof for the words at `positions`, strictly increasing."""
        marks, read, siblings = 0, 0, []
        known = list(positions)
        for level in range(DEPTH):
            present = set(known)
            for at in known:
                if at ^ 1 in present:
                    continue
                if (sibling := self._levels[level].get(at ^ 1)) is not None:
                    marks |= 1 << read
                    siblings.append(sibling)
                read += 1
            known = sorted({at >> 1 for at in known})
        return MultiProof(marks=marks.to_bytes((read + 7) // 8, "little"), siblings=tuple(siblings))
