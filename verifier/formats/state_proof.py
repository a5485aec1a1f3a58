"""State proofs (EIP-1186) of an account and a storage slot (SPEC section 11)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from certledger.verifier.crypto.hashing import keccak
from certledger.verifier.errors import ProofInvalidError

MAX_PROOF_NODES = 64
MAX_NODE_BYTES = 1024
SLOT_OF_ISSUERS = 0
"""Slot of the contract's mapping from issuer code to state digest (SPEC section 13)."""
ROLL = (1).to_bytes(32, "big")
"""Position of the roll: a hash chain over all issuers' codes, and their number."""

_EMPTY_ROOT = keccak(b"\x80")
_EMPTY = b"\x80"
_NIBBLES = 64
# Fast path for the most frequent node, a branch with sixteen hashed children: 532 bytes of RLP.
_FULL_SIZE = 532
_FULL_START = b"\xf9\x02\x11"
_FULL_HEADERS = b"\xa0" * 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """An account in the state trie; roots and hashes are 32 bytes."""

    nonce: int
    balance: int
    storage_root: bytes
    code_hash: bytes


def slot_position(issuer: str) -> bytes:
    """Return the storage position (32 bytes) of an issuer's slot.

    Solidity's layout of a mapping: keccak of the key (bytes18, right-padded) ‖ the mapping's slot.
    """
    return keccak(issuer.encode("ascii").ljust(32, b"\x00") + SLOT_OF_ISSUERS.to_bytes(32, "big"))


def check_account(state_root: bytes, address: bytes, nodes: Sequence[bytes]) -> Account | None:
    """Verify an account proof; return the account at `address` (20 bytes), None if proved absent.

    Raises:
        ProofInvalidError: the nodes do not lead from the root to the account, or one is unused.
    """
    value = _look_up(state_root, keccak(address), nodes)
    if value is None:
        return None
    items = decode_list(value)
    if len(items) != 4:
        raise ProofInvalidError(f"an account has 4 parts, not {len(items)}")
    nonce, balance, storage_root, code_hash = map(decode_string, items)
    if len(storage_root) != 32 or len(code_hash) != 32:
        raise ProofInvalidError("an account's storage root and code hash are 32 bytes each")
    return Account(
        nonce=_integer(nonce, 8),
        balance=_integer(balance, 32),
        storage_root=storage_root,
        code_hash=code_hash,
    )


def check_slot(storage_root: bytes, position: bytes, nodes: Sequence[bytes]) -> bytes:
    """Verify a slot proof; return the value (32 bytes) at `position` (32 bytes).

    An absent slot is zero; a zero that is present is rejected.

    Raises:
        ProofInvalidError: the nodes do not lead from the root to the slot, or one is unused.
    """
    return _slot_value(_look_up(storage_root, keccak(position), nodes))


def _slot_value(value: bytes | None) -> bytes:
    if value is None:
        return bytes(32)
    number = decode_string(value)
    if not number:
        raise ProofInvalidError("a slot that is zero is absent from the trie")
    return _integer(number, 32).to_bytes(32, "big")


class NodeSet:
    """Nodes of many proofs of one storage trie, deduplicated, by hash."""

    def __init__(self, nodes: Iterable[bytes]) -> None:
        self._nodes = {keccak(node): node for node in nodes}
        self._used: set[bytes] = set()

    def _take(self, reference: bytes) -> bytes:
        node = self._nodes.get(reference[1:])
        if node is None:
            raise ProofInvalidError(f"node {reference[1:].hex()[:16]} is missing")
        self._used.add(reference[1:])
        return node

    def slot(self, storage_root: bytes, position: bytes) -> bytes:
        """Return the value (32 bytes) at `position`, zero where it is proved absent.

        Raises:
            ProofInvalidError: a node is missing, or the nodes do not form a trie.
        """
        return _slot_value(_walk(storage_root, keccak(position), self._take))

    def used(self) -> list[bytes]:
        """Return the nodes used so far, in ascending byte order."""
        return sorted(self._nodes[found] for found in self._used)


# RLP -------------------------------------------------------------------------------------------


def decode_list(data: bytes) -> list[bytes]:
    """Decode an RLP list to its encoded items.

    Raises:
        ProofInvalidError: not exactly one list, or not canonical.
    """
    if not data or data[0] < 0xC0:
        _fail_rlp("not a list")
    at, end = _payload(data, 0, 0xC0)
    if end != len(data):
        _fail_rlp("bytes after a list")
    items = []
    while at < end:
        first = data[at]
        if first <= 0x80:
            stop = at + 1
        elif first == 0xA0:
            stop = at + 33
        else:
            stop = _payload(data, at, 0x80 if first < 0xC0 else 0xC0)[1]
        items.append(data[at:stop])
        at = stop
    if at != end:
        _fail_rlp("an item longer than its list")
    return items


def decode_string(data: bytes) -> bytes:
    """Decode an RLP string.

    Raises:
        ProofInvalidError: not exactly one string, or not canonical.
    """
    if not data or data[0] >= 0xC0:
        _fail_rlp("not a string")
    if data[0] < 0x80:
        start, end = 0, 1
    else:
        start, end = _payload(data, 0, 0x80)
    if end != len(data):
        _fail_rlp("bytes after a string")
    return data[start:end]


def _payload(data: bytes, at: int, base: int) -> tuple[int, int]:
    """Return start and end of an item's payload; `base` is 0x80 for strings, 0xc0 for lists."""
    size = data[at] - base
    start = at + 1
    if size > 55:
        width = size - 55
        start += width
        size = int.from_bytes(data[at + 1 : start], "big")
        if size < 56 or data[at + 1] == 0:
            _fail_rlp("a length in more bytes than it needs")
    end = start + size
    if end > len(data):
        _fail_rlp("an item longer than its bytes")
    if base == 0x80 and size == 1 and data[start] < 0x80:
        _fail_rlp("a single byte with a header it does not need")
    return start, end


def _fail_rlp(what: str) -> NoReturn:
    raise ProofInvalidError(f"a trie node is not canonical RLP: {what}")


def _integer(data: bytes, most: int) -> int:
    if len(data) > most or data[:1] == b"\x00":
        raise ProofInvalidError(f"{len(data)} bytes are no integer of at most {most} bytes")
    return int.from_bytes(data, "big")


# Trie traversal -----------------------------------------------------------------------------


def _look_up(root: bytes, key: bytes, nodes: Sequence[bytes]) -> bytes | None:
    """Return the value at `key` (32 bytes), None if the nodes prove it absent."""
    if len(nodes) > MAX_PROOF_NODES:
        raise ProofInvalidError(f"a proof has at most {MAX_PROOF_NODES} nodes, not {len(nodes)}")
    used = 0

    def take(reference: bytes) -> bytes:
        nonlocal used
        node = _take(nodes, used, reference)
        used += 1
        return node

    if root == _EMPTY_ROOT and not nodes:
        return None
    found = _walk(root, key, take)
    if used != len(nodes):
        raise ProofInvalidError(f"the proof has {len(nodes) - used} unused nodes")
    return found


def _walk(root: bytes, key: bytes, take: Callable[[bytes], bytes]) -> bytes | None:
    """Return the value at `key`; `take` returns the node of a reference (0xa0 and its hash)."""
    path, at = key.hex(), 0
    reference: bytes | None = b"\xa0" + root
    found: bytes | None = None
    while reference is not None:
        # A node shorter than a hash is embedded in its parent.
        node = take(reference) if reference[0] == 0xA0 else reference
        reference, found, at = _step(node, path, at)
    return found


def _take(nodes: Sequence[bytes], used: int, reference: bytes) -> bytes:
    """Return the next node of the proof, which must hash to `reference` (0xa0 and the hash)."""
    if used == len(nodes):
        raise ProofInvalidError(f"the proof ends after {used} nodes, before its end is reached")
    node = nodes[used]
    if len(node) > MAX_NODE_BYTES or (used and len(node) < 32):
        raise ProofInvalidError(f"node {used} of the proof has {len(node)} bytes")
    if keccak(node) != reference[1:]:
        raise ProofInvalidError(f"node {used} of the proof is not the one its parent names")
    return node


def _step(node: bytes, path: str, at: int) -> tuple[bytes | None, bytes | None, int]:
    """Return (next reference, value, nibbles consumed) after `node`."""
    if (
        len(node) == _FULL_SIZE
        and at < _NIBBLES
        and node[:3] == _FULL_START
        and node[3:531:33] == _FULL_HEADERS
        and node[531] == 0x80
    ):
        child = 3 + 33 * int(path[at], 16)
        return node[child : child + 33], None, at + 1
    items = decode_list(node)
    if len(items) == 17:
        return _step_branch(items, path, at)
    if len(items) != 2:
        raise ProofInvalidError(f"a trie node has 2 or 17 items, not {len(items)}")
    leaf, nibbles = _hex_prefix(decode_string(items[0]))
    stop = at + len(nibbles)
    fits = path[at:stop] == nibbles
    if leaf:
        if stop != _NIBBLES:
            raise ProofInvalidError("a leaf is not at the end of a key of 32 bytes")
        return None, decode_string(items[1]) if fits else None, stop
    if stop >= _NIBBLES or not nibbles:
        raise ProofInvalidError("an extension has no nibble, or reaches the end of the key")
    child_of_extension = _child(items[1])
    if child_of_extension is None:
        raise ProofInvalidError("an extension leads nowhere")
    return child_of_extension if fits else None, None, stop


def _step_branch(items: list[bytes], path: str, at: int) -> tuple[bytes | None, None, int]:
    if at == _NIBBLES or items[16] != _EMPTY:
        raise ProofInvalidError("a branch is where keys of 32 bytes end")
    return _child(items[int(path[at], 16)]), None, at + 1


def _child(item: bytes) -> bytes | None:
    """Return the reference in `item` (a hash, or an embedded node), None where it is empty."""
    if item == _EMPTY:
        return None
    if not (len(item) == 33 and item[0] == 0xA0) and not (len(item) < 32 and item[0] >= 0xC0):
        raise ProofInvalidError("a child is neither a hash nor a node shorter than one")
    return item


def _hex_prefix(data: bytes) -> tuple[bool, str]:
    """Decode a hex-prefix path to (is a leaf's, nibbles) (yellow paper, appendix C)."""
    flag = data[0] >> 4 if data else 4
    if flag > 3 or (not flag & 1 and data[0] & 15):
        raise ProofInvalidError("a path in a trie node is not hex-prefix encoded")
    return flag >= 2, data.hex()[1 if flag & 1 else 2 :]
