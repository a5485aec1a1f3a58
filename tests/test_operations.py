"""What docs/operations.md tells an operator to type works as it is written, on a plain home."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import time
from pathlib import Path

import httpx
import orjson
import pytest
from click.testing import CliRunner

from certledger.api.auth.api_keys import KeyRing
from certledger.api.cli import verify_receipt
from certledger.ledger.core.service_values import Role
from certledger.ledger.keys import save_keystore
from certledger.ledger.node import POLICY
from certledger.ledger.store.pepper import load_pepper
from certledger.verifier.files import write_atomically
from tests.api.test_server import serving
from tests.api.world import policy_of
from tests.fork_server import fork_server, write_client
from tests.ledger.live import open_live

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
SCRIPT = re.findall(r"^```bash\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
PASSPHRASE = "nobody guesses this"


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Begin a plain ledger beside a registrar's keystore; return a counter's key."""
    home = tmp_path / "ledger"
    with open_live(home) as ledger:
        write_atomically(home / POLICY, policy_of(ledger.pin, int(time.time())).format())
        ring = KeyRing(store=ledger.store, pepper=load_pepper(home, ledger.store), clock=time.time)
        _, key = ring.create(name="desk", role=Role.COUNTER, counter="desk-1")
    for name, who in (("registrar.json", b"registrar 31"), ("second.json", b"registrar 32")):
        save_keystore(tmp_path / name, hashlib.sha256(who).digest(), PASSPHRASE, work=2**12)
    write_atomically(tmp_path / "registrar.passphrase", PASSPHRASE.encode(), private=True)
    monkeypatch.setenv("CERTLEDGER_RECEIPTS_EVERY", "0")
    return key


def test_an_operator_becomes_an_issuer_and_its_receipts_are_proved(
    tmp_path: Path, key: str
) -> None:
    (script,) = SCRIPT
    headers = {"authorization": f"Bearer {key}"}
    write_client(tmp_path, tmp_path / "forks")
    with (
        fork_server(tmp_path / "forks"),
        serving(tmp_path / "ledger") as (_, url),
        httpx.Client(base_url=url, headers=headers, timeout=60) as desk,
    ):
        told = desk.post("/v1/verifications", json={"lookup": {"digest": "0" * 64}})
        path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-euc", script],
            cwd=tmp_path,
            env={
                **os.environ,
                "PATH": path,
                "CERTLEDGER_PASSPHRASE": "the operator's own",
                "SERVER": url,
            },
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        proof = wait_for(desk, f"/v1/verifications/{told.json()['reference']}/evidence")
        (tmp_path / "answer.json").write_bytes(told.content)
        (tmp_path / "proof.json").write_bytes(proof)
        checked = CliRunner().invoke(
            verify_receipt,
            [
                str(tmp_path / "answer.json"),
                "--evidence", str(tmp_path / "proof.json"),
                "--policy", str(tmp_path / "ledger" / POLICY),
                "--trust-node", f"{url}/rpc",
                "--json",
            ],
        )  # fmt: skip
    assert checked.exit_code == 0, checked.output
    assert (
        orjson.loads(checked.stdout.splitlines()[-1])["anchored"]["issuer"] == "91310000XX0001361J"
    )


def wait_for(desk: httpx.Client, path: str) -> bytes:
    """Return what is answered once it is there, asking for a minute at most."""
    until = time.monotonic() + 60
    while (answer := desk.get(path)).status_code == 409 and time.monotonic() < until:
        time.sleep(0.2)
    assert answer.status_code == 200, answer.text
    return answer.content
