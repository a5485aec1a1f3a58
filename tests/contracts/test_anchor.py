"""Anchoring: lists of issuers with good and bad batches among them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from certledger.contracts import calls
from certledger.contracts.loader import load_artifact
from certledger.verifier.formats import merkle
from certledger.verifier.formats.contract_events import BatchAnchored, IssuerStateEvent, Skipped
from certledger.verifier.formats.issuer_state import batch_leaf
from certledger.verifier.formats.statements import (
    MAX_LIFETIME_SECONDS,
    SECP256K1_ORDER,
    ledger_identity,
)
from certledger.verifier.vocabulary import Standing, Status
from tests.contracts.acts import Anchoring, SignedBatch, pack
from tests.contracts.people import BATCHES, STATUS, Office, stale
from tests.contracts.world import (
    CHAIN_ID,
    REGIONS,
    SALT,
    code,
    ends_of,
    issuer_key,
    person,
    registrar,
)


def name_of(reason: bytes) -> str | None:
    return load_artifact().error_name(reason)


def one(office: Office, *batches: SignedBatch) -> Anchoring:
    return Anchoring(entries=((office.state, batches),))


def reason(office: Office, act: Anchoring) -> str | None:
    """Return why a call that anchors nothing says it does so."""
    outcome = office.world.call(act.calldata(office.world.identity))
    assert outcome.refused == "NothingAnchored"
    return name_of(outcome.data[36:40])


def with_statement(batch: SignedBatch, **changes) -> SignedBatch:
    return replace(batch, said=replace(batch.said, **changes))


def test_a_batch_becomes_a_leaf_of_the_issuers_tree(office):
    block, (batch,) = office.world.block, office.batches(1000)
    before = office.state
    outcome = office.carry(one(office, batch))
    digest = batch.said.digest(office.world.identity)
    leaf = batch_leaf(digest=digest, catalog=bytes(32), key=BATCHES, block=block)
    expected = before.after_batch(digest=digest, count=1000, leaf=leaf)
    assert office.state == expected
    assert office.world.slot(office.issuer) == expected.digest()
    told, state = outcome.events
    assert isinstance(told, BatchAnchored)
    assert isinstance(state, IssuerStateEvent)
    assert told.statement(previous=before.last, catalog=before.catalog) == batch.said
    assert told.key == BATCHES
    assert (
        told.signature == b"".join(pack(batch, office.world.identity)[3:]) + (told.signature[64:])
    )


def test_peaks_are_those_of_the_tree_over_all_batches(office):
    issuer = Office(world=office.world, issuer=code(32))
    issuer.register()
    leaves: list[bytes] = []
    for step in range(20):
        block = issuer.world.block
        batches = issuer.batches(*[1 + step] * (1 + step % 3))
        issuer.carry(one(issuer, *batches))
        digests = [batch.said.digest(issuer.world.identity) for batch in batches]
        leaves += [
            batch_leaf(digest=digest, catalog=bytes(32), key=BATCHES, block=block)
            for digest in digests
        ]
        assert list(issuer.state.peaks) == merkle.peaks(leaves)


def test_a_list_anchors_the_good_and_tells_why_it_passed_over_the_bad(office):
    world = office.world
    issuers = [Office(world=world, issuer=code(32, number)) for number in range(1, 5)]
    for issuer in issuers:
        issuer.register()
    moved, held, suspended, good = issuers
    old = moved.state
    moved.issue(5)
    held.carry(held.hold())
    suspended.carry(suspended.standing(Standing.SUSPENDED))
    first, second, third = good.batches(10, 20, 30)
    forged = replace(second, signer=person("stranger"))
    entries = (
        (old, moved.batches(1)),
        (held.state, held.batches(1)),
        (suspended.state, suspended.batches(1)),
        (good.state, (first, forged, second, second, third)),
        (office.state, office.batches(7)),
    )
    outcome = good.carry(Anchoring(entries=entries))
    assert outcome.refused is None
    passed = [
        (event.issuer, event.sequence, name_of(event.reason))
        for event in outcome.events
        if isinstance(event, Skipped)
    ]
    assert passed == [
        (held.issuer, 0, "BodyHeld"),
        (suspended.issuer, 0, "StandingForbids"),
        (good.issuer, 2, "SignerWrong"),
        (good.issuer, 2, "CounterWrong"),
    ]
    anchored = [(e.issuer, e.sequence) for e in outcome.events if isinstance(e, BatchAnchored)]
    assert anchored == [(good.issuer, n) for n in (1, 2, 3)] + [(office.issuer, 2)]
    states = [event.issuer for event in outcome.events if isinstance(event, IssuerStateEvent)]
    assert states == [good.issuer, office.issuer], "each whole state once"
    assert (good.state.batches, good.state.certificates) == (3, 60)


def test_a_resend_changes_nothing_and_is_refused(office):
    act = one(office, *office.batches(10))
    office.carry(act)
    slot = office.world.slot(office.issuer)
    assert reason(office, act) == "StateStale"
    assert reason(office, Anchoring(entries=((office.state, act.entries[0][1]),))) == (
        "CounterWrong"
    )
    assert office.world.slot(office.issuer) == slot


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"sequence": 1}, "CounterWrong"),
        ({"sequence": 3}, "CounterWrong"),
        ({"first": 0}, "FirstWrong"),
        ({"first": 301}, "FirstWrong"),
        ({"count": 0}, "BatchCount"),
        ({"count": 65_537}, "BatchCount"),
        ({"previous": bytes(32)}, "SignerWrong"),
        ({"catalog": b"\x01" * 32}, "SignerWrong"),
        ({"issuer": code(32).encode()}, "SignerWrong"),
    ],
)
def test_a_batch_that_does_not_follow_is_refused(office, changes, name):
    (batch,) = office.batches(10)
    assert reason(office, one(office, with_statement(batch, **changes))) == name


def test_a_batch_lives_for_seven_days(office):
    (batch,) = office.batches(10)
    now = office.world.now
    for not_after, name in (
        (now - 1, "StatementExpired"),
        (now + MAX_LIFETIME_SECONDS + 1, "StatementTooFar"),
    ):
        assert reason(office, one(office, with_statement(batch, not_after=not_after))) == name
    for not_after in (now, now + MAX_LIFETIME_SECONDS):
        act = one(office, with_statement(batch, not_after=not_after))
        assert office.world.call(act.calldata(office.world.identity)).refused is None


def test_a_batch_of_65536_is_the_greatest(office):
    assert office.issue(65_536).refused is None
    assert office.state.certificates == 65_836


def test_an_issuer_has_at_most_2_to_the_32_certificates(office):
    # Nobody can hand in such a state without 65,536 batches, so the chain is told it stands there.
    full = replace(office.state, certificates=2**32 - 10)
    office.state = full
    office.world.put_slot(office.issuer, full.digest())
    assert reason(office, one(office, *office.batches(11))) == "BatchCount"
    assert office.issue(10).refused is None
    assert reason(office, one(office, *office.batches(1))) == "BatchCount"


def test_the_key_must_be_the_issuers_for_batches_and_not_ended(office):
    (batch,) = office.batches(10)
    assert reason(office, one(office, replace(batch, key=4))) == "KeyUnknown"
    assert reason(office, one(office, replace(batch, key=STATUS))) == "SignerWrong"
    other = replace(batch, key=STATUS, signer=office.key(STATUS))
    assert reason(office, one(office, other)) == "KeyPurpose"
    foreign = replace(batch, signer=issuer_key(code(32), BATCHES))
    assert reason(office, one(office, foreign)) == "SignerWrong"
    office.carry(office.keys_change(ends=ends_of((BATCHES, office.world.block))))
    assert reason(office, one(office, *office.batches(10))) == "KeyEnded"


def test_a_key_signs_from_the_block_of_its_adding(office):
    newcomer = office.key(9)
    office.carry(office.keys_change(added=[(newcomer, 1)]))
    (batch,) = office.batches(10)
    assert office.carry(one(office, replace(batch, key=4, signer=newcomer))).refused is None


def test_a_packed_batch_with_a_bad_signature_or_slack_is_refused(office):
    (batch,) = office.batches(10)
    head, root, countersignature, r, s = pack(batch, office.world.identity)
    high = (SECP256K1_ORDER - int.from_bytes(s, "big")).to_bytes(32, "big")
    flipped = head[:29] + bytes([55 - head[29]]) + head[30:]
    no_parity = head[:29] + bytes([head[29] - 27]) + head[30:]
    for words, name in (
        ((flipped, root, countersignature, r, high), "SignatureInvalid"),
        ((no_parity, root, countersignature, r, s), "SignatureInvalid"),
        ((head, root, countersignature, bytes(32), s), "SignatureInvalid"),
        ((head[:30] + b"\x00\x01", root, countersignature, r, s), "BatchMalformed"),
        ((head[:30] + b"\x01\x00", root, countersignature, r, s), "BatchMalformed"),
    ):
        outcome = office.world.call(calls.anchor([(office.state, [words])]))
        assert name_of(outcome.data[36:40]) == name


@pytest.mark.parametrize("standing", [Standing.SUSPENDED, Standing.CLOSED, Standing.STRUCK])
def test_only_an_active_issuer_anchors(office, standing):
    office.carry(office.standing(standing))
    assert reason(office, one(office, *office.batches(1))) == "StandingForbids"


def test_a_call_that_would_change_nothing_reverts(office):
    assert office.world.call(calls.anchor([])).refused == "NothingAnchored"
    assert office.world.call(calls.anchor([(office.state, [])])).refused == "NothingAnchored"
    moved = stale(office.state)
    assert reason(office, Anchoring(entries=((moved, office.batches(1)),))) == "StateStale"


def test_a_state_that_is_not_current_leaves_no_event(office):
    other = Office(world=office.world, issuer=code(32))
    other.register()
    entries = ((stale(other.state), other.batches(1)), (office.state, office.batches(1)))
    outcome = office.carry(Anchoring(entries=entries))
    assert [type(event) for event in outcome.events] == [BatchAnchored, IssuerStateEvent]


def test_the_first_refusal_is_named(office):
    other = Office(world=office.world, issuer=code(32))
    other.register()
    (bad,) = other.batches(1)
    bad = with_statement(bad, count=0)
    entries = [(office.state, (with_statement(office.batches(1)[0], first=7),))]
    first = Anchoring(entries=((other.state, (bad,)), *entries))
    then = Anchoring(entries=(*entries, (other.state, (bad,))))
    moved = Anchoring(entries=((stale(other.state), ()), *entries))
    for act, issuer, name in (
        (first, other.code, "BatchCount"),
        (then, office.code, "FirstWrong"),
        (moved, bytes(18), "StateStale"),
        (Anchoring(entries=((other.state, ()), *entries)), office.code, "FirstWrong"),
        (Anchoring(entries=()), bytes(18), None),
        (Anchoring(entries=((other.state, ()), (office.state, ()))), bytes(18), None),
    ):
        outcome = office.world.call(act.calldata(office.world.identity))
        assert outcome.refused == "NothingAnchored"
        assert outcome.data[4:22] == issuer
        assert (name_of(outcome.data[36:40]) if any(outcome.data[36:40]) else None) == name


def test_a_batch_by_a_key_of_another_index_has_it_in_its_leaf(office):
    office.carry(office.keys_change(added=[(office.key(9), 1)]))
    block, (batch,) = office.world.block, office.batches(10)
    batch = replace(batch, key=4, signer=office.key(9))
    before = office.state
    assert office.carry(one(office, batch)).refused is None
    digest = batch.said.digest(office.world.identity)
    leaf = batch_leaf(digest=digest, catalog=bytes(32), key=4, block=block)
    assert office.state == before.after_batch(digest=digest, count=10, leaf=leaf)


def test_a_state_of_another_shape_is_passed_over_like_a_stale_one(office):
    class Shaped:
        def __init__(self, words: tuple[bytes, ...]) -> None:
            self.all = words
            self.peaks = ()

        def words(self):
            return self.all

        def key_words(self):
            return ()

    good = calls.state_words(office.state)
    batches = [pack(batch, office.world.identity) for batch in office.batches(1)]
    for words in ((), good[:1], good[:6], good[:-1], (*good, bytes(32)), good[1:]):
        outcome = office.world.call(calls.anchor([(Shaped(words), batches)]))
        assert name_of(outcome.data[36:40]) == "StateStale"


def test_the_countersignature_and_every_member_are_part_of_what_is_signed(office):
    (batch,) = office.batches(10)
    said = replace(batch.said, countersignature=b"\x77" * 32)
    outcome = office.carry(one(office, replace(batch, said=said)))
    told = outcome.events[0]
    assert isinstance(told, BatchAnchored)
    assert told.countersignature == b"\x77" * 32
    assert office.state.last == said.digest(office.world.identity)


def test_status_is_not_touched_by_anchoring(office):
    office.set_status([5], Status.REVOKED)
    root = office.state.status
    office.issue(10)
    assert office.state.status == root


def test_only_the_named_key_signs_a_batch(office):
    (batch,) = office.batches(10)
    people = [person("stranger"), issuer_key(code(32), BATCHES)]
    people += [registrar(region) for region in REGIONS]
    people += [office.key(index) for index in range(4) if index != BATCHES]
    for who in people:
        assert reason(office, one(office, replace(batch, signer=who))) == "SignerWrong"


def test_a_batch_for_another_ledger_is_nobodys(office):
    act, here = one(office, *office.batches(10)), office.world
    for identity in (
        ledger_identity(CHAIN_ID + 1, here.contract, SALT),
        ledger_identity(CHAIN_ID, bytes(20), SALT),
        ledger_identity(CHAIN_ID, here.contract, SALT[::-1]),
    ):
        outcome = here.call(act.calldata(identity))
        assert name_of(outcome.data[36:40]) == "SignerWrong"


def test_a_fork_with_another_chain_id_anchors_nothing(office):
    act, chain = one(office, *office.batches(10)), office.world.chain
    try:
        chain.chain_id = CHAIN_ID + 1
        outcome = office.world.call(act.calldata(office.world.identity))
    finally:
        chain.chain_id = CHAIN_ID
    assert outcome.refused == "ChainForked"


def test_two_batches_of_two_issuers_go_in_one_call(office):
    other = Office(world=office.world, issuer=code(34))
    other.register()
    entries = ((office.state, office.batches(1, 2)), (other.state, other.batches(3, 4)))
    outcome = other.carry(Anchoring(entries=entries))
    assert outcome.refused is None
    assert (other.state.batches, other.state.certificates) == (2, 7)
    assert [type(event) for event in outcome.events] == [
        BatchAnchored,
        BatchAnchored,
        IssuerStateEvent,
    ] * 2
