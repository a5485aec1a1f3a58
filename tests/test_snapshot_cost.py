"""What a snapshot of scattered statuses costs a verifier whose policy does not know its ledger."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import cbor2
import pytest

from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.issuer_state import MAX_BATCH_CERTIFICATES
from certledger.verifier.formats.snapshot import Snapshot
from certledger.verifier.formats.status_tree import CELLS
from certledger.verifier.verify.block_trust import judge_by_witnesses
from certledger.verifier.verify.compact import CompactVerifier
from tests.conformance.case import Scene
from tests.conformance.snapshot_cases import pack
from tests.world import policy

JS = Path(__file__).parents[1] / "verifier" / "js"
NODE = shutil.which("node")
MANY, SOME = 500_000, 20_000
MAX_BYTES_A_BYTE = 20
"""SPEC 19: memory for each byte of the item, and 1 MiB."""
GARBAGE_BYTES = 48 << 20
"""What Node.js may add before it collects: its young generation, and code that it compiles."""

SCRIPT = f"""
import {{ readFileSync }} from "node:fs";
import {{ openSnapshot }} from {json.dumps((JS / "index.mjs").as_uri())};
import {{ decodeSnapshot }} from {json.dumps((JS / "formats" / "snapshot.mjs").as_uri())};
import {{ inflate }} from {json.dumps((JS / "formats" / "zlib.mjs").as_uri())};
const file = readFileSync(process.argv[1]);
const seconds = () => {{
  const used = process.cpuUsage();
  return (used.user + used.system) / 1e6;
}};
const held = () => {{
  globalThis.gc();
  const used = process.memoryUsage();
  return used.heapUsed + used.arrayBuffers;
}};
const policy = {{ evidence: ["certledger/snapshot/1"], ledgers: [] }};
const [heldBefore, peakBefore] = [held(), process.resourceUsage().maxRSS];
let start = seconds();
const code = await openSnapshot(file, policy).then(() => "ok", (error) => error.code);
const refusal = seconds() - start;
const peak = 1024 * (process.resourceUsage().maxRSS - peakBefore);
const snapshot = await inflate(file).then(decodeSnapshot);
const kept = held() - heldBefore;
const answer = {{ code, refusal, peak, kept }};
if (process.argv[2]) {{
  start = seconds();
  answer.root = Buffer.from(snapshot.issuers[1].state.status).toString("hex");
  answer.hashing = seconds() - start;
}}
console.log(JSON.stringify(answer));
"""


def scattered(statuses: int) -> bytes:
    """Return the item of a snapshot whose second issuer has a status in each of so many words."""
    parts = cbor2.loads(Scene(first_batches=1).world.snapshot().to_cbor())
    batches = -(-statuses * CELLS // MAX_BATCH_CERTIFICATES)
    zeros = [0] * batches
    counts, catalogs = [MAX_BATCH_CERTIFICATES] * batches, [-1] * batches
    parts[5][1][10] = [bytes(32 * batches), counts, zeros, zeros, zeros, catalogs, {}]
    parts[5][1][11] = [bytes([CELLS - 1]) * statuses, b"", b""]
    return cbor2.dumps(parts, canonical=True)


def refuse_by_node(folder: Path, item: bytes, *more: str) -> dict[str, Any]:
    """Return what the JavaScript verifier says of an item, and what it took."""
    assert NODE is not None
    file = folder / "file.snapshot"
    file.write_bytes(pack(item))
    words = [NODE, "--expose-gc", "--input-type=module", "--eval", SCRIPT, str(file), *more]
    done = subprocess.run(words, capture_output=True, check=True, timeout=120)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_no_status_root_is_hashed_for_a_ledger_that_the_policy_does_not_know() -> None:
    snapshot = Snapshot.parse(pack(scattered(SOME)))
    with pytest.raises(CertledgerError) as refusal:
        CompactVerifier.open(
            policy(ledgers=()),
            snapshot,
            lambda one, pin: judge_by_witnesses(one.note, policy(), pin),
        )
    assert refusal.value.code == "snapshot.unproved"
    assert not any("state" in vars(issuer) for issuer in snapshot.issuers), "hashed before the pin"


@pytest.mark.skipif(NODE is None, reason="needs Node.js, which is not installed")
def test_the_javascript_verifier_hashes_no_status_root_either(tmp_path: Path) -> None:
    item = scattered(3 * SOME)
    answer = refuse_by_node(tmp_path, item, "root")
    assert answer["code"] == "snapshot.unproved"
    assert answer["root"] == Snapshot.parse(pack(item)).issuers[1].state.status.hex()
    assert 2 * answer["refusal"] < answer["hashing"]


@pytest.mark.skipif(NODE is None, reason="needs Node.js, which is not installed")
def test_scattered_statuses_take_little_memory_in_javascript(tmp_path: Path) -> None:
    item = scattered(MANY)
    answer = refuse_by_node(tmp_path, item)
    allowed = MAX_BYTES_A_BYTE * len(item) + (1 << 20)
    assert answer["code"] == "snapshot.unproved"
    assert answer["kept"] <= allowed
    assert answer["peak"] <= allowed + GARBAGE_BYTES
