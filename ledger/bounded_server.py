"""Threaded HTTP server with a bounded number of connections, for the chain's node and witnesses.

A stranger who opens many connections takes neither all descriptors nor the place of others.
"""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class BoundedHttpServer(ThreadingHTTPServer):
    """Cuts the connection that has waited longest for a request, where a new one has no room.

    A connection whose request is being answered is never cut; where all are, a new one is refused.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], most: int
    ) -> None:
        """`most` is the greatest number of open connections."""
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._most, self._lock = most, threading.Lock()
        self._open: set[socket.socket] = set()
        # Those without a whole request, the one that has waited longest first.
        self._waiting: dict[socket.socket, None] = {}
        super().__init__(address, handler)

    @contextmanager
    def answering(self, connection: socket.socket) -> Iterator[None]:
        """Keep a connection from being cut while its request, which has come whole, is answered."""
        with self._lock:
            self._waiting.pop(connection, None)
        try:
            yield
        finally:
            with self._lock:
                if connection in self._open:
                    self._waiting[connection] = None

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread for the connection."""
        if self._make_room(request):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def _make_room(self, new: socket.socket) -> bool:
        with self._lock:
            if len(self._open) >= self._most:
                oldest = next(iter(self._waiting), None)
                if oldest is None:
                    return False
                del self._waiting[oldest]
                self._open.discard(oldest)
                with suppress(OSError):
                    oldest.shutdown(socket.SHUT_RDWR)  # Its thread reads the end, and closes it.
            self._open.add(new)
            self._waiting[new] = None
            return True

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve the connection to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                self._open.discard(request)
                self._waiting.pop(request, None)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print a traceback, but not for a caller that went away."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class ServerThread:
    """A server that serves from a thread of its own, from `start` until it is closed."""

    def __init__(
        self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], most: int
    ) -> None:
        """`most` is the greatest number of open connections."""
        self._http = BoundedHttpServer(address, handler, most)
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    @property
    def url(self) -> str:
        """The base URL of the server."""
        host, port = self._http.server_address[:2]
        return f"http://[{host!s}]:{port}" if ":" in str(host) else f"http://{host!s}:{port}"

    def start(self) -> None:
        """Start to serve."""
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
