"""JSON-RPC 2.0 over HTTP on a loopback address, one thread a connection."""

import ipaddress
import json
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import structlog

from ledger.chain.embedded.errors import NotLoopback
from ledger.chain.embedded.params import RpcError
from ledger.chain.embedded.rpc import Rpc

Json = Any
log = structlog.get_logger(__name__)
LONGEST_REQUEST: Final = 4 * 2**20
"""Bytes of a request; a transaction is at most 131,072 bytes."""
MOST_CALLS: Final = 1_000
IDLE_SECONDS: Final = 60


class Server:
    """Serves one chain until it is closed."""

    def __init__(self, rpc: Rpc, host: str, port: int) -> None:
        if not ipaddress.ip_address(host).is_loopback:
            raise NotLoopback(host)
        handler = type("Handler", (_Handler,), {"rpc": rpc})
        self._http = _Http((host, port), handler)
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    @property
    def url(self) -> str:
        """Where the chain answers."""
        host, port = self._http.server_address[:2]
        return f"http://{host!s}:{port}"

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Take no more connections."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128


class _Handler(BaseHTTPRequestHandler):
    """Reads a bounded request, answers it, and keeps the connection."""

    rpc: Rpc
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self._read()
        if body is None:
            return
        answer = answer_body(self.rpc, body)
        self._send(HTTPStatus.OK if answer else HTTPStatus.NO_CONTENT, answer)

    def do_GET(self) -> None:
        self._send(HTTPStatus.METHOD_NOT_ALLOWED, b"POST a JSON-RPC request here\n")

    def _read(self) -> bytes | None:
        size = self.headers.get("Content-Length", "")
        if not size.isascii() or not size.isdigit():
            self._send(HTTPStatus.LENGTH_REQUIRED, b"a length is needed\n", close=True)
        elif int(size) > LONGEST_REQUEST:
            self._send(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, b"the request is too long\n", close=True
            )
        else:
            return self.rfile.read(int(size))
        return None

    def _send(self, status: HTTPStatus, body: bytes, *, close: bool = False) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if close:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: an access log of a local chain helps nobody."""


def answer_body(rpc: Rpc, body: bytes) -> bytes:
    """Return the answer to a request or a batch; empty where only notifications were sent."""
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        return _dump(_failed(None, RpcError(-32700, "parse error")))
    if not isinstance(asked, list):
        answer = _answer(rpc, asked)
        return b"" if answer is None else _dump(answer)
    if not 0 < len(asked) <= MOST_CALLS:
        return _dump(_failed(None, RpcError(-32600, f"a batch has 1 to {MOST_CALLS} calls")))
    answers = [answer for one in asked if (answer := _answer(rpc, one)) is not None]
    return _dump(answers) if answers else b""


def _answer(rpc: Rpc, asked: Json) -> Json | None:
    if not isinstance(asked, dict) or not isinstance(asked.get("method"), str):
        return _failed(None, RpcError(-32600, "invalid request"))
    name = asked.get("id")
    if isinstance(name, dict | list):
        return _failed(None, RpcError(-32600, "an id is text or a number"))
    try:
        result = rpc.answer(asked["method"], asked.get("params"))
    except RpcError as error:
        return _failed(name, error)
    except Exception:
        # A fault of ours must reach the log, and the caller as an answer.
        log.exception("rpc_failed", method=asked["method"][:64])
        return _failed(name, RpcError(-32603, "internal error"))
    return None if "id" not in asked else {"jsonrpc": "2.0", "id": name, "result": result}


def _failed(name: Json, error: RpcError) -> Json:
    told: dict[str, Json] = {"code": error.number, "message": error.message}
    if error.data is not None:
        told["data"] = error.data
    return {"jsonrpc": "2.0", "id": name, "error": told}


def _dump(value: Json) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
