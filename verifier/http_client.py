"""Ask a server over HTTP with one deadline and one bound of bytes for the whole answer.

The deadline covers looking up the name, connecting, TLS, the head (interim answers too) and the
body, and the bound all bytes that come, so neither a dripping server nor an endless one holds or
fills the caller.
"""

from __future__ import annotations

import io
import ipaddress
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import IO, Any
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
"""Bytes of heads and framing, beside those of the body."""
MAX_ERROR_BYTES = 65_536
"""Bytes that are read of the body of an answer with an error status; the rest is dropped."""
_CHUNK = 1 << 16


class AnswerTooLongError(HTTPException):
    """More bytes came than were asked for."""


class AddressInsecureError(CertledgerError):
    """A node or server is to be asked in a way in which others may read and change the answer."""

    exit_status = ExitStatus.UNUSABLE

    def __init__(self, kind: str) -> None:
        super().__init__(f"a {kind} elsewhere is asked by https: plain http may be changed")
        self.code = f"{kind}.insecure"


class NoAnswerError(OSError):
    """No connection, no HTTP, or not within the deadline; the message says which."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """An answer of any status; `headers` are looked up without regard to case."""

    status: int
    headers: Message
    body: bytes

    @property
    def is_success(self) -> bool:
        """Whether the status is from 200 to 299."""
        return is_success(self.status)


@dataclass(slots=True)
class RequestBudget:
    """What is left of one question: the instant (monotonic) it ends at, and bytes."""

    ends: float
    bytes: int

    def seconds(self) -> float:
        """Return the seconds that are left.  Raises TimeoutError where none are."""
        left = self.ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline is over")
        return left


class _Raw(io.RawIOBase):
    """The receiving half of a socket, within a budget."""

    def __init__(self, sock: socket.socket, budget: RequestBudget) -> None:
        self._sock, self._budget = sock, budget

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(self._budget.seconds())
        count = self._sock.recv_into(buffer)
        self._budget.bytes -= count
        if self._budget.bytes < 0:
            raise AnswerTooLongError("the answer is longer than what was asked for")
        return count

    def close(self) -> None:
        if not self.closed:
            self._sock.close()
        super().close()


class _Sock:
    """What `http.client` needs of a socket, within a budget."""

    def __init__(self, sock: socket.socket, budget: RequestBudget) -> None:
        self._sock, self._budget, self._owned = sock, budget, True

    def sendall(self, data: Any) -> None:
        self._sock.settimeout(self._budget.seconds())
        self._sock.sendall(data)

    def makefile(self, mode: str, *_: Any, **__: Any) -> IO[bytes]:
        """Return the file that an answer is read from, which then owns the socket."""
        assert mode == "rb", mode
        self._owned = False
        return io.BufferedReader(_Raw(self._sock, self._budget), _CHUNK)

    def close(self) -> None:
        """Close the socket, unless a file was made of it."""
        if self._owned:
            self._sock.close()


def _look_up(host: str, port: int) -> list[tuple[Any, ...]]:
    return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))


RESOLVER = NameResolver(_look_up)
"""Resolves the names of servers that an operator or a user chose."""


def _connect(budget: RequestBudget, address: tuple[str, int], *_: Any) -> socket.socket:
    """Connect within the budget, whatever number of addresses a name has."""
    found = RESOLVER.resolve(*address, seconds=budget.seconds())
    failure: OSError = OSError("no address")
    for family, kind, protocol, _name, where in found:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(budget.seconds())
            sock.connect(where)
            sock.settimeout(budget.seconds())  # For the handshake of TLS.
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
    """Return an opener without files, other schemes, cookies and redirects, within a budget."""

    class Plain(_Plain):
        pass

    class Tls(_Tls):
        pass

    Plain.budget = Tls.budget = budget  # `do_open` makes the connection, and passes nothing on.

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
    """Return the answer to a request once its head has come, and what is left of the budget."""
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
    """Yield the body of the answer to a request in pieces; redirects are not followed.

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
    """Return the body of the answer to a request; as `stream`."""
    return b"".join(stream(request, seconds=seconds, longest=longest))


def exchange(request: Request, *, seconds: float, longest: int) -> Response:
    """Return the answer to a request, whatever its status; redirects are not followed.

    Of an answer with an error status `MAX_ERROR_BYTES` of the body are read.

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


def is_success(status: int) -> bool:
    """Return whether a status says that a request succeeded."""
    return 200 <= status < 300


def is_server_address(url: str) -> bool:
    """Return whether `url` is http:// or https://, a host and perhaps a port and a path."""
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
    """Return the address of a `kind` ("node", "server"), if nobody can stand between.

    Whether it is an address at all is for whoever asks there to say.

    Raises:
        AddressInsecureError: it is plain http, and not on this machine.
    """
    try:
        parts = urlsplit(url)
        insecure = parts.scheme == "http" and not is_loopback(parts.hostname or "")
    except ValueError:
        insecure = False  # Nobody can ask there.
    if insecure:
        raise AddressInsecureError(kind)
    return url


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine, by its address or by the name `localhost`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def reason_of(error: Exception) -> str:
    """Return in a few words why no answer came."""
    cause = error.reason if isinstance(error, URLError) else error
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    return (getattr(cause, "strerror", None) or type(cause).__name__).lower()
