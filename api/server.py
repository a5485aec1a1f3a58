"""One process that serves: HTTP in front, anchoring and telling behind, closed in good order."""

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
TURN_SECONDS = 0.0005
"""How long a thread beside the requests may go on while a request waits for its turn."""
MAX_RECURSION_DEPTH = 2_000
"""Calls within calls: far more than a request or the contract needs, far fewer than crash."""
GRACE = 20
"""Seconds that requests at hand have to end."""
BACKLOG = 2_048
_YOUNG = 20_000
"""Objects made before the collector looks at them."""


class _Server(uvicorn.Server):
    """A server that lets the service know at once that it is to end."""

    opened: Opened

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Take no more connections; whoever waits for something is answered now.

        The signal is not raised again, as uvicorn would: what is behind must be closed first.
        """
        if self.opened.service is not None:
            self.opened.service.stopping = True
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


@dataclass(kw_only=True)
class Opened:
    """What is open once the ledger is, and is closed in the opposite order."""

    ledger: Callable[[], AbstractContextManager[Ledger]]
    options: Options
    provider: Provider | None
    service: Service | None = None
    _stack: ExitStack = field(default_factory=ExitStack)

    def open(self) -> ASGIApp:
        """Open the ledger and start what works beside the requests; raises what opening raises."""
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
        settle_garbage()
        # The chain's library lets Python recurse until the C stack ends, as a nested body would.
        sys.setrecursionlimit(MAX_RECURSION_DEPTH)
        return app

    async def answered(self) -> None:
        """Finish what answers have begun."""
        if self.service is not None:
            await self.service.keeper.close()

    def close(self) -> None:
        """Stop the work beside the requests and close the ledger."""
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

    While its node or its database keeps it from being opened, the process stays, says why, and
    tries again.  `ready` is called once with the address; `provider` is whose tokens are taken
    beside keys, None for nobody's.

    Raises:
        CertledgerError: it cannot be opened, for a reason that does not pass by itself.
    """
    Connection.most = most_connections()
    listening = listen(host, port)
    if options.public_url is None:
        options = replace(options, public_url=_address(listening, host))
    opened = Opened(ledger=ledger, options=options, provider=provider)
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
    """Return how the server is set up."""
    return uvicorn.Config(
        app,
        # httptools, which would be taken where it is installed, bounds no head of a request.
        http=Connection,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=GRACE,
        h11_max_incomplete_event_size=65_536,
        # asyncio takes as many in one turn; one that finds no descriptor stops it for a second.
        backlog=ACCEPTED_AT_ONCE,
        ws="none",
    )


def settle_garbage() -> None:
    """Let the collector pass over what was loaded, and come when there is something to collect.

    Otherwise it goes through hundreds of thousands of objects that stay, while callers wait.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 50)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens, 0 for a free port."""
    listening = socket.create_server((host, port), family=_family(host), backlog=BACKLOG)
    # Connections inherit it.  asyncio sets it only where a socket names its protocol, and without
    # it the body of an answer waits some 40 ms for the caller to acknowledge the head.
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
        Worker(name="telling", step=teller.step, pause=TELL_SECONDS, metrics=service.metrics),
        Worker(name="logbook", step=logbook.step, pause=log_pause, metrics=service.metrics),
    ]


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _address(listening: socket.socket, host: str) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listening.getsockname()[1]}"
