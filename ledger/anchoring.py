"""Anchoring: acts that were accepted go to the chain, once, whatever dies on the way.

The road is accepted → signed → broadcast → included → final.  The bytes of a transaction are
recorded before they are sent, so recovery has no code of its own: after a crash, `advance` simply
runs again.  That an act was included is told by the follower alone, from the chain's events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import structlog

from ledger.planning import Call, plan
from ledger.ports import (
    CallReverted,
    Chain,
    ChainUnreachable,
    Included,
    Signed,
    Store,
    Transaction,
    TxState,
    Unit,
)

log = structlog.get_logger(__name__)
LEASE = "anchoring"
MOST_ACTS = 2_000
"""Acts looked at in one round."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """Seconds of a lease, and after which a transaction that waits is offered for a higher fee."""

    lease: int = 30
    stuck: int = 120


@dataclass(kw_only=True)
class Anchorer:
    """One worker.  Any number may stand by; the one that holds the lease works."""

    store: Store
    chain: Chain
    holder: str
    clock: Callable[[], int]
    pace: Pace = Pace()

    def advance(self) -> bool:
        """Move everything one step closer to final; return whether this worker had its turn.

        Raises:
            ChainUnreachable: the node does not answer; call again.
            LeaseLost: another worker has taken over in the middle.
        """
        with self.store.begin() as unit:
            token = unit.acquire(LEASE, self.holder, now=self.clock(), seconds=self.pace.lease)
        if token is None:
            return False
        self._walk(token)
        self._set_out(token)
        return True

    def release(self) -> None:
        """Let another worker take over at once."""
        with self.store.begin() as unit:
            unit.release(LEASE, self.holder)

    # Transactions on the road ------------------------------------------------------------------

    def _walk(self, token: int) -> None:
        with self.store.begin(write=False) as unit:
            road = unit.on_the_road()
        for transaction in road:
            found = self.chain.find(transaction.hash)
            if found is not None:
                self._arrived(token, transaction, found, road)
            elif self._is_passed(transaction, road):
                self._mark(token, transaction, TxState.REPLACED)
            else:
                self._offer(token, transaction)

    def _arrived(
        self, token: int, transaction: Transaction, found: Included, road: Sequence[Transaction]
    ) -> None:
        state = TxState.INCLUDED if found.succeeded else TxState.REVERTED
        if (transaction.state, transaction.block) != (state, found.block.number):
            self._mark(token, transaction, state, found.block.number)
        for other in road:
            if other.nonce == transaction.nonce and other.hash != transaction.hash:
                self._mark(token, other, TxState.REPLACED)

    def _is_passed(self, transaction: Transaction, road: Sequence[Transaction]) -> bool:
        """Return whether the account has moved past this nonce by some other transaction."""
        return transaction.nonce < self.chain.mined_nonce() and not any(
            other.nonce == transaction.nonce and other.hash != transaction.hash for other in road
        )

    def _offer(self, token: int, transaction: Transaction) -> None:
        """Send the recorded bytes, again if need be; after a while, for a higher fee."""
        try:
            self.chain.broadcast(transaction.raw)
        except ChainUnreachable:
            if transaction.state is TxState.SIGNED:
                raise
        if transaction.state is not TxState.BROADCAST:
            self._mark(token, transaction, TxState.BROADCAST)
        elif self.clock() - transaction.signed > self.pace.stuck:
            self._replace(token, transaction)

    def _replace(self, token: int, transaction: Transaction) -> None:
        with self.store.begin(write=False) as unit:
            acts = [act.number for act in unit.acts_of(transaction.hash)]
        signed = self.chain.resign(transaction.raw)
        self._record(token, signed, acts)
        self.chain.broadcast(signed.raw)

    def _mark(
        self, token: int, transaction: Transaction, state: TxState, block: int | None = None
    ) -> None:
        with self.store.begin() as unit:
            unit.fence(LEASE, token)
            unit.set_transaction(transaction.hash, state, block)

    # Acts that wait ----------------------------------------------------------------------------

    def _set_out(self, token: int) -> None:
        """Plan calls for what waits, and send them, each recorded before."""
        with self.store.begin(write=False) as unit:
            if any(one.state is not TxState.INCLUDED for one in unit.on_the_road()):
                return  # What is planned now would build on states that are about to move.
            calls = self._plan(unit)
        nonce = self.chain.next_nonce() if calls else 0
        for call in calls:
            try:
                signed = self.chain.sign(call.data, nonce=nonce)
            except CallReverted as error:
                log.warning("call_refused", acts=list(call.acts), error=error.error)
                continue
            self._record(token, signed, call.acts)
            self.chain.broadcast(signed.raw)
            self._mark_sent(token, signed)
            nonce += 1

    def _plan(self, unit: Unit) -> list[Call]:
        behind = {
            act.subject
            for one in unit.on_the_road()
            for act in unit.acts_of(one.hash)
            if act.block is None
        }
        waiting = [act for act in unit.waiting(MOST_ACTS) if act.subject not in behind]
        return plan(unit, waiting)

    def _record(self, token: int, signed: Signed, acts: Iterable[int]) -> None:
        transaction = Transaction(
            hash=signed.hash,
            raw=signed.raw,
            nonce=signed.nonce,
            sender=signed.sender,
            signed=self.clock(),
        )
        with self.store.begin() as unit:
            unit.fence(LEASE, token)
            unit.add_transaction(transaction, acts)

    def _mark_sent(self, token: int, signed: Signed) -> None:
        with self.store.begin() as unit:
            unit.fence(LEASE, token)
            unit.set_transaction(signed.hash, TxState.BROADCAST)


def oldest_unanchored_seconds(store: Store, now: int) -> int:
    """Return how long the oldest act that is not final yet has waited, in seconds; 0 for none."""
    with store.begin(write=False) as unit:
        oldest = unit.backlog().oldest
    return 0 if oldest is None else max(now - oldest, 0)
