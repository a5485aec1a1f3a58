"""The small ABI codec against eth-abi."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from certledger.contracts import abi
from certledger.contracts.loader import load_artifact


def values_of(kind: str) -> st.SearchStrategy:
    """Return values of an ABI type."""
    if kind.endswith("]"):
        inner, _, size = kind[:-1].rpartition("[")
        least, most = (int(size), int(size)) if size else (0, 4)
        return st.lists(values_of(inner), min_size=least, max_size=most).map(tuple)
    if kind.startswith("("):
        return st.tuples(*map(values_of, abi.members(kind)))
    if kind.startswith("uint"):
        return st.integers(0, 2 ** int(kind[4:]) - 1)
    if kind == "bytes":
        return st.binary(max_size=100)
    width = 20 if kind == "address" else int(kind[5:])
    return st.binary(min_size=width, max_size=width)


# Every list of types that the contract takes or tells.
KINDS = sorted(
    {
        name[name.index("(") :]
        for table in (load_artifact().selectors, load_artifact().topics)
        for name in table
        if not name.endswith("()")
    }
    | {"(bytes32,(uint16,address)[])"}
)


def as_eth_abi(kind: str, value):
    """Return addresses as eth-abi takes and gives them."""
    if kind.endswith("]"):
        inner = kind[: kind.rindex("[")]
        return tuple(as_eth_abi(inner, part) for part in value)
    if kind.startswith("("):
        return tuple(map(as_eth_abi, abi.members(kind), value))
    return "0x" + value.hex() if kind == "address" else value


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_encoding_is_eth_abis(kind, data):
    value = data.draw(values_of(kind))
    types = abi.members(kind)
    ours = abi.encode(types, value)
    assert ours == encode(types, as_eth_abi(kind, value))
    assert abi.decode(types, ours) == value


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_any_bytes_are_refused_or_the_one_encoding_of_a_value(kind, data):
    types = abi.members(kind)
    good = abi.encode(types, data.draw(values_of(kind)))
    raw = bytearray(good + data.draw(st.binary(max_size=64)))
    for at, byte in data.draw(
        st.lists(st.tuples(st.integers(0, len(raw) - 1), st.integers(0, 255)), max_size=3)
    ):
        raw[at] = byte
    try:
        value = abi.decode(types, bytes(raw))
    except abi.AbiError:
        return
    assert abi.encode(types, value) == bytes(raw)


@pytest.mark.parametrize(
    ("kind", "value"),
    [("uint8", 256), ("uint8", -1), ("bytes18", bytes(17)), ("address", bytes(32))],
)
def test_a_value_that_does_not_fit_is_refused(kind, value):
    with pytest.raises(abi.AbiError):
        abi.encode([kind], [value])


def test_fixed_arrays_and_arguments_have_their_number():
    with pytest.raises(abi.AbiError, match="2 values"):
        abi.encode(["bytes32[5]"], [(bytes(32), bytes(32))])
    with pytest.raises(abi.AbiError, match="1 values for 2 types"):
        abi.encode(["uint8", "uint8"], [1])


def test_a_count_beyond_the_data_is_refused_before_anything_is_made():
    with pytest.raises(abi.AbiError, match="do not fit"):
        abi.decode(["bytes32[]"], (32).to_bytes(32, "big") + b"\xff" * 32)
