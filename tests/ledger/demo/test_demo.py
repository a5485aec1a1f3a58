"""The demo: killed on its way, to verdicts that anybody can check, and again without doubling."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from certledger.api.auth.api_keys import KeyRing
from certledger.ledger.core.service_values import Role
from certledger.ledger.store import open_store
from certledger.ledger.store.pepper import load_pepper
from certledger.verifier.cli.main import main
from tests.api.test_server import serving
from tests.effort import effort
from tests.fork_server import write_client

CERTIFICATES = "12"
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
run(load_settings(home=Path(sys.argv[1])), 12, lambda step: None)
"""
"""A demo that dies before or after a step of its operator's registration."""


@pytest.fixture(scope="module", autouse=True)
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Run a fork server meanwhile, which `certledger` asks."""
    room = tmp_path_factory.mktemp("forks")
    write_client(room)
    with pytest.MonkeyPatch.context() as changes:
        changes.setenv("PATH", str(room), prepend=os.pathsep)
        yield


def certledger(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = ["certledger", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the home of a demo that was killed while its operator registered, and went on."""
    home = tmp_path_factory.mktemp("demo") / "home"
    for name in effort(("file_catalog",), ("register_issuer", "file_catalog")):
        for when in effort(("after",), ("before", "after")):
            command = [sys.executable, "-c", KILLED, str(home), name, when]
            killed = subprocess.run(command, capture_output=True, check=False, timeout=300)
            assert killed.returncode == -signal.SIGKILL, killed.stderr
    made = certledger("demo", "--home", home, "--certificates", CERTIFICATES, "--json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout) == json.loads((home / "demo.json").read_bytes())
    return home


def verify(home: Path, *arguments: str | Path) -> tuple[int, Sequence[Mapping[str, Any]]]:
    done = certledger("verify", *arguments, "--policy", home / "policy.json", "--json")
    return done.returncode, json.loads(done.stdout)["results"]


def told(home: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((home / "demo.json").read_bytes())
    return found


def test_every_kind_of_issuer_and_every_region_takes_part(home: Path) -> None:
    demo = told(home)

    assert set(demo["bodies"]["kinds"]) == {
        "appraisal",
        "association",
        "consulting",
        "department",
        "institution",
    }
    assert len(demo["bodies"]["regions"]) == 4
    assert demo["holds"]


def test_the_command_line_says_of_every_file_what_the_demo_said(home: Path) -> None:
    expected = {
        Path(one["file"]).name: one["verdict"]
        for one in told(home)["results"]
        if one["what"] == "as issued"
    }

    status, results = verify(home, *sorted((home / "evidence").glob("*.json")))

    assert status == 1, "some are revoked, suspended, replaced or expired"
    assert {Path(one["file"]).name: one["verdict"] for one in results} == expected
    assert set(expected.values()) == {"valid", "not_in_force"}
    for one in results:
        assert [check["number"] for check in one["checks"]] == list(range(1, 11))


def a_valid_one(home: Path) -> tuple[Path, Path]:
    found = next(one for one in told(home)["results"] if one["verdict"] == "valid")
    evidence = home / found["file"]
    return evidence, home / "documents" / f"{evidence.stem}.pdf"


def test_the_paper_is_compared_and_one_changed_byte_of_it_is_not_genuine(
    home: Path, tmp_path: Path
) -> None:
    evidence, paper = a_valid_one(home)
    changed = tmp_path / paper.name
    data = bytearray(paper.read_bytes())
    data[len(data) // 2] ^= 1
    changed.write_bytes(data)

    assert verify(home, evidence, "--document", paper)[0] == 0
    status, results = verify(home, evidence, "--document", changed)

    assert status == 1
    assert results[0]["verdict"] == "not_genuine"


def test_evidence_cut_short_cannot_be_told_of(home: Path, tmp_path: Path) -> None:
    evidence, _ = a_valid_one(home)
    short = tmp_path / "short.json"
    short.write_bytes(evidence.read_bytes()[:500])

    status, results = verify(home, short)

    assert status == 3
    assert results[0]["verdict"] == "cannot_tell"


def test_evidence_proves_itself_without_a_network(home: Path) -> None:
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not here, to take the network away")
    evidence, _ = a_valid_one(home)
    command = Path(sys.executable).with_name("certledger")

    done = subprocess.run(
        ["unshare", "-rn", command, "verify", evidence, "--policy", home / "policy.json"],
        capture_output=True,
        text=True,
        check=False,
    )
    if "unshare" in done.stderr:
        pytest.skip(f"no network can be taken away here: {done.stderr.strip()}")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "真实，有效" in done.stdout


def test_years_later_the_same_file_is_stale_and_never_valid(home: Path) -> None:
    evidence, _ = a_valid_one(home)

    status, results = verify(home, evidence, "--at", "2027-09-01T00:00:00Z")

    assert status in (1, 3)
    assert results[0]["verdict"] != "valid"


def test_the_demo_goes_on_in_its_home_and_doubles_nothing(home: Path) -> None:
    before = told(home)
    batches = _batches(home)

    again = certledger("demo", "--home", home, "--certificates", CERTIFICATES, "--json")

    assert again.returncode == 0, again.stderr
    after = json.loads(again.stdout)
    assert _batches(home) == batches
    assert after["ledger"] == before["ledger"]
    assert after["certificates"] == before["certificates"]
    assert after["operator"] == before["operator"]
    assert [one["verdict"] for one in after["results"]] == [
        one["verdict"] for one in before["results"]
    ]


def _batches(home: Path) -> int:
    store = open_store(f"sqlite:///{home}/ledger.db")
    with store.begin(write=False) as unit:
        count = sum(issuer.state.batches for issuer in unit.issuers())
    store.close()
    return count


def test_the_operator_is_registered_once_although_the_demo_was_killed(home: Path) -> None:
    store = open_store(f"sqlite:///{home}/ledger.db")
    with store.begin(write=False) as unit:
        operators = [
            issuer.state for issuer in unit.issuers() if str(issuer.state.kind) == "operator"
        ]
    store.close()
    assert [state.issuer for state in operators] == [told(home)["operator"]["issuer"]]
    assert operators[0].catalog_version == 1
    assert "operator" not in told(home)["bodies"]["kinds"]


def test_a_folder_of_another_ledger_is_refused(tmp_path: Path) -> None:
    (tmp_path / "deployment.json").write_text("{}")

    done = certledger("demo", "--home", tmp_path, "--json")

    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["code"] == "demo.elsewhere"


def test_a_witness_of_the_policy_runs_as_a_command(home: Path, tmp_path: Path) -> None:

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from certledger.ledger.devchain.node import open_node
    from certledger.ledger.keys import save_pem_key

    keys = json.loads((home / "demo-keys.json").read_bytes())["secrets"]
    secret = bytes.fromhex(keys["witness-shanghai"])
    save_pem_key(tmp_path / "key.pem", Ed25519PrivateKey.from_private_bytes(secret), "open")
    with open_node(home / "chain") as node:
        command = [
            Path(sys.executable).with_name("certledger"), "witness", "--home", tmp_path / "w",
            "--name", "shanghai.witness.example", "--key", tmp_path / "key.pem",
            "--policy", home / "policy.json", "--rpc", node.url,
        ]  # fmt: skip
        process = subprocess.Popen(
            list(map(str, command)),
            env={**os.environ, "CERTLEDGER_PASSPHRASE": "open"},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        line = process.stdout.readline()
        process.terminate()
        assert process.wait(timeout=60) == 0
    assert line.startswith("shanghai.witness.example witnesses at http://127.0.0.1:")


def test_the_reform_is_shown_with_every_outcome_and_a_decision_that_is_overtaken(
    home: Path,
) -> None:
    reform = told(home)["reform"]
    decisions = {one["name"]: one for one in reform["decisions"]}
    answer = json.loads((home / "decisions" / "overtaken.json").read_bytes())

    assert {one["outcome"] for one in reform["applications"]} == {"met", "not_met", "cannot_tell"}
    assert {one["outcome"] for one in decisions.values()} == {"granted", "refused", "person"}
    assert all(one["holds"] and one["same"] for one in decisions.values())
    assert [(one["reference"], one["cause"]) for one in reform["cases"]] == [
        (answer["reference"], "revoked")
    ]


def test_coverage_of_the_demo_gives_three_percentages_with_what_is_missing(home: Path) -> None:
    done = certledger("coverage", "--home", home, "--json")
    found = json.loads(done.stdout)

    assert done.returncode == 0, done.stderr
    for name in ("items", "categories", "counters"):
        share = found[name]
        assert share["whole"] - share["part"] == len(share["missing"]) > 0
        assert 0 < float(share["percent"]) < 100
    assert set(found["counters"]["missing"]) == {"BANK-1", "SZ-WINDOW-1", "HZ-WINDOW-1"}
    assert sum(found["decisions"].values()) == 9


def test_a_decision_of_the_demo_is_made_again_from_what_is_published(
    home: Path, tmp_path: Path
) -> None:
    exported = certledger("book", "export", tmp_path, "--home", home, "--file")
    answer = home / "decisions" / "granted.json"
    done = certledger(
        *("decision", "replay", answer, "--book", tmp_path / "book.json"),
        *("--policy", home / "policy.json", "--json"),
    )

    assert exported.returncode == 0, exported.stderr
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["same"] is True
    assert (tmp_path / "rules.csv").read_bytes() == (home / "book" / "rules.csv").read_bytes()


def test_a_receipt_given_before_a_kill_is_anchored_afterwards(home: Path, tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{home}/ledger.db")
    ring = KeyRing(store=store, pepper=load_pepper(home, store), clock=time.time)
    _, key = ring.create(name="desk", role=Role.COUNTER, counter="desk-1")
    store.close()
    headers = {"authorization": f"Bearer {key}"}
    evidence = sorted((home / "evidence").glob("*.json"))[0].read_bytes()
    with serving(home) as (process, url), httpx.Client(headers=headers, timeout=60) as desk:
        answer = desk.post(f"{url}/v1/verifications", json={"evidence": json.loads(evidence)})
        path = f"/v1/verifications/{answer.json()['reference']}/evidence"
        assert desk.get(url + path).json()["code"] == "receipt.pending"
        process.send_signal(signal.SIGKILL)
        process.wait()
    (tmp_path / "answer.json").write_bytes(answer.content)
    again = certledger("demo", "--home", home, "--certificates", CERTIFICATES, "--json")
    assert again.returncode == 0, again.stderr
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
    assert json.loads(silent.stdout)["anchored"]["warnings"] == ["node.adds_nothing"]
    words = CliRunner().invoke(main, ["verify-receipt", *arguments, *named])
    assert "told nothing newer than the evidence (node.adds_nothing)" in words.stdout
