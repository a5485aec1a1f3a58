"""Bounded pools of threads in which callers take turns: one that asks much delays itself."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

from starlette.requests import Request

from certledger.api.auth.api_keys import asker_of
from certledger.api.errors import ServiceBusyError
from certledger.api.request.body_budget import size_of

MAX_WAITING_BYTES = 64 * 2**20
"""Bytes of requests that wait in one pool."""
MIN_JOB_BYTES = 2**14
"""What a request that waits counts at least: its connection, head and task take as much."""
_Found = TypeVar("_Found")


@dataclass(frozen=True, eq=False, kw_only=True, slots=True)
class _Job:
    """A piece of work, for whom it is done, and what waits for it in which loop.

    `size` is what it counts while it waits; work of a request that has begun is not `droppable`.
    """

    who: str
    work: Callable[[], Any]
    done: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    size: int
    droppable: bool


class FairPool:
    """Runs work in at most `threads` threads; callers whose work waits are served in turn.

    What waits is bounded in bytes, not in requests.  When there is no room, the caller with the
    most bytes waiting is refused its newest request, so a caller with little is never refused
    because of one with much.

    It belongs to one event loop, and does nothing there that takes time.  Its threads do not keep
    the process alive: work that never ends does not keep the service from ending.
    """

    def __init__(
        self,
        name: str,
        threads: int,
        *,
        most_of_one: int | None = None,
        max_waiting_bytes: int = MAX_WAITING_BYTES,
    ) -> None:
        """`most_of_one` is how many threads one caller may have at once, all by default."""
        self._name, self._threads, self._most_of_one = name, threads, most_of_one or threads
        self._max_bytes = max_waiting_bytes
        self._started: SimpleQueue[_Job] = SimpleQueue()
        self._waiting: OrderedDict[str, deque[_Job]] = OrderedDict()
        self._running: dict[str, int] = {}
        self._droppable: dict[str, int] = {}
        """Bytes of each caller's jobs that wait and can be dropped."""
        self._bytes = self._alive = 0

    async def run(
        self,
        who: str,
        work: Callable[..., _Found],
        *args: Any,
        size: int = 0,
        begun: bool = False,
    ) -> _Found:
        """Return what `work` does, run for the caller named `who`.

        `size` is how many bytes its request holds.  Work of a request that has `begun`, whose
        earlier work is done, counts and is never refused.

        Raises:
            ServiceBusyError: too much waits, and most of it is this caller's.
        """
        size = max(size, MIN_JOB_BYTES)
        if not begun:
            self._make_room(who, size)
        loop = asyncio.get_running_loop()
        done: asyncio.Future[_Found] = loop.create_future()
        job = _Job(
            who=who,
            work=partial(work, *args),
            done=done,
            loop=loop,
            size=size,
            droppable=not begun,
        )
        self._waiting.setdefault(who, deque()).append(job)
        self._count(job, 1)
        self._next()
        try:
            return await done
        finally:
            # A future with an error refers to this frame by its traceback: without this, what
            # was asked would stay in memory until the collector comes.
            del done, job, work, args

    def _count(self, job: _Job, sign: int) -> None:
        """Count a job that begins (1) or ceases (-1) to wait."""
        self._bytes += sign * job.size
        if job.droppable:
            left = self._droppable.pop(job.who, 0) + sign * job.size
            if left:
                self._droppable[job.who] = left

    def _make_room(self, who: str, size: int) -> None:
        """Drop the newest jobs of callers with more bytes waiting than `who` would have.

        Raises:
            ServiceBusyError: there is no such caller, and no room.
        """
        own = self._droppable.get(who, 0) + size
        while self._bytes + size > self._max_bytes:
            largest = max(self._droppable, key=self._droppable.__getitem__, default=who)
            if self._droppable.get(largest, 0) <= own:
                raise _busy()
            self._drop_newest(largest)

    def _drop_newest(self, who: str) -> None:
        queue = self._waiting[who]
        job = next(job for job in reversed(queue) if job.droppable)
        queue.remove(job)
        if not queue:
            del self._waiting[who]
        self._count(job, -1)
        if not job.done.done():
            job.done.set_exception(_busy())

    def _next(self) -> None:
        """Start what may start, the caller that had its turn last coming last."""
        for who in list(self._waiting):
            running = sum(self._running.values())
            if running >= self._threads:
                return
            if self._running.get(who, 0) >= self._most_of_one:
                continue
            queue = self._waiting.pop(who)
            job = queue.popleft()
            if queue:
                self._waiting[who] = queue
            self._count(job, -1)
            self._running[who] = self._running.get(who, 0) + 1
            if running >= self._alive:
                self._alive += 1
                threading.Thread(target=self._work, name=self._name, daemon=True).start()
            self._started.put(job)

    def _work(self) -> None:
        """Do one job after another, in a thread of the pool."""
        while True:
            job = self._started.get()
            found, error = None, None
            try:
                found = None if job.done.cancelled() else job.work()
            except BaseException as raised:
                error = raised
            # The loop may be closed by now: then nobody waits any more.
            with suppress(RuntimeError):
                job.loop.call_soon_threadsafe(self._settle, job, found, error)
            del job, found, error

    def _settle(self, job: _Job, found: Any, error: BaseException | None) -> None:
        left = self._running.pop(job.who) - 1
        if left:
            self._running[job.who] = left
        self._next()
        if job.done.cancelled():
            return
        if error is None:
            job.done.set_result(found)
        else:
            job.done.set_exception(error)


def _busy() -> ServiceBusyError:
    return ServiceBusyError("more work waits than this service takes on")


@dataclass(kw_only=True)
class Pools:
    """The pools of a service.

    Work for the public has a thread of its own, so that it never delays callers with a key:
    Python runs one thread at a time anyway, and more of them would only take turns.  Short reads
    and writes of the database, and what operators ask, have threads of their own as well: neither
    waits for proofs, for packing or for names that are resolved.
    """

    public: FairPool = field(default_factory=lambda: FairPool("public", 1))
    known: FairPool = field(default_factory=lambda: FairPool("known", 3))
    large: FairPool = field(default_factory=lambda: FairPool("large", 4, most_of_one=2))
    keys: FairPool = field(default_factory=lambda: FairPool("keys", 2))
    spool: FairPool = field(default_factory=lambda: FairPool("spool", 2))

    short: FairPool = field(default_factory=lambda: FairPool("short", 4))
    health: FairPool = field(default_factory=lambda: FairPool("health", 2))

    async def prove(self, request: Request, work: Callable[..., _Found], *args: Any) -> _Found:
        """Return what `work` does, which decodes or proves for the caller of `request`."""
        asker, state = asker_of(request), request.scope["state"]
        pool = self.public if asker.public else self.known
        begun, state[_BEGUN] = state.get(_BEGUN, False), True
        size = size_of(request.scope)
        return await pool.run(asker.name, work, *args, size=size, begun=begun)

    async def read(self, request: Request, work: Callable[..., _Found], *args: Any) -> _Found:
        """Return what `work` does, which reads or writes a few rows of the database."""
        return await self.short.run(asker_of(request).name, work, *args)

    async def check(self, request: Request, work: Callable[..., _Found], *args: Any) -> _Found:
        """Return what `work` does, which tells operators how the service is."""
        return await self.health.run(asker_of(request).name, work, *args)


_BEGUN = "begun"
"""Where a request remembers that work for it was taken on."""


class Slots:
    """How many of something each caller has open at once."""

    def __init__(self, most: int) -> None:
        """`most` is how many one caller may have."""
        self._most, self._open = most, dict[str, int]()

    @contextmanager
    def one_of(self, who: str) -> Iterator[None]:
        """Hold a slot while the block runs.

        Raises:
            ServiceBusyError: the caller has as many as it may.
        """
        count = self._open.get(who, 0)
        if count >= self._most:
            raise ServiceBusyError(f"{self._most} such requests of this caller are open already")
        self._open[who] = count + 1
        try:
            yield
        finally:
            left = self._open.pop(who) - 1
            if left:
                self._open[who] = left
