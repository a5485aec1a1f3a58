"""Status words and trees against naive models of both (SPEC section 9)."""

from functools import cache
from typing import Any

import pytest
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st

from certledger.verifier.formats.canonical_json import format_canonical, hash_list, to_base64url
from certledger.verifier.formats.status_tree import (
    CELLS,
    DEFAULTS,
    DEPTH,
    EMPTY_ROOT,
    MultiProof,
    StatusTree,
    WordProof,
    cell,
    choose,
    chosen,
    move,
    read_cell,
)
from certledger.verifier.vocabulary import Status
from tests.verifier.mutations import json_values, mutated
from tests.verifier.refusals import refused_as, tried

NUMBER = {Status.VALID: 0, Status.REVOKED: 1, Status.SUSPENDED: 2, Status.SUPERSEDED: 3}
STEPS = {
    (Status.VALID, Status.REVOKED),
    (Status.VALID, Status.SUSPENDED),
    (Status.VALID, Status.SUPERSEDED),
    (Status.SUSPENDED, Status.VALID),
    (Status.SUSPENDED, Status.REVOKED),
    (Status.SUSPENDED, Status.SUPERSEDED),
}

statuses = st.sampled_from(Status)
cells = st.lists(statuses, min_size=CELLS, max_size=CELLS)
words = st.integers(0, 2**256 - 1).map(lambda number: number.to_bytes(32, "big"))
positions = st.integers(0, 40) | st.integers(0, 2**DEPTH - 1)
trees = st.dictionaries(positions, words.filter(any), max_size=12)
strays = st.binary(min_size=32, max_size=32)


def packed(statuses: list[Status]) -> bytes:
    """Return a word by its definition: two bits a cell, cell 0 in the lowest."""
    return sum(NUMBER[status] << 2 * at for at, status in enumerate(statuses)).to_bytes(32, "big")


@cache
def default(level: int) -> bytes:
    return bytes(32) if level == 0 else keccak(default(level - 1) * 2)


def node_at(tree: dict[int, bytes], level: int, at: int) -> bytes:
    """Return one node of the tree by its definition, without the shortcut of defaults."""
    held = {place: word for place, word in tree.items() if place >> level == at}
    if not held:
        return default(level)
    if level == 0:
        return held[at]
    return keccak(node_at(held, level - 1, 2 * at) + node_at(held, level - 1, 2 * at + 1))


def root_of(tree: dict[int, bytes]) -> bytes:
    return node_at(tree, DEPTH, 0)


def full_root(leaves: list[bytes]) -> bytes:
    """Return the root over a row of words that is filled up with zeros, level by level."""
    level = leaves + [bytes(32)] * ((1 << 4) - len(leaves))
    while len(level) > 1:
        level = [keccak(level[at] + level[at + 1]) for at in range(0, len(level), 2)]
    top = level[0]
    for height in range(4, DEPTH):
        top = keccak(top + default(height))
    return top


# Words -----------------------------------------------------------------------------------------


@given(cells)
def test_a_cell_is_two_bits_of_its_word(held):
    word = packed(held)
    assert [read_cell(word, CELLS * 5 + at) for at in range(CELLS)] == held


def test_certificates_stand_in_words_of_128():
    assert cell(0) == (0, 0)
    assert cell(127) == (0, 254)
    assert cell(128) == (1, 0)
    assert cell(2**32 - 1) == (2**DEPTH - 1, 254)


@given(cells, st.sets(st.integers(0, CELLS - 1), min_size=1), statuses, st.booleans())
def test_a_move_is_allowed_exactly_where_every_step_is(held, places, to, correction):
    ((word,), (mask,)) = choose(CELLS * 9 + place for place in places)
    assert word == 9
    steps = {(held[place], to) for place in places}
    moved, code = tried(lambda: move(packed(held), mask, to, correction=correction))
    changes = all(before is not to for before, _ in steps)
    if changes and (correction or steps <= STEPS):
        after = [to if at in places else before for at, before in enumerate(held)]
        assert moved == packed(after)
    else:
        assert code == "status.step_forbidden"


@pytest.mark.parametrize("before", Status)
@pytest.mark.parametrize("to", Status)
def test_terminal_statuses_are_left_only_by_a_correction(before, to):
    word = packed([before] * CELLS)
    allowed = (before, to) in STEPS
    assert (tried(move, word, 3, to)[1] is None) == allowed
    corrected = tried(lambda: move(word, 3, to, correction=True))[1]
    assert (corrected is None) == (before is not to)


@pytest.mark.parametrize("mask", [0, 1, 2, 7, 3 << 255, 3 << 256, -1], ids=hex)
def test_a_mask_of_nothing_half_a_cell_or_more_than_a_word_is_refused(mask):
    assert refused_as(move, bytes(32), mask, Status.REVOKED) == "status.step_forbidden"


@given(st.sets(st.integers(0, 2**32 - 1), min_size=1, max_size=60))
def test_what_is_chosen_is_what_was_to_be_chosen(indexes):
    at, masks = choose(indexes)
    assert list(at) == sorted({index // CELLS for index in indexes})
    low = int("01" * CELLS, 2)
    assert all(mask >> 1 & low == mask & low != 0 for mask in masks)
    assert chosen(at, masks) == sorted(indexes)


# Trees -----------------------------------------------------------------------------------------


def test_defaults_are_the_hashes_of_empty_subtrees():
    assert [default(level) for level in range(DEPTH + 1)] == list(DEFAULTS)
    assert StatusTree().root == EMPTY_ROOT == default(DEPTH)


@given(trees)
def test_the_root_is_that_of_the_definition(tree):
    assert StatusTree(tree).root == root_of(tree)


@given(st.lists(words, min_size=1, max_size=16))
def test_the_root_is_that_of_a_row_of_words_filled_up_with_zeros(row):
    assert StatusTree(dict(enumerate(row))).root == full_root(row)


@given(trees, trees)
def test_words_set_one_after_another_give_the_tree_of_the_last(tree, later):
    kept = StatusTree(tree)
    kept.update(later)
    kept.update({at: bytes(32) for at in tree if at not in later})
    assert kept.root == root_of(later)
    assert dict(kept.words) == later


@given(trees, st.integers(0, 2**32 - 1))
def test_a_status_is_read_from_its_word(tree, index):
    held = StatusTree(tree)
    word = tree.get(index // CELLS, bytes(32))
    assert held.word(index // CELLS) == word
    assert (
        held.status(index) is list(Status)[int.from_bytes(word, "big") >> 2 * (index % CELLS) & 3]
    )


@pytest.mark.parametrize("position", [-1, 2**DEPTH])
def test_a_word_beyond_the_tree_is_refused_and_nothing_set(position):
    tree = StatusTree()
    assert refused_as(tree.update, {0: b"\1" * 32, position: b"\1" * 32}) == "status.position"
    assert tree.root == EMPTY_ROOT


# Proof of one word -----------------------------------------------------------------------------


@given(trees, positions)
def test_every_word_is_proved_with_the_siblings_that_are_not_default(tree, position):
    proof = StatusTree(tree).prove(position)
    assert proof.implied_root(position) == root_of(tree)
    siblings = [node_at(tree, level, position >> level ^ 1) for level in range(DEPTH)]
    listed = [level for level in range(DEPTH) if siblings[level] != default(level)]
    assert proof.marks == sum(1 << level for level in listed)
    assert list(proof.siblings) == [siblings[level] for level in listed]
    assert WordProof.from_json(proof.to_json()) == proof


@given(trees.filter(bool), positions, st.data())
def test_another_word_or_place_does_not_lead_to_the_root(tree, position, data):
    proof, root = StatusTree(tree).prove(position), root_of(tree)
    other = data.draw(words.filter(lambda word: word != proof.word))
    changed = WordProof(word=other, marks=proof.marks, siblings=proof.siblings)
    assert changed.implied_root(position) != root
    elsewhere = data.draw(positions)
    if tree.get(elsewhere, bytes(32)) != proof.word:
        assert proof.implied_root(elsewhere) != root


@given(words, st.integers(-(2**60), 2**60), st.lists(strays, max_size=30), st.integers())
def test_any_proof_gives_a_root_or_a_refusal(word, marks, siblings, position):
    proof = WordProof(word=word, marks=marks, siblings=tuple(siblings))
    root, code = tried(proof.implied_root, position)
    assert code == "proof.invalid" or len(root) == 32


def test_a_default_that_is_listed_is_refused():
    for level in (0, 1, 24):
        proof = WordProof(word=bytes(32), marks=1 << level, siblings=(default(level),))
        assert refused_as(proof.implied_root, 0) == "proof.invalid"


def test_a_proof_of_another_shape_is_refused():
    some = b"\1" * 32
    for marks, siblings, position in (
        (1, (), 0),
        (1, (some, some), 0),
        (0, (some,), 0),
        (1 << DEPTH, (some,), 0),
        (0, (), 1 << DEPTH),
        (0, (), -1),
    ):
        proof = WordProof(word=some, marks=marks, siblings=siblings)
        assert refused_as(proof.implied_root, position) == "proof.invalid"


GOOD: dict[str, Any] = {
    "marks": 3,
    "siblings": hash_list([b"a" * 32, b"b" * 32]),
    "word": to_base64url(b"w" * 32),
}


@pytest.mark.parametrize(
    "changed",
    [
        {"marks": 2**DEPTH},
        {"marks": True},
        {"siblings": to_base64url(bytes(31))},
        {"siblings": to_base64url(bytes(32 * 26))},
        {"word": to_base64url(bytes(31))},
        {"word": 0},
        {"position": 0},
    ],
    ids=str,
)
def test_a_proof_that_breaks_a_rule_is_refused(changed):
    assert refused_as(WordProof.from_json, GOOD | changed) == "schema.invalid"


@given(json_values | mutated(GOOD))
def test_any_JSON_is_a_proof_or_refused(value):
    proof, code = tried(WordProof.from_json, value)
    if code is None:
        assert proof.to_json() == value
        format_canonical(value)
        assert value == GOOD or proof != WordProof.from_json(GOOD)


# Proof of many words ---------------------------------------------------------------------------


several = st.sets(positions, min_size=1, max_size=10).map(sorted)


def defined_proof(tree: dict[int, bytes], known: list[int]) -> tuple[list[int], list[bytes]]:
    """Return (bits, siblings) as SPEC walks them."""
    bits, siblings = [], []
    for level in range(DEPTH):
        for at in known:
            if at ^ 1 in known:
                continue
            sibling = node_at(tree, level, at ^ 1)
            bits.append(int(sibling != default(level)))
            if bits[-1]:
                siblings.append(sibling)
        known = sorted({at >> 1 for at in known})
    return bits, siblings


@given(trees, several)
def test_many_words_are_proved_by_the_walk_of_SPEC(tree, at):
    proof = StatusTree(tree).prove_many(at)
    bits, siblings = defined_proof(tree, at)
    assert list(proof.siblings) == siblings
    assert len(proof.marks) == (len(bits) + 7) // 8
    assert int.from_bytes(proof.marks, "little") == sum(bit << n for n, bit in enumerate(bits))
    held = [tree.get(place, bytes(32)) for place in at]
    assert proof.implied_root(at, held) == root_of(tree)


@given(trees, several, st.data())
def test_the_same_proof_gives_the_root_after_any_change_of_its_words(tree, at, data):
    proof = StatusTree(tree).prove_many(at)
    after = [data.draw(words) for _ in at]
    assert proof.implied_root(at, after) == root_of(tree | dict(zip(at, after, strict=True)))


@given(trees, several, st.data())
def test_a_proof_with_a_sibling_or_mark_more_or_less_is_refused(tree, at, data):
    proof = StatusTree(tree).prove_many(at)
    held = [tree.get(place, bytes(32)) for place in at]
    longer = MultiProof(marks=proof.marks, siblings=(*proof.siblings, data.draw(strays)))
    assert refused_as(longer.implied_root, at, held) == "proof.invalid"
    for marks in (proof.marks + b"\0", proof.marks + b"\1", proof.marks[:-1]):
        changed = MultiProof(marks=marks, siblings=proof.siblings)
        assert refused_as(changed.implied_root, at, held) == "proof.invalid"
    if proof.siblings:
        shorter = MultiProof(marks=proof.marks, siblings=proof.siblings[:-1])
        assert refused_as(shorter.implied_root, at, held) == "proof.invalid"


@given(trees, several, st.data())
def test_one_mark_flipped_never_leads_to_the_root(tree, at, data):
    proof, root = StatusTree(tree).prove_many(at), root_of(tree)
    held = [tree.get(place, bytes(32)) for place in at]
    bit = data.draw(st.integers(0, 8 * len(proof.marks) - 1))
    marks = bytearray(proof.marks)
    marks[bit // 8] ^= 1 << bit % 8
    changed = MultiProof(marks=bytes(marks), siblings=proof.siblings)
    assert refused_as(changed.implied_root, at, held) == "proof.invalid"
    assert root == proof.implied_root(at, held)


def test_a_listed_default_is_refused_in_a_proof_of_many_too():
    proof = MultiProof(marks=b"\1\0\0\0", siblings=(bytes(32),))
    assert refused_as(proof.implied_root, [0], [bytes(32)]) == "proof.invalid"


def test_spare_bits_of_the_marks_are_zero():
    tree = StatusTree()
    good = tree.prove_many([0])
    assert len(good.marks) == 4
    assert good.implied_root([0], [bytes(32)]) == EMPTY_ROOT
    spare = MultiProof(marks=b"\0\0\0\x80", siblings=())
    assert refused_as(spare.implied_root, [0], [bytes(32)]) == "proof.invalid"


@pytest.mark.parametrize(
    ("at", "held"),
    [
        ([], 0),
        ([1, 1], 2),
        ([2, 1], 2),
        ([-1], 1),
        ([2**DEPTH], 1),
        ([1, 2], 1),
        ([1], 2),
    ],
)
def test_positions_out_of_order_or_range_are_refused(at, held):
    proof = MultiProof(marks=bytes(7), siblings=())
    assert refused_as(proof.implied_root, at, [bytes(32)] * held) == "proof.invalid"


@given(st.binary(max_size=12), st.lists(strays, max_size=30), several, st.integers(0, 12))
def test_any_proof_of_many_gives_a_root_or_a_refusal(marks, siblings, at, count):
    proof = MultiProof(marks=marks, siblings=tuple(siblings))
    root, code = tried(proof.implied_root, at, [bytes(32)] * count)
    assert code == "proof.invalid" or len(root) == 32
