"""The threaded server of the chain's node and of witnesses, with more connections than it has."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from certledger.ledger.bounded_server import BoundedHttpServer

MOST = 4


class Slow(BaseHTTPRequestHandler):
    """Answers once the test lets it."""

    server: BoundedHttpServer
    begun = threading.Semaphore(0)
    go_on = threading.Event()

    def do_GET(self) -> None:
        with self.server.answering(self.connection):
            self.begun.release()
            self.go_on.wait(30)
            self.send_response(200)
            self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


@pytest.fixture
def address() -> Iterator[tuple[str, int]]:
    server = BoundedHttpServer(("127.0.0.1", 0), Slow, MOST)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    Slow.go_on.clear()
    host, port = server.server_address[:2]
    yield str(host), int(port)
    Slow.go_on.set()
    server.shutdown()
    server.server_close()
    thread.join()


def test_what_is_being_answered_is_not_cut(address: tuple[str, int]) -> None:
    asked = [socket.create_connection(address) for _ in range(MOST)]
    for one in asked:
        one.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert Slow.begun.acquire(timeout=30)

    with socket.create_connection(address) as refused:
        assert refused.recv(1) == b""

    Slow.go_on.set()
    for one in asked:
        with one:
            assert one.recv(12).startswith(b"HTTP/1.0 200")


def test_the_one_that_waited_longest_is_cut_first(address: tuple[str, int]) -> None:
    waiting = [socket.create_connection(address) for _ in range(MOST)]
    for one in waiting:
        one.sendall(b"GET / HTTP/1.0\r\nX: ")
    with socket.create_connection(address) as newest:
        newest.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert waiting[0].recv(1) == b""
        assert Slow.begun.acquire(timeout=30)
        Slow.go_on.set()
        assert newest.recv(12).startswith(b"HTTP/1.0 200")
    for one in waiting[1:]:
        with one:
            one.sendall(b"a\r\n\r\n")
            assert one.recv(12).startswith(b"HTTP/1.0 200")
