"""JSON-RPC 2.0 over HTTP on a loopback address, one thread a connection."""

from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
import structlog

from certledger.ledger.bounded_server import BoundedHttpServer, ServerThread
from certledger.ledger.devchain.errors import NotLoopbackError
from certledger.ledger.devchain.params import RpcError
from certledger.ledger.devchain.rpc import RpcDispatcher
from certledger.verifier.http_client import is_loopback

Json = Any
log = structlog.get_logger(__name__)
MAX_REQUEST_BYTES: Final = 4 * 2**20
"""Bytes of a request; a transaction is at most 131,072 bytes."""
MAX_CALLS: Final = 1_000
MAX_CONNECTIONS: Final = 256
IDLE_SECONDS: Final = 60
_SEND: Final = "eth_sendRawTransaction"


class ChainServer(ServerThread):
    """Serves one chain until it is closed."""

    def __init__(self, rpc: RpcDispatcher, host: str, port: int) -> None:
        address = "127.0.0.1" if host == "localhost" else host
        if not is_loopback(address):
            raise NotLoopbackError(host)
        handler = type("Handler", (_RpcHandler,), {"rpc": rpc})
        super().__init__((address, port), handler, MAX_CONNECTIONS)


class _RpcHandler(BaseHTTPRequestHandler):
    """Handles bounded requests on a persistent connection."""

    rpc: RpcDispatcher
    server: BoundedHttpServer
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self._read()
        if body is None:
            return
        with self.server.answering(self.connection):
            answer = answer_body(self.rpc, body)
            self._send(HTTPStatus.OK if answer else HTTPStatus.NO_CONTENT, answer)

    def do_GET(self) -> None:
        self._send(HTTPStatus.METHOD_NOT_ALLOWED, b"POST a JSON-RPC request here\n")

    def _read(self) -> bytes | None:
        size = self.headers.get("Content-Length", "")
        if not self._is_local():
            self._send(HTTPStatus.FORBIDDEN, b"this chain serves its own machine\n", close=True)
        elif not size.isascii() or not size.isdigit():
            self._send(HTTPStatus.LENGTH_REQUIRED, b"a length is needed\n", close=True)
        elif int(size) > MAX_REQUEST_BYTES:
            self._send(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, b"the request is too long\n", close=True
            )
        else:
            return self.rfile.read(int(size))
        return None

    def _is_local(self) -> bool:
        """Return whether Host and Origin name this machine (against DNS rebinding, web pages)."""
        named = [self.headers.get(name) for name in ("Host", "Origin")]
        return all(_is_loopback_name(value) for value in named if value is not None)

    def _send(self, status: HTTPStatus, body: bytes, *, close: bool = False) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if close:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Log no requests."""


def answer_body(rpc: RpcDispatcher, body: bytes) -> bytes:
    """Return the response to a request or a batch; empty if it has only notifications."""
    try:
        # py-evm raises Python's recursion limit, so that `json` overruns the stack on deep nesting.
        asked = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _dump(_failed(None, RpcError(-32700, "parse error")))
    if not isinstance(asked, list):
        answer = _begin(rpc, asked)()
        return b"" if answer is None else _dump(answer)
    if not 0 < len(asked) <= MAX_CALLS:
        return _dump(_failed(None, RpcError(-32600, f"a batch has 1 to {MAX_CALLS} calls")))
    answers = [answer for answer in _answer_all(rpc, asked) if answer is not None]
    return _dump(answers) if answers else b""


def _answer_all(rpc: RpcDispatcher, batch: list[Json]) -> list[Json | None]:
    """Answer in order; consecutive transactions wait for one block together."""
    answers: list[Json | None] = []
    sent: list[Callable[[], Json | None]] = []
    for asked in batch:
        if not (isinstance(asked, dict) and asked.get("method") == _SEND):
            answers += [finish() for finish in sent]
            sent.clear()
        sent.append(_begin(rpc, asked))
    return answers + [finish() for finish in sent]


def _begin(rpc: RpcDispatcher, asked: Json) -> Callable[[], Json | None]:
    """Execute one request; the function returned gives its response, None for a notification."""
    if not isinstance(asked, dict) or not isinstance(asked.get("method"), str):
        return lambda: _failed(None, RpcError(-32600, "invalid request"))
    name = asked.get("id")
    if isinstance(name, dict | list):
        return lambda: _failed(None, RpcError(-32600, "an id is text or a number"))
    finish = _guarded(lambda: rpc.begin(asked["method"], asked.get("params")), asked)
    if not callable(finish):
        return lambda: _spoken(asked, finish)
    return lambda: _spoken(asked, _guarded(finish, asked))


def _guarded(act: Callable[[], Json], asked: Json) -> Json | RpcError:
    try:
        return act()
    except RpcError as error:
        return error
    except Exception:
        # An internal error is logged, and answered without details.
        log.exception("rpc_failed", method=asked["method"][:64])
        return RpcError(-32603, "internal error")


def _spoken(asked: Json, result: Json | RpcError) -> Json | None:
    if "id" not in asked:
        return None
    if isinstance(result, RpcError):
        return _failed(asked["id"], result)
    return {"jsonrpc": "2.0", "id": asked["id"], "result": result}


def _failed(name: Json, error: RpcError) -> Json:
    error_json: dict[str, Json] = {"code": error.number, "message": error.message}
    if error.data is not None:
        error_json["data"] = error.data
    return {"jsonrpc": "2.0", "id": name, "error": error_json}


def _dump(value: Json) -> bytes:
    return orjson.dumps(value)


def _is_loopback_name(value: str) -> bool:
    """Return whether a Host or Origin header names this machine."""
    try:
        host = urlsplit(value if "//" in value else f"//{value}").hostname
    except ValueError:
        return False
    return is_loopback(host or "")
