"""A server that answers every question in one hostile way, for as long as it is asked."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Answer = Callable[[socket.socket, threading.Event], None]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def endless(start: bytes, again: bytes, pause: float = 0.0) -> Answer:
    """Return what sends `start`, and then `again` for ever, with a pause (seconds) between."""

    def answer(sock: socket.socket, over: threading.Event) -> None:
        sock.sendall(start)
        while not over.wait(pause):
            sock.sendall(again)

    return answer


ANSWERS: dict[str, Answer] = {
    "silence": endless(b"", b"", 0.02),
    "a dripping head": endless(b"HTTP/1.1 200 OK\r\nX-Filler: ", b"a", 0.02),
    "a dripping status": endless(b"HTTP/1.", b"1", 0.02),
    "a dripping body": endless(HEAD + b"Content-Length: 100000\r\n\r\n", b" ", 0.02),
    "dripping chunks": endless(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", 0.02),
    "interim answers": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.02),
    "interim answers, fast": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000),
    "an endless body": endless(HEAD + b"\r\n", b" " * 65_536),
    "endless chunks": endless(
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"ffff\r\n" + b" " * 0xFFFF + b"\r\n"
    ),
    "an endless line": endless(b"HTTP/1.1 200 OK\r\nX-Filler: ", b"a" * 65_536),
    "endless headers": endless(b"HTTP/1.1 200 OK\r\n", b"X-Filler: a\r\n" * 100),
    "no HTTP": endless(b"", b"\x00" * 4_096),
    "a redirect": endless(b"HTTP/1.1 307 No\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", b"", 9),
}


@contextmanager
def hostile(answer: Answer) -> Iterator[tuple[str, list[bytes]]]:
    """Serve on a port of this machine; give the address, and the questions as they come."""
    over, asked = threading.Event(), list[bytes]()
    listening = socket.create_server(("127.0.0.1", 0))

    def handle(sock: socket.socket) -> None:
        with sock, suppress(OSError):
            asked.append(sock.recv(65_536))
            answer(sock, over)

    def serve() -> None:
        with suppress(OSError):
            while not over.is_set():
                sock, _ = listening.accept()
                threading.Thread(target=handle, args=(sock,), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", asked
    finally:
        over.set()
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(5)
