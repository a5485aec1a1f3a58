"""Sessions of the pages."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sqlalchemy import delete, select

from certledger.ledger.core.service_values import PageSession
from certledger.ledger.store.base import Base, value_of, values_of
from certledger.ledger.store.tables import PAGE_SESSIONS


class PageSessionsPart(Base):
    """Queries of the sessions of the pages."""

    def page_session(self, session: bytes) -> PageSession | None:
        """Return a session that was not ended."""
        query = select(PAGE_SESSIONS).where(PAGE_SESSIONS.c.id == session)
        return self.find_one(query, partial(value_of, PageSession))

    def page_sessions(self, caller: str, *, now: int, limit: int) -> Sequence[PageSession]:
        """Return the sessions of a caller that are open at `now` (seconds), newest first."""
        table = PAGE_SESSIONS.c
        query = select(PAGE_SESSIONS).where(table.caller == caller, table.ends > now)
        query = query.order_by(table.began.desc(), table.id).limit(limit)
        return self.find_all(query, partial(value_of, PageSession))

    def add_page_session(self, session: PageSession) -> None:
        """Store a session, and remove those that had ended when it began."""
        self.connection.execute(delete(PAGE_SESSIONS).where(PAGE_SESSIONS.c.ends <= session.began))
        self.put(PAGE_SESSIONS, [values_of(PAGE_SESSIONS, session)])

    def end_page_session(self, session: bytes) -> bool:
        """Remove a session; return whether it was there."""
        query = delete(PAGE_SESSIONS).where(PAGE_SESSIONS.c.id == session)
        return self.connection.execute(query.returning(PAGE_SESSIONS.c.id)).first() is not None

    def end_page_sessions(self, caller: str, *, began_until: int) -> Sequence[bytes]:
        """Remove the sessions of a caller that had begun by then, and return their ids."""
        table = PAGE_SESSIONS.c
        query = delete(PAGE_SESSIONS).where(table.caller == caller, table.began <= began_until)
        return list(self.connection.scalars(query.returning(table.id)))
