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

from api.callers import asker_of
from api.refusals import Busy

MAX_WAITING = 512
"""Pieces of work that wait in one pool; whoever comes then is told to come again."""
MAX_WAITING_OF_ONE = 128
_Found = TypeVar("_Found")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Job:
    """A piece of work, for whom it is done, and what waits for it in which loop."""

    who: str
    work: Callable[[], Any]
    done: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop


class FairPool:
    """Runs work in at most `threads` threads; callers whose work waits are served in turn.

    It belongs to one event loop, and does nothing there that takes time.  Its threads do not keep
    the process alive: work that never ends does not keep the service from ending.
    """

    def __init__(self, name: str, threads: int, *, most_of_one: int | None = None) -> None:
        """`most_of_one` is how many threads one caller may have at once, all by default."""
        self._name, self._threads, self._most_of_one = name, threads, most_of_one or threads
        self._started: SimpleQueue[_Job] = SimpleQueue()
        self._waiting: OrderedDict[str, deque[_Job]] = OrderedDict()
        self._running: dict[str, int] = {}
        self._count = self._alive = 0

    async def run(self, who: str, work: Callable[..., _Found], *args: Any) -> _Found:
        """Return what `work` does, run for the caller named `who`.

        Raises:
            Busy: too much waits, of this caller or in all.
        """
        queue = self._waiting.get(who, ())
        if self._count >= MAX_WAITING or len(queue) >= MAX_WAITING_OF_ONE:
            raise Busy("more work waits than this service takes on")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[_Found] = loop.create_future()
        job = _Job(who=who, work=partial(work, *args), done=done, loop=loop)
        self._waiting.setdefault(who, deque()).append(job)
        self._count += 1
        self._next()
        try:
            return await done
        finally:
            # A future with an error refers to this frame by its traceback: without this, what
            # was asked would stay in memory until the collector comes.
            del done, job, work, args

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
            self._count -= 1
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


@dataclass(kw_only=True)
class Pools:
    """The pools of a service.

    Work for the public has a thread of its own, so that it never delays callers with a key:
    Python runs one thread at a time anyway, and more of them would only take turns.
    """

    public: FairPool = field(default_factory=lambda: FairPool("public", 1))
    known: FairPool = field(default_factory=lambda: FairPool("known", 3))
    large: FairPool = field(default_factory=lambda: FairPool("large", 4, most_of_one=2))
    keys: FairPool = field(default_factory=lambda: FairPool("keys", 2))
    spool: FairPool = field(default_factory=lambda: FairPool("spool", 2))

    async def prove(self, request: Request, work: Callable[..., _Found], *args: Any) -> _Found:
        """Return what `work` does, which decodes or proves for the caller of `request`."""
        asker = asker_of(request)
        pool = self.public if asker.public else self.known
        return await pool.run(asker.name, work, *args)


class Slots:
    """How many of something each caller has open at once."""

    def __init__(self, most: int) -> None:
        """`most` is how many one caller may have."""
        self._most, self._open = most, dict[str, int]()

    @contextmanager
    def one_of(self, who: str) -> Iterator[None]:
        """Hold a slot while the block runs.

        Raises:
            Busy: the caller has as many as it may.
        """
        count = self._open.get(who, 0)
        if count >= self._most:
            raise Busy(f"{self._most} such requests of this caller are open already")
        self._open[who] = count + 1
        try:
            yield
        finally:
            left = self._open.pop(who) - 1
            if left:
                self._open[who] = left
