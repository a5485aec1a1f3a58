"""Snapshots of a real chain: proved before they go out, in the order of registration."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine, text

from certledger.ledger.node import Ledger
from certledger.ledger.publish.evidence import EvidenceInconsistentError, EvidencePendingError
from certledger.ledger.publish.snapshots import SnapshotMaker
from certledger.verifier.cli.main import main
from certledger.verifier.formats.policy import Roots
from certledger.verifier.formats.signed_policy import sign
from certledger.verifier.formats.snapshot import Snapshot
from certledger.verifier.formats.snapshot_delta import apply_delta
from certledger.verifier.vocabulary import Status
from tests.ledger.live import DAY, LiveIssuer, open_live
from tests.ledger.outbox.test_contention import on_anvil, settle_on
from tests.world import policy, witness_key

ISSUERS = ("11330000XX00000915", "11320000XX00000258", "11310000XX00000196")
"""In the order of their registration, which is not that of their codes."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("snapshots") / "home"


@pytest.fixture(scope="module")
def ledger(home: Path) -> Iterator[Ledger]:
    with open_live(home) as opened:
        yield opened


@pytest.fixture(scope="module")
def maker(ledger: Ledger) -> SnapshotMaker:
    return SnapshotMaker(store=ledger.store, chain=ledger.chain, ledger=ledger.pin)


@pytest.fixture(scope="module")
def issuers(ledger: Ledger) -> list[LiveIssuer]:
    made = [LiveIssuer(ledger, issuer=code, name=f"机构 {code}") for code in ISSUERS]
    for issuer in made:
        issuer.ask_to_register()
    ledger.run_until_idle()
    last = LiveIssuer(ledger, issuer="11340000XX00000733", name="安徽省公安厅")
    last.register()
    last.submit(3)
    ledger.run_until_idle()
    return [*made, last]


def test_without_a_checkpoint_there_is_no_snapshot(tmp_path: Path) -> None:
    with open_live(tmp_path / "home") as young:
        empty = SnapshotMaker(store=young.store, chain=young.chain, ledger=young.pin)
        with pytest.raises(EvidencePendingError):
            empty.latest()


def test_a_snapshot_holds_all_issuers_as_they_were_registered(
    maker: SnapshotMaker, ledger: Ledger, issuers: list[LiveIssuer]
) -> None:
    made = maker.latest()
    found = Snapshot.parse(made.data)
    found.check(ledger.pin)
    registered = [issuer.state.issuer for issuer in found.issuers]
    assert sorted(registered) == sorted(issuer.issuer for issuer in issuers)
    assert registered[-1] == issuers[-1].issuer
    assert found.digest().hex() == made.digest
    assert maker.latest() is made


@pytest.mark.anvil
def test_issuers_registered_in_one_block_keep_their_order(tmp_path: Path) -> None:
    with on_anvil(tmp_path) as (ledger, node):
        node.call("evm_setAutomine", False)
        for code in ISSUERS:
            LiveIssuer(ledger, issuer=code, name=f"机构 {code}").ask_to_register()
            ledger.step()
        node.call("evm_setAutomine", True)
        node.call("evm_mine")
        settle_on(ledger, node)
        made = SnapshotMaker(store=ledger.store, chain=ledger.chain, ledger=ledger.pin).latest()
        blocks = {issuer.state.keys[0].start for issuer in made.snapshot.issuers}
        assert len(blocks) == 1
        assert tuple(issuer.state.issuer for issuer in made.snapshot.issuers) == ISSUERS


def test_deltas_lead_from_each_kept_snapshot_to_the_newest(
    maker: SnapshotMaker, ledger: Ledger, issuers: list[LiveIssuer]
) -> None:
    old = maker.latest()
    issuers[-1].change([1], Status.REVOKED, "R01")
    ledger.run_until_idle()
    issuers[-1].submit(2)
    ledger.run_until_idle()
    found = maker.delta(old.digest)
    assert found is not None
    data, newest = found
    assert apply_delta(old.snapshot, data, ledger.pin) == newest.snapshot
    assert newest.snapshot.by_issuer[issuers[-1].issuer].state.certificates == 5
    assert maker.delta("00" * 32) is None
    assert maker.find(old.digest) is old


@pytest.mark.parametrize(
    "crime",
    [
        "UPDATE status_words SET word = zeroblob(32)",
        "UPDATE anchored SET root = zeroblob(32) WHERE sequence = 1",
        "UPDATE slot_proofs SET nodes = '[]'",
    ],
)
def test_a_database_that_was_edited_makes_no_snapshot(
    crime: str, ledger: Ledger, issuers: list[LiveIssuer]
) -> None:
    tables = ("status_words", "anchored", "slot_proofs")
    engine = create_engine(ledger.settings.database)
    fresh = SnapshotMaker(store=ledger.store, chain=ledger.chain, ledger=ledger.pin)
    with engine.begin() as connection:
        for table in tables:
            connection.execute(text(f"CREATE TABLE kept_{table} AS SELECT * FROM {table}"))
        assert connection.execute(text(crime)).rowcount
    try:
        with pytest.raises(EvidenceInconsistentError):
            fresh.latest()
    finally:
        with engine.begin() as connection:
            for table in tables:
                connection.execute(text(f"DELETE FROM {table}"))
                connection.execute(text(f"INSERT INTO {table} SELECT * FROM kept_{table}"))
                connection.execute(text(f"DROP TABLE kept_{table}"))
    assert fresh.latest().snapshot.issuers


def test_a_home_that_nobody_runs_gives_its_snapshot_to_the_command(tmp_path: Path) -> None:
    home, file = tmp_path / "home", tmp_path / "day"
    with open_live(home) as opened:
        issuer = LiveIssuer(opened)
        issuer.register()
        issuer.submit(2)
        opened.run_until_idle()
        pin = opened.pin
    key = witness_key("root")
    roots = Roots(keys=(key.public_key().public_bytes_raw(),), threshold=1)
    trusted = policy(ledgers=(pin,), roots=roots, ends=int(time.time()) + DAY)
    (tmp_path / "policy.json").write_bytes(sign(trusted, [key]).format())

    def fetch(place: Path) -> int:
        words = ["snapshot", "fetch", file, "--home", place, "--policy", tmp_path / "policy.json"]
        return CliRunner().invoke(main, [str(word) for word in words]).exit_code

    assert fetch(home) == 0
    found = Snapshot.parse(file.read_bytes())
    found.check(pin)
    assert found.by_issuer[issuer.issuer].state.certificates == 2
    assert fetch(tmp_path) == 2
