"""Batches come in whole, once, with a receipt; anything else is refused and leaves nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import orjson
import pytest

from certledger.ledger.core.acts import ActState, Lane
from certledger.ledger.intake import errors
from certledger.ledger.intake.batches import submit_batch
from certledger.ledger.intake.errors import IntakeOverloadedError
from certledger.ledger.intake.pending_state import head
from certledger.ledger.store import SqlStore
from certledger.ledger.store.tables import METADATA
from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.canonical_json import (
    format_canonical,
    from_base64url,
    parse_canonical,
    to_base64url,
)
from certledger.verifier.formats.issuer_state import Key
from certledger.verifier.formats.statements import SECP256K1_ORDER, Receipt, signed_by
from certledger.verifier.vocabulary import HolderKind, Purpose, Standing
from tests.ledger.issuers import (
    ALL,
    CATALOG,
    DAY,
    FIRST_BLOCK,
    IDENTITY,
    NOW,
    OPERATOR,
    Office,
    chain_anchors,
    desk,
    digest_of,
    found,
    leaf_of,
    person,
    seen,
    submission,
)


def rows(store: SqlStore) -> dict[str, int]:
    """Return how many rows each table has."""
    with store.engine.connect() as connection:
        return {
            name: connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one()
            for name in METADATA.tables
        }


def refusal(store: SqlStore, data: bytes, **limits: int) -> str:
    """Return the code with which `data` is refused, having checked that nothing was stored."""
    before = rows(store)
    with pytest.raises(CertledgerError) as refused:
        submit_batch(desk(store, **limits), data)
    assert rows(store) == before, "a refusal stores nothing"
    assert str(refused.value)
    return refused.value.code


# What is taken in -------------------------------------------------------------------------------


def test_a_batch_is_answered_with_a_receipt_that_the_operator_signed(store: SqlStore) -> None:
    office = Office()
    found(store, office.state())
    statement = office.statement(office.records(3))
    answer = parse_canonical(submit_batch(desk(store), office.seal(3)), 4096)
    assert answer["receipt"] == {
        "type": "certledger/receipt/1",
        "ledger": IDENTITY.hex(),
        "issuer": office.issuer,
        "sequence": 1,
        "root": statement.root.hex(),
        "count": 3,
        "digest": statement.digest(IDENTITY).hex(),
        "accepted": "2026-11-24T06:00:00Z",
        "number": 1,
        "previous": "0" * 64,
        "anchored_by": "2026-11-24T07:00:00Z",
    }
    content = sha256(format_canonical(answer["receipt"]))
    signature = from_base64url(answer["signature"])
    digest = Receipt(content=content).digest(IDENTITY)
    assert signed_by(digest, signature[:64], OPERATOR.public_key)


def test_a_batch_is_found_again_and_waits_to_be_anchored(store: SqlStore) -> None:
    office = Office()
    found(store, office.state())
    records = office.records(3)
    submit_batch(desk(store), office.seal(records))
    with store.begin(write=False) as unit:
        (act,) = unit.waiting(10)
        assert (act.subject, act.counter, act.certificates) == (office.issuer, 1, 3)
        place = unit.place_of_leaf(leaf_of(records[1]))
        assert place is not None
        assert unit.record(place.root, 1) == records[1].canonical()


def test_spacing_order_lines_and_signature_do_not_matter(store: SqlStore) -> None:
    office = Office()
    found(store, office.state())
    data = office.seal(3)
    receipt = submit_batch(desk(store), data)
    after = rows(store)
    value = orjson.loads(data)
    spellings = [
        orjson.dumps(value, option=orjson.OPT_INDENT_2),
        orjson.dumps(dict(reversed(list(value.items())))),
        b"\n".join(
            [orjson.dumps({name: value[name] for name in ("type", "statement", "signature")})]
            + [orjson.dumps(record) for record in value["records"]]
        )
        + b"\n",
        orjson.dumps(value | {"signature": to_base64url(bytes(65))}),
    ]
    for spelling in spellings:
        assert submit_batch(desk(store, NOW + 60), spelling) == receipt
    assert rows(store) == after


def test_batches_go_on_from_what_waits_so_that_two_offices_do_not_collide(
    store: SqlStore,
) -> None:
    office = Office()
    found(store, office.state())
    assert head(store, office.issuer).batches == 0
    for _ in range(3):
        submit_batch(desk(store), office.seal(2))
        ahead = head(store, office.issuer)
        assert (ahead.batches, ahead.certificates, ahead.last) == (
            office.sequence,
            office.certificates,
            office.last,
        )
    assert (ahead.catalog, ahead.catalog_version, ahead.epoch, ahead.revision) == (
        CATALOG.root(),
        1,
        0,
        0,
    )


def test_the_head_of_an_unknown_issuer_is_refused(store: SqlStore) -> None:
    with pytest.raises(CertledgerError) as refused:
        head(store, "11310000000000ZZ99")
    assert refused.value.code == "body.unknown"


def test_a_batch_goes_on_from_what_the_chain_holds(store: SqlStore) -> None:
    office = Office()
    found(store, office.state())
    statement = office.statement(office.records(2))
    chain_anchors(store, office, statement, FIRST_BLOCK + 1)
    office.go_on(statement)
    submit_batch(desk(store), office.seal(2))
    assert head(store, office.issuer).certificates == 4


def test_the_next_edition_replaces_the_one_before(store: SqlStore) -> None:
    office = Office()
    found(store, office.state())
    first = office.records(2)
    submit_batch(desk(store), office.seal(first))
    second = office.record(2, id=first[1].id, edition=1, replaces=1)
    third = office.record(3, id=first[1].id, edition=2, replaces=2)
    submit_batch(desk(store), office.seal([second, third]))
    assert head(store, office.issuer).certificates == 4


def test_records_of_a_batch_that_the_issuer_anchored_itself_are_taken_in(store: SqlStore) -> None:
    office = Office()
    found(store, office.state())
    records = office.records(2)
    statement = office.statement(records)
    chain_anchors(store, office, statement, FIRST_BLOCK + 1)
    with store.begin(write=False) as unit:
        assert [batch.sequence for batch in unit.missing_records()] == [1]
    submit_batch(desk(store, NOW + 30 * DAY), office.seal(records))
    with store.begin(write=False) as unit:
        assert unit.missing_records() == []
        act = unit.act(statement.digest(IDENTITY))
        assert act is not None
        assert (act.state, act.block) == (ActState.INCLUDED, FIRST_BLOCK + 1)
        assert unit.waiting(10) == []


def test_many_hand_in_the_same_batch_at_once_and_it_is_stored_once(store: SqlStore) -> None:
    office = Office()
    found(store, office.state())
    data = office.seal(20)
    answers: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: answers.append(submit_batch(desk(store), data)))
        for _ in range(50)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 50
    assert len(set(answers)) == 1
    counted = rows(store)
    assert (counted["acts"], counted["batches"], counted["certificates"]) == (1, 1, 20)


# What is refused --------------------------------------------------------------------------------


def sealed(office: Office, **changes: Any) -> bytes:
    """Return a submission of two records whose statement is changed before it is signed."""
    return office.seal(2, **changes)


def with_records(*changes: dict[str, Any]) -> Callable[[Office], bytes]:
    """Return what seals records that are changed before the root is computed."""

    def make(office: Office) -> bytes:
        return office.seal([office.record(at, **each) for at, each in enumerate(changes)])

    return make


def signed_by_another(office: Office) -> bytes:
    records = office.records(2)
    statement = office.statement(records)
    return submission(statement, office.sign(statement, by=person("another")), records)


def with_high_s(office: Office) -> bytes:
    records = office.records(2)
    statement = office.statement(records)
    signature = office.sign(statement)
    s = SECP256K1_ORDER - int.from_bytes(signature[32:64], "big")
    high = signature[:32] + s.to_bytes(32, "big") + bytes([55 - signature[64]])
    return submission(statement, high, records)


def edited(edit: Callable[[Any], object]) -> Callable[[Office], bytes]:
    """Return what edits a good submission as JSON after it was signed."""

    def make(office: Office) -> bytes:
        value = orjson.loads(office.seal(2))
        edit(value)
        return orjson.dumps(value)

    return make


def replaced(old: bytes, new: bytes) -> Callable[[Office], bytes]:
    """Return what edits the bytes of a good submission."""

    def make(office: Office) -> bytes:
        data = office.seal(2)
        assert old in data
        return data.replace(old, new, 1)

    return make


def set_record(**members: Any) -> Callable[[Office], bytes]:
    return edited(lambda value: value["records"][1].update(members))


def drop_record_member(name: str) -> Callable[[Office], bytes]:
    return edited(lambda value: value["records"][1].pop(name))


NFD = "Café"

REFUSED: dict[str, tuple[str, Callable[[Office], bytes]]] = {
    # Bytes and JSON.
    "nothing": ("json.syntax", lambda office: b""),
    "cut short": ("json.syntax", lambda office: office.seal(2)[:-20]),
    "not UTF-8": ("json.syntax", replaced(b"SH-TAXI", b"SH-\xff\xfe")),
    "trailing bytes": ("json.trailing", lambda office: office.seal(2) + b"x"),
    "a name twice": ("json.duplicate_name", replaced(b'"bound":', b'"bound":false,"bound":')),
    "a float": ("json.number", replaced(b'"edition":0', b'"edition":0.0')),
    "minus zero": ("json.number", replaced(b'"edition":0', b'"edition":-0')),
    "an exponent": ("json.number", replaced(b'"edition":0', b'"edition":0e1')),
    "2^53": ("json.number", replaced(b'"edition":0', b'"edition":9007199254740992')),
    "null": ("json.null", replaced(b'"edition":0', b'"edition":null')),
    "a lone surrogate": ("json.surrogate", replaced(b"SH-TAXI", b"\\ud800")),
    "too deep": ("json.depth", replaced(b'"edition":0', b'"edition":' + b"[" * 9 + b"]" * 9)),
    "not an object": ("schema.invalid", lambda office: b"[]"),
    # Members.
    "an unknown member outside": ("schema.invalid", edited(lambda v: v.update(more=1))),
    "an unknown member of the statement": (
        "schema.invalid",
        edited(lambda v: v["statement"].update(more=1)),
    ),
    "an unknown member of a record": ("schema.invalid", set_record(more=1)),
    "another type": ("schema.version", edited(lambda v: v.update(type="certledger/submission/2"))),
    "another type of record": ("schema.version", set_record(type="certledger/record/2")),
    "no records": ("schema.invalid", edited(lambda v: v.pop("records"))),
    "records that are none": ("schema.invalid", edited(lambda v: v.update(records={}))),
    "a record that is none": ("schema.invalid", edited(lambda v: v["records"].append(7))),
    "a member missing": ("schema.invalid", drop_record_member("bound")),
    "base64 with padding": ("base64.not_canonical", set_record(id="A" * 43 + "=")),
    "base64 of the other alphabet": ("base64.invalid", set_record(id="!" * 43)),
    "base64 spelled twice": ("base64.not_canonical", set_record(id="A" * 42 + "B")),
    "a short signature": ("schema.invalid", edited(lambda v: v.update(signature="AAAA"))),
    "a name with letters beyond ASCII": ("json.name", edited(lambda v: v.update({NFD: 1}))),
    "an issuer that is no code": (
        "schema.invalid",
        edited(lambda v: v["statement"].update(issuer="nobody")),
    ),
    "a category in lower case": ("schema.invalid", set_record(category="taxi")),
    "a category that is too long": ("schema.invalid", set_record(category="T" * 25)),
    "an unknown holder": ("schema.invalid", set_record(holder="person")),
    "a day that is none": ("schema.invalid", set_record(issued="2026-02-30")),
    "no digest": ("schema.invalid", set_record(digests="")),
    "half a digest": ("schema.invalid", set_record(digests=to_base64url(bytes(48)))),
    "97 digests": ("schema.invalid", set_record(digests=to_base64url(bytes(97 * 32)))),
    "an entry version of zero": ("schema.invalid", set_record(entry=0)),
    "an edition of 65,536": ("schema.invalid", set_record(edition=65_536, replaces=0)),
    "dates reversed": ("record.dates", set_record(issued="2026-01-02", expires="2026-01-01")),
    "an edition that names nothing": ("record.edition", set_record(edition=1)),
    "replaces in a first edition": ("record.edition", set_record(replaces=0)),
    "an edition that replaces itself": ("record.edition", set_record(edition=1, replaces=1)),
    # Records against the statement.
    "a record of another issuer": ("record.issuer", set_record(issuer="11310000000000ZZ99")),
    "an index that is not its place": ("record.index", set_record(index=2)),
    "records in another order": ("record.index", edited(lambda v: v["records"].reverse())),
    "a record changed after signing": ("batch.root", set_record(issued="2026-11-19")),
    "a record too many": ("batch.count", edited(lambda v: v["records"].append(v["records"][0]))),
    "a record too few": ("batch.count", edited(lambda v: v["records"].pop())),
    "an empty batch": (
        "batch.count",
        edited(lambda v: (v["records"].clear(), v["statement"].update(count=0))),
    ),
    "more than 65,536": ("batch.count", edited(lambda v: v["statement"].update(count=65_537))),
    "beyond the last index": (
        "batch.count",
        edited(lambda v: v["statement"].update(first=2**32 - 1)),
    ),
    # The statement against the ledger.
    "sequence zero": ("schema.invalid", lambda o: sealed(o, sequence=0)),
    "a sequence left out": ("batch.sequence", lambda o: sealed(o, sequence=2)),
    "another statement before": ("batch.previous", lambda o: sealed(o, previous=digest_of("x"))),
    "another catalog": ("catalog.unknown", lambda o: sealed(o, catalog=digest_of("catalog"))),
    "the empty catalog": ("record.category", lambda o: sealed(o, catalog=bytes(32))),
    "past notAfter": ("statement.expired", lambda o: sealed(o, not_after=NOW - 1)),
    "more than seven days": ("statement.too_far", lambda o: sealed(o, not_after=NOW + 8 * DAY)),
    # Signatures.
    "another signer": ("signature.unknown_key", signed_by_another),
    "a high s": ("signature.invalid", with_high_s),
    "a signature of zeros": (
        "signature.invalid",
        edited(lambda v: v.update(signature=to_base64url(bytes(65)))),
    ),
    "r beyond the curve": (
        "signature.invalid",
        edited(lambda v: v.update(signature=to_base64url(b"\xff" * 32 + b"\1" * 32 + b"\x1b"))),
    ),
    # Records against the catalog.
    "a category outside the catalog": ("record.category", with_records({"category": "SH-SHIP"})),
    "a version outside the catalog": ("record.category", with_records({"entry": 2})),
    "another kind of holder": (
        "entitlement.holder_kind",
        with_records({}, {"holder": HolderKind.NATURAL}),
    ),
    "good for too long": (
        "entitlement.validity_too_long",
        with_records({"expires": date(2030, 11, 21)}),
    ),
    "good for ever": ("entitlement.validity_too_long", with_records({"expires": None})),
    "too few digests": (
        "entitlement.fields_missing",
        with_records({"digests": (bytes(32), bytes(32))}),
    ),
    # Editions.
    "the same id twice": (
        "record.twice",
        with_records({"id": digest_of("a")}, {"id": digest_of("a")}),
    ),
    "an edition of another id": (
        "record.replaces_nothing",
        with_records({}, {"edition": 1, "replaces": 0}),
    ),
    "an edition left out": (
        "record.replaces_nothing",
        with_records({"id": digest_of("a")}, {"id": digest_of("a"), "edition": 2, "replaces": 0}),
    ),
}


@pytest.mark.parametrize(("code", "make"), REFUSED.values(), ids=REFUSED)
def test_bad_input_is_refused_with_its_own_code_and_nothing_is_stored(
    code: str, make: Callable[[Office], bytes], sqlite_store: SqlStore
) -> None:
    found(sqlite_store, Office().state())
    assert refusal(sqlite_store, make(Office())) == code


def test_a_first_index_that_leaves_a_gap_is_refused(sqlite_store: SqlStore) -> None:
    office = Office(certificates=5)
    found(sqlite_store, Office().state())
    assert refusal(sqlite_store, office.seal(2)) == "batch.first"


def test_more_bytes_than_the_limit_are_not_read(sqlite_store: SqlStore) -> None:
    office = Office()
    found(sqlite_store, office.state())
    data = office.seal(20)
    assert refusal(sqlite_store, data, submission_bytes=len(data) - 1) == "json.size"


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("body.standing", {"standing": Standing.SUSPENDED}),
        ("body.standing", {"standing": Standing.CLOSED}),
        ("body.standing", {"standing": Standing.STRUCK}),
        ("batch.catalog", {"catalog": bytes(32)}),
        (
            "signature.purpose",
            {"keys": (Key(address=Office().key.address, purposes=Purpose.STATUS, start=1),)},
        ),
        (
            "signature.key_ended",
            {"keys": (Key(address=Office().key.address, purposes=ALL, start=1, end=FIRST_BLOCK),)},
        ),
    ],
)
def test_an_issuer_that_may_not_issue_is_refused(
    code: str, changes: dict[str, Any], sqlite_store: SqlStore
) -> None:
    found(sqlite_store, Office().state(**changes))
    assert refusal(sqlite_store, Office().seal(2)) == code


def test_an_unknown_issuer_and_a_held_one_are_refused(sqlite_store: SqlStore) -> None:
    found(sqlite_store)
    assert refusal(sqlite_store, Office().seal(2)) == "body.unknown"
    with sqlite_store.begin() as unit:
        unit.put_issuer(seen(Office().state(), held=True))
    assert refusal(sqlite_store, Office().seal(2)) == "body.held"


def test_another_batch_at_the_same_sequence_is_a_conflict_until_the_first_is_gone(
    store: SqlStore,
) -> None:
    office, other = Office(), Office()
    found(store, office.state())
    first = office.seal(2)
    submit_batch(desk(store), first)
    assert refusal(store, other.seal(3)) == "batch.conflict"

    late = NOW + 3 * DAY + 1
    with store.begin() as unit:
        assert unit.expire(late) == 1
    again = Office().seal(3, not_after=late + DAY)
    assert submit_batch(desk(store, late), again)
    with store.begin(write=False) as unit:
        states = [act.state for act in unit.acts_at(office.issuer, Lane.SEQUENCE, 1)]
    assert states == [ActState.EXPIRED, ActState.ACCEPTED]
    with pytest.raises(CertledgerError) as refused:
        submit_batch(desk(store, late), first)
    assert refused.value.code == "act.dead"


def test_a_batch_displaced_by_what_the_issuer_anchored_itself_keeps_its_records(
    store: SqlStore,
) -> None:
    office = Office()
    found(store, office.state())
    records = office.records(2)
    first = office.statement(records)
    submit_batch(desk(store), submission(first, office.sign(first), records))

    other = replace(first, not_after=first.not_after + 60)
    chain_anchors(store, office, other, FIRST_BLOCK + 1)
    assert refusal(store, submission(first, office.sign(first), records)) == "act.dead"
    with store.begin(write=False) as unit:
        place = unit.place_of_leaf(leaf_of(records[0]))
        assert place is not None, "the root is the same, so the records belong to it"
        assert unit.missing_records() == []
    office.go_on(other)
    assert submit_batch(desk(store), office.seal(1))


def test_a_batch_at_a_sequence_that_the_chain_holds_is_a_conflict(store: SqlStore) -> None:
    office = Office()
    found(store, office.state())
    chain_anchors(store, office, office.statement(office.records(3)), FIRST_BLOCK + 1)
    assert refusal(store, Office().seal(2)) == "batch.conflict"


def test_the_same_certificate_in_a_later_batch_is_refused(store: SqlStore) -> None:
    office = Office()
    found(store, office.state())
    records = office.records(2)
    submit_batch(desk(store), office.seal(records))
    again = office.record(2, id=records[0].id)
    assert refusal(store, replace(office).seal([again])) == "record.twice"
    skipped = office.record(2, id=records[0].id, edition=1, replaces=1)
    assert refusal(store, replace(office).seal([skipped])) == "record.replaces_nothing"


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("record.twice", {}),
        ("record.replaces_nothing", {"edition": 1, "replaces": 11}),
        ("record.replaces_nothing", {"edition": 2, "replaces": 10}),
        (None, {"edition": 1, "replaces": 10}),
    ],
)
def test_editions_are_seen_however_many_records_lie_between_them(
    code: str | None, changes: dict[str, int], sqlite_store: SqlStore
) -> None:
    office = Office()
    found(sqlite_store, office.state())
    records = office.records(5_000)
    records[-1] = office.record(4_999, id=records[10].id, **changes)
    if code is None:
        submit_batch(desk(sqlite_store), office.seal(records))
        with sqlite_store.begin(write=False) as unit:
            assert [one.edition for one in unit.editions(office.issuer, [records[10].id])] == [0, 1]
    else:
        assert refusal(sqlite_store, office.seal(records)) == code


def test_another_issuer_may_have_the_same_id(store: SqlStore) -> None:
    one, two = Office(), Office("11320000000000AB02")
    found(store, one.state(), two.state())
    same = digest_of("id")
    assert submit_batch(desk(store), one.seal([one.record(0, id=same)]))
    assert submit_batch(desk(store), two.seal([two.record(0, id=same)]))


def test_intake_refuses_when_too_much_waits_and_says_when_to_come_back(
    sqlite_store: SqlStore,
) -> None:
    office = Office()
    found(sqlite_store, office.state())
    submit_batch(desk(sqlite_store), office.seal(4))
    data = office.seal(4)
    with pytest.raises(IntakeOverloadedError) as refused:
        submit_batch(desk(sqlite_store, waiting_certificates=7, retry_after=9), data)
    assert (refused.value.code, refused.value.retry_after) == ("intake.overloaded", 9)
    with pytest.raises(IntakeOverloadedError):
        submit_batch(desk(sqlite_store, waiting_acts=1), data)
    assert submit_batch(desk(sqlite_store, waiting_certificates=8, waiting_acts=2), data)


def test_every_refusal_of_intake_has_a_code_of_its_own() -> None:
    codes = [
        found.code
        for found in vars(errors).values()
        if isinstance(found, type)
        and issubclass(found, CertledgerError)
        and found is not CertledgerError
    ]
    assert len(set(codes) - {"refused"}) == len([code for code in codes if code != "refused"])
