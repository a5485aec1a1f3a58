"""A second person with the light installation, offline: a sample and a decision, made again.

Everything that only a server brings is blocked, and the network is taken away where that works.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

VECTORS = Path(__file__).parents[1] / "vectors"
BLOCK = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        ours = name.startswith(("certledger.ledger", "certledger.api"))
        if ours or name.split(".")[0] in BLOCKED:
            raise ImportError(f"{name} is not in the light installation")
BLOCKED = {"sqlalchemy", "fastapi", "starlette", "eth", "rlp", "trie", "alembic", "structlog",
           "openpyxl", "reportlab", "uvicorn", "rich", "structlog", "eth_account", "coincurve"}
sys.meta_path.insert(0, Blocker())
from certledger.verifier.cli.main import main
main(sys.argv[1:])
"""


def light(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", BLOCK, *map(str, arguments)]
    alone = [*(("unshare", "-rn") if shutil.which("unshare") else ()), *command]
    done = subprocess.run(alone, capture_output=True, text=True, timeout=120, check=False)
    if "unshare:" in done.stderr:  # This machine takes no network away.
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done


def published(folder: Path) -> dict[str, Path]:
    """Write the files that are published or that a counter stored; return their paths."""
    samples, decisions = (
        json.loads((VECTORS / f"{name}.json").read_text()) for name in ("samples", "decisions")
    )
    granted = decisions["decisions"][0]
    answer = {
        "bundle": [json.loads(one) for one in granted["bundle"]],
        "record": json.loads(granted["file"]),
    }
    files = {
        "sample": samples["file"].encode(),
        "policy": samples["policy"].encode(),
        "book": decisions["edition"].encode(),
        "answer": orjson.dumps(answer),
    }
    for name, data in files.items():
        (folder / f"{name}.json").write_bytes(data)
    return {name: folder / f"{name}.json" for name in files}


def test_a_second_person_draws_a_sample_again(tmp_path: Path) -> None:
    files = published(tmp_path)
    done = light("sample", "check", files["sample"], "--policy", files["policy"], "--json")
    known = json.loads((VECTORS / "samples.json").read_text())

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["drawn"] == known["drawn"]
    assert (found["seed"], found["anchored"]["outcome"]) == (known["seed"], "pass")


def test_a_second_person_makes_a_decision_again(tmp_path: Path) -> None:
    files = published(tmp_path)
    done = light(
        *("decision", "replay", files["answer"], "--book", files["book"]),
        *("--policy", files["policy"], "--json"),
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["same"] is True


@pytest.mark.parametrize("member", ["candidates", "headers"])
def test_a_sample_that_was_changed_ends_with_1(tmp_path: Path, member: str) -> None:
    files = published(tmp_path)
    value = json.loads(files["sample"].read_bytes())
    value[member] = value[member][1:]
    files["sample"].write_bytes(orjson.dumps(value, option=orjson.OPT_SORT_KEYS))
    done = light("sample", "check", files["sample"], "--policy", files["policy"], "--json")

    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == "sample.invalid"
