"""Keeping what was told: many callers' verifications in one transaction, durable when answered."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field

from ledger.service.ports import ServiceStore
from ledger.service.values import Verification

MOST_AT_ONCE = 2_000
GATHER_SECONDS = 0.003
"""How long others may join what is about to be written."""


@dataclass(kw_only=True)
class Keeper:
    """A thread that writes verifications as they come, all that wait at once."""

    store: ServiceStore
    _waiting: list[tuple[Verification, Future[None]]] = field(default_factory=list)
    _wake: threading.Condition = field(default_factory=threading.Condition)
    _closed: bool = False
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to write."""
        self._thread = threading.Thread(target=self._work, name="keeper", daemon=True)
        self._thread.start()

    def keep(self, given: Verification) -> Future[None]:
        """Return a future that is done once `given` is durable."""
        future: Future[None] = Future()
        with self._wake:
            if self._closed:
                raise RuntimeError("the keeper is closed")
            self._waiting.append((given, future))
            self._wake.notify()
        return future

    def close(self) -> None:
        """Write what waits, and end."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while True:
            with self._wake:
                while not self._waiting and not self._closed:
                    self._wake.wait()
            if not self._closed:
                time.sleep(GATHER_SECONDS)
            with self._wake:
                taken = self._waiting[:MOST_AT_ONCE]
                del self._waiting[:MOST_AT_ONCE]
                if not taken:
                    return
            self._write(taken)

    def _write(self, taken: list[tuple[Verification, Future[None]]]) -> None:
        try:
            with self.store.begin() as unit:
                unit.add_verifications([given for given, _ in taken])
        except Exception as error:
            for _, future in taken:
                if not future.cancelled():
                    future.set_exception(error)
            return
        for _, future in taken:
            if not future.cancelled():
                future.set_result(None)
