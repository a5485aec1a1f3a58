"""An auditor and a service that is busy, or that counts requests a minute."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from certledger.verifier.audit.sources import DataUnreachableError, HttpDirectory

Answer = tuple[int, dict[str, str], bytes]


@contextmanager
def server(*answers: Answer) -> Iterator[tuple[str, list[str]]]:
    """Serve the answers in turn, the last one for ever; yield the address and what was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = answers[min(len(asked), len(answers) - 1)]
            asked.append(self.path)
            self.send_response(status)
            for name, text in (headers | {"Content-Length": str(len(body))}).items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    listening = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.server_port}", asked
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()


@pytest.mark.parametrize("status", [429, 503])
def test_an_auditor_comes_again_when_a_busy_server_says(status: int) -> None:
    busy: Answer = (status, {"Retry-After": "0"}, b"")
    with server(busy, busy, (200, {}, b"catalog")) as (url, asked):
        assert HttpDirectory(url).catalog(bytes(32)) == b"catalog"
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (429, {}),
        (429, {"Retry-After": "soon"}),
        (429, {"Retry-After": "-1"}),
        (503, {"Retry-After": "9999"}),
        (500, {"Retry-After": "0"}),
    ],
)
def test_an_auditor_waits_for_nothing_else(status: int, headers: dict[str, str]) -> None:
    with (
        server((status, headers, b"")) as (url, asked),
        pytest.raises(DataUnreachableError, match=f"HTTP status {status}"),
    ):
        HttpDirectory(url).catalog(bytes(32))
    assert len(asked) == 1
