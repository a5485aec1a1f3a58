"""The demo: from an empty folder to verdicts that anybody can check, and again without doubling."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.fork_server import write_client

CERTIFICATES = "12"


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
    home = tmp_path_factory.mktemp("demo") / "home"
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
    assert [one["verdict"] for one in after["results"]] == [
        one["verdict"] for one in before["results"]
    ]


def _batches(home: Path) -> int:
    from certledger.ledger.store import open_store

    store = open_store(f"sqlite:///{home}/ledger.db")
    with store.begin(write=False) as unit:
        count = sum(issuer.state.batches for issuer in unit.issuers())
    store.close()
    return count


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
