"""Commands as processes of their own that need not import everything again.

A parent imports the whole product once and forks for each call, with the caller's arguments,
folder, environment and streams.  `Forked` is such a call; `write_client` writes a little program
that stands for `certledger` in scripts.
"""

from __future__ import annotations

import array
import atexit
import importlib
import json
import os
import pkgutil
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import IO

PRELOADED = ("certledger.verifier", "certledger.ledger", "certledger.api", "eth_account")
_CLIENT = """\
import json, os, signal, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect({path!r})
asked = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(server, [len(asked).to_bytes(4, "big")], [0, 1, 2])
server.sendall(asked)
child = int.from_bytes(server.recv(4), "big")
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda number, frame: os.kill(child, number))
status = int.from_bytes(server.recv(2), "big", signed=True)
if status < 0:
    os.kill(os.getpid(), -status)
sys.exit(status)
"""


@cache
def shared_server() -> Path:
    """Return where this process's server listens; it runs until the process ends."""
    path = Path(tempfile.mkdtemp(prefix="forks")) / "server"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fork_server", str(path)], stdout=subprocess.PIPE
    )
    atexit.register(_end, process, path.parent)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return path


def _end(process: subprocess.Popen[bytes], folder: Path) -> None:
    process.terminate()
    process.wait()
    shutil.rmtree(folder)


def write_client(folder: Path) -> Path:
    """Write a program `certledger` into `folder` that asks the server; return its path."""
    program = folder / "certledger"
    program.write_text(f"#!{sys.executable} -ISE\n{_CLIENT.format(path=str(shared_server()))}")
    program.chmod(0o755)
    return program


@cache
def certledger() -> Path:
    """Return the path of a program that stands for `certledger`."""
    return write_client(shared_server().parent)


class Forked:
    """A command in a process of its own, with the members of `subprocess.Popen` that tests need.

    Its output is a pipe, and `pid` is the process that runs the command.
    """

    def __init__(self, arguments: Sequence[str], *, stderr: IO[bytes]) -> None:
        self._server = socket.socket(socket.AF_UNIX)
        self._server.connect(str(shared_server()))
        asked = json.dumps([list(arguments), os.getcwd(), dict(os.environ)]).encode()
        read, write = os.pipe()
        with open(os.devnull, "rb") as nothing:
            streams = [nothing.fileno(), write, stderr.fileno()]
            socket.send_fds(self._server, [len(asked).to_bytes(4, "big")], streams)
        os.close(write)
        self._server.sendall(asked)
        self.pid = int.from_bytes(self._server.recv(4), "big")
        self.stdout = os.fdopen(read, encoding="utf-8")
        self.returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; return its exit code, or the signal that ended it as a negative one.

        Raises:
            TimeoutError: it did not end in `timeout` seconds.
        """
        if self.returncode is None:
            self._server.settimeout(timeout)
            self.returncode = int.from_bytes(self._server.recv(2), "big", signed=True)
            self._server.close()
        return self.returncode

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        try:
            return self.wait(timeout=0)
        except BlockingIOError:
            return None

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)


def import_everything() -> None:
    """Import what commands import only when called, which costs each of them seconds."""
    for name in PRELOADED:
        package = importlib.import_module(name)
        for found in pkgutil.walk_packages(getattr(package, "__path__", ()), f"{name}."):
            importlib.import_module(found.name)
    assert threading.active_count() == 1, "a fork has none of its parent's threads"


def main(path: str) -> None:
    """Serve until SIGTERM."""
    from certledger.verifier.cli.main import main as command

    import_everything()
    os.setpgrp()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: os.killpg(0, signal.SIGKILL))
    print("ready", flush=True)
    while True:
        connection, _ = listener.accept()
        if os.fork():
            connection.close()
            continue
        listener.close()
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        _attend(connection, command)
        os._exit(0)


def _attend(connection: socket.socket, command: Callable[[], None]) -> None:
    """Run one call in a child, and say how it ended."""
    size, streams, _, _ = socket.recv_fds(connection, 4, 3)
    data = b""
    while len(data) < int.from_bytes(size, "big"):
        data += connection.recv(65_536)
    arguments, folder, environment = json.loads(data)
    child = os.fork()
    if child == 0:
        for number, stream in enumerate(array.array("i", streams)):
            os.dup2(stream, number)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        connection.close()
        sys.argv = ["certledger", *arguments]
        code = 70
        try:
            command()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    connection.sendall(child.to_bytes(4, "big"))
    for stream in streams:
        os.close(stream)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    connection.sendall(code.to_bytes(2, "big", signed=True))


if __name__ == "__main__":
    main(sys.argv[1])
