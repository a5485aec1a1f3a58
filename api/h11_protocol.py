"""HTTP/1.1 connections: heads must come in time, and answers go out in one piece."""

from __future__ import annotations

import asyncio
import itertools
import resource
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

WHOLE = "certledger.whole"
"""The ASGI extension that says that a request had come whole before the application was called."""
HEAD_SECONDS = 20.0
"""Time in which the head of a request must have come, however slowly it drips."""
UNREAD_SECONDS = 30.0
"""Time in which a caller must read what is sent, before its connection is cut."""
RESERVED_FILES = 48
"""Descriptors that are not for connections: database, chain, logs, spooled bodies."""
GRACE_SECONDS = 1.0
"""Time in which a new connection is not cut for others, unless there is no descriptor left."""
MIN_CONNECTIONS, MAX_CONNECTIONS = 16, 2_000
ACCEPTED_AT_ONCE = 16
"""Connections taken in one turn of the loop: the bound may be passed by as many."""


_NUMBERS = itertools.count()


class Connection(H11Protocol):
    """uvicorn's protocol, which by itself waits for the rest of a head for ever."""

    seconds = HEAD_SECONDS
    most = MAX_CONNECTIONS
    _waiting: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    _half_closed = False

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.number, self.made = next(_NUMBERS), self.loop.time()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        joined: Any = _Joined(transport, self.loop)
        super().connection_made(joined)
        self._wait()
        if len(self.connections) > self.most:
            self._make_room()

    def _make_room(self) -> None:
        """Cut a connection on which no whole request is: those that ask get through.

        It is the oldest of those that never asked anything, or else of the others.  Where there
        is none, all are at work, and this one is cut.  Up to twice the bound only those are cut
        that had time to ask: what others have sent may not have been read yet.
        """
        others: set[Any] = self.connections
        before = self.loop.time() - (0 if len(others) > 2 * self.most else GRACE_SECONDS)
        waiting = [one for one in others if one.made < before and one.is_waiting]
        if not waiting and len(others) <= 2 * self.most:
            return
        oldest = min(waiting, key=lambda one: (one.cycle is not None, one.number), default=self)
        oldest.transport.abort()
        # uvicorn's set is only updated when the loop has seen the end.
        self.connections.discard(oldest)

    @property
    def is_waiting(self) -> bool:
        """Whether the connection waits for a request or the rest of one."""
        cycle: Any = self.cycle
        return cycle is None or cycle.response_complete or cycle.more_body

    def data_received(self, data: bytes) -> None:
        """Take what comes; where it leaves a head unfinished, wait for the rest of it."""
        super().data_received(data)
        cycle: Any = self.cycle
        if cycle is None or cycle.response_complete:
            self._wait()
            return
        self._wait_no_more()
        if not cycle.more_body:
            # The application is called in the next turn of the loop.
            cycle.scope["extensions"] = {WHOLE: {}}

    def eof_received(self) -> bool | None:  # type: ignore[override]  # as asyncio has it
        """Answer a caller that has sent its request and closed its half; others are let go."""
        self._half_closed = True
        cycle: Any = self.cycle
        if cycle is None or cycle.response_complete or cycle.more_body:
            # The answer may still be held: asyncio, told to close, would drop it.
            self.transport.close()
        else:
            cycle.keep_alive = False
        return True

    def on_response_complete(self) -> None:
        """Let go of a connection whose caller can ask nothing more."""
        super().on_response_complete()
        cycle: Any = self.cycle
        if self._half_closed and (cycle is None or cycle.response_complete):
            self.transport.close()

    def pause_writing(self) -> None:
        """Wait for the caller to read."""
        super().pause_writing()
        self._unread = self.loop.call_later(UNREAD_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on."""
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of the connection."""
        super().connection_lost(exc)
        self._wait_no_more()
        if self._unread is not None:
            self._unread.cancel()

    def _wait(self) -> None:
        if self._waiting is None:
            self._waiting = self.loop.call_later(self.seconds, self._give_up)

    def _wait_no_more(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()


def most_connections() -> int:
    """Return how many connections this process may hold, by the files it may open."""
    files, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or hard > files:
        files = (
            MAX_CONNECTIONS * 2
            if hard == resource.RLIM_INFINITY
            else min(hard, MAX_CONNECTIONS * 2)
        )
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    free = (files - RESERVED_FILES - ACCEPTED_AT_ONCE) // 2
    return max(MIN_CONNECTIONS, min(free, MAX_CONNECTIONS))


_MAX_JOINED = 2**16


class _Joined:
    """A transport that sends what is written in one turn of the loop in one piece.

    uvicorn writes the head of an answer and its body apart, which would be two packets.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._pending: list[bytes] = []
        self._size = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Hold bytes until the end of this turn."""
        if not self._pending:
            self._loop.call_soon(self._send)
        self._pending.append(data)
        self._size += len(data)
        if self._size > _MAX_JOINED:
            self._send()

    def close(self) -> None:
        """Send what is held, and close."""
        self._send()
        self._transport.close()

    def _send(self) -> None:
        self._transport.write(b"".join(self._pending))
        self._pending.clear()
        self._size = 0
