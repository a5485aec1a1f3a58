"""The bytes of a block's header, from a node's JSON: their Keccak-256 is the block's hash."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import rlp

from certledger.ledger.core.errors import ChainUnreachableError
from certledger.verifier.crypto.hashing import keccak

_BYTES = (
    "parentHash",
    "sha3Uncles",
    "miner",
    "stateRoot",
    "transactionsRoot",
    "receiptsRoot",
    "logsBloom",
)
_NUMBERS = ("difficulty", "number", "gasLimit", "gasUsed", "timestamp")
_ENDS = ("extraData", "mixHash", "nonce")
_LATER = (
    ("baseFeePerGas", True),
    ("withdrawalsRoot", False),
    ("blobGasUsed", True),
    ("excessBlobGas", True),
    ("parentBeaconBlockRoot", False),
    ("requestsHash", False),
)
"""Fields that forks appended, in order, and whether each is a number."""


class HeaderUnknownError(ChainUnreachableError):
    """A node's header does not give the hash that it states: a fork that is not known here."""


def header_of(block: Mapping[str, Any]) -> bytes:
    """Return the RLP of the header of a node's block.

    Raises:
        HeaderUnknownError: it does not give the block's hash.
    """
    try:
        fields = [_bytes(block[name]) for name in _BYTES]
        fields += [_number(block[name]) for name in _NUMBERS]
        fields += [_bytes(block[name]) for name in _ENDS]
        for name, is_number in _LATER:
            if block.get(name) is not None:
                fields.append(_number(block[name]) if is_number else _bytes(block[name]))
        header, stated = bytes(rlp.encode(fields)), _bytes(block["hash"])
    except (KeyError, TypeError, ValueError) as error:
        raise HeaderUnknownError("the node's block has no header") from error
    if keccak(header) != stated:
        raise HeaderUnknownError("the header does not give the block's hash")
    return header


def _bytes(value: str) -> bytes:
    return bytes.fromhex(value.removeprefix("0x"))


def _number(value: str) -> bytes:
    number = int(value, 16)
    return number.to_bytes((number.bit_length() + 7) // 8, "big")
