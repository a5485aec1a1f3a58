"""Stand-in application while the ledger cannot be opened: alive, not ready, with the reason."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import orjson
import structlog
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from certledger.api.errors import NotReadyError
from certledger.api.problems import RETRY_AFTER, answer
from certledger.ledger.chain.client import WrongChainError
from certledger.ledger.core.errors import (
    ChainUnreachableError,
    StoreBusyError,
    StoreUnavailableError,
)
from certledger.verifier.errors import CertledgerError

log = structlog.get_logger(__name__)
RETRY_SECONDS = 5.0
RETRIED = (ChainUnreachableError, StoreBusyError, StoreUnavailableError, sqlite3.DatabaseError)
"""Temporary failures, or those that an operator can fix while the process runs."""


class ChainDamagedError(CertledgerError):
    """The database of the embedded chain cannot be read; restore a backup."""

    code = "chain.damaged"


def failure_of(error: Exception) -> CertledgerError:
    """Return the reason with a code for a failure to open the ledger."""
    if isinstance(error, CertledgerError):
        return error
    return ChainDamagedError("the chain in the home cannot be read: its file is damaged")


@dataclass(kw_only=True)
class Standby:
    """ASGI application that serves errors until the real one is open.

    `open` returns the real application, or raises one of `RETRIED`; it is retried until it succeeds
    or `stop` is called.  `closing` is awaited at shutdown, in the event loop.
    """

    open: Callable[[], ASGIApp]
    closing: Callable[[], Awaitable[None]]
    _app: ASGIApp | None = None
    _failure: CertledgerError = field(default_factory=lambda: NotReadyError("not tried yet"))
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Open the application now, or retry in a thread.

        Raises:
            CertledgerError: a permanent failure.
        """
        if not self._try():
            self._thread = threading.Thread(target=self._retry, name="opening", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop retrying."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _retry(self) -> None:
        while not self._stop.wait(RETRY_SECONDS):
            try:
                if self._try():
                    return
            except Exception as error:
                self._failure = failure_of(error)
                log.exception("ledger_unusable")

    def _try(self) -> bool:
        try:
            self._app = self.open()
        except WrongChainError:
            raise
        except RETRIED as error:
            self._failure = failure_of(error)
            log.warning("ledger_not_open", code=self._failure.code, reason=str(self._failure))
            return False
        return True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or respond with the reason why the ledger is not open."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._app is not None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._unready(scope["path"])(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.closing()
        await send({"type": "lifespan.shutdown.complete"})

    def _unready(self, path: str) -> Response:
        if path == "/healthz":
            return Response(b'{"alive":true}', media_type="application/json")
        if path == "/readyz":
            faults = orjson.dumps({"ready": False, "faults": [self._failure.code], "parts": {}})
            response = Response(faults, 503, media_type="application/json")
        else:
            response = answer(
                NotReadyError(
                    f"the ledger cannot be opened: {self._failure} ({self._failure.code})"
                )
            )
        response.headers["retry-after"] = str(RETRY_AFTER)
        return response
