"""Host name lookups with a deadline, in a bounded number of threads.

`getaddrinfo` has no timeout: a lookup that hangs blocks its thread until the system gives it up.
Lookups of the same host and port share one thread.
"""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

MAX_LOOKUPS = 32
"""Default limit of open lookups."""
THREAD_NAME = "resolve-name"
_Addresses = TypeVar("_Addresses")
_Key = tuple[str, int]


class TooManyLookupsError(OSError):
    """The limit of open lookups is reached."""


class NameResolver(Generic[_Addresses]):
    """Runs `look_up(host, port)` in its own threads.

    At most `total` lookups are open, and at most `each` of one caller, so that hanging names of one
    caller leave room for others.
    """

    def __init__(
        self,
        look_up: Callable[[str, int], _Addresses],
        *,
        total: int = MAX_LOOKUPS,
        each: int = MAX_LOOKUPS,
    ) -> None:
        self._look_up, self._total, self._each = look_up, total, each
        self._lock = threading.Lock()
        self._open: dict[_Key, tuple[str, Future[_Addresses]]] = {}

    def begin(self, host: str, port: int, caller: str = "") -> Future[_Addresses]:
        """Start a lookup; the future raises what the lookup raises.

        Raises:
            TooManyLookupsError: the limit of open lookups is reached.
        """
        future: Future[_Addresses] = Future()
        future.set_running_or_notify_cancel()
        if _is_numeric(host):
            self._run(host, port, future)
            return future
        with self._lock:
            if (host, port) in self._open:
                return self._open[host, port][1]
            of_caller = sum(one == caller for one, _ in self._open.values())
            if len(self._open) >= self._total or of_caller >= self._each:
                raise TooManyLookupsError(f"{len(self._open)} names are being looked up")
            thread = threading.Thread(
                target=self._run, args=(host, port, future), name=THREAD_NAME, daemon=True
            )
            try:
                thread.start()
            except RuntimeError as error:
                raise TooManyLookupsError("no thread more can be started") from error
            self._open[host, port] = (caller, future)
        return future

    def resolve(self, host: str, port: int, *, seconds: float) -> _Addresses:
        """Return the addresses of a host, or raise what the lookup raises.

        Raises:
            TimeoutError: not within `seconds`.
            TooManyLookupsError: as `begin`.
        """
        return self.begin(host, port).result(seconds)

    def _run(self, host: str, port: int, future: Future[_Addresses]) -> None:
        try:
            found = self._look_up(host, port)
        except Exception as error:
            self._end(host, port, future)
            future.set_exception(error)
        else:
            self._end(host, port, future)
            future.set_result(found)

    def _end(self, host: str, port: int, future: Future[_Addresses]) -> None:
        with self._lock:
            if self._open.get((host, port), ("", None))[1] is future:
                del self._open[host, port]


def _is_numeric(host: str) -> bool:
    """Return whether a host is an IP address, which needs no lookup."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
