"""`python -m bench.servers [ROUNDS]`: servers under the same application, as a table of Markdown.

What is not installed is left out; httptools and uvloop are not among the service's packages.
"""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Literal

import uvicorn
from fastapi import FastAPI
from granian.constants import Interfaces
from granian.server.embed import Server as Granian

from bench.bench_api import CONNECTIONS, JSON, QUICK, STEADY, prepared
from bench.load import ask, hammer, pace, request
from bench.served import WHERE, Process, bare, running
from certledger.api.app import app_of
from certledger.api.logging import log_to_stderr
from certledger.api.server import BACKLOG, configure, listen, tune_garbage_collector
from certledger.api.service import Service
from certledger.ledger.node import open_ledger
from certledger.ledger.settings import load_settings

REQUESTS, STEADY_REQUESTS = 1_500, 2_500
OURS = "as served"
PACKAGES: Mapping[str, Sequence[str]] = {
    OURS: ("uvicorn", "h11"),
    "uvicorn h11": ("uvicorn", "h11"),
    "uvicorn httptools": ("uvicorn", "httptools"),
    "uvicorn httptools uvloop": ("uvicorn", "httptools", "uvloop"),
    "granian": ("granian",),
}
"""What is compared, and the packages it takes."""


def main() -> None:
    """Serve, where called with NAME and what to serve; compare otherwise."""
    if len(sys.argv) > 2:
        serve(sys.argv[1], sys.argv[2:])
    else:
        print("\n".join(compare(int(sys.argv[1]) if sys.argv[1:] else 7)))


# In the processes that serve ----------------------------------------------------------------------


def serve(name: str, what: Sequence[str]) -> None:
    """Serve under a server: `home FOLDER`, or `bare SIZE`."""
    log_to_stderr()
    if what[0] == "bare":
        _run(name, bare([int(what[1])]))
        return
    with open_ledger(load_settings(home=Path(what[1]))) as ledger:
        tune_garbage_collector()
        _run(name, app_of(Service(ledger=ledger)))


def _run(name: str, app: FastAPI) -> None:
    if name == "granian":
        asyncio.run(_granian(app))
        return
    listening = listen("127.0.0.1", 0)
    _say(listening.getsockname()[1])
    uvicorn.Server(_config(name, app)).run(sockets=[listening])


def _config(name: str, app: FastAPI) -> uvicorn.Config:
    if name == OURS:
        return configure(app)
    http: Literal["h11", "httptools"] = "httptools" if "httptools" in name else "h11"
    loop = "uvloop" if "uvloop" in name else "asyncio"
    return uvicorn.Config(app, http=http, loop=loop, log_config=None, access_log=False, ws="none")


async def _granian(app: FastAPI) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Granian(
        app,
        port=port,
        interface=Interfaces.ASGI,
        websockets=False,
        backlog=BACKLOG,
        log_enabled=False,
    )
    serving = asyncio.create_task(server.serve())
    while not _listens(port):
        await asyncio.sleep(0.05)
    _say(port)
    await serving


def _listens(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def _say(port: int) -> None:
    print(f"it {WHERE}{port}", flush=True)


# Comparing ----------------------------------------------------------------------------------------

Figures = dict[str, list[float]]


def compare(rounds: int) -> list[str]:
    """Return the lines of the table; the servers take turns in each round."""
    names = [name for name, packages in PACKAGES.items() if all(map(_version, packages))]
    found: dict[str, Figures] = {name: {} for name in names}
    with prepared(QUICK) as made, ExitStack() as stack:
        questions = [b'{"evidence":%b}' % data for data in made.files[0]]
        verify = made.asking("POST", "/v1/verifications", questions, JSON)
        listed = made.asking("GET", f"/v1/status-lists/{made.issuer.issuer}")
        processes: dict[str, tuple[Process, Process]] = {}
        for number, name in enumerate(names):
            place = made.place.with_name(f"home-{number}")
            shutil.copytree(made.place, place)
            ours = stack.enter_context(running("-m", "bench.servers", name, "home", str(place)))
            size = str(len(ask(ours.port, verify[0])))
            other = stack.enter_context(running("-m", "bench.servers", name, "bare", size))
            processes[name] = ours, other
        nothing = [request("POST", "/bare/0", asked.split(b"\r\n\r\n", 1)[1]) for asked in verify]
        for _ in range(rounds):
            for name, (ours, other) in processes.items():
                _measure(found[name], "bare", other, nothing)
                _measure(found[name], "verify", ours, verify)
                _measure(found[name], "list", ours, listed)
                _slowest(found[name], ours, verify)
    return [*_facts(), "", *_table(found)]


def _measure(into: Figures, name: str, process: Process, requests: Sequence[bytes]) -> None:
    before = process.processor()
    load = hammer(process.port, requests, connections=CONNECTIONS, count=REQUESTS)
    into.setdefault(name, []).append(load.rate)
    into.setdefault(f"{name} cpu", []).append((process.processor() - before) / REQUESTS)


def _slowest(into: Figures, process: Process, requests: Sequence[bytes]) -> None:
    load = pace(process.port, requests, connections=64, rate=STEADY, count=STEADY_REQUESTS)
    into.setdefault("p50", []).append(load.percentile(50))
    into.setdefault("p99", []).append(load.percentile(99))


_COLUMNS: Mapping[str, tuple[str, Callable[[Figures], float]]] = {
    "bare, a second": ("{:,.0f}", lambda found: median(found["bare"])),
    "verifications a second": ("{:,.0f}", lambda found: median(found["verify"])),
    "status lists a second": ("{:,.0f}", lambda found: median(found["list"])),
    "CPU of bare, µs": ("{:,.0f}", lambda found: median(found["bare cpu"]) * 1e6),
    "CPU of a verification, µs": ("{:,.0f}", lambda found: median(found["verify cpu"]) * 1e6),
    "CPU of a status list, µs": ("{:,.0f}", lambda found: median(found["list cpu"]) * 1e6),
    f"p50 at {STEADY}/s, ms": ("{:.1f}", lambda found: median(found["p50"]) * 1e3),
    f"p99 at {STEADY}/s, ms": ("{:.1f}", lambda found: median(found["p99"]) * 1e3),
}


def _table(found: Mapping[str, Figures]) -> list[str]:
    lines = [
        "| server | " + " | ".join(_COLUMNS) + " |",
        "|---" * (len(_COLUMNS) + 1) + "|",
    ]
    for name, figures in found.items():
        cells = [form.format(take(figures)) for form, take in _COLUMNS.values()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def _facts() -> list[str]:
    packages = sorted({one for named in PACKAGES.values() for one in named})
    held = [f"{name} {found}" for name in packages if (found := _version(name))]
    load = "/".join(f"{one:.1f}" for one in os.getloadavg())
    return [
        f"{time.strftime('%Y-%m-%d')}: Python {platform.python_version()}, {platform.system()}"
        f" {platform.machine()}, {os.cpu_count()} cores, load {load}; {', '.join(held)}."
    ]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


if __name__ == "__main__":
    main()
