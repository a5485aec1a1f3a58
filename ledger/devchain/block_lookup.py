"""Resolve the block parameters and log filters of JSON-RPC."""

from collections.abc import Mapping
from typing import Any, Final

from eth.abc import BlockHeaderAPI
from eth_typing import BlockNumber

from certledger.ledger.devchain.logs import LogQuery
from certledger.ledger.devchain.params import (
    RpcError,
    binary,
    choices,
    invalid,
    mapping,
    number,
)
from certledger.ledger.devchain.view import View

Json = Any
#: The chain never reorganises, so its head is safe and final at once.
_LATEST: Final = ("latest", "safe", "finalized", "pending")


def block_hash(view: View, height: int) -> bytes:
    """Return the hash of the block at `height`, which must exist."""
    return bytes(view.chain.chaindb.get_canonical_block_hash(BlockNumber(height)))


def header_or_none(view: View, which: Json) -> BlockHeaderAPI | None:
    """Return the header of a tag, a number, or a hash (EIP-1898), None if there is none."""
    if which is None or which in _LATEST:
        return view.head()
    if which == "earliest":
        return view.header_by_number(0)
    if isinstance(which, Mapping):
        if "blockHash" in which:
            return view.header_by_hash(binary(which["blockHash"], "a block hash", 32))
        which = which.get("blockNumber")
    if isinstance(which, str) and len(which) == 66:
        return view.header_by_hash(binary(which, "a block hash", 32))
    return view.header_by_number(number(which, "a block number", 63))


def header_of(view: View, which: Json) -> BlockHeaderAPI:
    """Return the header of a block, or raise RpcError if there is none."""
    header = header_or_none(view, which)
    if header is None:
        raise RpcError(-32000, "header not found")
    return header


def parse_query(view: View, value: Json) -> LogQuery:
    """Parse the filter object of `eth_getLogs`."""
    asked = mapping(value, "a filter")
    topics = asked.get("topics") or []
    if not isinstance(topics, list) or len(topics) > 4:
        invalid("topics are a list of at most 4")
    if asked.get("blockHash") is not None:
        first = last = int(header_of(view, {"blockHash": asked["blockHash"]}).block_number)
    else:
        first, last = (_height(view, asked.get(name)) for name in ("fromBlock", "toBlock"))
    return LogQuery(
        first=first,
        last=last,
        addresses=choices(asked.get("address"), "an address", 20),
        topics=tuple(choices(topic, "a topic", 32) for topic in topics),
    )


def _height(view: View, which: Json) -> int:
    if which is None or which in _LATEST:
        return view.head().block_number
    return 0 if which == "earliest" else number(which, "a block number", 62)
