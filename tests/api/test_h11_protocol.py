"""A connection on which no whole head comes is closed; all others are served as ever."""

from __future__ import annotations

import socket
import time

import httpx
import pytest

ASKED = b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n"


@pytest.mark.parametrize("begun", [b"", b"GET /healthz HTTP/1.1\r\nhos", ASKED + b"GET /h"])
def test_a_head_that_does_not_come_ends_its_connection(port: int, begun: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as slow:
        slow.sendall(begun[: len(ASKED)])
        if begun.startswith(ASKED):
            answer = b""
            while not answer.endswith(b"}"):
                answer += slow.recv(10_000)
            assert answer.startswith(b"HTTP/1.1 200")
            slow.sendall(begun[len(ASKED) :])
        assert slow.recv(10_000) == b""


def test_whoever_asks_again_and_again_is_served_for_as_long_as_it_does(port: int) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            assert client.get("/healthz").status_code == 200
