"""A bounded load generator for HTTP/1.1 on loopback: kept-alive connections, whole requests."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle
from statistics import quantiles

LONGEST_RUN = 60.0
"""Seconds after which a run that does not end is given up."""
_END = b"\r\n\r\n"
_MOST_AT_ONCE = 2**20
_LENGTH = b"content-length:"


@dataclass(frozen=True, slots=True)
class Load:
    """What came of a run: `times` are seconds from when a request was due to its answer's end."""

    seconds: float
    times: Sequence[float]

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.times) / self.seconds

    def percentile(self, which: int) -> float:
        """Return the time (seconds) that `which` in a hundred answers did not take longer than."""
        return quantiles(self.times, n=100, method="inclusive")[which - 1]


def request(
    method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> bytes:
    """Return the bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def hammer(port: int, requests: Sequence[bytes], *, connections: int, count: int) -> Load:
    """Return what comes of `count` requests, in turn, each connection asking as fast as it can."""
    return _drive(port, requests, connections, count, lambda number, now: now)


def pace(
    port: int, requests: Sequence[bytes], *, connections: int, rate: float, count: int
) -> Load:
    """Return what comes of `count` requests at a steady rate (a second).

    A request that has to wait for a free connection waits in its own time: none is left out
    because the service was slow.
    """
    began = time.perf_counter()
    return _drive(port, requests, connections, count, lambda number, now: began + number / rate)


def ask(port: int, asked: bytes) -> bytes:
    """Return the body of the answer to one request."""
    with socket.create_connection(("127.0.0.1", port)) as plain:
        connection = _Connection(plain)
        connection.ask(asked, 0.0)
        while not connection.take():
            pass
        return connection.body


class _Connection:
    """One connection, one request at a time; `due` is when that should have been sent."""

    def __init__(self, plain: socket.socket) -> None:
        self.body = b""
        self.due = 0.0
        self._plain = plain
        self._held = b""
        self._whole = self._start = 0

    def ask(self, asked: bytes, due: float) -> None:
        """Send a request."""
        self._held, self._whole, self.due = b"", 0, due
        self._plain.sendall(asked)

    def take(self) -> bool:
        """Take what has come, waiting for some; return whether it is the whole answer."""
        data = self._plain.recv(_MOST_AT_ONCE)
        if not data:
            raise ConnectionError("closed before it answered")
        self._held = self._held + data if self._held else data
        if not self._whole and (end := self._held.find(_END)) >= 0:
            self._start = end + len(_END)
            self._whole = self._start + _length(self._held[:end])
        if not self._whole or len(self._held) < self._whole:
            return False
        self.body = self._held[self._start :]
        if self._held[9:10] != b"2":
            raise ValueError(f"answered {self._held[9:12]!r}: {self.body[:300]!r}")
        return True


def _length(head: bytes) -> int:
    """Return the content length that the head of an answer names."""
    lower = head.lower()
    at = lower.find(_LENGTH)
    if at < 0:
        raise ValueError(f"an answer without a length: {head[:300]!r}")
    return int(lower[at + len(_LENGTH) :].split(b"\r\n", 1)[0])


def _drive(
    port: int,
    requests: Sequence[bytes],
    connections: int,
    count: int,
    due_of: Callable[[int, float], float],
) -> Load:
    """Send each request once it is due and a connection is free.

    Not by asyncio, which would take as much of the two cores as what is measured.
    """
    with ExitStack() as stack, selectors.DefaultSelector() as ready:
        free: list[_Connection] = []
        for _ in range(connections):
            plain = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            free.append(_Connection(plain))
            ready.register(plain, selectors.EVENT_READ, free[-1])
        turns, times, asked = cycle(requests), list[float](), 0
        began = time.perf_counter()
        while len(times) < count:
            now = time.perf_counter()
            if now - began > LONGEST_RUN:
                raise TimeoutError(f"{len(times)} of {count} answers in {LONGEST_RUN:g} seconds")
            while free and asked < count and (due := due_of(asked, now)) <= now:
                free.pop().ask(next(turns), due)
                asked += 1
            waits = due_of(asked, now) - now if free and asked < count else LONGEST_RUN
            for key, _ in ready.select(max(waits, 0.0)):
                if key.data.take():
                    times.append(time.perf_counter() - key.data.due)
                    free.append(key.data)
        return Load(time.perf_counter() - began, times)
