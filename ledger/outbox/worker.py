"""The outbox worker: sends accepted acts to the chain, each included once, across crashes.

States: accepted → signed → broadcast → included → final.  The bytes of a transaction are stored
before they are sent, so recovery needs no code of its own: `advance` runs again.  Only the
follower marks acts as included, from the chain's events.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, groupby

import structlog

from certledger.ledger.chain.client import EthereumChain
from certledger.ledger.core.acts import ActState
from certledger.ledger.core.errors import (
    CallRevertedError,
    ChainRefusesError,
    ChainUnreachableError,
)
from certledger.ledger.core.values import (
    Inclusion,
    SignedTransaction,
    SubmittedAct,
    Transaction,
    TxState,
)
from certledger.ledger.outbox.obstacles import obstacles, place_of
from certledger.ledger.outbox.planner import MAX_CALL_BATCHES as MAX_BATCHES
from certledger.ledger.outbox.planner import ContractCall, plan, touched
from certledger.ledger.store.unit_of_work import Store, Unit

log = structlog.get_logger(__name__)
LEASE = "anchoring"
MAX_ACTS = 2_000
"""Waiting acts read in one round."""
_TRANSIENT = frozenset({"StateStale", "CounterWrong", "StatementTooFar", "NothingAnchored"})
"""Contract errors that mean that the mirror, or the node's clock, is a block behind."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How long the worker waits, and how often it raises the fee.

    Attributes:
        lease_seconds: duration of the lease.
        replace_after_seconds: age at which a pending transaction is replaced at a higher fee.
        max_replacements: greatest number of transactions of one nonce, which bounds the fee.
        reconsider_seconds: interval at which acts that were set aside are tried again.
    """

    lease_seconds: int = 30
    replace_after_seconds: int = 120
    max_replacements: int = 10
    reconsider_seconds: int = 600


@dataclass(kw_only=True)
class Anchorer:
    """One worker of any number: the one that has the lease (`leads`) sends, the others wait."""

    store: Store
    chain: EthereumChain
    holder: str
    clock: Callable[[], int]
    pace: Pace = Pace()
    leads: bool = False
    changes: int = 0
    """Changes of acts and transactions that this worker has stored."""
    _reconsidered: int = 0

    def advance(self) -> bool:
        """Run one round; return whether this worker has the lease.

        Raises:
            ChainUnreachableError: the node does not answer; call again.
            LeaseLostError: another worker has taken over.
        """
        with self.store.begin() as unit:
            token = self._acquire(unit)
            is_idle = token is not None and not unit.has_work()
        self.leads = token is not None
        if token is None:
            return False
        if is_idle:
            self._reconsider(token)
            return True
        failure: ChainUnreachableError | None = None
        try:
            self._update_pending(token)
        except ChainUnreachableError as error:
            failure = error  # Sending needs other answers of the node, so it goes on.
        self._send_waiting(token)
        if failure is not None:
            raise failure
        return True

    def release(self) -> None:
        """Give up the lease, so that another worker need not wait until it ends."""
        with self.store.begin() as unit:
            unit.release(LEASE, self.holder)

    def _acquire(self, unit: Unit) -> int | None:
        return unit.acquire(LEASE, self.holder, seconds=self.pace.lease_seconds)

    @contextmanager
    def _fenced(self, token: int) -> Iterator[Unit]:
        """Begin a transaction that fails if the lease was lost, and renew the lease in it."""
        with self.store.begin() as unit:
            unit.fence(LEASE, token)
            self._acquire(unit)
            yield unit
        self.changes += 1

    # Transactions that are not final yet ---------------------------------------------------------

    def _update_pending(self, token: int) -> None:
        with self.store.begin(write=False) as unit:
            pending = unit.pending_transactions()
        if not pending:
            return
        # Read before `find`: a transaction mined in between is found, not taken for replaced.
        mined = self.chain.mined_nonce()
        for nonce, replacements in groupby(pending, key=lambda one: one.nonce):
            self._update_nonce(token, list(replacements), passed=nonce < mined)

    def _update_nonce(
        self, token: int, replacements: Sequence[Transaction], *, passed: bool
    ) -> None:
        """Update the transactions of one nonce; the chain includes at most one of them."""
        for transaction in replacements:
            found = self.chain.find(transaction.hash)
            if found is not None:
                self._mark_included(token, transaction, found, replacements)
                return
        if not passed:
            self._broadcast_newest(token, replacements)
            return
        for transaction in replacements:
            self._set_state(token, transaction, TxState.REPLACED)

    def _mark_included(
        self,
        token: int,
        transaction: Transaction,
        found: Inclusion,
        replacements: Sequence[Transaction],
    ) -> None:
        state = TxState.INCLUDED if found.succeeded else TxState.REVERTED
        if (transaction.state, transaction.block) != (state, found.block.number):
            self._set_state(token, transaction, state, found.block.number)
        for other in replacements:
            if other.hash != transaction.hash:
                self._set_state(token, other, TxState.REPLACED)

    def _broadcast_newest(self, token: int, replacements: Sequence[Transaction]) -> None:
        """Broadcast the newest transaction of a nonce; replace it after `replace_after_seconds`."""
        newest = replacements[-1]
        taken = self._broadcast(newest.raw)
        if taken and newest.state is not TxState.BROADCAST:
            self._set_state(token, newest, TxState.BROADCAST)
        elif (
            self.clock() - newest.signed > self.pace.replace_after_seconds
            and len(replacements) < self.pace.max_replacements
        ):
            with self.store.begin(write=False) as unit:
                acts = [act.number for act in unit.acts_of(newest.hash)]
            self._send(token, self.chain.resign(newest.raw), acts)

    def _set_state(
        self, token: int, transaction: Transaction, state: TxState, block: int | None = None
    ) -> None:
        with self._fenced(token) as unit:
            unit.set_transaction(transaction.hash, state, block)

    # Acts that wait ----------------------------------------------------------------------------

    def _send_waiting(self, token: int) -> None:
        """Plan calls for waiting acts and send them.

        If the contract would refuse a call, the round is planned again without its acts.
        """
        self._reconsider(token)
        refused: set[int] = set()
        while calls := self._plan(token, refused):
            for call in calls:
                try:
                    signed = self.chain.sign(call.data, nonce=self._free_nonce())
                except CallRevertedError as error:
                    log.info("call_refused", acts=list(call.acts), error=error.error)
                    refused.update(call.acts)
                    self._set_aside(token, call, error.error)
                else:
                    self._send(token, signed, call.acts)

    def _reconsider(self, token: int) -> None:
        now = self.clock()
        if now - self._reconsidered >= self.pace.reconsider_seconds:
            with self._fenced(token) as unit:
                unit.reconsider()
            self._reconsidered = now

    def _set_aside(self, token: int, call: ContractCall, error: str) -> None:
        """Set aside acts that the contract refuses; a later round tries them again."""
        if error in _TRANSIENT:
            return
        with self._fenced(token) as unit:
            for act in unit.waiting(MAX_ACTS, MAX_BATCHES):
                if act.number in call.acts:
                    unit.set_aside(act, f"contract.{error}"[:64])

    def _plan(self, token: int, refused: Collection[int]) -> list[ContractCall]:
        """Return calls for subjects that no pending transaction is about to change."""
        with self.store.begin(write=False) as unit:
            waiting = [act for act in self._movable(unit) if act.number not in refused]
            met = obstacles(unit, waiting, self.chain.identity)
            blocked = {one.place for one in met}
            free = [act for act in waiting if place_of(act) not in blocked]
            calls = plan(unit, free, self.chain.identity)
        if met:
            self._clear_obstacles(token, refused)
        return calls

    def _movable(self, unit: Unit) -> list[SubmittedAct]:
        head = unit.head()
        seen = -1 if head is None else head.number
        moving: set[str] = set()
        for one in unit.pending_transactions():
            # The mirror shows what a block included only after following it.
            if one.block is None or one.block > seen:
                waiting = (a for a in unit.acts_of(one.hash) if a.state is ActState.ACCEPTED)
                moving.update(*map(touched, waiting))
        return [
            act for act in unit.waiting(MAX_ACTS, MAX_BATCHES) if moving.isdisjoint(touched(act))
        ]

    def _clear_obstacles(self, token: int, refused: Collection[int]) -> None:
        """Reject acts that can never be included, and set aside those that may be later."""
        with self._fenced(token) as unit:
            head = unit.head()
            block = 0 if head is None else head.number
            # Read again under the lease: the follower may have changed the issuer's state.
            waiting = [act for act in self._movable(unit) if act.number not in refused]
            for one in obstacles(unit, waiting, self.chain.identity):
                log.info(
                    "act_rejected" if one.final else "act_set_aside",
                    subject=one.act.subject,
                    kind=str(one.act.kind),
                    counter=one.act.counter,
                    reason=one.reason,
                )
                if one.final:
                    unit.reject(one.act, one.reason, block)
                else:
                    unit.set_aside(one.act, one.reason)

    def _free_nonce(self) -> int:
        """Return the lowest nonce that no pending transaction uses."""
        with self.store.begin(write=False) as unit:
            taken = {one.nonce for one in unit.pending_transactions()}
        return next(nonce for nonce in count(self.chain.next_nonce()) if nonce not in taken)

    def _send(self, token: int, signed: SignedTransaction, acts: Iterable[int]) -> None:
        """Store a transaction with its acts, then broadcast it."""
        transaction = Transaction(
            hash=signed.hash,
            raw=signed.raw,
            nonce=signed.nonce,
            sender=signed.sender,
            signed=self.clock(),
        )
        with self._fenced(token) as unit:
            # Crash before this commit: nothing was sent, and the acts are planned again.  Crash
            # after it: the next round finds the transaction, or broadcasts the same bytes again.
            unit.add_transaction(transaction, acts)
        if self._broadcast(signed.raw):
            self._set_state(token, transaction, TxState.BROADCAST)

    def _broadcast(self, raw: bytes) -> bool:
        """Send a transaction to the node; return whether the node accepted it."""
        try:
            self.chain.broadcast(raw)
        except ChainRefusesError as error:
            log.warning("transaction_refused", error=str(error))
            return False
        return True
