"""Idempotency keys whose requests this process works on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from certledger.api.errors import KeyInFlightError, KeyReusedError


class Claims:
    """Keys in hand, each with the digest of its request.

    They are not in the database, so a process that dies leaves none behind.
    """

    def __init__(self) -> None:
        self._claims: dict[tuple[str, str], bytes] = {}
        self._lock = threading.Lock()

    @contextmanager
    def claim(self, party: str, key: str, request: bytes) -> Iterator[None]:
        """Hold a key while the block runs.

        Raises:
            KeyReusedError: it is held for another request.
            KeyInFlightError: it is held for this request.
        """
        name = (party, key)
        with self._lock:
            existing = self._claims.get(name)
            if existing == request:
                raise KeyInFlightError
            if existing is not None:
                raise KeyReusedError("this idempotency key came with another request before")
            self._claims[name] = request
        try:
            yield
        finally:
            with self._lock:
                del self._claims[name]
