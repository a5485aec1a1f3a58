"""The ledger's contract on any Ethereum JSON-RPC node, and EIP-1559 transactions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import rlp

from certledger.contracts.loader import load_artifact
from certledger.ledger.chain.block_logs import JsonRpc, complete_logs
from certledger.ledger.chain.headers import header_of
from certledger.ledger.core.errors import (
    CallRevertedError,
    ChainRefusesError,
    ChainUnreachableError,
)
from certledger.ledger.core.values import (
    Block,
    ContractLog,
    Inclusion,
    SignedTransaction,
    StateProof,
)
from certledger.ledger.keys import Signer
from certledger.verifier.crypto.hashing import keccak
from certledger.verifier.formats.policy import LedgerPin
from certledger.verifier.node_rpc import (
    NodeFailedError,
    NodeRefusedError,
    NodeResponseTooLongError,
    RpcClient,
)

MAX_TRANSACTION_GAS = 12_000_000
"""Gas limit of one transaction, below the cap of EIP-7825 (16,777,216)."""
MAX_CALLDATA_BYTES = 100_000
"""Bytes of calldata; geth refuses a transaction over 131,072 bytes."""
CONFIRMATIONS = 12
"""Depth at which a block is final where neither the node nor a policy says it."""
MAX_ANSWER_BYTES = 32 << 20
"""Bytes of a node's answer; all receipts of a full block take less."""
_MARGIN = 1.25
_TYPE = b"\x02"
_NONCE, _TIP, _FEE, _GAS, _TO, _DATA = 1, 2, 3, 4, 5, 7
"""Positions in an EIP-1559 transaction."""
_RAISE = 1.3
"""Fee factor of a replacement; nodes require at least 1.1."""
_Read = TypeVar("_Read")


class NodeRefusesError(ChainRefusesError):
    """The node answered with a JSON-RPC error."""

    def __init__(self, method: str, number: int, message: str, data: Any = None) -> None:
        super().__init__(f"the node refuses {method}: {number} {message[:200]!r}")
        self.number, self.message, self.data = number, message, data


class NodeAnswerTooLongError(ChainUnreachableError):
    """A node's answer is too long; a smaller request may help."""


class NodeClient:
    """One JSON-RPC node of the ledger; an address that is none fails at the first call.

    `timeout` (seconds) bounds a request with its whole answer, `longest` the bytes of the answer;
    a node in this process is asked by its `answer`.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 20.0,
        longest: int = MAX_ANSWER_BYTES,
        answer: Callable[[bytes], bytes] | None = None,
    ) -> None:
        self._client = partial(RpcClient, url, timeout=timeout, longest=longest, answer=answer)

    @property
    def members(self) -> Sequence[NodeClient]:
        """This node alone; `Nodes` has several."""
        return (self,)

    def call(self, method: str, *params: Any) -> Any:
        """Return the result of a call.

        Raises:
            ChainUnreachableError: no answer, or none that is JSON-RPC.
            NodeAnswerTooLongError: an answer beyond the bound.
            NodeRefusesError: the node answered with an error.
        """
        try:
            return self._client().call(method, params)
        except NodeRefusedError as error:
            raise NodeRefusesError(method, error.number, error.message, error.data) from error
        except NodeResponseTooLongError as error:
            raise NodeAnswerTooLongError(f"{method}: {error}") from error
        except NodeFailedError as error:
            raise ChainUnreachableError(f"{method}: {error}") from error


class WrongChainError(NodeRefusesError):
    """The node is of another chain than the ledger's."""


class EthereumChain:
    """The ledger's contract on a chain, and the account that pays for transactions.

    `confirmations` is the depth at which a block is final if the node has no `finalized` tag.
    A node that does not answer now is checked once it does.

    Raises:
        WrongChainError: a node is of another chain than the ledger's.
    """

    def __init__(
        self,
        node: JsonRpc,
        ledger: LedgerPin,
        signer: Signer,
        *,
        confirmations: int = CONFIRMATIONS,
    ) -> None:
        self._node, self._ledger, self._confirmations = (
            _of_chain(node, ledger),
            ledger,
            confirmations,
        )
        self._signer, self._sender = signer, "0x" + signer.address.hex()
        self._address = "0x" + ledger.address.hex()

    @property
    def identity(self) -> bytes:
        """The ledger's identity."""
        return self._ledger.identity

    # Transactions ----------------------------------------------------------------------------

    def next_nonce(self) -> int:
        """Return the sender's next nonce, counting transactions in the node's pool."""
        return _number(self._node.call("eth_getTransactionCount", self._sender, "pending"))

    def mined_nonce(self) -> int:
        """Return the sender's next nonce, counting only included transactions."""
        return _number(self._node.call("eth_getTransactionCount", self._sender, "latest"))

    def sign(self, data: bytes, *, nonce: int) -> SignedTransaction:
        """Sign a call of the contract, without sending it.

        Raises:
            CallRevertedError: the contract would refuse it now, or it is too large.
        """
        if len(data) > MAX_CALLDATA_BYTES:
            raise CallRevertedError(f"BytesOver{MAX_CALLDATA_BYTES}")
        gas = self._estimate(data)
        if gas > MAX_TRANSACTION_GAS:
            raise CallRevertedError(f"GasOver{MAX_TRANSACTION_GAS}")
        payment = Payment(
            chain_id=self._ledger.chain_id,
            nonce=nonce,
            gas=min(int(gas * _MARGIN), MAX_TRANSACTION_GAS),
            to=self._ledger.address,
            data=data,
        )
        return sign_transaction(self._node, self._signer, payment)

    def resign(self, raw: bytes) -> SignedTransaction:
        """Sign the same call with the same nonce and gas, for a higher fee.

        It is not simulated: even a call that reverts frees the nonces behind it.
        """
        parts: list[bytes] = rlp.decode(raw[1:])
        nonce, tip, fee, gas = (
            int.from_bytes(parts[place], "big") for place in (_NONCE, _TIP, _FEE, _GAS)
        )
        payment = Payment(
            chain_id=self._ledger.chain_id, nonce=nonce, gas=gas, to=parts[_TO], data=parts[_DATA]
        )
        return sign_transaction(self._node, self._signer, payment, above=(tip, fee))

    def _estimate(self, data: bytes) -> int:
        call = {"from": self._sender, "to": self._address, "data": "0x" + data.hex()}
        try:
            return _number(self._node.call("eth_estimateGas", call))
        except NodeRefusesError as error:
            raise CallRevertedError(_revert_name(error)) from error

    def broadcast(self, raw: bytes) -> None:
        """Send a transaction to the network; safe to repeat.

        Raises:
            ChainUnreachableError: the node does not answer.
            NodeRefusesError: it refuses the transaction, and does not have it.
        """
        try:
            self._node.call("eth_sendRawTransaction", "0x" + raw.hex())
        except NodeRefusesError:
            # Each client has its own words for "already known", so the node is asked for it.
            if self._node.call("eth_getTransactionByHash", "0x" + keccak(raw).hex()) is None:
                raise

    def find(self, tx: bytes) -> Inclusion | None:
        """Return the block of a transaction on the canonical chain, None while it has none."""
        receipt = self._node.call("eth_getTransactionReceipt", "0x" + tx.hex())
        if receipt is None or (isinstance(receipt, dict) and receipt.get("blockNumber") is None):
            return None
        number, current, status = _shaped(
            lambda: (
                _number(receipt["blockNumber"]),
                _bytes(receipt["blockHash"]),
                _number(receipt["status"]),
            )
        )
        block = self.block(number)
        if block is None or block.hash != current:
            return None  # Its block was reorganised away.
        return Inclusion(block=block, succeeded=status == 1)

    def gas_used(self, tx: bytes) -> int | None:
        """Return the gas that an included transaction used, None while it is not included."""
        receipt = self._node.call("eth_getTransactionReceipt", "0x" + tx.hex())
        return None if receipt is None else _shaped(lambda: _number(receipt["gasUsed"]))

    # Blocks, events, proofs ------------------------------------------------------------------

    def head(self) -> Block:
        """Return the newest block."""
        return self._must(self._block("latest"))

    def finalized(self) -> Block:
        """Return the newest final block."""
        try:
            found = self._block("finalized")
        except NodeRefusesError:
            found = None
        if found is not None:
            return found
        return self._must(self.block(max(self.head().number - self._confirmations, 0)))

    def block(self, number: int) -> Block | None:
        """Return a block, None beyond the head."""
        return self._block(hex(number))

    def header(self, number: int) -> bytes:
        """Return the RLP of a block's header; its Keccak-256 is the block's hash.

        Raises:
            HeaderUnknownError: the node gives no such header.
        """
        return header_of(self._node.call("eth_getBlockByNumber", hex(number), False) or {})

    def _block(self, which: str) -> Block | None:
        found = self._node.call("eth_getBlockByNumber", which, False)
        return None if found is None else block_of(found)

    def _must(self, block: Block | None) -> Block:
        if block is None:
            raise ChainUnreachableError("the node has no such block")
        return block

    def logs(self, first: int, last: int) -> Sequence[ContractLog]:
        """Return the contract's events in order, complete.

        Raises:
            LogsIncompleteError: no node proves that it shows all of them; ask again.
        """
        return complete_logs(self._node, self._ledger.address, first, last)

    def reported_logs(self, first: int, last: int) -> Sequence[ContractLog]:
        """Return the events that `eth_getLogs` reports, in order and perhaps incomplete.

        Fast over long ranges, for callers that notice a missing event otherwise.  A range that is
        too large for the node is halved.
        """
        asked = {"address": self._address, "fromBlock": hex(first), "toBlock": hex(last)}
        try:
            found = self._node.call("eth_getLogs", asked)
        except (NodeRefusesError, NodeAnswerTooLongError):
            if first == last:
                raise
            middle = (first + last) // 2
            return [*self.reported_logs(first, middle), *self.reported_logs(middle + 1, last)]
        logs = _shaped(lambda: [_log(one) for one in found])
        return sorted(logs, key=lambda log: (log.block, log.position))

    def prove(self, slots: Sequence[int], block: int) -> StateProof:
        """Return the proof of the contract's account and of `slots` at a block."""
        keys = ["0x" + slot.to_bytes(32, "big").hex() for slot in slots]
        found = self._node.call("eth_getProof", self._address, keys, hex(block))
        if not isinstance(found, dict) or len(found.get("storageProof") or ()) != len(slots):
            raise ChainUnreachableError(f"the node has no proof of block {block}")
        return _shaped(
            lambda: StateProof(
                account=tuple(map(_bytes, found["accountProof"])),
                slots={
                    slot: tuple(map(_bytes, proof["proof"]))
                    for slot, proof in zip(slots, found["storageProof"], strict=True)
                },
            )
        )


def _of_chain(node: JsonRpc, ledger: LedgerPin) -> JsonRpc:
    """Return the nodes behind `node` with failover; each must be of the ledger's chain."""
    from certledger.ledger.chain.failover import ChainNode, Nodes

    members = [ChainNode(one, ledger.chain_id, ledger.genesis) for one in node.members]
    for member in members:
        try:
            member.check()
        except WrongChainError:
            raise
        except ChainUnreachableError:
            continue
    return Nodes(members)


def check_chain(node: JsonRpc, chain_id: int, genesis: bytes) -> None:
    """Check chain id and genesis of a node; private chains often share an id.

    Raises:
        WrongChainError: it is of another chain.
    """
    current = _number(node.call("eth_chainId"))
    if current != chain_id:
        raise WrongChainError("eth_chainId", 0, f"the node is of chain {current}, not {chain_id}")
    first = block_of(node.call("eth_getBlockByNumber", "0x0", False)).hash
    if first != genesis:
        raise WrongChainError(
            "eth_getBlockByNumber", 0, f"the chain begins with {first.hex()}, not {genesis.hex()}"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Payment:
    """Content of a transaction; `to` is empty if it creates a contract."""

    chain_id: int
    nonce: int
    gas: int
    to: bytes
    data: bytes


def sign_transaction(
    node: JsonRpc, signer: Signer, payment: Payment, *, above: tuple[int, int] = (0, 0)
) -> SignedTransaction:
    """Sign an EIP-1559 transaction with the fee that the node suggests.

    `above` is the tip and the fee cap (wei a gas) of a transaction that this one replaces.
    """
    latest = node.call("eth_getBlockByNumber", "latest", False)
    base = _number(_shaped(lambda: latest.get("baseFeePerGas", "0x0")))
    tip = max(_number(node.call("eth_maxPriorityFeePerGas")), 1)
    old_tip, old_fee = (int(old * _RAISE) + 1 if old else 0 for old in above)
    tip = max(tip, old_tip)
    parts: list[Any] = [
        payment.chain_id,
        payment.nonce,
        tip,
        max(2 * base + tip, old_fee),
        payment.gas,
        payment.to,
        0,
        payment.data,
        [],
    ]
    signature = signer.sign(keccak(_TYPE + rlp.encode(parts)))
    r, s = (int.from_bytes(signature[at : at + 32], "big") for at in (0, 32))
    raw = _TYPE + bytes(rlp.encode([*parts, signature[64] - 27, r, s]))
    return SignedTransaction(raw=raw, hash=keccak(raw), nonce=payment.nonce, sender=signer.address)


def block_of(found: Any) -> Block:
    """Return a block from its JSON-RPC form.

    Raises:
        ChainUnreachableError: it has another shape.
    """
    return _shaped(
        lambda: Block(
            number=_number(found["number"]),
            hash=_bytes(found["hash"]),
            parent=_bytes(found["parentHash"]),
            time=_number(found["timestamp"]),
            state_root=_bytes(found["stateRoot"]),
        )
    )


def _log(found: Any) -> ContractLog:
    return ContractLog(
        block=_number(found["blockNumber"]),
        block_hash=_bytes(found["blockHash"]),
        tx=_bytes(found["transactionHash"]),
        position=_number(found["logIndex"]),
        topics=tuple(map(_bytes, found["topics"])),
        data=_bytes(found["data"]),
    )


def _revert_name(error: NodeRefusesError) -> str:
    """Return the name of the contract's error, or the node's message."""
    data = error.data.get("data") if isinstance(error.data, dict) else error.data
    if isinstance(data, str) and data.startswith("0x"):
        name = load_artifact().error_name(_bytes(data))
        if name is not None:
            return name
    return error.message[:200]


def _shaped(read: Callable[[], _Read]) -> _Read:
    """Return what `read` returns; raise ChainUnreachableError if the answer lacks its shape."""
    try:
        return read()
    except (KeyError, TypeError, AttributeError) as error:
        raise ChainUnreachableError("an answer of the node has another shape") from error


def _number(value: Any) -> int:
    try:
        return int(value, 16)
    except (TypeError, ValueError) as error:
        raise ChainUnreachableError(f"the node answers {str(value)[:40]!r} for a number") from error


def _bytes(value: Any) -> bytes:
    try:
        if value[:2] == "0x":
            return bytes.fromhex(value[2:])
    except (TypeError, ValueError):
        pass
    raise ChainUnreachableError(f"the node answers {str(value)[:40]!r} for bytes")
