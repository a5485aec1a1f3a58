"""Compare this machine's clock with the witnesses' before a new block gets its time from it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from urllib.request import Request

import structlog

from certledger.ledger.publish.cosignatures import MAX_COSIGNATURE_BYTES, Collector
from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.checkpoint import Cosignature
from certledger.verifier.http_client import AnswerTooLongError, NoAnswerError, exchange

log = structlog.get_logger(__name__)
MAX_CLOCK_DIFFERENCE_SECONDS = 300
"""Bound of the difference to the clocks of as many operators as a block needs signatures of."""
CHECK_SECONDS = 60.0
"""Seconds between two comparisons while the clocks agree."""
RECHECK_SECONDS = 5.0
"""Seconds between two comparisons while they differ."""
ANSWER_SECONDS = 2.0
"""Timeout of a request for a witness's time."""


class ClockDiffersError(CertledgerError):
    """Our clock differs from the witnesses': a block would get a wrong time."""

    code = "clock.differs"


def clock_difference(
    measured: Mapping[str, int], since_signed: Mapping[str, int], threshold: int
) -> int:
    """Return by how many seconds our clock is ahead of the witnesses', negative if behind.

    0 if it is within `MAX_CLOCK_DIFFERENCE_SECONDS`, or fewer than `threshold` operators differ:
    fewer can neither stop anchoring nor make a block of ours trusted.

    Args:
        measured: our time less that of each operator, both of the same instant.
        since_signed: our time less that of each operator's latest signature. An operator's clock
            has advanced since, so this can prove that ours is behind, never that it is ahead.
        threshold: the policy's number of operators who must have signed.
    """
    ahead = sorted(measured.values(), reverse=True)[:threshold]
    if len(ahead) == threshold and ahead[-1] > MAX_CLOCK_DIFFERENCE_SECONDS:
        return ahead[-1]
    least = {**measured}
    for operator, seconds in since_signed.items():
        least[operator] = min(seconds, least.get(operator, seconds))
    behind = sorted(least.values())[:threshold]
    if len(behind) == threshold and behind[-1] < -MAX_CLOCK_DIFFERENCE_SECONDS:
        return behind[-1]
    return 0


@dataclass(kw_only=True)
class ClockWatch:
    """Compares the clocks periodically; `difference` is the result of the last comparison."""

    clock: Callable[[], int]
    timer: Callable[[], float] = time.monotonic
    difference: int = 0
    _due: float = float("-inf")
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def check(
        self, collector: Collector | None, signed: Callable[[], Iterable[Cosignature]]
    ) -> None:
        """Compare the clocks if that is due; `signed` reads the newest cosignatures.

        Raises:
            ClockDiffersError: they differ by more than `MAX_CLOCK_DIFFERENCE_SECONDS`.
        """
        with self._turn:
            if collector is not None and self.timer() >= self._due:
                self._compare(collector, signed())
                pause = RECHECK_SECONDS if self.differs() else CHECK_SECONDS
                self._due = self.timer() + pause
        if self.differs():
            way = "ahead of" if self.difference > 0 else "behind"
            raise ClockDiffersError(
                f"the clock is {abs(self.difference)} s {way} the witnesses' clocks"
            )

    def differs(self) -> bool:
        """Return whether the clocks differed in the last comparison."""
        return self.difference != 0

    def _compare(self, collector: Collector, signed: Iterable[Cosignature]) -> None:
        found = clock_difference(
            self._measure(collector),
            self._since_signed(collector, signed),
            collector.policy.trust.threshold,
        )
        if found and not self.difference:
            log.error("clock_differs", seconds=found, bound=MAX_CLOCK_DIFFERENCE_SECONDS)
        elif self.difference and not found:
            log.warning("clock_agrees_again")
        self.difference = found

    def _measure(self, collector: Collector) -> dict[str, int]:
        """Return our time less that of each operator who answers, by its nearest witness."""
        asked = [one for one in collector.policy.witnesses if one.name in collector.urls]
        nearest: dict[str, int] = {}
        with ThreadPoolExecutor(max_workers=max(len(asked), 1)) as pool:
            found = pool.map(lambda one: self._ask(collector.urls[one.name]), asked)
            for witness, offset in zip(asked, found, strict=True):
                if offset is not None:
                    other = nearest.get(witness.operator, offset)
                    nearest[witness.operator] = min(offset, other, key=abs)
        return nearest

    def _since_signed(self, collector: Collector, signed: Iterable[Cosignature]) -> dict[str, int]:
        now, found = self.clock(), dict[str, int]()
        for line in signed:
            witness = collector.policy.find_witness(line)
            if witness is not None:
                since = now - line.time
                found[witness.operator] = min(since, found.get(witness.operator, since))
        return found

    def _ask(self, url: str) -> int | None:
        """Return our time less the `Date` of a witness's response, whatever its status."""
        request = Request(url.rstrip("/") + "/v1/cosignatures/latest")
        try:
            answer = exchange(request, seconds=ANSWER_SECONDS, longest=MAX_COSIGNATURE_BYTES)
            server_time = parsedate_to_datetime(answer.headers.get("Date", ""))
            return self.clock() - int(server_time.timestamp())
        except (AnswerTooLongError, NoAnswerError, ValueError, TypeError, OverflowError):
            return None
