"""What snapshots pack is read back as it was, has one spelling, and brings no reader down."""

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verifier.refusals import refused_as, tried
from verifier.packing import (
    LISTED,
    AnchoredRow,
    differences,
    listed,
    load_cbor,
    pack_batches,
    pack_statuses,
    sums,
    unpack_batches,
    unpack_statuses,
)
from verifier.status import CELLS, StatusTree, choose, move
from verifier.vocabulary import Status

CATALOGS = [b"\x01" * 32, b"\x02" * 32]
PLACES = {root: at for at, root in enumerate(CATALOGS)}

rows = st.builds(
    AnchoredRow,
    root=st.binary(min_size=32, max_size=32),
    count=st.integers(1, 65536),
    not_after=st.integers(0, 2**37),
    block=st.integers(0, 2**40 - 2),
    key=st.integers(0, 15),
    catalog=st.sampled_from([*CATALOGS, bytes(32)]),
    countersignature=st.sampled_from([bytes(32), b"\x07" * 32]),
)
statuses = st.dictionaries(st.integers(0, 5000), st.sampled_from(LISTED), max_size=60)


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
def test_batches_are_read_back_as_they_were(held: list[AnchoredRow]) -> None:
    packed = cbor2.loads(cbor2.dumps(pack_batches(held, PLACES), canonical=True))
    assert unpack_batches(packed, CATALOGS) == held


@given(st.lists(st.integers(-(2**60), 2**60)))
def test_differences_add_up_again(values: list[int]) -> None:
    assert sums(differences(values)) == values


@pytest.mark.parametrize("column", range(7))
def test_columns_of_different_lengths_are_refused(column: int) -> None:
    row = AnchoredRow(
        root=bytes(32), count=1, not_after=1, block=1, key=0, catalog=CATALOGS[0],
        countersignature=bytes(32),
    )  # fmt: skip
    columns = pack_batches([row, row], PLACES)
    columns[column] = {2: bytes(32)} if column == 6 else columns[column][:-1]
    assert refused_as(unpack_batches, columns, CATALOGS) == "snapshot.invalid"


# Statuses --------------------------------------------------------------------------------------


@given(statuses)
def test_statuses_are_read_back_as_they_were(held: dict[int, Status]) -> None:
    words = words_of(held)
    assert unpack_statuses(pack_statuses(words), 5001) == words
    found = dict(zip(LISTED, listed(words), strict=True))
    assert found == {
        status: sorted(index for index, other in held.items() if other is status)
        for status in LISTED
    }


@given(st.lists(st.binary(max_size=12), min_size=3, max_size=3), st.integers(0, 2**33))
def test_any_bytes_of_statuses_have_one_spelling_or_are_refused(
    packed: list[bytes], certificates: int
) -> None:
    words, code = tried(unpack_statuses, packed, certificates)
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
def test_a_list_that_no_body_can_have_is_refused(packed: list[bytes]) -> None:
    assert refused_as(unpack_statuses, packed, 10) == "snapshot.invalid"


# CBOR ------------------------------------------------------------------------------------------


@given(st.binary(max_size=40))
def test_any_bytes_are_one_item_or_refused(data: bytes) -> None:
    value, code = tried(load_cbor, data)
    assert code == "snapshot.invalid" or repr(value) == repr(cbor2.loads(data))


@pytest.mark.parametrize(
    "data",
    [b"", b"\x01\x01", b"\x9f\x01", b"\x81" * 2000, b"\xff", b"\x82\x01"],
    ids=["empty", "left over", "unending", "deep", "break", "cut"],
)
def test_what_is_no_item_is_refused(data: bytes) -> None:
    assert refused_as(load_cbor, data) == "snapshot.invalid"
