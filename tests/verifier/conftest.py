"""A node that answers JSON-RPC over real HTTP as a test's script says, lies included."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


class ScriptedNode:
    """`answers` maps a method to its result, or to a function of the parameters that gives it.

    A result of bytes is sent as the whole body; an exception becomes an error of JSON-RPC.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: list[tuple[str, list[Any]]] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        self.write: Callable[[Any, bytes], None] = lambda file, body: file.write(body)
        node = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                node.asked.append((asked["method"], asked["params"]))
                body = node.reply(asked)
                self.send_response(node.status)
                for name, value in node.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                node.write(self.wfile, body)

            def do_GET(self) -> None:
                node.asked.append(("GET", []))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *arguments: Any) -> None:
                """Keep the output of tests clean."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *arguments: None  # type: ignore[method-assign]  # clients leave
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"

    def reply(self, asked: dict[str, Any]) -> bytes:
        result = self.answers.get(asked["method"], KeyError(-32601, "no such method"))
        if callable(result):
            result = result(*asked["params"])
        if isinstance(result, bytes):
            return result
        whole: dict[str, Any] = {"jsonrpc": "2.0", "id": asked["id"]}
        if isinstance(result, Exception):
            whole["error"] = {"code": result.args[0], "message": result.args[1]}
        else:
            whole["result"] = result
        return json.dumps(whole).encode()


@pytest.fixture
def node() -> Iterator[ScriptedNode]:
    """A scripted node that listens on a port of its own."""
    scripted = ScriptedNode()
    thread = threading.Thread(target=scripted.server.serve_forever, args=(0.01,))
    thread.start()
    yield scripted
    scripted.server.shutdown()
    scripted.server.server_close()
    thread.join()
