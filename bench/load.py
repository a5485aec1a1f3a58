"""A bounded load generator for HTTP/1.1 on loopback: kept-alive connections, whole requests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from statistics import quantiles

MAX_RUN_SECONDS = 60.0
"""Seconds after which a run that does not end is given up."""
_END = b"\r\n\r\n"
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
    return asyncio.run(_hammer(port, requests, connections, count))


def pace(
    port: int, requests: Sequence[bytes], *, connections: int, rate: float, count: int
) -> Load:
    """Return what comes of `count` requests at a steady rate (a second).

    A request that has to wait for a free connection waits in its own time: none is left out
    because the service was slow.
    """
    return asyncio.run(_pace(port, requests, connections, rate, count))


def ask(port: int, asked: bytes) -> bytes:
    """Return the body of the answer to one request."""

    async def run() -> bytes:
        connection = await _connect(port)
        await connection.ask(asked)
        connection.close()
        return connection.body

    return asyncio.run(run())


class _Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self) -> None:
        self.body = b""
        self._held = bytearray()
        self._whole = 0
        self._answer: asyncio.Future[None] | None = None
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._held += data
        if not self._whole and (end := self._held.find(_END)) >= 0:
            self._whole = end + len(_END) + _length(bytes(self._held[:end]))
        if self._whole and len(self._held) >= self._whole:
            self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionError("closed before it answered"))

    def ask(self, asked: bytes) -> asyncio.Future[None]:
        """Send a request; what is returned is done with its answer."""
        assert self._transport is not None
        self._whole = 0
        self._held.clear()
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(asked)
        return self._answer

    def close(self) -> None:
        """Let go of the connection."""
        assert self._transport is not None
        self._transport.close()

    def _end(self) -> None:
        assert self._answer is not None
        if self._answer.done():
            return  # The run has ended with another connection's fault.
        head, _, body = bytes(self._held).partition(_END)
        self.body = body
        if head[9:10] == b"2":
            self._answer.set_result(None)
        else:
            self._answer.set_exception(ValueError(f"answered {head[9:12]!r}: {body[:300]!r}"))


def _length(head: bytes) -> int:
    """Return the content length that the head of an answer names."""
    lower = head.lower()
    at = lower.find(_LENGTH)
    if at < 0:
        raise ValueError(f"an answer without a length: {head[:300]!r}")
    return int(lower[at + len(_LENGTH) :].split(b"\r\n", 1)[0])


async def _connect(port: int) -> _Connection:
    _, connection = await asyncio.get_running_loop().create_connection(
        _Connection, "127.0.0.1", port
    )
    return connection


async def _hammer(port: int, requests: Sequence[bytes], connections: int, count: int) -> Load:
    opened = [await _connect(port) for _ in range(connections)]
    turns, left = cycle(requests), iter(range(count))
    times: list[float] = []

    async def work(connection: _Connection) -> None:
        for _ in left:
            began = time.perf_counter()
            await connection.ask(next(turns))
            times.append(time.perf_counter() - began)

    began = time.perf_counter()
    async with asyncio.timeout(MAX_RUN_SECONDS):
        await asyncio.gather(*map(work, opened))
    taken = time.perf_counter() - began
    for connection in opened:
        connection.close()
    return Load(taken, times)


async def _pace(
    port: int, requests: Sequence[bytes], connections: int, rate: float, count: int
) -> Load:
    free: asyncio.Queue[_Connection] = asyncio.Queue()
    for _ in range(connections):
        free.put_nowait(await _connect(port))
    turns, times = cycle(requests), list[float]()

    async def work(due: float, asked: bytes) -> None:
        connection = await free.get()
        await connection.ask(asked)
        times.append(time.perf_counter() - due)
        free.put_nowait(connection)

    began = time.perf_counter()
    async with asyncio.timeout(MAX_RUN_SECONDS), asyncio.TaskGroup() as tasks:
        for number in range(count):
            due = began + number / rate
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            tasks.create_task(work(due, next(turns)))
    taken = time.perf_counter() - began
    while not free.empty():
        free.get_nowait().close()
    return Load(taken, times)
