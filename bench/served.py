"""Processes that are measured over HTTP: the service of a home, and a handler that does nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Response

from bench.bench_seal import ENTRY, ISSUER
from certledger.api.auth.api_keys import KeyRing
from certledger.api.server import listen
from certledger.ledger.core.service_values import Role
from certledger.ledger.node import POLICY, load_policy
from certledger.ledger.store.pepper import load_pepper
from certledger.verifier.files import write_atomically
from certledger.verifier.formats.catalog import Catalog
from tests.api.world import policy_of
from tests.ledger.live import LiveIssuer, open_live

WHERE = "serves http://127.0.0.1:"
MAX_START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Process:
    """A process that listens on a port of loopback."""

    pid: int
    port: int

    def processor(self) -> float:
        """Return the seconds of processor time that it has used."""
        told = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")

    def resident(self) -> int:
        """Return the bytes of memory that it holds."""
        return self._bytes("VmRSS")

    def forget_peak(self) -> None:
        """Let the peak of memory begin anew."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def peak(self) -> int:
        """Return the most bytes of memory that it held."""
        return self._bytes("VmHWM")

    def _bytes(self, name: str) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024
        raise OSError(f"the system does not tell {name}")


@contextmanager
def running(*command: str) -> Iterator[Process]:
    """Give a Python process of `command` that says where it serves, until it is left."""
    with tempfile.TemporaryFile() as told:
        process = subprocess.Popen(
            [sys.executable, *command], stdout=subprocess.PIPE, stderr=told, text=True
        )
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            if WHERE not in line:
                told.seek(0)
                raise OSError(f"it does not serve: {line}{told.read()[-2000:].decode()}")
            yield Process(process.pid, int(line.partition(WHERE)[2]))
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(MAX_START_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
            process.stdout.close()


def service(home: Path) -> tuple[str, ...]:
    """Return the command of the service of a home, as an agency starts it."""
    run = "from certledger.verifier.cli.main import main; main()"
    return ("-c", run, "serve", "--home", str(home), "--port", "0")


@contextmanager
def home() -> Iterator[tuple[Path, LiveIssuer]]:
    """Give a home with a policy and an issuer that has registered and issued nothing yet."""
    with tempfile.TemporaryDirectory(prefix="certledger-bench-") as folder:
        place = Path(folder) / "home"
        with open_live(place) as ledger:
            write_atomically(place / POLICY, policy_of(ledger.pin, int(time.time())).format())
            ledger.policy = load_policy(place)
            issuer = LiveIssuer(ledger, issuer=ISSUER, catalog=Catalog.of([ENTRY]))
            issuer.register()
            yield place, issuer


def keys(issuer: LiveIssuer, role: Role, count: int) -> list[str]:
    """Return keys for `count` callers of a role: how often one may call is bounded."""
    ring = KeyRing(
        store=issuer.ledger.store,
        pepper=load_pepper(issuer.ledger.settings.home, issuer.ledger.store),
        clock=time.time,
    )
    return [
        ring.create(
            name=f"{role} {number}",
            role=role,
            issuer=issuer.issuer if role is Role.ISSUER else None,
            counter=f"counter-{number}" if role is Role.COUNTER else None,
        )[1]
        for number in range(count)
    ]


def bare(sizes: Sequence[int]) -> FastAPI:
    """Return an application of handlers that look at nothing: `/bare/N` answers the Nth size."""
    app = FastAPI(openapi_url=None)
    for number, size in enumerate(sizes):
        app.add_api_route(f"/bare/{number}", _constant(b"x" * size), methods=["GET", "POST"])
    return app


def _constant(answer: bytes) -> Callable[[], Awaitable[Response]]:
    async def handler() -> Response:
        return Response(answer, media_type="application/json")

    return handler


def serve_bare(app: FastAPI) -> None:
    """Serve an application on the same server as the service, set up as anybody would."""
    listening = listen("127.0.0.1", 0)
    config = uvicorn.Config(
        app, http="h11", log_config=None, access_log=False, server_header=False, ws="none"
    )
    print(f"bare {WHERE}{listening.getsockname()[1]}", flush=True)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    serve_bare(bare([int(size) for size in sys.argv[1:]]))
