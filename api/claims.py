"""Idempotency keys whose requests this process works on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from certledger.api.refusals import KeyInFlight, KeyReused


class Claims:
    """Keys in hand, each with the digest of its request.

    They are not in the database, so a process that dies leaves none behind.
    """

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], bytes] = {}
        self._lock = threading.Lock()

    @contextmanager
    def claim(self, party: str, key: str, request: bytes) -> Iterator[None]:
        """Hold a key while the block runs.

        Raises:
            KeyReused: it is held for another request.
            KeyInFlight: it is held for this request.
        """
        name = (party, key)
        with self._lock:
            held = self._held.get(name)
            if held == request:
                raise KeyInFlight
            if held is not None:
                raise KeyReused("this idempotency key came with another request before")
            self._held[name] = request
        try:
            yield
        finally:
            with self._lock:
                del self._held[name]
