"""A server between a node and whoever asks it, which changes what it answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from certledger.ledger.chain.client import NodeClient, NodeRefusesError

Change = Callable[[dict[str, Any], Callable[[], Any]], Any]
"""Makes the answer of a request and of what asks the node for the honest result."""


@contextmanager
def between(url: str, change: Change) -> Iterator[str]:
    """Stand before a node and change what it answers."""
    node = NodeClient(url)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                answer = change(asked, lambda: node.call(asked["method"], *asked["params"]))
            except NodeRefusesError as error:
                refusal = {"code": error.number, "message": error.message, "data": error.data}
                answer = {"jsonrpc": "2.0", "id": 1, "error": refusal}
            data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def told(result: Any) -> dict[str, Any]:
    """Return the answer that carries a result."""
    return {"jsonrpc": "2.0", "id": 1, "result": result}
