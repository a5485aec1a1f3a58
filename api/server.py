"""The server process: HTTP server and background workers, with orderly startup and shutdown."""

from __future__ import annotations

import gc
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
import uvicorn
from starlette.types import ASGIApp

from certledger.api.app import app_of
from certledger.api.auth.oidc import OidcTokens, Provider
from certledger.api.h11_protocol import ACCEPTED_AT_ONCE, Connection, most_connections
from certledger.api.service import Options, Service
from certledger.api.standby import Standby
from certledger.api.worker import Worker, stop_all
from certledger.ledger.node import Ledger
from certledger.ledger.verification.receipt_log import logbook_of
from certledger.ledger.webhooks.events import EventDispatcher

log = structlog.get_logger(__name__)
STEP_SECONDS = 0.5
TELL_SECONDS = 1.0
LOG_SECONDS = 60.0
FIGURES_SECONDS = 600.0
TURN_SECONDS = 0.0005
"""Switch interval (seconds) of Python threads, so that background threads yield to requests."""
MAX_RECURSION_DEPTH = 2_000
"""Recursion limit: far above the needs of requests and the contract, far below a crash."""
GRACE = 20
"""Seconds for open requests to finish at shutdown."""
BACKLOG = 2_048
_YOUNG = 20_000
"""Allocations between garbage collections of the youngest generation."""


class _Server(uvicorn.Server):
    """uvicorn server that notifies the service of a shutdown at once."""

    opened: ServiceResources

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Stop accepting connections, and end long polls.

        Unlike uvicorn it does not raise the signal again: workers and ledger must be closed first.
        """
        if self.opened.service is not None:
            self.opened.service.stopping = True
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


@dataclass(kw_only=True)
class ServiceResources:
    """Resources that are opened with the ledger, and closed in reverse order."""

    ledger: Callable[[], AbstractContextManager[Ledger]]
    options: Options
    provider: Provider | None
    service: Service | None = None
    _stack: ExitStack = field(default_factory=ExitStack)

    def open(self) -> ASGIApp:
        """Open the ledger and start the background workers; raises what opening raises."""
        with ExitStack() as stack:
            ledger = stack.enter_context(self.ledger())
            provider = self.provider
            tokens = None if provider is None else OidcTokens(provider=provider, clock=ledger.clock)
            service = Service(
                ledger=ledger, options=self.options, clock=ledger.clock, tokens=tokens
            )
            app = app_of(service)
            workers = _workers(ledger, service)
            stack.callback(stop_all, workers)
            for worker in workers:
                worker.start()
            self.service = service
            self._stack = stack.pop_all()
        tune_garbage_collector()
        # The chain's library raises the recursion limit so far that nested JSON would crash.
        sys.setrecursionlimit(MAX_RECURSION_DEPTH)
        return app

    async def answered(self) -> None:
        """Finish the pending verification receipts."""
        if self.service is not None:
            await self.service.keeper.close()

    def close(self) -> None:
        """Stop the background workers and close the ledger."""
        self._stack.close()


def serve(
    ledger: Callable[[], AbstractContextManager[Ledger]],
    *,
    host: str,
    port: int,
    ready: Callable[[str], None],
    options: Options,
    provider: Provider | None = None,
) -> None:
    """Serve the ledger that `ledger` opens until a signal ends it.

    While node or database are unavailable, the process runs, reports why, and retries.  `ready` is
    called once with the address; tokens of `provider` are accepted in addition to keys.

    Raises:
        CertledgerError: it cannot be opened, for a permanent reason.
    """
    Connection.most = most_connections()
    listening = listen(host, port)
    if options.public_url is None:
        options = replace(options, public_url=_address(listening, host))
    opened = ServiceResources(ledger=ledger, options=options, provider=provider)
    standby = Standby(open=opened.open, closing=opened.answered)
    server = _Server(configure(standby))
    server.opened = opened
    sys.setswitchinterval(TURN_SECONDS)
    try:
        standby.start()
        ready(_address(listening, host))
        server.run(sockets=[listening])
    finally:
        standby.stop()
        opened.close()


def configure(app: ASGIApp) -> uvicorn.Config:
    """Return uvicorn's configuration."""
    return uvicorn.Config(
        app,
        # uvicorn would prefer httptools, which does not limit heads.
        http=Connection,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=GRACE,
        h11_max_incomplete_event_size=65_536,
        # asyncio accepts so many per iteration; without a descriptor it stops for a second.
        backlog=ACCEPTED_AT_ONCE,
        ws="none",
    )


def tune_garbage_collector() -> None:
    """Tune the garbage collector: freeze loaded objects, and collect less often.

    A full collection would traverse hundreds of thousands of permanent objects during requests.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 50)


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 selects a free port."""
    listening = socket.create_server((host, port), family=_family(host), backlog=BACKLOG)
    # Accepted connections inherit it.  asyncio sets TCP_NODELAY only for sockets with an explicit
    # protocol; without it the body waits some 40 ms for the acknowledgement of the head.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _workers(ledger: Ledger, service: Service) -> list[Worker]:
    teller = EventDispatcher(
        store=ledger.store,
        pepper=service.pepper,
        clock=service.clock,
        private=service.options.private_targets,
        resolver=service.resolver,
    )
    logbook = logbook_of(ledger, service.pepper)
    log_pause = min(LOG_SECONDS, max(TELL_SECONDS, logbook.every))
    return [
        *(
            Worker(name=name, step=step, pause=STEP_SECONDS, metrics=service.metrics)
            for name, step in (
                ("following", ledger.follower.follow),
                ("anchoring", ledger.anchor),
                ("publishing", ledger.publish),
            )
        ),
        Worker(name="cases", step=service.cases.step, pause=TELL_SECONDS, metrics=service.metrics),
        Worker(
            name="samples", step=service.samples.step, pause=TELL_SECONDS, metrics=service.metrics
        ),
        Worker(name="telling", step=teller.step, pause=TELL_SECONDS, metrics=service.metrics),
        Worker(
            name="figures",
            step=service.figures.step,
            pause=FIGURES_SECONDS,
            metrics=service.metrics,
        ),
        Worker(name="logbook", step=logbook.step, pause=log_pause, metrics=service.metrics),
    ]


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _address(listening: socket.socket, host: str) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listening.getsockname()[1]}"
