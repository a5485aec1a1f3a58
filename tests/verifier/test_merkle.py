"""Trees against another library and against RFC 9162 written out as it defines them."""

from hashlib import sha256

import pymerkle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from certledger.verifier.errors import ProofInvalidError
from certledger.verifier.formats import merkle
from tests.large import path_length
from tests.verifier.refusals import refused_as, tried

hashes = st.binary(min_size=32, max_size=32)
trees = st.lists(hashes, min_size=1, max_size=40)


def places(leaves):
    return st.tuples(st.just(leaves), st.integers(0, len(leaves) - 1))


def split_at(size: int) -> int:
    """Return the greatest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def defined_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 9162, section 2.1.1, over leaf hashes."""
    if len(leaves) == 1:
        return leaves[0]
    at = split_at(len(leaves))
    return sha256(b"\1" + defined_root(leaves[:at]) + defined_root(leaves[at:])).digest()


def defined_path(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 9162, section 2.1.3.1."""
    if len(leaves) == 1:
        return []
    at = split_at(len(leaves))
    if index < at:
        return [*defined_path(index, leaves[:at]), defined_root(leaves[at:])]
    return [*defined_path(index - at, leaves[at:]), defined_root(leaves[:at])]


# Hashes and roots ------------------------------------------------------------------------------


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=20), st.data())
def test_roots_and_paths_are_those_of_another_library(data, drawn):
    tree = pymerkle.InmemoryTree.init_from_entries(data)
    leaves = [merkle.leaf_hash(part) for part in data]
    index = drawn.draw(st.integers(0, len(data) - 1))
    assert merkle.root(leaves) == tree.get_state()
    assert merkle.prove(leaves, index) == tree.prove_inclusion(index + 1).path[1:]


@given(trees.flatmap(places))
def test_roots_and_paths_are_those_of_the_definition(case):
    leaves, index = case
    assert merkle.root(leaves) == defined_root(leaves)
    assert merkle.root(iter(leaves)) == defined_root(leaves)
    assert merkle.prove(leaves, index) == defined_path(index, leaves)


@given(trees.flatmap(places))
def test_a_tree_kept_whole_has_the_same_root_and_paths(case):
    leaves, index = case
    tree = merkle.Tree(leaves)
    assert (tree.size, tree.root) == (len(leaves), defined_root(leaves))
    assert tree.prove(index) == defined_path(index, leaves)
    for outside in (-1, len(leaves)):
        with pytest.raises(ProofInvalidError):
            tree.prove(outside)


def test_a_leaf_is_never_a_node():
    assert merkle.leaf_hash(b"x") == sha256(b"\0x").digest()
    assert merkle.node_hash(b"l" * 32, b"r" * 32) == sha256(b"\1" + b"l" * 32 + b"r" * 32).digest()
    assert merkle.leaf_hash(b"l" * 32 + b"r" * 32) != merkle.node_hash(b"l" * 32, b"r" * 32)


def test_an_empty_tree_has_no_root():
    assert refused_as(merkle.root, []) == "proof.invalid"


# Paths -----------------------------------------------------------------------------------------


@given(trees)
def test_all_paths_made_at_once_lead_to_the_root_and_have_their_length(leaves):
    indexes = range(len(leaves))
    for index, path in zip(indexes, merkle.prove_all(leaves, indexes), strict=True):
        assert path == defined_path(index, leaves)
        assert path_length(index, len(leaves)) == len(path)
        assert merkle.implied_root(leaves[index], index, len(leaves), path) == defined_root(leaves)


@given(trees.flatmap(places), st.data())
def test_a_path_with_one_bit_changed_leads_elsewhere(case, data):
    leaves, index = case
    chain = [leaves[index], *merkle.prove(leaves, index)]
    at = data.draw(st.integers(0, len(chain) - 1))
    changed = bytearray(chain[at])
    changed[data.draw(st.integers(0, 31))] ^= 1 << data.draw(st.integers(0, 7))
    chain[at] = bytes(changed)
    found = merkle.implied_root(chain[0], index, len(leaves), chain[1:])
    assert found != merkle.root(leaves)


@given(trees.flatmap(places), st.data())
def test_a_path_of_another_length_is_refused(case, data):
    leaves, index = case
    path = merkle.prove(leaves, index)
    longer = [*path, data.draw(hashes)]
    assert refused_as(merkle.implied_root, leaves[index], index, len(leaves), longer) == (
        "proof.invalid"
    )
    if path:
        shorter = path[:-1]
        assert refused_as(merkle.implied_root, leaves[index], index, len(leaves), shorter) == (
            "proof.invalid"
        )


@given(st.lists(hashes, min_size=2, max_size=40, unique=True).flatmap(places), st.data())
def test_a_leaf_is_proved_at_no_other_place(case, data):
    leaves, index = case
    other = data.draw(st.integers(0, len(leaves) - 1).filter(lambda place: place != index))
    path = merkle.prove(leaves, index)
    root, code = tried(merkle.implied_root, leaves[index], other, len(leaves), path)
    assert code == "proof.invalid" or root != merkle.root(leaves)


@given(hashes, st.integers(), st.integers(-5, 2**40), st.lists(hashes, max_size=45))
def test_any_claim_gives_a_root_or_a_refusal(leaf, index, size, path):
    root, code = tried(merkle.implied_root, leaf, index, size, path)
    assert code == "proof.invalid" or len(root) == 32


@pytest.mark.parametrize("index", [-1, 3, 4])
def test_a_place_outside_the_tree_is_refused(index):
    leaves = [bytes([place]) * 32 for place in range(3)]
    assert refused_as(merkle.prove, leaves, index) == "proof.invalid"
    assert refused_as(merkle.prove_to_peak, leaves, index) == "proof.invalid"
    assert refused_as(merkle.implied_root, leaves[0], index, 3, leaves[1:]) == "proof.invalid"
    assert refused_as(merkle.check_peak, leaves[0], index, 3, [], leaves[:2]) == "proof.invalid"


# Peaks -----------------------------------------------------------------------------------------


@given(trees)
def test_peaks_are_the_perfect_trees_of_the_binary_digits(leaves):
    expected, start = [], 0
    for bit in reversed(range(7)):
        if len(leaves) >> bit & 1:
            expected.append(defined_root(leaves[start : start + (1 << bit)]))
            start += 1 << bit
    assert merkle.peaks(leaves) == expected


@given(trees)
def test_the_fold_of_the_peaks_from_the_right_is_the_root(leaves):
    *others, folded = merkle.peaks(leaves)
    for peak in reversed(others):
        folded = merkle.node_hash(peak, folded)
    assert folded == merkle.root(leaves)


@given(trees, hashes)
def test_appending_changes_the_peaks_as_building_anew_does(leaves, leaf):
    before = merkle.peaks(leaves)
    kept = list(before)
    assert merkle.append(before, len(leaves), leaf) == merkle.peaks([*leaves, leaf])
    assert before == kept
    assert merkle.append([], 0, leaf) == [leaf]


@given(trees.flatmap(places))
def test_every_leaf_is_proved_under_its_peak(case):
    leaves, index = case
    path, peaks = merkle.prove_to_peak(leaves, index), merkle.peaks(leaves)
    merkle.check_peak(leaves[index], index, len(leaves), path, peaks)
    which, place, height = merkle.mountain(index, len(leaves))
    assert len(path) == height
    assert merkle.implied_root(leaves[index], place, 1 << height, path) == peaks[which]


@given(trees.flatmap(places), st.data())
def test_another_leaf_place_or_peak_is_refused(case, data):
    leaves, index = case
    path, peaks = merkle.prove_to_peak(leaves, index), merkle.peaks(leaves)
    size = len(leaves)
    other = data.draw(hashes.filter(lambda leaf: leaf != leaves[index]))
    which, _, _ = merkle.mountain(index, size)
    swapped = [*peaks[:which], other, *peaks[which + 1 :]]
    for leaf, claimed, siblings, tops in (
        (other, index, path, peaks),
        (leaves[index], index, [*path, other], peaks),
        (leaves[index], index, path, swapped),
        (leaves[index], index, path, [*peaks, other]),
        (leaves[index], index, path, peaks[:-1]),
        (leaves[index], size, path, peaks),
    ):
        with pytest.raises(ProofInvalidError):
            merkle.check_peak(leaf, claimed, size, siblings, tops)


@given(st.integers(1, 2**40), st.data())
def test_every_place_stands_under_one_peak(size, data):
    index = data.draw(st.integers(0, size - 1))
    which, place, height = merkle.mountain(index, size)
    bits = [bit for bit in reversed(range(41)) if size >> bit & 1]
    assert bits[which] == height
    assert index == sum(1 << bit for bit in bits[:which]) + place
    assert 0 <= place < 1 << height


@given(st.lists(hashes, max_size=5))
def test_hashes_that_stand_one_after_another_are_split(parts):
    assert merkle.split(b"".join(parts)) == parts
