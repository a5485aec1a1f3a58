"""Measures the service while strangers attack it: how long others wait, what memory it takes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles

import httpx

from tests.attack.inputs import Attack
from tests.effort import effort

CALLERS = effort(8, 20)
TRIES = 4
LEAST = 5
"""Requests of others that are timed, however short the attack."""
RUN = "from certledger.verifier.cli.main import main; main()"
MEGABYTE = 2**20


@dataclass(frozen=True, slots=True)
class Target:
    """The service as a process: what it is asked, and what the system tells of it."""

    process: subprocess.Popen[str]
    url: str

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.url.rpartition(":")[2])

    def memory(self) -> int:
        """Return the most bytes that it has held."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
        raise OSError("the system does not tell how much memory a process has held")


@contextmanager
def target(home: Path, *, files: int | None = None, core: int | None = None) -> Iterator[Target]:
    """Run the service of a home, with a bound of open files and on one core where it is named."""
    command = [sys.executable, "-c", RUN, "serve", "--home", str(home), "--port", "0"]
    if files is not None:
        command = ["sh", "-c", f'ulimit -n {files}; exec "$@"', "sh", *command]
    log = (home / "attack.log").open("wb")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        if core is not None:
            os.sched_setaffinity(process.pid, {core})
        assert process.stdout is not None
        line = process.stdout.readline()
        yield Target(process, line.split()[-1])
    finally:
        process.kill()
        process.wait()
        log.close()


@dataclass
class Measured:
    """Seconds that others waited, and what they were told."""

    health: list[float] = field(default_factory=list)
    verify: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    sent: int = 0

    def percentile(self, times: list[float], which: int = 99) -> float:
        """Return what so many in a hundred did not wait longer than."""
        return quantiles(times, n=100, method="inclusive")[which - 1]


def measure(
    at: Target, attack: Attack | None, question: bytes, key: str, seconds: float
) -> Measured:
    """Return what others saw while strangers attacked for so long; None for no attack."""
    found, stop = Measured(), threading.Event()
    strangers = [
        threading.Thread(target=_attack, args=(at.port, attack, number, stop, found), daemon=True)
        for number in range(CALLERS if attack is not None else 0)
    ]
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    until = time.monotonic() + seconds

    def verify() -> None:
        with httpx.Client(base_url=at.url, headers=headers, timeout=60, verify=False) as client:
            while time.monotonic() < until or len(found.verify) < LEAST:
                _timed(found.verify, found.wrong, client, "POST", "/v1/verifications", question)
                stop.wait(0.05)

    counter = threading.Thread(target=verify, daemon=True)
    for thread in (*strangers, counter):
        thread.start()
    with httpx.Client(base_url=at.url, timeout=60, verify=False) as client:
        while time.monotonic() < until or len(found.health) < LEAST:
            _timed(found.health, found.wrong, client, "GET", "/healthz", None)
            stop.wait(0.02)
    counter.join()
    stop.set()
    for thread in strangers:
        thread.join(60)
    return found


def _timed(
    times: list[float],
    wrong: list[str],
    client: httpx.Client,
    method: str,
    path: str,
    body: bytes | None,
) -> None:
    began = time.perf_counter()
    answer = None
    for last in (False,) * (TRIES - 1) + (True,):
        try:
            answer = client.request(method, path, content=body)
            break
        except httpx.TransportError:
            # A connection that nothing is asked on may be cut; whoever asks anew is served.
            if last:
                raise
    assert answer is not None
    times.append(time.perf_counter() - began)
    if answer.status_code != 200 or (body and b'"verdict":"valid"' not in answer.content):
        wrong.append(f"{path}: {answer.status_code} {answer.text[:200]}")


def _attack(port: int, attack: Attack, number: int, stop: threading.Event, found: Measured) -> None:
    """Send the same until told to stop, each caller from an address of its own."""
    own = f"127.0.0.{2 + number}"
    standing: list[socket.socket] = []
    while not stop.is_set():
        with suppress(OSError):
            connection = socket.create_connection(("127.0.0.1", port), 30, (own, 0))
            standing.append(connection)
            found.sent += 1
            connection.sendall(attack.data)
            if attack.whole:
                while connection.recv(65_536):
                    pass
        if attack.whole or len(standing) > attack.held:
            standing.pop(0).close() if standing else None
        if not attack.whole:
            stop.wait(0.02)
    for connection in standing:
        connection.close()
