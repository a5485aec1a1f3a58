"""HTTP client with one deadline and one byte limit for the whole exchange.

The deadline covers name lookup, connecting, TLS, the head (interim responses too) and the body;
the limit covers all received bytes.  Slow and endless servers can neither block nor fill the
caller.
"""

from __future__ import annotations

import io
import ipaddress
import re
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import Message
from email.utils import parsedate_to_datetime
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import IO, Any, TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

from certledger.verifier.errors import CertledgerError, ExitStatus
from certledger.verifier.name_resolver import NameResolver

MAX_HEAD_BYTES = 65_536
"""Bytes of heads and framing, in addition to those of the body."""
MAX_ERROR_BYTES = 65_536
"""Bytes read of the body of an error response; the rest is discarded."""
MIN_WAIT_SECONDS = 0.2
"""Least wait before a busy server is asked again, whatever it says."""
_BUSY = frozenset({429, 503})
_CHUNK = 1 << 16
T = TypeVar("T")


class AnswerTooLongError(HTTPException):
    """The response exceeds the byte limit."""


class AddressInsecureError(CertledgerError):
    """A node or server is addressed by plain http, which others can read and change."""

    exit_status = ExitStatus.UNUSABLE

    def __init__(self, kind: str) -> None:
        super().__init__(f"a {kind} elsewhere is asked by https: plain http may be changed")
        self.code = f"{kind}.insecure"


class NoAnswerError(OSError):
    """No connection, no HTTP, or deadline exceeded; the message has the reason."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """A response of any status; `headers` ignore case."""

    status: int
    headers: Message
    body: bytes

    @property
    def is_success(self) -> bool:
        """Whether the status is from 200 to 299."""
        return is_success(self.status)


@dataclass(slots=True)
class RequestBudget:
    """Remaining time (until the monotonic instant `ends`) and bytes of an exchange."""

    ends: float
    bytes: int

    def seconds(self) -> float:
        """Return the remaining seconds.  Raises TimeoutError at the deadline."""
        left = self.ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline is over")
        return left


class _Raw(io.RawIOBase):
    """Reading side of a socket, within a budget."""

    def __init__(self, sock: socket.socket, budget: RequestBudget) -> None:
        self._sock, self._budget = sock, budget

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(self._budget.seconds())
        count = self._sock.recv_into(buffer)
        self._budget.bytes -= count
        if self._budget.bytes < 0:
            raise AnswerTooLongError("the response is longer than allowed")
        return count

    def close(self) -> None:
        if not self.closed:
            self._sock.close()
        super().close()


class _Sock:
    """The part of the socket interface that `http.client` uses, within a budget."""

    def __init__(self, sock: socket.socket, budget: RequestBudget) -> None:
        self._sock, self._budget, self._owned = sock, budget, True

    def sendall(self, data: Any) -> None:
        self._sock.settimeout(self._budget.seconds())
        self._sock.sendall(data)

    def makefile(self, mode: str, *_: Any, **__: Any) -> IO[bytes]:
        """Return the file of the response, which then owns the socket."""
        assert mode == "rb", mode
        self._owned = False
        return io.BufferedReader(_Raw(self._sock, self._budget), _CHUNK)

    def close(self) -> None:
        """Close the socket, unless `makefile` transferred it."""
        if self._owned:
            self._sock.close()


def _look_up(host: str, port: int) -> list[tuple[Any, ...]]:
    return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))


RESOLVER = NameResolver(_look_up)
"""Resolver for the names of servers chosen by an operator or user."""


def _connect(budget: RequestBudget, address: tuple[str, int], *_: Any) -> socket.socket:
    """Connect within the budget, trying each address of the name."""
    found = RESOLVER.resolve(*address, seconds=budget.seconds())
    failure: OSError = OSError("no address")
    for family, kind, protocol, _name, where in found:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(budget.seconds())
            sock.connect(where)
            sock.settimeout(budget.seconds())  # For the TLS handshake.
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise failure


class _Plain(HTTPConnection):
    budget: RequestBudget

    def connect(self) -> None:
        self._create_connection = partial(_connect, self.budget)
        super().connect()
        self.sock: Any = _Sock(self.sock, self.budget)


class _Tls(HTTPSConnection):
    budget: RequestBudget

    def connect(self) -> None:
        self._create_connection = partial(_connect, self.budget)
        super().connect()
        self.sock: Any = _Sock(self.sock, self.budget)


def _opener(budget: RequestBudget) -> OpenerDirector:
    """Return an opener for http and https only, without cookies and redirects, within a budget."""

    class Plain(_Plain):
        pass

    class Tls(_Tls):
        pass

    Plain.budget = Tls.budget = budget  # `do_open` creates the connection without arguments.

    class PlainHandler(HTTPHandler):
        def http_open(self, req: Request) -> HTTPResponse:
            return self.do_open(Plain, req)

    class TlsHandler(HTTPSHandler):
        def https_open(self, req: Request) -> HTTPResponse:
            return self.do_open(Tls, req)

    opener = OpenerDirector()
    for handler in (ProxyHandler(), PlainHandler(), TlsHandler()):
        opener.add_handler(handler)
    return opener


def _open(request: Request, *, seconds: float, longest: int) -> tuple[HTTPResponse, RequestBudget]:
    """Send a request; return its response after the head, and the remaining budget."""
    budget = RequestBudget(
        ends=time.monotonic() + seconds, bytes=longest + longest // 8 + MAX_HEAD_BYTES
    )
    answer = _opener(budget).open(request)
    if answer is None:
        raise URLError("the address is neither http nor https")
    return answer, budget


def _pieces(answer: HTTPResponse, budget: RequestBudget, longest: int) -> Iterator[bytes]:
    left = longest
    while piece := answer.read1(_CHUNK):
        left -= len(piece)
        if left < 0:
            raise AnswerTooLongError(f"the answer is longer than {longest} bytes")
        yield piece
        budget.seconds()


def stream(request: Request, *, seconds: float, longest: int) -> Iterator[bytes]:
    """Yield the body of a response in pieces; redirects are not followed.

    Raises:
        AnswerTooLongError: more than `longest` bytes.
        HTTPError: another status than 200 to 299; it is closed already.
        OSError, HTTPException, ValueError: no connection, no HTTP, or not within `seconds`.
    """
    answer, budget = _open(request, seconds=seconds, longest=longest)
    with answer:
        if not is_success(answer.status):
            url, headers = request.full_url, answer.headers
            raise HTTPError(url, answer.status, answer.reason, headers, None)
        yield from _pieces(answer, budget, longest)


def fetch(request: Request, *, seconds: float, longest: int) -> bytes:
    """Return the body of a response; raises as `stream`."""
    return b"".join(stream(request, seconds=seconds, longest=longest))


def exchange(request: Request, *, seconds: float, longest: int) -> Response:
    """Return the response to a request with any status; redirects are not followed.

    An error response has at most `MAX_ERROR_BYTES` of its body.

    Raises:
        AnswerTooLongError: a success has more than `longest` bytes.
        NoAnswerError: no connection, no HTTP, or not within `seconds`.
    """
    try:
        answer, budget = _open(request, seconds=seconds, longest=max(longest, MAX_ERROR_BYTES))
        with answer:
            body = (
                b"".join(_pieces(answer, budget, longest))
                if is_success(answer.status)
                else _start_of(answer, budget)
            )
            return Response(status=answer.status, headers=answer.headers, body=body)
    except AnswerTooLongError:
        raise
    except (OSError, HTTPException, ValueError) as error:
        raise NoAnswerError(reason_of(error)) from error


def _start_of(answer: HTTPResponse, budget: RequestBudget) -> bytes:
    """Return the first `MAX_ERROR_BYTES` of a body."""
    found = bytearray()
    while len(found) < MAX_ERROR_BYTES and (piece := answer.read1(_CHUNK)):
        found += piece
        budget.seconds()
    return bytes(found[:MAX_ERROR_BYTES])


def retry_after(headers: Message) -> float | None:
    """Return the seconds of a response's Retry-After (RFC 9110, section 10.2.3), None without."""
    value = headers.get("retry-after")
    if value is None:
        return None
    if value.isascii() and value.isdecimal():
        return float(value[:6])
    try:
        until = parsedate_to_datetime(value)
        now = parsedate_to_datetime(headers.get("date") or "")
        return max(0.0, (until - now).total_seconds())
    except (TypeError, ValueError):
        return None


def while_busy(ask: Callable[[], T], *, ends: float) -> T:
    """Return what `ask` returns; call it again while a server is busy and says when to come again.

    `ends` is an instant of `time.monotonic`, beyond which nothing is waited for.

    Raises:
        HTTPError: the server is still busy then, or answers with another status.
    """
    while True:
        try:
            return ask()
        except HTTPError as error:
            seconds = retry_after(error.headers) if error.code in _BUSY else None
            wait = None if seconds is None else max(seconds, MIN_WAIT_SECONDS)
            if wait is None or time.monotonic() + wait >= ends:
                raise
        time.sleep(wait)


def is_success(status: int) -> bool:
    """Return whether the status is from 200 to 299."""
    return 200 <= status < 300


def is_server_address(url: str) -> bool:
    """Return whether `url` is http(s) with a host and an optional port and path."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        return False
    return (
        bool(usable)
        and "@" not in parts.netloc
        and url.isascii()
        and not re.search(r"[\s\x00-\x1f]", url)
    )


def require_secure(url: str, kind: str) -> str:
    """Return the address of a `kind` ("node", "server") if it is https or this machine.

    Malformed addresses pass; the request reports them.

    Raises:
        AddressInsecureError: plain http to another machine.
    """
    try:
        parts = urlsplit(url)
        insecure = parts.scheme == "http" and not is_loopback(parts.hostname or "")
    except ValueError:
        insecure = False  # Malformed: no request is possible.
    if insecure:
        raise AddressInsecureError(kind)
    return url


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine, by loopback address or the name `localhost`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def reason_of(error: Exception) -> str:
    """Return a short reason for a failed exchange."""
    cause = error.reason if isinstance(error, URLError) else error
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    return (getattr(cause, "strerror", None) or type(cause).__name__).lower()
