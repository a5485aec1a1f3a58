"""HTTP/1.1 connections: heads must come in time, and answers go out in one piece."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

WHOLE = "certledger.whole"
"""The ASGI extension that says that a request had come whole before the application was called."""
HEAD_SECONDS = 20.0
"""Time in which the head of a request must have come, however slowly it drips."""


class Connection(H11Protocol):
    """uvicorn's protocol, which by itself waits for the rest of a head for ever."""

    seconds = HEAD_SECONDS
    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        joined: Any = _Joined(transport, self.loop)
        super().connection_made(joined)
        self._wait()

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

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of the connection."""
        super().connection_lost(exc)
        self._wait_no_more()

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


class _Joined:
    """A transport that sends what is written in one turn of the loop in one piece.

    uvicorn writes the head of an answer and its body apart, which would be two packets.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._held: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Hold bytes until the end of this turn."""
        if not self._held:
            self._loop.call_soon(self._send)
        self._held.append(data)

    def close(self) -> None:
        """Send what is held, and close."""
        self._send()
        self._transport.close()

    def _send(self) -> None:
        self._transport.write(b"".join(self._held))
        self._held.clear()
