"""The command `witness` waits for a node that is away, and says so; a lasting refusal ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from certledger.ledger.keys import save_pem_key
from certledger.ledger.node import Ledger
from certledger.verifier.files import write_atomically
from certledger.verifier.formats.policy import READABLE, Roots, Trust, TrustPolicy, WitnessKey
from certledger.verifier.formats.signed_policy import sign
from certledger.verifier.vocabulary import Way
from tests.ledger.live import open_live

NAME = "shanghai.witness.example"


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    with open_live(tmp_path_factory.mktemp("home")) as opened:
        opened.run_until_idle()
        yield opened


@contextmanager
def door(port: int, ledger: Ledger | None) -> Iterator[int]:
    """A service's /rpc in small: it passes calls on, or says that its node is away."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if ledger is None:
                error = {"code": -32603, "message": "the node does not answer"}
                asked = orjson.loads(body)
                data = orjson.dumps({"jsonrpc": "2.0", "id": asked["id"], "error": error})
            else:
                assert ledger.embedded is not None
                data = httpx.post(ledger.embedded.url, content=body).content
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            return None

    server = HTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def start_witness(folder: Path, ledger: Ledger, port: int) -> subprocess.Popen[str]:
    key, root = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    save_pem_key(folder / "key.pem", key, "its own")
    member = WitnessKey(
        operator="shanghai", name=NAME, key=key.public_key().public_bytes_raw(), start=0
    )
    policy = TrustPolicy(
        version=1, ends=ledger.clock() + 86_400, block_lag=600, default_age=86_400, ages={},
        roots=Roots(keys=(root.public_key().public_bytes_raw(),), threshold=1),
        ledgers=(ledger.pin,), witnesses=(member,), clock_tolerance=300, presentation_age=600,
        trust=Trust(ways=(Way.WITNESSES,), threshold=1, confirmations=12),
        evidence=READABLE, countersignature=False,
    )  # fmt: skip
    write_atomically(folder / "policy.json", sign(policy, [root]).format())
    words = ["--home", str(folder / "home"), "--name", NAME, "--key", str(folder / "key.pem")]
    words += ["--policy", str(folder / "policy.json"), "--rpc", f"http://127.0.0.1:{port}"]
    command = [str(Path(sys.executable).with_name("certledger")), "witness", *words]
    return subprocess.Popen(
        [*command, "--published", str(folder)], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "CERTLEDGER_PASSPHRASE": "its own"},
    )  # fmt: skip


@pytest.mark.parametrize("comes", [True, False])
def test_a_witness_waits_for_its_node_and_says_so(
    ledger: Ledger, tmp_path: Path, comes: bool
) -> None:
    with door(0, None) as port:
        process = start_witness(tmp_path, ledger, port)
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stderr.readline().startswith(f"{NAME} waits for its node: ")
    if comes:
        with door(port, ledger):
            assert process.stdout.readline().startswith(f"{NAME} witnesses at http://")
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
