"""A checkpoint is made when one is due, and only of what node and mirror agree on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from certledger.ledger.core.errors import ChainUnreachableError, MirrorDiffersError
from certledger.ledger.core.values import StateProof, StoredCheckpoint
from certledger.ledger.node import Ledger
from certledger.ledger.publish.checkpoints import ROLL_NAME, Cadence, checkpoint
from certledger.verifier.formats.checkpoint import parse_note
from certledger.verifier.formats.issuer_state import without_brake
from certledger.verifier.formats.state_proof import check_account, check_slot, slot_position
from tests.ledger.live import LiveIssuer, open_live

SELDOM = Cadence(seconds=10**9)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveIssuer]:
    with open_live(tmp_path_factory.mktemp("checkpoints") / "home") as opened:
        issuer = LiveIssuer(opened)
        issuer.register()
        yield issuer


@pytest.fixture
def issuer(shared: LiveIssuer) -> LiveIssuer:
    shared.ledger.run_until_idle()
    return shared


@pytest.fixture
def ledger(issuer: LiveIssuer) -> Ledger:
    return issuer.ledger


def made(ledger: Ledger, cadence: Cadence = SELDOM, **other: Any) -> StoredCheckpoint | None:
    chain = other.get("chain", ledger.chain)
    return checkpoint(ledger.store, chain, ledger.pin, cadence)


def anchor_one(ledger: Ledger, issuer: LiveIssuer) -> None:
    """Anchor a batch and follow it, without a checkpoint."""
    issuer.submit(1)
    ledger.anchorer.advance()
    ledger.follower.follow()


def test_a_checkpoint_is_due_at_once_after_an_issuer_moved_and_then_no_more(
    ledger: Ledger, issuer: LiveIssuer
) -> None:
    assert made(ledger) is None, "set-up made one of all there is"

    anchor_one(ledger, issuer)

    assert made(ledger) is not None
    assert made(ledger) is None
    ledger.mine_heartbeat_block()
    assert made(ledger) is None, "a newer block, but nothing moved and no time has passed"


def test_a_checkpoint_is_due_after_its_time_though_nothing_moved(
    ledger: Ledger, issuer: LiveIssuer
) -> None:
    ledger.mine_heartbeat_block()

    assert made(ledger, Cadence(seconds=0)) is not None


def test_a_ledger_without_work_writes_nothing(ledger: Ledger, issuer: LiveIssuer) -> None:
    ledger.anchorer.pace = replace(ledger.anchorer.pace, lease_seconds=10_000)
    file = ledger.settings.database.removeprefix("sqlite:///")

    def rounds(count: int) -> None:
        for _ in range(count):
            ledger.follower.follow()
            ledger.anchor()
            ledger.publish()

    rounds(2)  # The lease is taken, and what is final is stored.
    with closing(sqlite3.connect(file)) as other:
        version = "PRAGMA data_version"  # It changes with each commit of another connection.
        before = other.execute(version).fetchone()
        rounds(3)
        assert other.execute(version).fetchone() == before
        issuer.submit(1)
        assert other.execute(version).fetchone() != before


def test_a_mirror_that_lags_has_the_checkpoint_of_its_own_head(
    ledger: Ledger, issuer: LiveIssuer
) -> None:
    anchor_one(ledger, issuer)
    followed = ledger.chain.head()
    issuer.submit(1)
    ledger.anchorer.advance()
    ledger.anchorer.advance()
    assert ledger.chain.finalized().number > followed.number

    assert made(ledger, Cadence(seconds=0, blocks=0)) is None, "it lags by more than may be"
    newest = made(ledger)

    assert newest is not None
    assert newest.hash == followed.hash
    assert made(ledger) is None


def test_a_block_the_mirror_has_not_reached_is_no_checkpoint(
    ledger: Ledger, issuer: LiveIssuer
) -> None:
    issuer.submit(1)
    ledger.anchorer.advance()

    assert made(ledger) is None


def test_a_checkpoint_proves_every_issuer_and_the_list_of_them(
    ledger: Ledger, issuer: LiveIssuer
) -> None:
    other = LiveIssuer(ledger, issuer="12320000XX00000276", name="江苏省示例中心")
    other.register()

    with ledger.store.begin(write=False) as unit:
        kept = unit.checkpoint()
        assert kept is not None
        seen = unit.issuers(at=kept.number)
        proofs = {one.state.issuer: unit.slot_proof(kept.number, one.state.issuer) for one in seen}
        roll = unit.slot_proof(kept.number, ROLL_NAME)
    assert parse_note(kept.note).checkpoint.state_root == kept.state_root
    account = check_account(kept.state_root, ledger.pin.address, kept.account)
    assert account is not None
    assert sorted(proofs) == sorted([issuer.issuer, other.issuer])
    assert roll
    for one in seen:
        code = one.state.issuer
        slot = check_slot(account.storage_root, slot_position(code), proofs[code] or ())
        assert without_brake(slot) == one.state.digest()


def test_old_checkpoints_are_dropped(ledger: Ledger, issuer: LiveIssuer) -> None:
    with ledger.store.begin(write=False) as unit:
        first = unit.checkpoint()
    assert first is not None

    anchor_one(ledger, issuer)
    newest = made(ledger, Cadence(seconds=10**9, blocks=0))

    assert newest is not None
    with ledger.store.begin(write=False) as unit:
        assert unit.checkpoint(first.number) is None
        assert unit.slot_proof(first.number, issuer.issuer) is None
        assert unit.checkpoint() == newest


class Proving:
    """A node whose proofs are edited on their way."""

    def __init__(self, real: Any, edit: Any) -> None:
        self._real, self._edit = real, edit

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def prove(self, slots: Any, block: int) -> StateProof:
        edited: StateProof = self._edit(self._real.prove(slots, block))
        return edited


LIES = {
    "no account": lambda proof: replace(proof, account=()),
    "a node of the account changed": lambda proof: replace(
        proof,
        account=(*proof.account[:-1], proof.account[-1][:-1] + bytes([proof.account[-1][-1] ^ 1])),
    ),
    "no slots": lambda proof: replace(proof, slots=dict.fromkeys(proof.slots, ())),
    "the slots exchanged": lambda proof: replace(
        proof, slots=dict(zip(proof.slots, reversed(list(proof.slots.values())), strict=True))
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_proof_that_does_not_verify_is_the_nodes_fault_and_nothing_is_kept(
    lie: str, ledger: Ledger, issuer: LiveIssuer
) -> None:
    anchor_one(ledger, issuer)
    with ledger.store.begin(write=False) as unit:
        before = unit.checkpoint()

    with pytest.raises(ChainUnreachableError):
        made(ledger, chain=Proving(ledger.chain, LIES[lie]))

    with ledger.store.begin(write=False) as unit:
        assert unit.checkpoint() == before
    assert made(ledger) is not None


EDITS = {
    "a state": "UPDATE bodies SET state = replace(state, '\"epoch\"\\:0', '\"epoch\"\\:9')",
    "an issuer hidden": "DELETE FROM bodies",
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_mirror_gets_no_checkpoint(edit: str, tmp_path: Path) -> None:
    with open_live(tmp_path / "home") as ledger:
        issuer = LiveIssuer(ledger)
        issuer.register()
        anchor_one(ledger, issuer)
        engine = create_engine(ledger.settings.database)
        with engine.begin() as connection:
            assert connection.execute(text(EDITS[edit])).rowcount
        engine.dispose()

        with pytest.raises(MirrorDiffersError):
            made(ledger, Cadence(seconds=0))
