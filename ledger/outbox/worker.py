"""Anchoring: acts that were accepted go to the chain, once, whatever dies on the way.

The road is accepted → signed → broadcast → included → final.  The bytes of a transaction are
recorded before they are sent, so recovery has no code of its own: after a crash, `advance` simply
runs again.  That an act was included is told by the follower alone, from the chain's events.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, groupby

import structlog

from certledger.ledger.core.acts import ActState
from certledger.ledger.core.ports import (
    CallRevertedError,
    Chain,
    ChainRefusesError,
    ChainUnreachableError,
    Included,
    SignedTransaction,
    Store,
    SubmittedAct,
    Transaction,
    TxState,
    Unit,
)
from certledger.ledger.outbox.obstacles import obstacles, place_of
from certledger.ledger.outbox.planner import MAX_CALL_BATCHES as MAX_BATCHES
from certledger.ledger.outbox.planner import ContractCall, plan, touched

log = structlog.get_logger(__name__)
LEASE = "anchoring"
MAX_ACTS = 2_000
"""Acts looked at in one round."""
_TRANSIENT = frozenset({"StateStale", "CounterWrong", "StatementTooFar", "NothingAnchored"})
"""Refusals of the contract that mean that the mirror, or the node's clock, is a block behind."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How long, in seconds, a lease lasts, and a transaction waits before a dearer twin is offered.

    `twins` bounds how many of one nonce are offered, and so how high the fee can climb.  Every
    `reconsider` seconds what was set aside gets another chance, whatever it waited for.
    """

    lease: int = 30
    stuck: int = 120
    twins: int = 10
    reconsider: int = 600


@dataclass(kw_only=True)
class Anchorer:
    """One worker.  Any number may stand by; the one that holds the lease works, and `leads`."""

    store: Store
    chain: Chain
    holder: str
    clock: Callable[[], int]
    pace: Pace = Pace()
    leads: bool = False
    _reconsidered: int = 0

    def advance(self) -> bool:
        """Move everything one step closer to final; return whether this worker had its turn.

        Raises:
            ChainUnreachableError: the node does not answer; call again.
            LeaseLostError: another worker has taken over in the middle.
        """
        with self.store.begin() as unit:
            token = self._take(unit)
        self.leads = token is not None
        if token is None:
            return False
        failure: ChainUnreachableError | None = None
        try:
            self._walk(token)
        except ChainUnreachableError as error:
            failure = error  # What waits is sent all the same: that takes other answers.
        self._set_out(token)
        if failure is not None:
            raise failure
        return True

    def release(self) -> None:
        """Let another worker take over at once."""
        with self.store.begin() as unit:
            unit.release(LEASE, self.holder)

    def _take(self, unit: Unit) -> int | None:
        return unit.acquire(LEASE, self.holder, seconds=self.pace.lease)

    @contextmanager
    def _turn(self, token: int) -> Iterator[Unit]:
        """Write while the lease is held, and renew it by that."""
        with self.store.begin() as unit:
            unit.fence(LEASE, token)
            self._take(unit)
            yield unit

    # Transactions on the road ------------------------------------------------------------------

    def _walk(self, token: int) -> None:
        with self.store.begin(write=False) as unit:
            road = unit.pending_transactions()
        if not road:
            return
        mined = self.chain.mined_nonce()  # Before the search, so what is mined meanwhile is found.
        for nonce, twins in groupby(road, key=lambda one: one.nonce):
            self._look_after(token, list(twins), passed=nonce < mined)

    def _look_after(self, token: int, twins: Sequence[Transaction], *, passed: bool) -> None:
        """Move on the transactions of one nonce, of which one at most is ever included."""
        for transaction in twins:
            found = self.chain.find(transaction.hash)
            if found is not None:
                self._arrived(token, transaction, found, twins)
                return
        if not passed:
            self._offer(token, twins)
            return
        for transaction in twins:
            self._mark(token, transaction, TxState.REPLACED)

    def _arrived(
        self, token: int, transaction: Transaction, found: Included, twins: Sequence[Transaction]
    ) -> None:
        state = TxState.INCLUDED if found.succeeded else TxState.REVERTED
        if (transaction.state, transaction.block) != (state, found.block.number):
            self._mark(token, transaction, state, found.block.number)
        for other in twins:
            if other.hash != transaction.hash:
                self._mark(token, other, TxState.REPLACED)

    def _offer(self, token: int, twins: Sequence[Transaction]) -> None:
        """Send the newest twin's recorded bytes, again if need be; after a while a dearer one."""
        newest = twins[-1]
        taken = self._broadcast(newest.raw)
        if taken and newest.state is not TxState.BROADCAST:
            self._mark(token, newest, TxState.BROADCAST)
        elif self.clock() - newest.signed > self.pace.stuck and len(twins) < self.pace.twins:
            with self.store.begin(write=False) as unit:
                acts = [act.number for act in unit.acts_of(newest.hash)]
            self._send(token, self.chain.resign(newest.raw), acts)

    def _mark(
        self, token: int, transaction: Transaction, state: TxState, block: int | None = None
    ) -> None:
        with self._turn(token) as unit:
            unit.set_transaction(transaction.hash, state, block)

    # Acts that wait ----------------------------------------------------------------------------

    def _set_out(self, token: int) -> None:
        """Plan calls for what waits, and send them, each recorded before.

        Where the contract would refuse a call, the others of its subjects get their chance.
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
        if now - self._reconsidered >= self.pace.reconsider:
            with self._turn(token) as unit:
                unit.reconsider()
            self._reconsidered = now

    def _set_aside(self, token: int, call: ContractCall, error: str) -> None:
        """Let acts wait that the contract refuses, for as long as they may still come."""
        if error in _TRANSIENT:
            return
        with self._turn(token) as unit:
            for act in unit.waiting(MAX_ACTS, MAX_BATCHES):
                if act.number in call.acts:
                    unit.set_aside(act, f"contract.{error}"[:64])

    def _plan(self, token: int, refused: Collection[int]) -> list[ContractCall]:
        """Return calls for subjects that nothing on the road is about to move."""
        with self.store.begin(write=False) as unit:
            waiting = [act for act in self._movable(unit) if act.number not in refused]
            met = obstacles(unit, waiting, self.chain.identity)
            blocked = {one.place for one in met}
            free = [act for act in waiting if place_of(act) not in blocked]
            calls = plan(unit, free, self.chain.identity)
        if met:
            self._clear_way(token, refused)
        return calls

    def _movable(self, unit: Unit) -> list[SubmittedAct]:
        head = unit.head()
        seen = -1 if head is None else head.number
        moving: set[str] = set()
        for one in unit.pending_transactions():
            # What a block included is known once the mirror has followed it.
            if one.block is None or one.block > seen:
                waiting = (a for a in unit.acts_of(one.hash) if a.state is ActState.ACCEPTED)
                moving.update(*map(touched, waiting))
        return [
            act for act in unit.waiting(MAX_ACTS, MAX_BATCHES) if moving.isdisjoint(touched(act))
        ]

    def _clear_way(self, token: int, refused: Collection[int]) -> None:
        """Give up acts that cannot come any more, and set aside those that may come later."""
        with self._turn(token) as unit:
            head = unit.head()
            block = 0 if head is None else head.number
            # Looked at again: the follower may have moved the issuer since.
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
        """Return the next nonce that no transaction on the road has."""
        with self.store.begin(write=False) as unit:
            taken = {one.nonce for one in unit.pending_transactions()}
        return next(nonce for nonce in count(self.chain.next_nonce()) if nonce not in taken)

    def _send(self, token: int, signed: SignedTransaction, acts: Iterable[int]) -> None:
        """Record a transaction with the acts it carries, and then broadcast it."""
        transaction = Transaction(
            hash=signed.hash,
            raw=signed.raw,
            nonce=signed.nonce,
            sender=signed.sender,
            signed=self.clock(),
        )
        with self._turn(token) as unit:
            unit.add_transaction(transaction, acts)
        if self._broadcast(signed.raw):
            self._mark(token, transaction, TxState.BROADCAST)

    def _broadcast(self, raw: bytes) -> bool:
        """Offer a transaction; return whether the node took it."""
        try:
            self.chain.broadcast(raw)
        except ChainRefusesError as error:
            log.warning("transaction_refused", error=str(error))
            return False
        return True


def oldest_unanchored_seconds(store: Store, now: int) -> int:
    """Return how long the oldest act that no block has yet has waited, in seconds; 0 for none."""
    with store.begin(write=False) as unit:
        oldest = unit.backlog().oldest
    return 0 if oldest is None else max(now - oldest, 0)
