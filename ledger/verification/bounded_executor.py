"""Call the chain node with a timeout and a concurrency limit."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TypeVar

from certledger.ledger.core.errors import ChainUnreachableError

_Found = TypeVar("_Found")


@dataclass(kw_only=True)
class BoundedExecutor:
    """Runs each call in a thread of its own, which outlives its timeout.

    Attributes:
        most: calls that may run at the same time; any further one is refused.
        seconds: timeout of a call.
        rest: seconds after a timeout in which every call is refused.
    """

    most: int
    seconds: float
    rest: float = 0.0
    clock: Callable[[], float] = time.monotonic
    _open: int = 0
    _again: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def begin(self, question: Callable[[], _Found]) -> Future[_Found]:
        """Start a call and return its future.

        Raises:
            ChainUnreachableError: `most` calls are running, or a call has just timed out.
        """
        with self._lock:
            if self._open >= self.most or self.clock() < self._again:
                raise ChainUnreachableError("earlier calls of the node are not answered yet")
            self._open += 1
        future: Future[_Found] = Future()
        threading.Thread(target=self._run, args=(question, future), daemon=True).start()
        return future

    def _run(self, question: Callable[[], _Found], future: Future[_Found]) -> None:
        future.set_running_or_notify_cancel()
        try:
            future.set_result(question())
        except BaseException as error:
            future.set_exception(error)
        finally:
            with self._lock:
                self._open -= 1

    def ask(self, question: Callable[[], _Found]) -> _Found:
        """Return the result of a call, or raise its exception.

        Raises:
            ChainUnreachableError: as `begin`, and if the call times out.
        """
        try:
            return self.begin(question).result(self.seconds)
        except TimeoutError as error:
            raise self.late() from error

    def late(self) -> ChainUnreachableError:
        """Return the error of a timeout, and refuse calls for `rest` seconds."""
        self._again = self.clock() + self.rest
        return ChainUnreachableError(f"the node does not answer within {self.seconds:g} seconds")
