"""Acts that wait for signatures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sqlalchemy import delete, select

from certledger.ledger.core.values import StoredProposal
from certledger.ledger.store.base import Base, value_of, values_of
from certledger.ledger.store.tables import PROPOSALS


class ProposalsPart(Base):
    """Queries of acts that wait for signatures."""

    def proposals(self, *, now: int, limit: int) -> Sequence[StoredProposal]:
        """Return the acts that may still be included at `now` (seconds), oldest first."""
        query = select(PROPOSALS).where(PROPOSALS.c.not_after >= now)
        query = query.order_by(PROPOSALS.c.created, PROPOSALS.c.digest).limit(limit)
        return self.find_all(query, partial(value_of, StoredProposal))

    def proposal(self, digest: bytes) -> StoredProposal | None:
        """Return the act with this digest."""
        query = select(PROPOSALS).where(PROPOSALS.c.digest == digest)
        return self.find_one(query, partial(value_of, StoredProposal))

    def put_proposal(self, proposal: StoredProposal) -> None:
        """Store an act that waits, replacing what is stored under its digest."""
        self.put(PROPOSALS, [values_of(PROPOSALS, proposal)])

    def drop_proposals(self, digest: bytes, *, before: int) -> None:
        """Remove an act that no longer waits, and all that could be included until `before`."""
        over = (PROPOSALS.c.digest == digest) | (PROPOSALS.c.not_after < before)
        self.connection.execute(delete(PROPOSALS).where(over))
