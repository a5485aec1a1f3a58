"""HTTP/1.1 connections for uvicorn: timeouts of heads and reads, and one write per response."""

from __future__ import annotations

import asyncio
import itertools
import resource
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

WHOLE = "certledger.whole"
"""ASGI extension: the whole request had arrived before the application was called."""
HEAD_SECONDS = 20.0
"""Time limit for the head of a request, whatever its rate."""
UNREAD_SECONDS = 30.0
"""Time limit for the caller to read sent bytes."""
RESERVED_FILES = 48
"""File descriptors not for connections: database, chain, logs, spooled bodies."""
GRACE_SECONDS = 1.0
"""Seconds in which a new connection is not dropped for others, unless descriptors run out."""
MIN_CONNECTIONS, MAX_CONNECTIONS = 16, 2_000
ACCEPTED_AT_ONCE = 2
"""Connections accepted in one iteration of the loop; the limit may be exceeded by as many.

Few, so that an iteration is short whatever strangers open: with 16, others wait twice as long.
"""


_NUMBERS = itertools.count()


class Connection(H11Protocol):
    """uvicorn's protocol with timeouts: uvicorn waits for the rest of a head for ever."""

    seconds = HEAD_SECONDS
    most = MAX_CONNECTIONS
    _waiting: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    _half_closed = False

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.number, self.made = next(_NUMBERS), self.loop.time()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Start the timeout of the first head."""
        joined: Any = _Joined(transport, self.loop)
        super().connection_made(joined)
        self._wait()
        if len(self.connections) > self.most:
            self._make_room()

    def _make_room(self) -> None:
        """Drop an idle connection to free a place.

        The oldest without any request goes first, then the oldest other idle one, then this one.
        Up to twice the limit only connections older than `GRACE_SECONDS` are dropped, since the
        requests of newer ones may be unread.
        """
        others: set[Any] = self.connections
        before = self.loop.time() - (0 if len(others) > 2 * self.most else GRACE_SECONDS)
        waiting = [one for one in others if one.made < before and one.is_waiting]
        if not waiting and len(others) <= 2 * self.most:
            return
        oldest = min(waiting, key=lambda one: (one.cycle is not None, one.number), default=self)
        oldest.transport.abort()
        # uvicorn updates its set only after the loop has processed the end.
        self.connections.discard(oldest)

    @property
    def is_waiting(self) -> bool:
        """Whether the connection waits for a request or the rest of one."""
        cycle: Any = self.cycle
        return cycle is None or cycle.response_complete or cycle.more_body

    def data_received(self, data: bytes) -> None:
        """Process data; restart the timeout while a head is incomplete."""
        super().data_received(data)
        cycle: Any = self.cycle
        if cycle is None or cycle.response_complete:
            self._wait()
            return
        self._wait_no_more()
        if not cycle.more_body:
            # The application runs in the next iteration of the loop.
            cycle.scope["extensions"] = {WHOLE: {}}

    def eof_received(self) -> bool | None:  # type: ignore[override]  # as asyncio has it
        """Respond to a caller that closed its sending half after the request; close others."""
        self._half_closed = True
        cycle: Any = self.cycle
        if cycle is None or cycle.response_complete or cycle.more_body:
            # `True` keeps asyncio from closing the transport with `_Joined` bytes unsent.
            self.transport.close()
        else:
            cycle.keep_alive = False
        return True

    def on_response_complete(self) -> None:
        """Close a half-closed connection after the response."""
        super().on_response_complete()
        cycle: Any = self.cycle
        if self._half_closed and (cycle is None or cycle.response_complete):
            self.transport.close()

    def pause_writing(self) -> None:
        """Start the timeout for the caller to read."""
        super().pause_writing()
        self._unread = self.loop.call_later(UNREAD_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Stop the timeout."""
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timeouts."""
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
    """Return the limit of connections, from that of open files, which is raised if allowed."""
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
    """Transport that joins the writes of one loop iteration.

    uvicorn writes head and body of a response separately, which would be two packets.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._pending: list[bytes] = []
        self._size = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Buffer bytes until the end of this iteration."""
        if not self._pending:
            self._loop.call_soon(self._send)
        self._pending.append(data)
        self._size += len(data)
        if self._size > _MAX_JOINED:
            self._send()

    def close(self) -> None:
        """Send the buffered bytes, and close."""
        self._send()
        self._transport.close()

    def _send(self) -> None:
        self._transport.write(b"".join(self._pending))
        self._pending.clear()
        self._size = 0
