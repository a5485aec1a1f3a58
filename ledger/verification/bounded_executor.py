"""Asking what may hang, the chain's node: nobody waits for it for long, and few at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TypeVar

from certledger.ledger.core.ports import ChainUnreachableError

_Found = TypeVar("_Found")


@dataclass(kw_only=True)
class BoundedExecutor:
    """Runs each question in a thread of its own.

    Attributes:
        most: questions that may be open at once; whoever comes then is refused.
        seconds: time in which one must be answered.
        rest: seconds after an answer that did not come in which nothing is asked.
    """

    most: int
    seconds: float
    rest: float = 0.0
    clock: Callable[[], float] = time.monotonic
    _open: int = 0
    _again: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def begin(self, question: Callable[[], _Found]) -> Future[_Found]:
        """Return what will have the answer to a question.

        Raises:
            ChainUnreachableError: as many are open already as may be, or it did not answer just
                now.
        """
        with self._lock:
            if self._open >= self.most or self.clock() < self._again:
                raise ChainUnreachableError("the node does not answer what it was asked before")
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
        """Return the answer to a question, or raise what it raises.

        Raises:
            ChainUnreachableError: as `begin`, and where the answer does not come in time.
        """
        try:
            return self.begin(question).result(self.seconds)
        except TimeoutError as error:
            raise self.late() from error

    def late(self) -> ChainUnreachableError:
        """Return the refusal of an answer that did not come in time, and let the node rest."""
        self._again = self.clock() + self.rest
        return ChainUnreachableError(f"the node does not answer within {self.seconds:g} seconds")
