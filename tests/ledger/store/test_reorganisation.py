"""Rolling back to a block leaves exactly what the blocks up to it said."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certledger.ledger.core.acts import ActKind, ActState, Lane
from certledger.ledger.core.values import AnchoredBatch, Lookups, NewAct
from certledger.ledger.store import SqlStore, open_store
from certledger.ledger.store.unit_of_work import Unit
from certledger.verifier.formats.issuer_state import IssuerState
from certledger.verifier.formats.statements import Batch
from tests.ledger.issuers import IDENTITY, NOW, Office, anchored, block, leaf_of, seen

ISSUERS = ("11310000000000AB01", "11320000000000AB02")


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What one block says of one issuer: a batch or none, words that change, the brake."""

    issuer: str
    batch: bool
    mine: bool
    words: dict[int, bytes]
    held: bool


SAID = st.builds(
    Said,
    issuer=st.sampled_from(ISSUERS),
    batch=st.booleans(),
    mine=st.booleans(),
    words=st.dictionaries(
        st.integers(0, 3), st.integers(0, 2).map(lambda n: n.to_bytes(32, "big")), max_size=3
    ),
    held=st.booleans(),
)


@pytest.fixture(scope="module")
def emptied() -> Iterator[SqlStore]:
    """Return a store in which no example leaves anything behind."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{Path(folder)}/ledger.db")
        yield store
        store.close()


class Undone(Exception):
    """The example is over."""


@contextmanager
def scratch(store: SqlStore) -> Iterator[Unit]:
    """Open a unit that is undone at its end."""
    with suppress(Undone), store.begin() as unit:
        yield unit
        raise Undone


class Follower:
    """Writes blocks as the follower of the chain does; half of the batches were handed in."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.offices = {issuer: Office(issuer) for issuer in ISSUERS}
        self.states: dict[str, IssuerState] = {i: o.state() for i, o in self.offices.items()}

    def follow(self, number: int, said: Sequence[Said]) -> None:
        self.unit.add_block(block(number))
        for one in said:
            if one.batch:
                self._anchor(number, one)
            self.unit.put_words(one.issuer, one.words, number)
            self.unit.put_issuer(seen(self.states[one.issuer], number, held=one.held))

    def _anchor(self, number: int, said: Said) -> None:
        office = self.offices[said.issuer]
        statement = office.statement(office.records(1))
        batch = anchored(statement, office.sign(statement), number)
        office.go_on(statement)
        if said.mine:
            hand_in(self.unit, office, statement)
        self.states[said.issuer] = self.states[said.issuer].after_batch(
            digest=batch.digest, count=batch.count, leaf=batch.leaf
        )
        self.unit.add_anchored([batch])
        self.unit.mark_included(
            said.issuer, Lane.SEQUENCE, batch.sequence, batch.digest, block=number, tx=batch.tx
        )


def hand_in(unit: Unit, office: Office, statement: Batch) -> None:
    record = office.record(statement.first)
    lookups = Lookups(
        leaves=leaf_of(record), digests=record.digests[0], ids=record.id, editions=[0]
    )
    unit.add_records(statement.root, office.issuer, statement.first, [record.canonical()], lookups)
    if unit.act(statement.digest(IDENTITY)) is None:
        unit.add_act(
            NewAct(
                kind=ActKind.BATCH,
                statement=statement,
                digest=statement.digest(IDENTITY),
                signatures=(office.sign(statement),),
                accepted=NOW,
                receipt=b"{}",
                certificates=1,
            )
        )


def picture(unit: Unit, *, at: int | None = None) -> dict[str, Any]:
    """Return all that the mirror says, as of a block."""
    found: dict[str, Any] = {"bodies": unit.issuers(at=at)}
    for issuer in ISSUERS:
        batches: Sequence[AnchoredBatch] = unit.anchored_batches(issuer)
        found[issuer] = (
            unit.words(issuer, at=at),
            [batch for batch in batches if at is None or batch.block <= at],
        )
    return found


@given(
    blocks=st.lists(st.lists(SAID, max_size=2, unique_by=lambda said: said.issuer), max_size=6),
    data=st.data(),
)
def test_a_rollback_leaves_what_the_blocks_before_said(
    blocks: list[list[Said]], data: st.DataObject, emptied: SqlStore
) -> None:
    kept = data.draw(st.integers(0, len(blocks)))
    with scratch(emptied) as unit:
        follower = Follower(unit)
        pictures = {0: picture(unit)}
        for number, said in enumerate(blocks, 1):
            follower.follow(number, said)
            pictures[number] = picture(unit)
        for number in range(len(blocks) + 1):
            assert picture(unit, at=number) == pictures[number]
        acts = {act.digest: act for act in all_acts(unit, follower)}
        unit.rollback(kept)
        assert picture(unit) == pictures[kept]
        for after in all_acts(unit, follower):
            before = acts[after.digest]
            assert before.block is not None
            included = before.block <= kept
            assert after.state is (ActState.INCLUDED if included else ActState.ACCEPTED)
            assert after.block == (before.block if included else None)


def all_acts(unit: Unit, follower: Follower) -> list[Any]:
    return [
        act
        for issuer, office in follower.offices.items()
        for sequence in range(1, office.sequence + 1)
        for act in unit.acts_at(issuer, Lane.SEQUENCE, sequence)
    ]


@given(
    blocks=st.lists(
        st.lists(SAID, max_size=2, unique_by=lambda said: said.issuer), min_size=1, max_size=6
    ),
    data=st.data(),
)
def test_pruning_changes_no_answer_about_the_blocks_that_are_kept(
    blocks: list[list[Said]], data: st.DataObject, emptied: SqlStore
) -> None:
    oldest = data.draw(st.integers(1, len(blocks)))
    with scratch(emptied) as unit:
        follower = Follower(unit)
        for number, said in enumerate(blocks, 1):
            follower.follow(number, said)
        kept = range(oldest, len(blocks) + 1)
        before = [picture(unit, at=number) for number in kept]
        unit.prune(oldest)
        assert [picture(unit, at=number) for number in kept] == before
