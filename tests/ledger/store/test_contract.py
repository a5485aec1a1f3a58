"""What every store promises, on every engine."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from certledger.ledger.core.acts import ActKind, ActState, Lane
from certledger.ledger.core.errors import LeaseLostError, StoreBusyError
from certledger.ledger.core.values import (
    CatalogRow,
    Lookups,
    MirroredStatusChange,
    NewAct,
    RegistrarRow,
    StoredCheckpoint,
    Transaction,
    TxState,
)
from certledger.ledger.store import SqlStore
from certledger.ledger.store.unit_of_work import Store, Unit
from certledger.verifier.formats.record import Record
from certledger.verifier.formats.statements import Batch, StatusChange
from tests.ledger.issuers import (
    IDENTITY,
    NOW,
    Office,
    anchored,
    block,
    digest_of,
    found,
    leaf_of,
    seen,
)
from tests.ledger.store.leases import end_lease


class Trouble(Exception):
    """Something goes wrong inside a unit."""


def new_act(statement: Batch, accepted: int = NOW) -> NewAct:
    return NewAct(
        kind=ActKind.BATCH,
        statement=statement,
        digest=statement.digest(IDENTITY),
        signatures=(bytes(65),),
        accepted=accepted,
        receipt=b"{}",
        certificates=statement.count,
    )


def keep(unit: Unit, office: Office, records: Sequence[Record], **changes: object) -> Batch:
    """Take in a batch without asking whether it may be."""
    statement = office.statement(records, **changes)
    unit.add_records(
        statement.root,
        office.issuer,
        statement.first,
        [record.canonical() for record in records],
        Lookups(
            leaves=b"".join(leaf_of(record) for record in records),
            digests=b"".join(record.digests[0] for record in records),
            ids=b"".join(record.id for record in records),
            editions=[record.edition for record in records],
        ),
    )
    unit.add_act(new_act(statement))
    office.go_on(statement)
    return statement


def state_of(store: Store, digest: bytes) -> ActState:
    with store.begin(write=False) as unit:
        act = unit.act(digest)
        assert act is not None
        return act.state


# Units ------------------------------------------------------------------------------------------


def test_what_a_unit_wrote_is_there_for_the_next(store: SqlStore) -> None:
    office = Office()
    with store.begin() as unit:
        statement = keep(unit, office, office.records(3))
    with store.begin(write=False) as unit:
        act = unit.act(statement.digest(IDENTITY))
    assert act is not None
    assert (act.statement, act.state, act.subject) == (statement, ActState.ACCEPTED, office.issuer)
    assert (act.counter, act.certificates, act.not_after) == (1, 3, statement.not_after)


def test_a_unit_that_raises_leaves_nothing_behind(store: SqlStore) -> None:
    office = Office()
    statement = office.statement(office.records(3))

    def write_and_fail() -> None:
        with store.begin() as unit:
            keep(unit, office, office.records(3))
            assert unit.act(statement.digest(IDENTITY)) is not None, "a unit sees its own writes"
            raise Trouble

    with pytest.raises(Trouble):
        write_and_fail()
    with store.begin(write=False) as unit:
        assert unit.act(statement.digest(IDENTITY)) is None
        assert unit.leaves(statement.root) == []
        assert unit.backlog().acts == 0


def test_a_reading_unit_cannot_write(store: SqlStore) -> None:
    with pytest.raises(Exception, match=r"(?i)read-?only"), store.begin(write=False) as unit:
        unit.add_name("交通运输部门")
    with store.begin() as unit:
        unit.add_name("交通运输部门")


def test_a_reading_unit_sees_one_instant(store: SqlStore) -> None:
    with store.begin(write=False) as reader:
        assert reader.head() is None
        with store.begin() as writer:
            writer.add_block(block(1))
        assert reader.head() is None
    with store.begin(write=False) as reader:
        assert reader.head() == block(1)


def test_units_that_take_in_acts_of_one_issuer_wait_for_each_other(store: SqlStore) -> None:
    entered, order = threading.Event(), []

    def second() -> None:
        entered.set()
        with store.begin() as unit:
            unit.lock("body")
            order.append(("second", unit.head()))

    with store.begin() as unit:
        unit.lock("body")
        thread = threading.Thread(target=second)
        thread.start()
        entered.wait()
        unit.add_block(block(1))
        order.append(("first", None))
    thread.join()
    assert order == [("first", None), ("second", block(1))]


def test_a_place_has_one_living_act(store: SqlStore) -> None:
    office = Office()
    with store.begin() as unit:
        one = keep(unit, office, office.records(1))
    other = Office().statement(Office().records(2))
    with pytest.raises(Exception, match=r"(?i)unique"), store.begin() as unit:
        unit.add_act(new_act(other))
    with store.begin() as unit:
        assert unit.expire(one.not_after + 1) == 1
        unit.add_act(new_act(other))
    assert state_of(store, one.digest(IDENTITY)) is ActState.EXPIRED
    assert state_of(store, other.digest(IDENTITY)) is ActState.ACCEPTED


# Records ----------------------------------------------------------------------------------------


def test_certificates_are_found_by_leaf_lookup_digest_index_and_id(store: SqlStore) -> None:
    office = Office()
    records = office.records(600)
    with store.begin() as unit:
        keep(unit, office, records[:300])
        second = keep(unit, office, records[300:])
    wanted = records[555]
    with store.begin(write=False) as unit:
        place = unit.place_of_leaf(leaf_of(wanted))
        assert place is not None
        assert (place.issuer, place.index, place.root) == (office.issuer, 555, second.root)
        assert (place.first, place.count) == (300, 300)
        assert unit.places_of_lookup(wanted.digests[0]) == [place]
        assert unit.place_at(office.issuer, 555) == place
        assert unit.record(place.root, place.index - place.first) == wanted.canonical()
        assert list(unit.records(second.root)) == [r.canonical() for r in records[300:]]
        assert unit.leaves(second.root) == [leaf_of(record) for record in records[300:]]
        (edition,) = unit.editions(office.issuer, [wanted.id, digest_of("nobody")])
        assert (edition.id, edition.edition, edition.index) == (wanted.id, 0, 555)


def test_what_was_never_handed_in_is_not_found(store: SqlStore) -> None:
    office = Office()
    with store.begin() as unit:
        statement = keep(unit, office, office.records(3))
    with store.begin(write=False) as unit:
        assert unit.place_of_leaf(digest_of("leaf")) is None
        assert unit.places_of_lookup(digest_of("lookup")) == []
        assert unit.place_at(office.issuer, 3) is None
        assert unit.place_at("11310000000000ZZ99", 0) is None
        assert unit.record(statement.root, 3) is None
        assert unit.record(digest_of("root"), 0) is None
        assert list(unit.records(digest_of("root"))) == []
        assert unit.editions("11310000000000ZZ99", [office.record(0).id]) == []


def test_a_digest_that_shares_its_first_half_is_another(store: SqlStore) -> None:
    office = Office()
    records = office.records(3)
    with store.begin() as unit:
        keep(unit, office, records)
    with store.begin(write=False) as unit:
        near = leaf_of(records[0])[:16] + bytes(16)
        assert unit.place_of_leaf(near) is None
        assert unit.places_of_lookup(records[0].digests[0][:16] + bytes(16)) == []


def test_records_of_a_batch_that_can_no_longer_come_are_kept_but_not_found(
    store: SqlStore,
) -> None:
    office = Office()
    records = office.records(3)
    with store.begin() as unit:
        statement = keep(unit, office, records)
        unit.expire(statement.not_after + 1)
    with store.begin(write=False) as unit:
        assert unit.place_of_leaf(leaf_of(records[0])) is None
        assert unit.editions(office.issuer, [records[0].id]) == []
        assert list(unit.records(statement.root)) == [record.canonical() for record in records]


def test_the_same_records_are_kept_once_and_serve_whatever_is_anchored(store: SqlStore) -> None:
    office, again = Office(), Office()
    records = office.records(3)
    with store.begin() as unit:
        first = keep(unit, office, records)
    other = again.statement(records, not_after=first.not_after + 60)
    with store.begin() as unit:
        batch = anchored(other, again.sign(other), 9)
        unit.add_anchored([batch])
        unit.mark_included(
            office.issuer, Lane.SEQUENCE, 1, batch.digest, block=9, tx=digest_of("tx", 9)
        )
    assert state_of(store, first.digest(IDENTITY)) is ActState.DISPLACED
    with store.begin(write=False) as unit:
        place = unit.place_of_leaf(leaf_of(records[2]))
        assert place is not None
        assert unit.anchored_root(office.issuer, place.root) == batch
        assert unit.missing_records() == []


# What waits, and the road -----------------------------------------------------------------------


def test_what_waits_is_counted_and_listed_oldest_first(store: SqlStore) -> None:
    office = Office()
    with store.begin() as unit:
        one = keep(unit, office, office.records(2))
        two = keep(unit, office, office.records(3))
        backlog = unit.backlog()
        assert (backlog.acts, backlog.certificates, backlog.oldest) == (2, 5, NOW)
        assert [act.statement for act in unit.queue(office.issuer, Lane.SEQUENCE)] == [one, two]
        last = unit.last_waiting(office.issuer, Lane.SEQUENCE)
        assert last is not None
        assert last.statement == two
        assert unit.last_waiting(office.issuer, Lane.EPOCH) is None
        assert [act.statement for act in unit.waiting(10)] == [one, two]
        assert [act.statement for act in unit.waiting(1)] == [one]


def transaction(nonce: int, state: TxState = TxState.SIGNED) -> Transaction:
    return Transaction(
        hash=digest_of("tx", nonce),
        raw=b"raw" + bytes([nonce]),
        nonce=nonce,
        sender=bytes(20),
        state=state,
        signed=NOW,
    )


def test_an_act_under_way_does_not_wait_until_its_transaction_failed(store: SqlStore) -> None:
    office = Office()
    with store.begin() as unit:
        keep(unit, office, office.records(2))
        (act,) = unit.waiting(10)
        unit.add_transaction(transaction(7), [act.number])
        unit.add_transaction(transaction(7), [act.number])  # Repeating harms nobody.
    with store.begin() as unit:
        assert unit.waiting(10) == []
        assert unit.pending_transactions() == [transaction(7)]
        assert unit.acts_of(digest_of("tx", 7)) == [act]
        unit.set_transaction(digest_of("tx", 7), TxState.REVERTED, 4)
        assert unit.waiting(10) == [act]
        assert unit.pending_transactions() == []
        found_ = unit.transaction(digest_of("tx", 7))
        assert found_ is not None
        assert (found_.state, found_.block) == (TxState.REVERTED, 4)
        assert unit.transaction(digest_of("no tx")) is None


def test_a_batch_that_expires_takes_those_behind_it_along(store: SqlStore) -> None:
    office = Office()
    with store.begin() as unit:
        first = keep(unit, office, office.records(1), not_after=NOW + 10)
        second = keep(unit, office, office.records(1), not_after=NOW + 1000)
        assert unit.expire(NOW + 10) == 0
        assert unit.expire(NOW + 11) == 2
        assert unit.expire(NOW + 11) == 0
    for statement in (first, second):
        assert state_of(store, statement.digest(IDENTITY)) is ActState.EXPIRED


def test_the_chain_displaces_what_waits_at_its_place_and_behind_it(store: SqlStore) -> None:
    office, elsewhere = Office(), Office()
    with store.begin() as unit:
        mine = [keep(unit, office, office.records(1)) for _ in range(3)]
    other = elsewhere.statement(elsewhere.records(2))
    with store.begin() as unit:
        unit.mark_included(
            office.issuer, Lane.SEQUENCE, 1, other.digest(IDENTITY), block=9, tx=bytes(32)
        )
    assert {state_of(store, one.digest(IDENTITY)) for one in mine} == {ActState.DISPLACED}


def test_what_the_chain_included_goes_back_and_forth_with_its_blocks(store: SqlStore) -> None:
    office = Office()
    with store.begin() as unit:
        one = keep(unit, office, office.records(1))
        two = keep(unit, office, office.records(1))
        for number, statement in ((8, one), (9, two)):
            unit.mark_included(
                office.issuer,
                Lane.SEQUENCE,
                statement.sequence,
                statement.digest(IDENTITY),
                block=number,
                tx=digest_of("tx", number),
            )
        assert unit.finalize(8) == 1
    assert state_of(store, one.digest(IDENTITY)) is ActState.FINAL
    assert state_of(store, two.digest(IDENTITY)) is ActState.INCLUDED
    with store.begin() as unit:
        unit.rollback(8)
        assert [act.statement for act in unit.waiting(10)] == [two]
        (act,) = unit.waiting(10)
        assert (act.block, act.tx) == (None, None)


def test_a_reorganisation_lets_the_displaced_wait_again(store: SqlStore) -> None:
    office, elsewhere = Office(), Office()
    with store.begin() as unit:
        mine = [keep(unit, office, office.records(1)) for _ in range(2)]
        other = elsewhere.statement(elsewhere.records(2))
        unit.mark_included(
            office.issuer, Lane.SEQUENCE, 1, other.digest(IDENTITY), block=9, tx=bytes(32)
        )
        assert unit.waiting(10) == []
        unit.rollback(8)
        assert [act.statement for act in unit.waiting(10)] == mine


def test_an_expired_act_that_the_chain_took_all_the_same_is_included(store: SqlStore) -> None:
    office = Office()
    with store.begin() as unit:
        statement = keep(unit, office, office.records(1))
        unit.expire(statement.not_after + 1)
        replacement = Office().statement(Office().records(2))
        unit.add_act(new_act(replacement))
        digest = statement.digest(IDENTITY)
        unit.mark_included(office.issuer, Lane.SEQUENCE, 1, digest, block=9, tx=bytes(32))
    assert state_of(store, digest) is ActState.INCLUDED
    assert state_of(store, replacement.digest(IDENTITY)) is ActState.DISPLACED


# The mirror -------------------------------------------------------------------------------------


def test_the_mirror_answers_as_of_a_block_and_forgets_what_a_reorganisation_took_back(
    store: SqlStore,
) -> None:
    office = Office()
    early, late = office.state(), office.state(revision=1)
    with store.begin() as unit:
        unit.add_block(block(5))
        unit.put_issuer(seen(early, 5))
        unit.put_words(office.issuer, {0: b"\1" * 32, 4: b"\2" * 32}, 5)
        unit.add_block(block(7))
        unit.put_issuer(seen(late, 7, held=True))
        unit.put_words(office.issuer, {0: b"\3" * 32, 4: bytes(32)}, 7)
    with store.begin(write=False) as unit:
        assert unit.issuer(office.issuer) == seen(late, 7, held=True)
        assert unit.issuer(office.issuer, at=6) == seen(early, 5)
        assert unit.issuer(office.issuer, at=4) is None
        assert unit.issuers(at=5) == [seen(early, 5)]
        assert unit.issuers() == [seen(late, 7, held=True)]
        assert unit.words(office.issuer) == {0: b"\3" * 32}
        assert unit.words(office.issuer, at=6) == {0: b"\1" * 32, 4: b"\2" * 32}
    with store.begin() as unit:
        unit.rollback(6)
        assert unit.head() == block(5)
        assert unit.block(7) is None
        assert unit.issuer(office.issuer) == seen(early, 5)
        assert unit.words(office.issuer) == {0: b"\1" * 32, 4: b"\2" * 32}


def test_pruning_keeps_the_state_as_of_its_block_and_everything_later(store: SqlStore) -> None:
    office = Office()
    states = [office.state(revision=revision) for revision in range(4)]
    with store.begin() as unit:
        for number, state in zip((3, 5, 7, 9), states, strict=True):
            unit.add_block(block(number))
            unit.put_issuer(seen(state, number))
        unit.put_words(office.issuer, {1: b"\1" * 32}, 3)
        unit.prune(8)
        assert unit.issuer(office.issuer, at=8) == seen(states[2], 7)
        assert unit.issuer(office.issuer, at=9) == seen(states[3], 9)
        assert unit.issuer(office.issuer, at=6) is None
        assert unit.words(office.issuer) == {1: b"\1" * 32}
        assert unit.block(7) is None
        assert unit.head() == block(9)


def test_batches_status_changes_and_catalogs_are_listed_in_order(store: SqlStore) -> None:
    office = Office()
    batches = []
    for number in (6, 7, 8):
        statement = office.statement(office.records(2))
        office.go_on(statement)
        batches.append(anchored(statement, office.sign(statement), number))
    said = StatusChange(
        issuer=office.issuer.encode(),
        epoch=1,
        words=(0, 9),
        masks=(3, 3 << 254),
        status=1,
        reason=b"R01",
        not_after=NOW,
    )
    change = MirroredStatusChange(
        issuer=office.issuer,
        epoch=1,
        statement=said,
        digest=said.digest(IDENTITY),
        signatures=(b"a" * 65, b"b" * 65),
        block=7,
        tx=bytes(32),
    )
    catalog = CatalogRow(
        issuer=office.issuer,
        version=1,
        root=office.catalog,
        digest=bytes(32),
        block=6,
        tx=bytes(32),
    )
    with store.begin() as unit:
        unit.add_anchored(batches)
        unit.add_anchored(batches)  # A follower that crashed simply goes over a block again.
        unit.add_status(change)
        unit.add_catalog_change(catalog)
    with store.begin() as unit:
        assert unit.anchored_batches(office.issuer) == batches
        assert unit.anchored_batches(office.issuer, after=1, limit=1) == batches[1:2]
        assert unit.anchored(office.issuer, 2) == batches[1]
        assert unit.anchored_leaves(office.issuer, batches=2) == [b.leaf for b in batches[:2]]
        assert unit.status_changes(office.issuer) == [change]
        assert unit.status_changes(office.issuer, after=1) == []
        assert unit.catalog_changes(office.issuer) == [catalog]
        assert unit.missing_records() == batches
        unit.rollback(6)
        assert unit.anchored_batches(office.issuer) == batches[:1]
        assert unit.status_changes(office.issuer) == []
        assert unit.catalog_changes(office.issuer) == [catalog]


def test_registrars_change_with_blocks(store: SqlStore) -> None:
    found(store)
    later = RegistrarRow(region=32, account=b"\7" * 20, term=1, nonce=3, block=8)
    with store.begin() as unit:
        unit.put_registrar(later)
        assert unit.registrar(32) == later
        before = unit.registrar(32, at=7)
        assert before is not None
        assert before.term == 0
        assert [one.region for one in unit.registrars()] == [31, 32, 33, 34]
        assert unit.registrars()[1] == later
        assert unit.registrar(44) is None


def test_names_and_catalogs_are_kept_once(store: SqlStore) -> None:
    with store.begin() as unit:
        for _ in range(2):
            unit.add_name("交通运输部门")
            unit.add_catalog(digest_of("root"), b"[]")
        assert unit.catalog(digest_of("root")) == b"[]"
        assert unit.catalog(digest_of("another")) is None
        assert unit.name(digest_of("nobody")) is None


def test_checkpoints_carry_the_proofs_of_their_block(store: SqlStore) -> None:
    one, two = (
        StoredCheckpoint(
            number=number,
            hash=digest_of("block", number),
            state_root=digest_of("state", number),
            time=NOW,
            note="certledger/1/…\n",
            account=(b"node", b"leaf"),
        )
        for number in (5, 9)
    )
    with store.begin() as unit:
        unit.add_checkpoint(one, {"A": [b"x"], "B": []})
        unit.add_checkpoint(two, {"A": [b"y", b"z"]})
        unit.set_note(9, "cosigned")
    with store.begin() as unit:
        newest = unit.checkpoint()
        assert newest is not None
        assert (newest.number, newest.note, newest.account) == (9, "cosigned", two.account)
        assert unit.checkpoint(5) == one
        assert unit.checkpoint(6) is None
        assert unit.slot_proof(9, "A") == (b"y", b"z")
        assert unit.slot_proof(5, "B") == ()
        assert unit.slot_proof(9, "B") is None
        unit.drop_checkpoints(9)
        assert unit.checkpoint(5) is None
        assert unit.slot_proof(5, "A") is None
        assert unit.cosigned_checkpoint() is None
        unit.set_note(9, "note\n\n\u2014 witness line\n")
        unit.drop_checkpoints(10)
        assert unit.cosigned_checkpoint() == unit.checkpoint(9)
        unit.rollback(8)
        assert unit.checkpoint() is None


# Leases -----------------------------------------------------------------------------------------


def test_one_worker_holds_a_lease_and_whoever_lost_it_is_stopped(store: SqlStore) -> None:
    with store.begin() as unit:
        token = unit.acquire("anchoring", "one", seconds=30)
        assert token is not None
        assert unit.acquire("anchoring", "two", seconds=30) is None
        assert unit.acquire("anchoring", "one", seconds=30) == token, "renewed"
        unit.fence("anchoring", token)
    end_lease(store, "anchoring")
    with store.begin() as unit:
        taken = unit.acquire("anchoring", "two", seconds=30)
        assert taken is not None
        assert taken > token
        unit.fence("anchoring", taken)
    with pytest.raises(LeaseLostError), store.begin() as unit:
        unit.fence("anchoring", token)
    with store.begin() as unit:
        unit.release("anchoring", "two")
        again = unit.acquire("anchoring", "one", seconds=30)
        assert again is not None
        assert again > taken


def test_many_workers_reach_for_a_lease_and_one_gets_it(store: SqlStore) -> None:
    tokens: list[int | None] = []

    def reach(name: str) -> None:
        try:
            with store.begin() as unit:
                tokens.append(unit.acquire("following", name, seconds=30))
        except StoreBusyError:
            tokens.append(None)

    threads = [threading.Thread(target=reach, args=(f"worker {n}",)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([token for token in tokens if token is not None]) == 1
