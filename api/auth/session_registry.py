"""Which sessions of the pages are open, so that each can be ended alone, in every process."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from certledger.ledger.core.service_values import PageSession
from certledger.ledger.store.unit_of_work import Store

ID_BYTES = 16
REMEMBERED_SECONDS = 1.0
"""Seconds that an open session is cached; an ended one works at most so long elsewhere."""
MAX_CACHED_SESSIONS = 10_000
MAX_LISTED_SESSIONS = 50


@dataclass(kw_only=True)
class SessionRegistry:
    """The open sessions in the database.  `clock` gives seconds."""

    store: Store
    clock: Callable[[], float]
    _open: dict[bytes, float] = field(default_factory=dict, repr=False)

    def begin(self, caller: str, *, seconds: int) -> PageSession:
        """Store a new session of a caller, which is named by its id."""
        now = int(self.clock())
        session = PageSession(
            id=secrets.token_bytes(ID_BYTES), caller=caller, began=now, ends=now + seconds
        )
        with self.store.begin() as unit:
            unit.add_page_session(session)
        return session

    def is_remembered(self, session: bytes) -> bool:
        """Return whether a session was open a moment ago, without a query."""
        return self.clock() < self._open.get(session, 0.0)

    def is_open(self, session: bytes) -> bool:
        """Return whether a session has neither ended nor been ended."""
        with self.store.begin(write=False) as unit:
            found = unit.page_session(session)
        now = self.clock()
        if found is None or found.ends <= now:
            return False
        if len(self._open) >= MAX_CACHED_SESSIONS:
            self._open.clear()
        self._open[session] = now + REMEMBERED_SECONDS
        return True

    def end(self, session: bytes) -> bool:
        """End a session; return whether it was open."""
        self._open.pop(session, None)
        with self.store.begin() as unit:
            return unit.end_page_session(session)

    def end_all_of(self, caller: str, *, began_until: int) -> int:
        """End the sessions of a caller that had begun by then; return how many were open."""
        with self.store.begin() as unit:
            ended = unit.end_page_sessions(caller, began_until=began_until)
        for session in ended:
            self._open.pop(session, None)
        return len(ended)

    def end_of(self, caller: str, session: bytes) -> bool:
        """End a session if it is of this caller; return whether it was open."""
        is_own = any(one.id == session for one in self.sessions_of(caller))
        return is_own and self.end(session)

    def sessions_of(self, caller: str) -> Sequence[PageSession]:
        """Return the newest open sessions of a caller."""
        with self.store.begin(write=False) as unit:
            return unit.page_sessions(caller, now=int(self.clock()), limit=MAX_LISTED_SESSIONS)
