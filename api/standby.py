"""What answers while the ledger cannot be opened: alive, not ready, and for what reason."""

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
from certledger.ledger.core.ports import (
    ChainUnreachableError,
    StoreBusyError,
    StoreUnavailableError,
)
from certledger.verifier.errors import CertledgerError

log = structlog.get_logger(__name__)
RETRY_SECONDS = 5.0
RETRIED = (ChainUnreachableError, StoreBusyError, StoreUnavailableError, sqlite3.DatabaseError)
"""Failures that may pass, or that somebody mends while the process waits."""


class ChainDamagedError(CertledgerError):
    """The database of the embedded chain cannot be read; restore a backup."""

    code = "chain.damaged"


def failure_of(error: Exception) -> CertledgerError:
    """Return why the ledger could not be opened, with a code for programs."""
    if isinstance(error, CertledgerError):
        return error
    return ChainDamagedError("the chain in the home cannot be read: its file is damaged")


@dataclass(kw_only=True)
class Standby:
    """An application that stands in until the real one can be opened.

    `open` returns the real application, or raises one of `RETRIED`; it is called until it succeeds
    or `stop` is called.  `closing` is awaited at the end of the server, in its event loop.
    """

    open: Callable[[], ASGIApp]
    closing: Callable[[], Awaitable[None]]
    _app: ASGIApp | None = None
    _failure: CertledgerError = field(default_factory=lambda: NotReadyError("not tried yet"))
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Open the application now, or go on trying in a thread.

        Raises:
            CertledgerError: for a reason that does not pass by itself.
        """
        if not self._try():
            self._thread = threading.Thread(target=self._retry, name="opening", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Try no more."""
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
        """Pass a request on, or say why it cannot be served yet."""
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
