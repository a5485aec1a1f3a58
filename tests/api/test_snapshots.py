"""A counter keeps its snapshot new from the API, and judges codes by it."""

import time
from pathlib import Path

from click.testing import CliRunner, Result

from certledger.ledger.core.service_values import Role
from certledger.ledger.node import POLICY
from certledger.verifier.cli.main import main
from certledger.verifier.formats.canonical_json import format_time
from certledger.verifier.formats.compact_evidence import Compact
from certledger.verifier.formats.snapshot import Snapshot
from tests.api.world import Running


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def test_a_snapshot_is_fetched_from_the_api_and_judges_codes(
    running: Running, tmp_path: Path
) -> None:
    world = running.world
    assert world.ledger.embedded is not None
    trust = (
        "--policy", world.ledger.settings.home / POLICY, "--trust-node", world.ledger.embedded.url,
        "--at", format_time(int(time.time()) + 60),
    )  # fmt: skip
    for _ in ("whole", "delta"):
        source = ("--from", running.url, "--token", world.keys[Role.COUNTER])
        ran = run("snapshot", "fetch", tmp_path / "day", *source, *trust)
        assert ran.exit_code == 0, ran.stderr
    held = Snapshot.parse((tmp_path / "day").read_bytes())
    assert world.issuer.issuer in held.by_issuer
    for place, status in ((0, 0), (1, 1)):
        made = world.evidence(place)
        code = Compact.of(world.ledger.pin.identity, made.record, made.path, made.disclosures)
        (tmp_path / "code.txt").write_text(code.format())
        snapshot = ("--snapshot", tmp_path / "day")
        assert run("verify", tmp_path / "code.txt", *snapshot, *trust).exit_code == status
