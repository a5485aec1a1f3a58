"""The manual walked on chains of other makes, and validators that stop: `make test-network`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from certledger.verifier.cli.main import main
from tests.founding_walk import (
    Parties,
    found_and_issue,
    get,
    parties_in,
    retire,
    rotate,
    signed_by,
    wait_until,
)
from tests.ledger.anvil import running_anvil
from tests.network.geth import running_dev, running_validators

pytestmark = pytest.mark.skipif(
    os.environ.get("CERTLEDGER_TESTS") != "network", reason="slow: `make test-network` runs it"
)
MAX_BLOCK_SECONDS = 20
ANVIL = ("--block-time", "1", "--slots-in-an-epoch", "1")


def walk(parties: Parties) -> None:
    """Walk the whole manual, with an audit in between."""
    found_and_issue(parties)
    audit_is_clean(parties)
    rotate(parties)
    retire(parties)
    assert parties.left == []


def audit_is_clean(parties: Parties) -> None:
    """Audit by the counter's node and the service's data, with a report that is confirmed."""
    parties.run(
        "operator",
        "certledger apikey create --home ledger --name auditor --role auditor"
        ' > "$MAIL/auditor.token"',
    )
    audit = (
        'certledger audit --rpc "$NODE" --counter-home counter --data "$SERVER"'
        ' --key "$(cat "$MAIL/auditor.token")"'
    )
    parties.run(
        "counter", f"{audit} --report audit.html --by 示例审计\n{audit} --repeat audit.html"
    )
    assert "上海市示例餐饮行业协会" in (parties.room / "counter" / "audit.html").read_text()


def test_the_manual_is_walked_on_anvil(tmp_path: Path) -> None:
    with (
        running_anvil(tmp_path, *ANVIL, accounts=1) as url,
        parties_in(tmp_path, nodes=[url]) as parties,
    ):
        walk(parties)


def test_the_manual_is_walked_on_a_development_chain_of_geth(tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    with (
        running_dev(tmp_path / "geth") as url,
        parties_in(tmp_path / "room", nodes=[url]) as parties,
    ):
        walk(parties)


def test_the_demo_runs_on_a_development_chain_of_geth(tmp_path: Path) -> None:
    with running_dev(tmp_path / "geth") as url:
        words = ["demo", "--home", str(tmp_path / "home"), "--certificates", "10", "--chain", url]
        ran = CliRunner().invoke(main, words)
    assert ran.exit_code == 0, ran.output


def test_the_manual_is_walked_on_four_validators_of_which_two_stop(tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    more = {"CERTLEDGER_LONGEST_BLOCK": str(MAX_BLOCK_SECONDS)}
    with (
        running_validators(tmp_path) as network,
        parties_in(tmp_path / "room", nodes=network.urls, more=more) as parties,
    ):
        found_and_issue(parties)

        # With one down the chain goes on, and three witnesses sign.
        before = newest(parties)
        network.stop(3)
        change(parties, "suspend", "S05")
        wait_until(lambda: newest(parties) > before and signed_by(parties, "jiangsu"))

        # With two down no block comes: acts are taken in and wait, and the service says so.
        network.stop(2)
        wait_until(lambda: "chain.no_new_block" in readiness(parties)["faults"])
        stuck = newest(parties)
        change(parties, "resume", "V02")
        ready = readiness(parties)
        assert ready["parts"]["intake"]
        assert not ready["parts"]["anchoring"]
        assert newest(parties) == stuck

        # Brought back, everything goes on by itself.
        network.start(2, 3)
        wait_until(lambda: readiness(parties)["ready"])
        wait_until(lambda: newest(parties) > stuck and signed_by(parties, "zhejiang"))
        audit_is_clean(parties)
        rotate(parties)
        retire(parties)
        assert parties.left == []


def change(parties: Parties, verb: str, reason: str) -> None:
    """Change the status of the association's certificate, and hand the act in."""
    parties.run(
        "association",
        f"certledger status {verb} --index 0 --reason {reason} --body body"
        f" --passphrase-file passphrase --out {verb}.json\n"
        f'certledger submit {verb}.json --server "$SERVER"'
        ' --token "$(cat "$MAIL/association.token")"',
    )


def newest(parties: Parties) -> int:
    """Return the number of the newest checkpoint."""
    return int(get(f"{parties.server}/v1/checkpoints/latest")["number"])


def readiness(parties: Parties) -> Any:
    """Return what `/readyz` says, ready or not."""
    return httpx.get(f"{parties.server}/readyz", timeout=30).json()
