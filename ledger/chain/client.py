"""The `Chain` port on any Ethereum JSON-RPC node, through web3."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import requests
import rlp
from web3 import HTTPProvider

from contracts.loader import load_artifact
from ledger.keys import Signer
from ledger.ports import (
    Block,
    CallReverted,
    ChainUnreachable,
    Included,
    Log,
    Signed,
    StateProof,
)
from verifier.hashing import keccak
from verifier.policy import LedgerPin

MOST_GAS = 12_000_000
"""Gas of one transaction, below the cap of EIP-7825."""
MOST_BYTES = 100_000
"""Bytes of calldata; geth refuses a transaction over 131,072."""
_REVERTED = 3
_MARGIN = 1.25
_TYPE = b"\x02"
_NONCE, _DATA = 1, 7
"""Places in an EIP-1559 transaction."""
_BUMP = 1.3
"""Nodes replace a waiting transaction only for a tenth more fee; this is safely above."""


class NodeRefuses(ChainUnreachable):
    """The node answered with an error of JSON-RPC."""

    code = "chain.refused"

    def __init__(self, method: str, number: int, message: str, data: Any = None) -> None:
        super().__init__(f"the node refuses {method}: {number} {message[:200]!r}")
        self.number, self.message, self.data = number, message, data


class Node:
    """One JSON-RPC node, asked and believed only as far as an answer's shape goes."""

    def __init__(self, url: str, *, timeout: float = 20.0) -> None:
        self._provider = HTTPProvider(url, request_kwargs={"timeout": timeout})

    def call(self, method: str, *params: Any) -> Any:
        """Return the result of a call.

        Raises:
            ChainUnreachable: no answer, or none that is JSON-RPC.
            NodeRefuses: the node answered with an error.
        """
        try:
            answer: Any = self._provider.make_request(method, list(params))
        except (requests.RequestException, ValueError, OSError) as error:
            raise ChainUnreachable(f"the node does not answer {method}") from error
        if isinstance(answer, dict) and isinstance(answer.get("error"), dict):
            told = answer["error"]
            raise NodeRefuses(
                method, int(told.get("code", 0)), str(told.get("message")), told.get("data")
            )
        if not isinstance(answer, dict) or "result" not in answer:
            raise ChainUnreachable(f"the node answers {method} with something else")
        return answer["result"]


class EthereumChain:
    """The ledger's contract on a chain, and the account that pays for carrying acts to it.

    `confirmations` is how deep a block is final where the node knows no `finalized` tag.
    """

    def __init__(
        self, node: Node, ledger: LedgerPin, signer: Signer, *, confirmations: int = 12
    ) -> None:
        self._node, self._ledger, self._confirmations = node, ledger, confirmations
        self._signer, self._sender = signer, "0x" + signer.address.hex()
        self._address = "0x" + ledger.address.hex()
        check_chain_id(node, ledger.chain_id)

    @property
    def identity(self) -> bytes:
        """The ledger's identity."""
        return self._ledger.identity

    # Transactions ----------------------------------------------------------------------------

    def next_nonce(self) -> int:
        """Return the sender's next nonce, counting what waits."""
        return _number(self._node.call("eth_getTransactionCount", self._sender, "pending"))

    def sign(self, data: bytes, *, nonce: int, bump: int = 0) -> Signed:
        """Return the signed call of the contract; `bump` raises the fee.

        Raises:
            CallReverted: the contract would refuse it now, or it takes too much gas.
        """
        gas = self._estimate(data)
        if gas > MOST_GAS:
            raise CallReverted(f"GasOver{MOST_GAS}")
        return sign_transaction(
            self._node,
            self._signer,
            Payment(
                chain_id=self._ledger.chain_id,
                nonce=nonce,
                gas=min(int(gas * _MARGIN), MOST_GAS),
                to=self._ledger.address,
                data=data,
            ),
            bump=bump,
        )

    def mined_nonce(self) -> int:
        """Return the sender's next nonce, counting only what stands in blocks."""
        return _number(self._node.call("eth_getTransactionCount", self._sender, "latest"))

    def resign(self, raw: bytes, *, bump: int) -> Signed:
        """Return the same call with the same nonce for a higher fee; raises as `sign`."""
        parts: list[bytes] = rlp.decode(raw[1:])
        return self.sign(parts[_DATA], nonce=int.from_bytes(parts[_NONCE], "big"), bump=bump)

    def _estimate(self, data: bytes) -> int:
        call = {"from": self._sender, "to": self._address, "data": "0x" + data.hex()}
        try:
            return _number(self._node.call("eth_estimateGas", call))
        except NodeRefuses as error:
            raise CallReverted(_revert_name(error)) from error

    def broadcast(self, raw: bytes) -> None:
        """Offer a transaction to the network; repeating does no harm.

        Raises:
            ChainUnreachable: the node does not answer.
            NodeRefuses: it will not take the transaction.
        """
        try:
            self._node.call("eth_sendRawTransaction", "0x" + raw.hex())
        except NodeRefuses as error:
            known = ("already known", "already imported", "known transaction")
            if not any(words in error.message.lower() for words in known):
                raise

    def find(self, tx: bytes) -> Included | None:
        """Return where a transaction stands on the chain as it is now."""
        receipt = self._node.call("eth_getTransactionReceipt", "0x" + tx.hex())
        if not isinstance(receipt, dict) or receipt.get("blockNumber") is None:
            return None
        block = self.block(_number(receipt["blockNumber"]))
        if block is None or block.hash != _bytes(receipt["blockHash"]):
            return None  # Its block is being reorganised away.
        return Included(block=block, succeeded=_number(receipt["status"]) == 1)

    # Blocks, events, proofs ------------------------------------------------------------------

    def head(self) -> Block:
        """Return the newest block."""
        return self._must(self._block("latest"))

    def finalized(self) -> Block:
        """Return the newest block that will not be taken back."""
        try:
            found = self._block("finalized")
        except NodeRefuses:
            found = None
        if found is not None:
            return found
        return self._must(self.block(max(self.head().number - self._confirmations, 0)))

    def block(self, number: int) -> Block | None:
        """Return a block, None beyond the head."""
        return self._block(hex(number))

    def _block(self, which: str) -> Block | None:
        found = self._node.call("eth_getBlockByNumber", which, False)
        return None if found is None else block_of(found)

    def _must(self, block: Block | None) -> Block:
        if block is None:
            raise ChainUnreachable("the node has no such block")
        return block

    def logs(self, first: int, last: int) -> Sequence[Log]:
        """Return the contract's events in order; ranges that are too large are halved."""
        asked = {"address": self._address, "fromBlock": hex(first), "toBlock": hex(last)}
        try:
            found = self._node.call("eth_getLogs", asked)
        except NodeRefuses:
            if first == last:
                raise
            middle = (first + last) // 2
            return [*self.logs(first, middle), *self.logs(middle + 1, last)]
        return sorted(map(_log, found), key=lambda log: (log.block, log.position))

    def prove(self, slots: Sequence[int], block: int) -> StateProof:
        """Return the trie nodes of the contract's account and of `slots` at a block."""
        keys = ["0x" + slot.to_bytes(32, "big").hex() for slot in slots]
        found = self._node.call("eth_getProof", self._address, keys, hex(block))
        if not isinstance(found, dict) or len(found.get("storageProof") or ()) != len(slots):
            raise ChainUnreachable("the node has no proof of this block any more")
        return StateProof(
            account=tuple(map(_bytes, found["accountProof"])),
            slots={
                slot: tuple(map(_bytes, proof["proof"]))
                for slot, proof in zip(slots, found["storageProof"], strict=True)
            },
        )


def check_chain_id(node: Node, wanted: int) -> None:
    """Check that the node is of the ledger's chain.

    Raises:
        NodeRefuses: it is of another.
    """
    held = _number(node.call("eth_chainId"))
    if held != wanted:
        raise NodeRefuses("eth_chainId", 0, f"the node is of chain {held}, not {wanted}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Payment:
    """What a transaction does; `to` is empty where it creates a contract."""

    chain_id: int
    nonce: int
    gas: int
    to: bytes
    data: bytes


def sign_transaction(node: Node, signer: Signer, payment: Payment, *, bump: int = 0) -> Signed:
    """Return a signed EIP-1559 transaction; the fee is what the node asks, raised `bump` times."""
    base = _number(node.call("eth_getBlockByNumber", "latest", False).get("baseFeePerGas", "0x0"))
    tip = max(_number(node.call("eth_maxPriorityFeePerGas")), 1)
    raised = _BUMP**bump
    parts: list[Any] = [
        payment.chain_id,
        payment.nonce,
        int(tip * raised) + bump,
        int((2 * base + tip) * raised) + bump,
        payment.gas,
        payment.to,
        0,
        payment.data,
        [],
    ]
    signature = signer.sign(keccak(_TYPE + rlp.encode(parts)))
    r, s = (int.from_bytes(signature[at : at + 32], "big") for at in (0, 32))
    raw = _TYPE + bytes(rlp.encode([*parts, signature[64] - 27, r, s]))
    return Signed(raw=raw, hash=keccak(raw), nonce=payment.nonce, sender=signer.address)


def block_of(found: dict[str, Any]) -> Block:
    """Return a block as the port has it."""
    return Block(
        number=_number(found["number"]),
        hash=_bytes(found["hash"]),
        parent=_bytes(found["parentHash"]),
        time=_number(found["timestamp"]),
        state_root=_bytes(found["stateRoot"]),
    )


def _log(found: dict[str, Any]) -> Log:
    return Log(
        block=_number(found["blockNumber"]),
        block_hash=_bytes(found["blockHash"]),
        tx=_bytes(found["transactionHash"]),
        position=_number(found["logIndex"]),
        topics=tuple(map(_bytes, found["topics"])),
        data=_bytes(found["data"]),
    )


def _revert_name(error: NodeRefuses) -> str:
    """Return the name of the contract's error, or what the node said."""
    data = error.data.get("data") if isinstance(error.data, dict) else error.data
    if isinstance(data, str) and data.startswith("0x"):
        name = load_artifact().error_name(bytes.fromhex(data[2:]))
        if name is not None:
            return name
    return error.message[:200]


def _number(value: Any) -> int:
    if not isinstance(value, str):
        raise ChainUnreachable(f"the node answers {str(value)[:40]!r} for a number")
    return int(value, 16)


def _bytes(value: Any) -> bytes:
    if not isinstance(value, str):
        raise ChainUnreachable(f"the node answers {str(value)[:40]!r} for bytes")
    return bytes.fromhex(value[2:])
