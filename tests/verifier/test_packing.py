"""What snapshots pack is read back as it was, has one spelling, and brings no reader down."""

from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from certledger.verifier.formats.cbor import CborReader
from certledger.verifier.formats.snapshot_columns import (
    LISTED,
    PackedBatch,
    differences,
    listed,
    pack_batches,
    pack_statuses,
    sums,
    unpack_batches,
    unpack_statuses,
)
from certledger.verifier.formats.status_tree import CELLS, StatusTree, choose, move, root_of_words
from certledger.verifier.vocabulary import Status
from tests.verifier.refusals import refused_as, tried

CATALOGS = [b"\x01" * 32, b"\x02" * 32]
PLACES = {root: at for at, root in enumerate(CATALOGS)}

rows = st.builds(
    PackedBatch,
    root=st.binary(min_size=32, max_size=32),
    count=st.integers(1, 65536),
    not_after=st.integers(0, 253_402_300_799),
    block=st.integers(0, 2**40 - 1),
    key=st.integers(0, 15),
    catalog=st.sampled_from([*CATALOGS, bytes(32)]),
    countersignature=st.sampled_from([bytes(32), b"\x07" * 32]),
)
statuses = st.dictionaries(st.integers(0, 5000), st.sampled_from(LISTED), max_size=60)


def reader_of(value: Any) -> CborReader:
    data = cbor2.dumps(value, canonical=True)
    return CborReader(data, "snapshot.invalid", "snapshot.invalid")


def words_of(held: dict[int, Status]) -> dict[int, bytes]:
    tree = StatusTree()
    for status in LISTED:
        words, masks = choose(index for index, other in held.items() if other is status)
        tree.update(
            {
                at: move(tree.word(at), mask, status, correction=True)
                for at, mask in zip(words, masks, strict=True)
            }
        )
    return dict(tree.words)


# Batches ---------------------------------------------------------------------------------------


@given(st.lists(rows, max_size=8))
def test_batches_are_read_back_as_they_were(held: list[PackedBatch]) -> None:
    assert unpack_batches(reader_of(pack_batches(held, PLACES)), CATALOGS, 16) == held


@given(st.lists(st.integers(-(2**60), 2**60)))
def test_differences_add_up_again(values: list[int]) -> None:
    assert sums(differences(values)) == values


@pytest.mark.parametrize("column", range(7))
def test_columns_of_different_lengths_are_refused(column: int) -> None:
    row = PackedBatch(
        root=bytes(32), count=1, not_after=1, block=1, key=0, catalog=CATALOGS[0],
        countersignature=bytes(32),
    )  # fmt: skip
    columns = pack_batches([row, row], PLACES)
    columns[column] = {2: bytes(32)} if column == 6 else columns[column][:-1]
    assert refused_as(unpack_batches, reader_of(columns), CATALOGS, 16) == "snapshot.invalid"


ROW = PackedBatch(
    root=bytes(32), count=1, not_after=1, block=1, key=0, catalog=CATALOGS[0],
    countersignature=b"\1" * 32,
)  # fmt: skip
BROKEN: dict[str, tuple[int, Any]] = {
    "roots cut": (0, bytes(31)),
    "no certificate": (1, [0]),
    "more than a batch holds": (1, [65_537]),
    "a last instant before 1970": (2, [-1]),
    "a last instant after 9999": (2, [253_402_300_800]),
    "a block beyond its word": (3, [2**40]),
    "a key that the issuer does not have": (4, [2]),
    "a catalog below none": (5, [-2]),
    "a catalog that is not here": (5, [2]),
    "a countersignature of zeros": (6, {0: bytes(32)}),
    "a countersignature too short": (6, {0: bytes(31)}),
    "a key of text": (6, {"0": b"\1" * 32}),
    "a map for a list": (1, {}),
    "false for a list": (2, False),
    "a float for a list": (3, 0.0),
    "bytes for a list": (4, b"\0"),
    "a list for a map": (6, []),
    "text for bytes": (0, "0" * 32),
    "true for a number": (1, [True]),
    "a float for a number": (2, [1.0]),
    "null for a number": (3, [None]),
    "a great number": (3, [2**64]),
}


@pytest.mark.parametrize(("column", "value"), BROKEN.values(), ids=BROKEN)
def test_columns_of_other_types_or_ranges_are_refused(column: int, value: Any) -> None:
    columns = pack_batches([ROW], PLACES)
    assert unpack_batches(reader_of(columns), CATALOGS, 2) == [ROW]
    columns[column] = value
    assert refused_as(unpack_batches, reader_of(columns), CATALOGS, 2) == "snapshot.invalid"


# Statuses --------------------------------------------------------------------------------------


@given(statuses)
def test_statuses_are_read_back_as_they_were(held: dict[int, Status]) -> None:
    words = words_of(held)
    read = unpack_statuses(reader_of(pack_statuses(words)), 5001)
    assert dict(read) == words
    assert (len(read), read.get(5001)) == (len(words), None)
    assert pack_statuses(read) == pack_statuses(words)
    assert root_of_words(read.items()) == StatusTree(words).root
    found = dict(zip(LISTED, map(list, listed(words)), strict=True))
    assert found == {
        status: sorted(index for index, other in held.items() if other is status)
        for status in LISTED
    }


@given(st.lists(st.binary(max_size=12), min_size=3, max_size=3), st.integers(0, 2**32))
def test_any_bytes_of_statuses_have_one_spelling_or_are_refused(
    packed: list[bytes], certificates: int
) -> None:
    words, code = tried(unpack_statuses, reader_of(packed), certificates)
    if code is None:
        assert pack_statuses(words) == packed
        assert max(words, default=-1) * CELLS < certificates
    else:
        assert code == "snapshot.invalid"


@pytest.mark.parametrize(
    "packed",
    [
        [b"\x00", b"\x00", b""],
        [b"\x05", b"\x01", b"\x05"],
        [b"\x0a", b"", b""],
        [b"", b"", b"\x80"],
        [b"\x80\x00", b"", b""],
        [b"\x85\x80\x00", b"", b""],
        [b"\xff\xff\xff\xff\xff\xff\x7f", b"", b""],
        [b"\xff" * 2**20, b"", b""],
    ],
    ids=["twice", "twice later", "beyond", "cut", "long zero", "long gap", "far beyond", "endless"],
)
def test_a_list_that_no_issuer_can_have_is_refused(packed: list[bytes]) -> None:
    assert refused_as(unpack_statuses, reader_of(packed), 10) == "snapshot.invalid"
