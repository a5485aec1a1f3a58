"""Bounded thread pools with fair queueing: a caller with many jobs delays only itself."""

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
"""Bytes of requests queued in one pool."""
MIN_JOB_BYTES = 2**14
"""Least bytes counted for a queued request: its connection, head and task."""
_Found = TypeVar("_Found")


@dataclass(frozen=True, eq=False, kw_only=True, slots=True)
class _Job:
    """A queued job, with its caller and the future that awaits it.

    `size` counts while it is queued; jobs of a request with earlier results are not `droppable`.
    """

    who: str
    work: Callable[[], Any]
    done: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    size: int
    droppable: bool


class FairPool:
    """Runs jobs in at most `threads` threads; queued callers are served round-robin.

    The queue is bounded in bytes, not in requests.  When it is full, the newest job of the caller
    with the most queued bytes is dropped, so a heavy caller never displaces a light one.

    A pool belongs to one event loop and never blocks it.  Its threads are daemons: a job that hangs
    does not block the exit of the process.
    """

    def __init__(
        self,
        name: str,
        threads: int,
        *,
        most_of_one: int | None = None,
        max_waiting_bytes: int = MAX_WAITING_BYTES,
    ) -> None:
        """`most_of_one` limits the threads of one caller, by default all."""
        self._name, self._threads, self._most_of_one = name, threads, most_of_one or threads
        self._max_bytes = max_waiting_bytes
        self._started: SimpleQueue[_Job] = SimpleQueue()
        self._waiting: OrderedDict[str, deque[_Job]] = OrderedDict()
        self._running: dict[str, int] = {}
        self._droppable: dict[str, int] = {}
        """Queued droppable bytes by caller."""
        self._bytes = self._alive = 0

    async def run(
        self,
        who: str,
        work: Callable[..., _Found],
        *args: Any,
        size: int = 0,
        begun: bool = False,
    ) -> _Found:
        """Run `work` for the caller named `who` and return its result.

        `size` is the bytes of its request.  Jobs of a request that has `begun`, whose earlier jobs
        are done, count and are never dropped.

        Raises:
            ServiceBusyError: the queue is full, mostly with this caller's jobs.
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
            # A future with an exception references this frame by its traceback; without this the
            # request's data would stay in memory until the next garbage collection.
            del done, job, work, args

    def _count(self, job: _Job, sign: int) -> None:
        """Count a job that enters (1) or leaves (-1) the queue."""
        self._bytes += sign * job.size
        if job.droppable:
            left = self._droppable.pop(job.who, 0) + sign * job.size
            if left:
                self._droppable[job.who] = left

    def _make_room(self, who: str, size: int) -> None:
        """Drop the newest jobs of callers with more queued bytes than `who` would have.

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
        """Start queued jobs round-robin."""
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
        """Thread loop: run jobs."""
        while True:
            job = self._started.get()
            found, error = None, None
            try:
                found = None if job.done.cancelled() else job.work()
            except BaseException as raised:
                error = raised
            # If the loop is closed, no one awaits the result.
            with suppress(RuntimeError):
                job.loop.call_soon_threadsafe(self._set_result, job, found, error)
            del job, found, error

    def _set_result(self, job: _Job, found: Any, error: BaseException | None) -> None:
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
    return ServiceBusyError("the queue of this service is full")


@dataclass(kw_only=True)
class Pools:
    """The thread pools of a service.

    The public has its own thread, so that it never delays callers with a key; more threads would
    not help, because Python runs one at a time.  Short database operations and operators' requests
    have their own threads too, so they do not wait for proofs, compression or name lookups.  Calls
    of the chain's node may hang; if it runs in this process, each takes time from the event loop.
    """

    public: FairPool = field(default_factory=lambda: FairPool("public", 1))
    known: FairPool = field(default_factory=lambda: FairPool("known", 3))
    large: FairPool = field(default_factory=lambda: FairPool("large", 4, most_of_one=2))
    public_pictures: FairPool = field(default_factory=lambda: FairPool("public pictures", 1))
    pictures: FairPool = field(default_factory=lambda: FairPool("pictures", 1))
    keys: FairPool = field(default_factory=lambda: FairPool("keys", 2))
    spool: FairPool = field(default_factory=lambda: FairPool("spool", 2))

    short: FairPool = field(default_factory=lambda: FairPool("short", 4))
    health: FairPool = field(default_factory=lambda: FairPool("health", 2))
    node: FairPool = field(default_factory=lambda: FairPool("node", 4, most_of_one=2))

    async def prove(self, request: Request, work: Callable[..., _Found], *args: Any) -> _Found:
        """Run `work`, which decodes or proves, for the caller of `request`."""
        return await _run(request, self.public, self.known, work, *args)

    async def read_picture(
        self, request: Request, work: Callable[..., _Found], *args: Any
    ) -> _Found:
        """Run `work`, which looks for codes in a picture; a hostile one takes it seconds."""
        return await _run(request, self.public_pictures, self.pictures, work, *args)

    async def read(self, request: Request, work: Callable[..., _Found], *args: Any) -> _Found:
        """Run `work`, which reads or writes a few rows of the database."""
        return await self.short.run(asker_of(request).name, work, *args)

    async def check(self, request: Request, work: Callable[..., _Found], *args: Any) -> _Found:
        """Run `work` of a health check."""
        return await self.health.run(asker_of(request).name, work, *args)


async def _run(
    request: Request, public: FairPool, known: FairPool, work: Callable[..., _Found], *args: Any
) -> _Found:
    asker, state = asker_of(request), request.scope["state"]
    pool = public if asker.public else known
    begun, state[_BEGUN] = state.get(_BEGUN, False), True
    size = size_of(request.scope)
    return await pool.run(asker.name, work, *args, size=size, begun=begun)


_BEGUN = "begun"
"""Key of the request's state: a first job was accepted."""


class Slots:
    """Limit of concurrent operations per caller."""

    def __init__(self, most: int) -> None:
        """`most` is the limit of one caller."""
        self._most, self._open = most, dict[str, int]()

    @contextmanager
    def one_of(self, who: str) -> Iterator[None]:
        """Take a slot for the duration of the block.

        Raises:
            ServiceBusyError: the caller's slots are all taken.
        """
        count = self._open.get(who, 0)
        if count >= self._most:
            raise ServiceBusyError(
                f"the caller has {self._most} such requests open, the greatest number allowed"
            )
        self._open[who] = count + 1
        try:
            yield
        finally:
            left = self._open.pop(who) - 1
            if left:
                self._open[who] = left
