"""Idempotency keys of requests in progress in this process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from certledger.api.errors import KeyInFlightError, KeyReusedError


class Claims:
    """Claimed keys, each with the digest of its request.

    In memory only, so a process that dies leaves no claims behind.
    """

    def __init__(self) -> None:
        self._claims: dict[tuple[str, str], bytes] = {}
        self._lock = threading.Lock()

    @contextmanager
    def claim(self, party: str, key: str, request: bytes) -> Iterator[None]:
        """Claim a key for the duration of the block.

        Raises:
            KeyReusedError: it is claimed for another request.
            KeyInFlightError: it is claimed for this request.
        """
        name = (party, key)
        with self._lock:
            existing = self._claims.get(name)
            if existing == request:
                raise KeyInFlightError
            if existing is not None:
                raise KeyReusedError("this idempotency key was used with another request")
            self._claims[name] = request
        try:
            yield
        finally:
            with self._lock:
                del self._claims[name]
