"""An auditor elsewhere, with nothing but the service's address and a key."""

import json

from click.testing import CliRunner

from certledger.ledger.core.service_values import Role
from certledger.ledger.node import POLICY
from certledger.verifier.cli.audit import command
from tests.api.world import Running


def audit(running: Running, *more: str) -> tuple[int, dict[str, object]]:
    home = running.world.ledger.settings.home
    asked = ["--rpc", f"{running.url}/rpc", "--policy", str(home / POLICY)]
    done = CliRunner().invoke(command, [*asked, "--data", running.url, "--json", *more])
    # The service runs in this process, and its log goes the same way.
    return done.exit_code, json.loads(done.stdout.splitlines()[-1])


def test_a_service_is_audited_from_outside(running: Running) -> None:
    code, report = audit(running, "--key", running.world.keys[Role.AUDITOR])
    assert report["faults"] == []
    assert report["incomplete"] == []
    assert (code, report["verdict"]) == (0, "clean")


def test_without_an_auditors_key_records_cannot_be_told(running: Running) -> None:
    code, report = audit(running)
    assert (code, report["verdict"]) == (3, "incomplete")
    assert report["faults"] == []
