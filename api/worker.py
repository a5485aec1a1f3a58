"""Background workers: threads that repeat one step until stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from certledger.api.metrics import Metrics
from certledger.verifier.errors import CertledgerError

log = structlog.get_logger(__name__)
MAX_PAUSE_SECONDS = 30.0


@dataclass(kw_only=True)
class Worker:
    """Repeats `step`, `pause` seconds apart, with exponential backoff after failures."""

    name: str
    step: Callable[[], object]
    pause: float
    metrics: Metrics
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the current step, and stop."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        pause = self.pause
        while not self._stop.is_set():
            pause = self.pause if self._step() else min(pause * 2, MAX_PAUSE_SECONDS)
            self._stop.wait(pause)

    def _step(self) -> bool:
        try:
            self.step()
        except CertledgerError as error:
            self.metrics.steps_failed.labels(error.code).inc()
            log.warning("step_refused", worker=self.name, code=error.code, reason=str(error))
            return False
        except Exception:
            self.metrics.steps_failed.labels("service.broken").inc()
            log.exception("step_failed", worker=self.name)
            return False
        return True


def stop_all(workers: Sequence[Worker]) -> None:
    """Stop all workers after their current steps."""
    for worker in workers:
        worker.stop()
