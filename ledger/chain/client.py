"""The `Chain` port on any Ethereum JSON-RPC node, through web3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import requests
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_account.typed_transactions import TypedTransaction
from hexbytes import HexBytes
from web3 import HTTPProvider

from contracts.loader import load_artifact
from ledger.ports import (
    Block,
    CallReverted,
    ChainUnreachable,
    Included,
    Log,
    Signed,
    StateProof,
)
from verifier.policy import LedgerPin

MOST_GAS = 12_000_000
"""Gas of one transaction, below the cap of EIP-7825."""
MOST_BYTES = 100_000
"""Bytes of calldata; geth refuses a transaction over 131,072."""
_REVERTED = 3
_MARGIN = 1.25
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
        self, node: Node, ledger: LedgerPin, secret: bytes, *, confirmations: int = 12
    ) -> None:
        self._node, self._ledger, self._confirmations = node, ledger, confirmations
        self._account: LocalAccount = Account.from_key(secret)
        self._address = "0x" + ledger.address.hex()
        check_chain_id(node, ledger.chain_id)

    @property
    def identity(self) -> bytes:
        """The ledger's identity."""
        return self._ledger.identity

    @property
    def sender(self) -> bytes:
        """The address that pays."""
        return bytes.fromhex(self._account.address[2:])

    # Transactions ----------------------------------------------------------------------------

    def next_nonce(self) -> int:
        """Return the sender's next nonce, counting what waits."""
        return _number(self._node.call("eth_getTransactionCount", self._account.address, "pending"))

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
            self._account,
            {
                "to": self._ledger.address,
                "data": data,
                "nonce": nonce,
                "gas": min(int(gas * _MARGIN), MOST_GAS),
                "chainId": self._ledger.chain_id,
            },
            bump=bump,
        )

    def mined_nonce(self) -> int:
        """Return the sender's next nonce, counting only what stands in blocks."""
        return _number(self._node.call("eth_getTransactionCount", self._account.address, "latest"))

    def resign(self, raw: bytes, *, bump: int) -> Signed:
        """Return the same call with the same nonce for a higher fee; raises as `sign`."""
        sent = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
        return self.sign(bytes(sent["data"]), nonce=int(sent["nonce"]), bump=bump)

    def _estimate(self, data: bytes) -> int:
        call = {"from": self._account.address, "to": self._address, "data": "0x" + data.hex()}
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


def sign_transaction(
    node: Node, account: LocalAccount, parts: dict[str, Any], *, bump: int = 0
) -> Signed:
    """Return a signed EIP-1559 transaction of `parts`; the fee is what the node asks, and more."""
    base = _number(node.call("eth_getBlockByNumber", "latest", False).get("baseFeePerGas", "0x0"))
    tip = max(_number(node.call("eth_maxPriorityFeePerGas")), 1)
    raised = _BUMP**bump
    made = parts | {
        "type": 2,
        "value": 0,
        "maxPriorityFeePerGas": int(tip * raised) + bump,
        "maxFeePerGas": int((2 * base + tip) * raised) + bump,
    }
    signed = account.sign_transaction(made)
    return Signed(
        raw=bytes(signed.raw_transaction),
        hash=bytes(signed.hash),
        nonce=parts["nonce"],
        sender=bytes.fromhex(account.address[2:]),
    )


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
