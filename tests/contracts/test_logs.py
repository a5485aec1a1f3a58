"""A reader who has only the logs rebuilds every issuer, and finds what stands on the chain."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certledger.contracts.calls import NO_KEY, state_words
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats import merkle
from certledger.verifier.formats.contract_events import (
    TOPICS,
    ActEvent,
    BatchAnchored,
    Event,
    IssuerStateEvent,
    parse_log,
)
from certledger.verifier.formats.issuer_state import IssuerState, batch_leaf, without_brake
from certledger.verifier.formats.statements import StatusChange
from certledger.verifier.formats.status_tree import StatusTree, move
from certledger.verifier.vocabulary import Status
from tests.contracts.acts import Anchoring
from tests.contracts.people import ACTS, BATCHES, Office
from tests.contracts.world import NAME, World, code, ends_of, person


@dataclass
class Reader:
    """Follows one issuer by its logs."""

    identity: bytes
    last: bytes = bytes(32)
    catalog: bytes = bytes(32)
    peaks: list[bytes] = field(default_factory=list)
    batches: int = 0
    tree: StatusTree = field(default_factory=StatusTree)
    told: IssuerStateEvent | None = None

    def read(self, event: Event, block: int) -> None:
        match event:
            case BatchAnchored():
                said = event.statement(previous=self.last, catalog=self.catalog)
                self.last = said.digest(self.identity)
                leaf = batch_leaf(
                    digest=self.last, catalog=self.catalog, key=event.key, block=block
                )
                self.peaks = merkle.append(self.peaks, self.batches, leaf)
                self.batches += 1
            case ActEvent(statement=StatusChange() as said):
                to = list(Status)[said.status]
                both = len(event.signatures) == 2
                words = {
                    at: move(self.tree.word(at), mask, to, correction=both)
                    for at, mask in zip(said.words, said.masks, strict=True)
                }
                self.tree.update(words)
            case IssuerStateEvent():
                self.told = event
                self.catalog = event.words[3]

    def state(self) -> IssuerState:
        assert self.told is not None
        return self.told.state(NAME)


def test_statements_states_and_status_follow_from_the_logs(world: World):
    office = Office(world=world)
    reader = Reader(identity=b"")
    acts = (
        lambda: office.registration(),
        lambda: Anchoring(entries=((office.state, office.batches(100, 200, 5)),)),
        lambda: office.catalog(),
        lambda: Anchoring(entries=((office.state, office.batches(7)),)),
        lambda: office.status([1, 2, 200], Status.SUSPENDED),
        lambda: office.hold(),
        lambda: office.keys_change(added=[(person("new"), 1)], ends=ends_of((BATCHES, 9_999))),
        lambda: office.status([1], Status.REVOKED, countersigned=True),
        lambda: office.status([1, 3], Status.SUPERSEDED, countersigned=True),
        lambda: office.release(),
        lambda: Anchoring(entries=((office.state, office.batches(1, 1)),)),
        lambda: office.restoration(ends=ends_of((BATCHES, 10_000))),
    )
    reader.identity = world.identity
    for make in acts:
        block, act = world.block, make()
        outcome = office.carry(act)
        assert outcome.refused is None
        for event in outcome.events:
            reader.read(event, block)
        office.tree = reader.tree
        state = reader.state()
        assert world.slot(office.issuer)[:31] == without_brake(state.digest())[:31]
        assert (state.last, list(state.peaks)) == (reader.last, reader.peaks)
        assert state.batches == reader.batches
        assert state.status == reader.tree.root
        assert reader.told is not None
        assert reader.told.words == state_words(state)


@pytest.mark.parametrize("name", ACTS)
def test_what_was_said_comes_back_whole(office, name):
    act = ACTS[name](office)
    said = next(e for e in office.carry(act).events if isinstance(e, ActEvent))
    assert said.statement == act.said
    assert list(said.signatures) == office.world.signed(act.said, *act.signers)
    assert said.key == (None if act.key == NO_KEY else act.key)


def test_the_state_goes_with_the_issuers_name(office):
    outcome = office.issue(1)
    told = outcome.events[-1]
    assert isinstance(told, IssuerStateEvent)
    assert told.state(NAME) == office.state
    with pytest.raises(MalformedError, match="not named"):
        told.state(NAME + "x")


@given(
    topic=st.sampled_from([*TOPICS.values(), bytes(32)]),
    subject=st.one_of(st.binary(max_size=33), st.just(code(31).encode().ljust(32, b"\x00"))),
    more=st.booleans(),
    data=st.binary(max_size=400),
)
def test_any_log_is_read_or_refused(topic, subject, more, data):
    with suppress(MalformedError):
        parse_log([topic, subject, *[bytes(32)] * more], data)
