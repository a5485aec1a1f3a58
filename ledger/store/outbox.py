"""Store queries of the outbox: waiting acts, pending transactions and leases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import exists, func, select, text, update

from certledger.ledger.core.acts import ACTS as ACTS_OF
from certledger.ledger.core.acts import ActState
from certledger.ledger.core.errors import LeaseLostError
from certledger.ledger.core.values import SubmittedAct, Transaction, TxState
from certledger.ledger.store import rows
from certledger.ledger.store.base import Base
from certledger.ledger.store.tables import ACTS, CARRIAGES, LEASES, TRANSACTIONS

RENEWED_FROM = 2 / 3
"""Share of a lease that is left when it is renewed."""
_UNDER_WAY = [str(state) for state in (TxState.SIGNED, TxState.BROADCAST)]
_ON_THE_ROAD = [*_UNDER_WAY, str(TxState.INCLUDED)]


class RoadPart(Base):
    """Waiting acts, transactions and leases."""

    def waiting(self, limit: int, per_lane: int = 100) -> Sequence[SubmittedAct]:
        """Return accepted acts that no signed or broadcast transaction contains, oldest first.

        At most the next `per_lane` of each lane, so that no issuer fills the list, and none that is
        set aside.  An act in an included transaction was skipped by the contract there, or the
        mirror has not followed its block yet.
        """
        carried = (
            exists()
            .where(CARRIAGES.c.act == ACTS.c.number, CARRIAGES.c.tx == TRANSACTIONS.c.hash)
            .where(TRANSACTIONS.c.state.in_(_UNDER_WAY))
        )
        place = func.row_number().over(
            partition_by=(ACTS.c.subject, ACTS.c.lane), order_by=ACTS.c.counter
        )
        ranked = (
            select(*ACTS.c, place.label("place"))
            .where(ACTS.c.state == str(ActState.ACCEPTED), ACTS.c.reason.is_(None), ~carried)
            .subquery()
        )
        query = select(ranked).where(ranked.c.place <= per_lane)
        return self.find_all(query.order_by(ranked.c.number).limit(limit), rows.act_of)

    def has_work(self) -> bool:
        """Return whether any act waits that is not set aside, or any transaction is not final."""
        acts = select(ACTS.c.number).where(
            ACTS.c.state == str(ActState.ACCEPTED), ACTS.c.reason.is_(None)
        )
        sent = select(TRANSACTIONS.c.hash).where(TRANSACTIONS.c.state.in_(_ON_THE_ROAD))
        return self.exists(acts) or self.exists(sent)

    def set_aside(self, act: SubmittedAct, reason: str) -> None:
        """Set aside an act, and those behind it in its lane, until its subject changes."""
        self._from(act, {"reason": reason})

    def reject(self, act: SubmittedAct, reason: str, block: int) -> None:
        """Reject an act, and those behind it, that can never be included, as known at `block`."""
        self._from(act, {"state": str(ActState.REJECTED), "reason": reason, "block": block})

    def _from(self, act: SubmittedAct, values: Mapping[str, Any]) -> None:
        """Update a waiting act and those behind it in its lane."""
        behind = [
            ACTS.c.subject == act.subject,
            ACTS.c.lane == str(ACTS_OF[act.kind].lane),
            ACTS.c.counter >= act.counter,
            ACTS.c.state == str(ActState.ACCEPTED),
        ]
        self.connection.execute(update(ACTS).where(*behind).values(**values))

    def reconsider(self, subject: str | None = None) -> None:
        """Undo `set_aside`, for one subject or for all."""
        asked = [ACTS.c.state == str(ActState.ACCEPTED), ACTS.c.reason.is_not(None)]
        if subject is not None:
            asked.append(ACTS.c.subject == subject)
        self.connection.execute(update(ACTS).where(*asked).values(reason=None))

    def pending_transactions(self) -> Sequence[Transaction]:
        """Return transactions that are signed, broadcast or included, ascending by nonce."""
        query = (
            select(TRANSACTIONS)
            .where(TRANSACTIONS.c.state.in_(_ON_THE_ROAD))
            .order_by(TRANSACTIONS.c.nonce, TRANSACTIONS.c.signed)
        )
        return self.find_all(query, rows.transaction_of)

    def transaction(self, tx: bytes) -> Transaction | None:
        """Return the transaction with this hash."""
        query = select(TRANSACTIONS).where(TRANSACTIONS.c.hash == tx)
        return self.find_one(query, rows.transaction_of)

    def acts_of(self, tx: bytes) -> Sequence[SubmittedAct]:
        """Return the acts in a transaction."""
        query = (
            select(ACTS)
            .join(CARRIAGES, CARRIAGES.c.act == ACTS.c.number)
            .where(CARRIAGES.c.tx == tx)
            .order_by(ACTS.c.number)
        )
        return self.find_all(query, rows.act_of)

    def add_transaction(self, transaction: Transaction, acts: Iterable[int]) -> None:
        """Store a signed transaction and the numbers of its acts, before it is sent."""
        self.insert_new(TRANSACTIONS, rows.transaction_values(transaction))
        for act in acts:
            self.insert_new(CARRIAGES, {"tx": transaction.hash, "act": act})

    def set_transaction(self, tx: bytes, state: TxState, block: int | None = None) -> None:
        """Set the state of a transaction."""
        self.connection.execute(
            update(TRANSACTIONS)
            .where(TRANSACTIONS.c.hash == tx)
            .values(state=str(state), block=block)
        )

    # Leases ---------------------------------------------------------------------------------

    def acquire(self, name: str, holder: str, *, seconds: int) -> int | None:
        """Acquire or renew a lease; return its fencing token, None while another holder has it.

        A renewal returns the same token, a take-over a greater one.  It is written once a third of
        the lease has passed, so that a worker without work writes seldom.  Time is the database's,
        so that machines with different clocks agree on when a lease ends.
        """
        query = select(LEASES).where(LEASES.c.name == name).with_for_update()
        row = self.connection.execute(query).one_or_none()
        if row is None:
            self.insert_new(LEASES, {"name": name, "holder": "", "token": 0, "until": 0})
            row = self.connection.execute(query).one()
        now = self._now()  # Read after the wait for the row lock, which may be long.
        if row.holder not in ("", holder) and row.until > now:
            return None
        if row.holder == holder and row.until - now > seconds * RENEWED_FROM:
            return int(row.token)
        token: int = row.token if row.holder == holder else row.token + 1
        self.connection.execute(
            update(LEASES)
            .where(LEASES.c.name == name)
            .values(holder=holder, token=token, until=now + seconds)
        )
        return token

    def _now(self) -> int:
        """Return the database's time in seconds since 1970: hosts' clocks may differ."""
        query = (
            "EXTRACT(EPOCH FROM clock_timestamp())" if self._postgresql else "strftime('%s', 'now')"
        )
        return int(self.connection.execute(text(f"SELECT {query}")).scalar_one())

    def release(self, name: str, holder: str) -> None:
        """Release a lease before it ends."""
        self.connection.execute(
            update(LEASES)
            .where(LEASES.c.name == name, LEASES.c.holder == holder)
            .values(holder="", until=0)
        )

    def fence(self, name: str, token: int) -> None:
        """Raise LeaseLostError unless `token` is the newest; lock the lease until the unit ends."""
        current = self.connection.execute(
            select(LEASES.c.token).where(LEASES.c.name == name).with_for_update(read=True)
        ).scalar_one_or_none()
        if current != token:
            raise LeaseLostError(name)
