"""Complete event logs of a contract, proved against each block's header.

`eth_getLogs` of a node behind a load balancer may omit blocks without any sign of it.  Here a
block whose bloom filter excludes the contract has no events; of any other block all receipts are
read and their trie's root compared with `receiptsRoot`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import rlp
from trie.hexary import HexaryTrie

from certledger.ledger.core.errors import ChainRefusesError, ChainUnreachableError
from certledger.ledger.core.values import ContractLog
from certledger.verifier.crypto.hashing import keccak

CONCURRENCY = 4
"""Blocks that are read at the same time, so that latency is not paid once a block.

As many as the `/rpc` of a service allows one address, which a home that follows it may ask.
"""
_BLOOM_BYTES = 256


class LogsIncompleteError(ChainUnreachableError):
    """No node shows all receipts of a block; asking again later may help."""

    code = "chain.incomplete"


class JsonRpc(Protocol):
    """A JSON-RPC node, or several with failover."""

    @property
    def members(self) -> Sequence[JsonRpc]:
        """The nodes, each by itself."""

    def call(self, method: str, *params: Any) -> Any:
        """Return the result of a call; raises ChainUnreachableError."""


def complete_logs(node: JsonRpc, address: bytes, first: int, last: int) -> list[ContractLog]:
    """Return the events of `address` in blocks `first` to `last`, in order.

    Raises:
        LogsIncompleteError: no node shows all receipts of a block.
        ChainUnreachableError: no node answers.
    """
    numbers = range(first, last + 1)
    if len(numbers) == 1:
        return _logs_of_block(node, address, first)
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        found = pool.map(lambda number: _logs_of_block(node, address, number), numbers)
        return [log for logs in found for log in logs]


def _logs_of_block(node: JsonRpc, address: bytes, number: int) -> list[ContractLog]:
    """Return the events of a block from the first node that can prove them."""
    failure: ChainUnreachableError = LogsIncompleteError(f"block {number} cannot be read")
    for member in node.members:
        try:
            return _proved_logs(member, address, number)
        except ChainUnreachableError as error:
            failure = error
    raise failure


def _proved_logs(node: JsonRpc, address: bytes, number: int) -> list[ContractLog]:
    header = node.call("eth_getBlockByNumber", hex(number), False)
    if header is None:
        raise LogsIncompleteError(f"the node has no block {number} yet")
    try:
        if not may_contain(_bytes(header["logsBloom"]), address):
            return []
        block_hash, listed = _bytes(header["hash"]), header["transactions"]
        receipts = _receipts(node, number, listed)
        if [one["transactionHash"] for one in receipts] != listed:
            raise LogsIncompleteError(f"the node has not all receipts of block {number}")
        if receipts_root(receipts) != _bytes(header["receiptsRoot"]):
            raise LogsIncompleteError(
                f"the receipts of block {number} do not have its receipts root"
            )
        return _logs(receipts, address, number, block_hash)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise LogsIncompleteError(f"block {number} of the node is malformed") from error


def _receipts(node: JsonRpc, number: int, transactions: Sequence[str]) -> list[Any]:
    """Return a block's receipts; one by one from a node without `eth_getBlockReceipts`."""
    try:
        found = node.call("eth_getBlockReceipts", hex(number))
    except ChainRefusesError:
        found = [node.call("eth_getTransactionReceipt", tx) for tx in transactions]
    if not isinstance(found, list) or None in found:
        raise LogsIncompleteError(f"the node has not all receipts of block {number}")
    return found


def _logs(
    receipts: Iterable[Any], address: bytes, number: int, block_hash: bytes
) -> list[ContractLog]:
    """Return the events in proved receipts, with the positions that `logIndex` has."""
    found, position = [], 0
    for receipt in receipts:
        for one in receipt["logs"]:
            if _bytes(one["address"]) == address:
                log = ContractLog(
                    block=number,
                    block_hash=block_hash,
                    tx=_bytes(receipt["transactionHash"]),
                    position=position,
                    topics=tuple(map(_bytes, one["topics"])),
                    data=_bytes(one["data"]),
                )
                found.append(log)
            position += 1
    return found


def receipts_root(receipts: Sequence[Any]) -> bytes:
    """Return the root of the trie of a block's receipts in JSON-RPC form (EIP-2718)."""
    trie = HexaryTrie({})
    for place, receipt in enumerate(receipts):
        trie[rlp.encode(place)] = _encoded(receipt)
    return bytes(trie.root_hash)


def _encoded(receipt: Any) -> bytes:
    """Return a receipt as the trie stores it; before Byzantium it has a state root, no status."""
    if "status" in receipt:
        outcome = b"\x01" if int(receipt["status"], 16) else b""
    else:
        outcome = _bytes(receipt["root"])
    parts: list[Any] = [
        outcome,
        int(receipt["cumulativeGasUsed"], 16),
        _bytes(receipt["logsBloom"]),
        [
            [
                _bytes(one["address"]),
                [_bytes(topic) for topic in one["topics"]],
                _bytes(one["data"]),
            ]
            for one in receipt["logs"]
        ],
    ]
    kind = int(receipt.get("type", "0x0"), 16)
    return (bytes([kind]) if kind else b"") + bytes(rlp.encode(parts))


def may_contain(bloom: bytes, value: bytes) -> bool:
    """Return whether a header's bloom filter has the three bits of an address or topic."""
    if len(bloom) != _BLOOM_BYTES:
        raise ValueError("a bloom filter has 256 bytes")
    digest = keccak(value)
    bits = (int.from_bytes(digest[at : at + 2], "big") % 2048 for at in (0, 2, 4))
    return all(bloom[_BLOOM_BYTES - 1 - bit // 8] >> bit % 8 & 1 for bit in bits)


def _bytes(value: str) -> bytes:
    if value[:2] != "0x":
        raise ValueError("bytes begin with 0x")
    return bytes.fromhex(value[2:])
