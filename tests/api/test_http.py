"""Requests that HTTP allows and few send, and those that it does not: no two readings of any."""

from __future__ import annotations

import socket

import pytest

from tests.api.world import World

END = b"\r\n\r\n"


def exchange(port: int, data: bytes, *, half_close: bool = False) -> bytes:
    """Return all that is answered until the service closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(data)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
        return answer


def test_an_issuer_that_is_framed_twice_is_refused_and_nothing_after_it_is_read(port: int) -> None:
    smuggled = b"GET /healthz HTTP/1.1\r\nhost: a" + END
    head = b"POST /rpc HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked" + END
    answer = exchange(port, head + b"0" + END + smuggled)
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"request.invalid" in answer
    assert answer.count(b"HTTP/1.1") == 1


def test_a_target_may_name_the_whole_address(port: int) -> None:
    for target in (b"http://other.example/healthz", b"HTTPS://other.example:1/healthz?a=b"):
        answer = exchange(port, b"GET %b HTTP/1.1\r\nhost: a\r\nconnection: close" % target + END)
        assert answer.startswith(b"HTTP/1.1 200")
        assert b'"alive":true' in answer
    answer = exchange(
        port, b"GET http://other.example HTTP/1.1\r\nhost: a\r\nconnection: close" + END
    )
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"<html" in answer, "without a path it is the front page"


@pytest.mark.parametrize("more", [b"", b"GET /hea"], ids=["whole", "and a part of the next"])
def test_whoever_closes_its_half_after_a_request_is_answered(port: int, more: bytes) -> None:
    answer = exchange(port, b"GET /healthz HTTP/1.1\r\nhost: a" + END + more, half_close=True)
    assert answer.startswith(b"HTTP/1.1 200")
    assert b'"alive":true' in answer


def test_whoever_closes_its_half_before_the_issuer_has_come_is_let_go(port: int) -> None:
    head = b"POST /rpc HTTP/1.1\r\nhost: a\r\ncontent-length: 50" + END
    answer = exchange(port, head + b"{", half_close=True)
    assert not answer.startswith(b"HTTP/1.1 200")


def test_a_host_that_is_no_name_is_answered_like_any(port: int, world: World) -> None:
    answer = exchange(port, b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close" + END)
    assert answer.startswith(b"HTTP/1.1 ")
