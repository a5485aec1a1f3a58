"""A counter is told something, the service dies, and the proof comes all the same."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from click.testing import CliRunner

from certledger.api.auth.api_keys import KeyRing
from certledger.ledger.core.service_values import Role
from certledger.ledger.store import open_store
from certledger.ledger.store.pepper import load_pepper
from certledger.verifier.cli.main import main
from tests.api.test_server import serving
from tests.effort import effort
from tests.fork_server import Forked

KILLED = """
import os, signal, sys
from pathlib import Path
from certledger.ledger.demo import operator
from certledger.ledger.demo.runner import run
from certledger.ledger.settings import load_settings

name, when = sys.argv[2], sys.argv[3]
real = getattr(operator, name)

def killed(*arguments, **named):
    if when == "after":
        real(*arguments, **named)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(operator, name, killed)
run(load_settings(home=Path(sys.argv[1])), 10, lambda step: None)
"""


def demo(home: Path) -> dict[str, Any]:
    with (home.parent / "log").open("wb") as log:
        run = Forked(["demo", "--home", str(home), "--certificates", "10", "--json"], stderr=log)
        printed = run.stdout.read()
    assert run.wait() == 0, (home.parent / "log").read_text()
    told: dict[str, Any] = orjson.loads(printed)
    return told


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the home of a demo that was killed at each step of its operator's registration."""
    home = tmp_path_factory.mktemp("receipts") / "home"
    for name in effort(("file_catalog",), ("register_issuer", "file_catalog")):
        for when in effort(("after",), ("before", "after")):
            command = [sys.executable, "-c", KILLED, str(home), name, when]
            killed = subprocess.run(command, capture_output=True, check=False, timeout=300)
            assert killed.returncode == -signal.SIGKILL, killed.stderr
    demo(home)
    return home


def test_the_operator_is_registered_once_however_often_it_was_killed(home: Path) -> None:
    told = demo(home)
    store = open_store(f"sqlite:///{home}/ledger.db")
    with store.begin(write=False) as unit:
        operators = [
            issuer.state for issuer in unit.issuers() if str(issuer.state.kind) == "operator"
        ]
    store.close()
    assert [state.issuer for state in operators] == [told["operator"]["issuer"]]
    assert operators[0].catalog_version == 1
    assert "operator" not in told["bodies"]["kinds"]


def test_a_receipt_given_before_a_kill_is_anchored_afterwards(home: Path, tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{home}/ledger.db")
    ring = KeyRing(store=store, pepper=load_pepper(home, store), clock=time.time)
    _, key = ring.create(name="desk", role=Role.COUNTER, counter="desk-1")
    store.close()
    headers = {"authorization": f"Bearer {key}"}
    evidence = sorted((home / "evidence").glob("*.json"))[0].read_bytes()
    with serving(home) as (process, url), httpx.Client(headers=headers, timeout=60) as desk:
        told = desk.post(f"{url}/v1/verifications", json={"evidence": orjson.loads(evidence)})
        path = f"/v1/verifications/{told.json()['reference']}/evidence"
        assert desk.get(url + path).json()["code"] == "receipt.pending"
        process.send_signal(signal.SIGKILL)
        process.wait()
    (tmp_path / "answer.json").write_bytes(told.content)
    demo(home)
    with serving(home) as (_, url), httpx.Client(headers=headers, timeout=60) as desk:
        proof = desk.get(url + path)
    assert proof.status_code == 200, proof.text
    (tmp_path / "receipt.json").write_bytes(proof.content)
    arguments = [str(tmp_path / "answer.json"), "--evidence", str(tmp_path / "receipt.json")]
    done = CliRunner().invoke(
        main, ["verify-receipt", *arguments, "--policy", str(home / "policy.json")]
    )
    # Neither node nor service is asked: the witnesses' signatures say enough.
    assert done.exit_code == 0, done.output
    named = ["--policy", str(home / "policy.json"), "--rpc", "http://127.0.0.1:9"]
    silent = CliRunner().invoke(main, ["verify-receipt", *arguments, *named, "--json"])
    assert silent.exit_code == 0, silent.output
    assert orjson.loads(silent.stdout)["anchored"]["warnings"] == ["node.adds_nothing"]
    words = CliRunner().invoke(main, ["verify-receipt", *arguments, *named])
    assert "told nothing newer than the evidence (node.adds_nothing)" in words.stdout
