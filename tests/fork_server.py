"""Commands as processes of their own that need not import everything again.

A parent imports the whole product once and forks for each call, with the caller's arguments,
folder, environment and streams; `write_client` writes the little program that stands for
`certledger`.
"""

from __future__ import annotations

import array
import importlib
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

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
status = server.recv(1)
sys.exit(status[0] if status else 70)
"""


def write_client(folder: Path, path: Path) -> None:
    """Write a program `certledger` into `folder` that asks the server at `path`."""
    program = folder / "certledger"
    program.write_text(f"#!{sys.executable} -ISE\n{_CLIENT.format(path=str(path))}")
    program.chmod(0o755)


@contextmanager
def fork_server(path: Path) -> Iterator[None]:
    """Run the server at a path meanwhile; its children end with it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fork_server", str(path)], stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield
    finally:
        process.terminate()
        process.wait()


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
    connection.sendall(bytes([os.waitstatus_to_exitcode(status) & 255]))


if __name__ == "__main__":
    main(sys.argv[1])
