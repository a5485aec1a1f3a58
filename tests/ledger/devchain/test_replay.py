"""A follower takes no block that does not follow from its transactions and its parent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import rlp
from eth.vm.forks.paris import ParisVM

from certledger.ledger.devchain.errors import (
    BlockMalformedError,
    BlockMismatchError,
    BlockOutOfPlaceError,
)
from certledger.ledger.devchain.genesis import Genesis
from certledger.ledger.devchain.replay import ChainReplica
from tests.ledger.devchain.conftest import CHAIN_ID, FUNDED, GENESIS_TIME, call, transfer

GENESIS = Genesis(chain_id=CHAIN_ID, timestamp=GENESIS_TIME, alloc=FUNDED)


@pytest.fixture
def follower(tmp_path: Path) -> Iterator[ChainReplica]:
    opened = ChainReplica(tmp_path / "followed.sqlite", GENESIS)
    yield opened
    opened.close()


@pytest.fixture
def blocks(chain: Any) -> list[bytes]:
    for nonce in range(2):
        call(chain.url, "eth_sendRawTransaction", transfer(nonce))
    return [
        bytes.fromhex(call(chain.url, "debug_getRawBlock", hex(number))[2:]) for number in (1, 2)
    ]


def lie(raw: bytes, **changes: Any) -> bytes:
    """Return the block with members of its header changed."""
    block = rlp.decode(raw, sedes=ParisVM.get_block_class())
    return bytes(rlp.encode(block.copy(header=block.header.copy(**changes))))


@pytest.mark.parametrize(
    "changes",
    [
        {"state_root": b"\x01" * 32},
        {"receipt_root": b"\x01" * 32},
        {"transaction_root": b"\x01" * 32},
        {"gas_used": 1},
        {"gas_limit": 1_000_000},
        {"timestamp": GENESIS_TIME},
        {"base_fee_per_gas": 8},
        {"difficulty": 1},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_header_that_lies_is_refused(
    follower: ChainReplica, blocks: list[bytes], changes: dict[str, Any]
) -> None:
    with pytest.raises(BlockMismatchError):
        follower.take(lie(blocks[0], **changes))

    assert follower.head.block_number == 0
    follower.take(blocks[0])
    assert follower.head.block_number == 1


def test_a_block_out_of_place_is_refused(follower: ChainReplica, blocks: list[bytes]) -> None:
    with pytest.raises(BlockOutOfPlaceError):
        follower.take(blocks[1])
    with pytest.raises(BlockOutOfPlaceError):
        follower.take(lie(blocks[0], parent_hash=b"\x02" * 32))


@pytest.mark.parametrize("raw", [b"", b"\xc0", b"\x00" * 40], ids=["empty", "list", "zeros"])
def test_what_is_no_block_is_refused(follower: ChainReplica, raw: bytes) -> None:
    with pytest.raises(BlockMalformedError):
        follower.take(raw)


def test_a_follower_goes_on_after_it_was_closed(tmp_path: Path, blocks: list[bytes]) -> None:
    first = ChainReplica(tmp_path / "again.sqlite", GENESIS)
    first.take(blocks[0])
    first.close()

    second = ChainReplica(tmp_path / "again.sqlite", GENESIS)
    second.take(blocks[1])

    assert second.head.block_number == 2
    second.close()
