"""The miner: transactions wait in a queue, and one thread mines all of them into a block.

An idle chain mines a transaction at once; transactions that arrive while a block is being mined
share the next one.  Block times must increase by a second, so many blocks a second run ahead of
the clock: beyond `max_lead` seconds the miner makes one block a second, and blocks fill instead.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

import structlog
from eth.abc import SignedTransactionAPI
from eth.exceptions import PyEVMError
from eth.vm.forks.paris import ParisVM
from eth_utils.exceptions import ValidationError

from certledger.ledger.devchain.chain import DurableChain, MinedBlock
from certledger.ledger.devchain.errors import TransactionRejectedError
from certledger.ledger.devchain.rlp_depth import TRANSACTION_DEPTH, check_nesting
from certledger.ledger.devchain.view import View

log = structlog.get_logger(__name__)
PAUSED_SECONDS = 1.0
"""Seconds after which a paused miner checks again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A queued transaction; `done` gets its hash once the block is durable."""

    transaction: SignedTransactionAPI
    done: "Future[bytes]" = field(default_factory=Future)


class Miner:
    """The only writer of a chain."""

    def __init__(
        self,
        chain: DurableChain,
        *,
        clock: Callable[[], float],
        heartbeat: float | None,
        max_lead: float,
        paused: Callable[[], bool] = lambda: False,
    ) -> None:
        head = chain.get_canonical_head()
        self._chain, self._clock = chain, clock
        self._heartbeat, self._max_lead, self._paused = heartbeat, max_lead, paused
        self._head_time, self._gas_limit = head.timestamp, head.gas_limit
        self._changed = threading.Condition()
        self._queue: list[Waiting] = []
        self._mining: list[Waiting] = []
        self._closing = False
        self._rest_until = 0.0
        self._thread = threading.Thread(target=self._run, name="miner", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, raw: bytes, view: View) -> "Future[bytes]":
        """Queue the signed transaction `raw`; the future is done when its block is on disk.

        Raises:
            TransactionRejectedError: it can never be mined, or not now.
        """
        transaction = parse_transaction(raw)
        self._check_alone(transaction, view)
        with self._changed:
            if self._closing:
                raise TransactionRejectedError("the node is closing")
            self._check_in_turn(transaction, view)
            waiting = Waiting(transaction=transaction)
            self._queue.append(waiting)
            self._changed.notify_all()
        return waiting.done

    def next_nonce(self, address: bytes, view: View) -> int:
        """Return the nonce after all mined and queued transactions of `address`."""
        with self._changed:
            return self._next_nonce(address, view)

    def find(self, tx_hash: bytes) -> SignedTransactionAPI | None:
        """Return a transaction while it is queued."""
        with self._changed:
            for waiting in (*self._mining, *self._queue):
                if waiting.transaction.hash == tx_hash:
                    return waiting.transaction
        return None

    def close(self) -> None:
        """Finish the current block and reject the rest of the queue."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()

    def _check_alone(self, transaction: SignedTransactionAPI, view: View) -> None:
        """Reject what is invalid in any state.  py-evm does not check the chain id."""
        chain_id = view.chain.chain_id
        if transaction.chain_id is None:
            raise TransactionRejectedError(
                "only replay-protected (EIP-155) transactions are allowed"
            )
        if transaction.chain_id != chain_id:
            raise TransactionRejectedError(
                f"invalid chain id: the transaction is for {transaction.chain_id}, "
                f"this chain is {chain_id}"
            )
        if transaction.gas > self._gas_limit:
            raise TransactionRejectedError("exceeds block gas limit")
        if transaction.max_priority_fee_per_gas > transaction.max_fee_per_gas:
            raise TransactionRejectedError("max priority fee per gas higher than max fee per gas")
        try:
            if transaction.gas < transaction.intrinsic_gas:
                raise TransactionRejectedError(
                    f"intrinsic gas too low: gas {transaction.gas}, "
                    f"minimum needed {transaction.intrinsic_gas}"
                )
            transaction.validate()
        except (ValidationError, PyEVMError) as error:
            raise TransactionRejectedError(f"invalid transaction: {error}") from error

    def _check_in_turn(self, transaction: SignedTransactionAPI, view: View) -> None:
        waits = any(
            waiting.transaction.hash == transaction.hash
            for waiting in (*self._mining, *self._queue)
        )
        if waits or view.place_of(transaction.hash) is not None:
            raise TransactionRejectedError("already known")
        expected = self._next_nonce(transaction.sender, view)
        if transaction.nonce != expected:
            word = "low" if transaction.nonce < expected else "high"
            raise TransactionRejectedError(
                f"nonce too {word}: next nonce {expected}, tx nonce {transaction.nonce}"
            )
        head = view.head()
        balance = view.state(head).get_balance(transaction.sender)
        cost = transaction.value + transaction.gas * transaction.max_fee_per_gas
        if balance < cost:
            raise TransactionRejectedError(
                "insufficient funds for gas * price + value: "
                f"address 0x{transaction.sender.hex()} have {balance} want {cost}"
            )
        base_fee = view.chain.next_header(head, head.timestamp).base_fee_per_gas or 0
        if transaction.max_fee_per_gas < base_fee:
            raise TransactionRejectedError(
                "max fee per gas less than block base fee: "
                f"maxFeePerGas {transaction.max_fee_per_gas}, baseFee {base_fee}"
            )

    def _next_nonce(self, address: bytes, view: View) -> int:
        waiting = [
            one.transaction.nonce
            for one in (*self._mining, *self._queue)
            if one.transaction.sender == address
        ]
        # A block is on disk before its transactions leave these lists, so none is missed.
        return max(waiting) + 1 if waiting else view.nonce(address)

    def _run(self) -> None:
        while self._take():
            failure: BaseException | None = None
            mined: MinedBlock | None = None
            try:
                mined = self._chain.mine(
                    [one.transaction for one in self._mining], int(self._clock())
                )
            except Exception as error:
                log.exception("block_not_mined", transactions=len(self._mining))
                failure = error
            self._answer(mined, failure)
        with self._changed:
            for waiting in self._queue:
                waiting.done.set_exception(TransactionRejectedError("the node is closing"))

    def _take(self) -> bool:
        """Wait until a block is due, and move its transactions to `_mining`; False at the end."""
        with self._changed:
            while not self._closing:
                delay = self._delay()
                if delay is not None and delay <= 0:
                    self._fill()
                    return True
                self._changed.wait(delay)
            return False

    def _delay(self) -> float | None:
        """Return the seconds until the next block is due, None if none is due."""
        if self._paused():
            return PAUSED_SECONDS
        ahead = self._head_time - self._clock()
        rest = self._rest_until - time.monotonic()
        if self._queue:
            # At most the rest: otherwise a clock that was set back would stop the chain.
            return min(ahead + 1 - self._max_lead, rest)
        return None if self._heartbeat is None else max(ahead + self._heartbeat, rest)

    def _fill(self) -> None:
        gas = 0
        while self._queue and gas + self._queue[0].transaction.gas <= self._gas_limit:
            waiting = self._queue.pop(0)
            gas += waiting.transaction.gas
            self._mining.append(waiting)

    def _answer(self, mined: MinedBlock | None, failure: BaseException | None) -> None:
        with self._changed:
            answered, self._mining = self._mining, []
            self._rest_until = time.monotonic() + 1
            if mined is not None and mined.header is not None:
                self._head_time = mined.header.timestamp
        for waiting in answered:
            tx_hash = waiting.transaction.hash
            if mined is None:
                error = TransactionRejectedError(f"the block could not be mined: {failure}")
                waiting.done.set_exception(error)
            elif tx_hash in mined.refused:
                waiting.done.set_exception(TransactionRejectedError(mined.refused[tx_hash]))
            else:
                waiting.done.set_result(tx_hash)


def parse_transaction(raw: bytes) -> SignedTransactionAPI:
    """Decode a signed transaction and recover its sender.

    Raises:
        TransactionRejectedError: the bytes are no transaction of this fork, or the signature is
            invalid.
    """
    try:
        # A typed transaction has one byte before the list (EIP-2718).
        check_nesting(raw if raw[:1] >= b"\xc0" else raw[1:], TRANSACTION_DEPTH)
        transaction = ParisVM.get_transaction_builder().decode(raw)
        _ = transaction.sender
    except Exception as error:  # rlp, eth-keys and py-evm raise many kinds on hostile bytes
        raise TransactionRejectedError(f"invalid transaction: {type(error).__name__}") from error
    return transaction
