"""Catalogs, status, keys, standings and registrars walk the same road as batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest

from certledger.ledger.core.acts import ActKind, ActState, Lane
from certledger.ledger.intake.acts import submit_act, submit_catalog, submit_status
from certledger.ledger.intake.batches import submit_batch
from certledger.ledger.intake.pending_state import head
from certledger.ledger.store import SqlStore
from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.canonical_json import format_canonical, parse_canonical
from certledger.verifier.formats.catalog import Catalog, Entry
from certledger.verifier.formats.issuer_state import NO_END, IssuerState, Key
from certledger.verifier.formats.statements import (
    CatalogChange,
    Hold,
    KeysChange,
    Register,
    RegistrarChallenge,
    RegistrarChange,
    RegistrarRotation,
    Release,
    Restore,
    StandingChange,
    Statement,
    StatusChange,
)
from certledger.verifier.formats.status_tree import choose
from certledger.verifier.vocabulary import Purpose, Standing, Status
from tests.ledger.intake.test_batches import rows
from tests.ledger.issuers import (
    ALL,
    CATALOG,
    DAY,
    FIRST_BLOCK,
    IDENTITY,
    NOW,
    Office,
    act_file,
    block,
    desk,
    digest_of,
    entry,
    found,
    person,
    seen,
    with_entries,
    with_name,
)

OFFICE = Office()
ISSUER_KEY, REGISTRAR, OTHER = OFFICE.key, person("registrar 31"), person("registrar 32")
THIRD, NOBODY = person("registrar 33"), person("nobody")
NEW_KEY = person("a new key")
ISSUER = OFFICE.issuer.encode()
UNTIL = NOW + DAY
NAME = "鉴定协会"
NEWCOMER = "51310000000000AB07"


def catalog_change(office: Office, root: bytes, version: int = 2, **changes: Any) -> CatalogChange:
    made = CatalogChange(issuer=office.issuer.encode(), version=version, root=root, not_after=UNTIL)
    return replace(made, **changes)


def revoke(*indexes: int, epoch: int = 1, status: Status = Status.REVOKED) -> StatusChange:
    words, masks = choose(indexes)
    return StatusChange(
        issuer=ISSUER,
        epoch=epoch,
        words=words,
        masks=masks,
        status=status.number,
        reason=b"R01",
        not_after=UNTIL,
    )


def keys_change(*, added: tuple[bytes, ...] = (), ends: tuple[bytes, ...] = ()) -> KeysChange:
    return KeysChange(issuer=ISSUER, revision=1, added=added, ends=ends, not_after=UNTIL)


def standing(wanted: Standing, revision: int = 1) -> StandingChange:
    return StandingChange(issuer=ISSUER, revision=revision, standing=wanted.number, not_after=UNTIL)


def restore(*ends: bytes, wanted: Standing = Standing.ACTIVE) -> Restore:
    return Restore(
        term=1,
        issuers=(ISSUER,),
        standings=(wanted.number,),
        ends=tuple(bytes(2) + end for end in ends),
        not_after=UNTIL,
    )


def register(issuer: str = NEWCOMER, kind: int = 3, **changes: Any) -> Register:
    made = Register(
        issuer=issuer.encode(),
        kind=kind,
        name=sha256(NAME.encode()),
        keys=(NEW_KEY.address + bytes([15]),),
        not_after=UNTIL,
    )
    return replace(made, **changes)


HOLD = Hold(region=31, issuers=(ISSUER,), nonce=1, not_after=UNTIL)
RELEASE = Release(region=31, issuers=(ISSUER,), nonce=1, not_after=UNTIL)
SEAT = RegistrarChange(region=33, account=NEW_KEY.address, term=1, not_after=UNTIL)
ROTATION = RegistrarRotation(region=31, account=NEW_KEY.address, turn=1, not_after=UNTIL)
CHALLENGE = RegistrarChallenge(region=34, turn=1, not_after=UNTIL)
ADDED = NEW_KEY.address + bytes([Purpose.BATCHES])


def end(index: int, number: int) -> bytes:
    return bytes([index]) + number.to_bytes(5, "big")


def with_shop() -> list[Entry]:
    return sorted([entry(), entry("SH-FOOD", months=None), entry("SH-SHIP")], key=lambda e: e.order)


SHOP = Catalog.of(with_shop()).root()


def shop(statement: Statement, *signers: Any) -> bytes:
    return with_entries(act_file(statement, *signers), with_shop())


ACCEPTED: dict[str, Callable[[], bytes]] = {
    "status": lambda: act_file(revoke(0, 5), ISSUER_KEY),
    "status corrected": lambda: act_file(revoke(0), ISSUER_KEY, REGISTRAR),
    "catalog": lambda: shop(catalog_change(OFFICE, SHOP), ISSUER_KEY, REGISTRAR),
    "catalog emptied by the registrar": lambda: act_file(
        catalog_change(OFFICE, bytes(32)), REGISTRAR
    ),
    "catalog known from before": lambda: act_file(
        catalog_change(OFFICE, CATALOG.root()), ISSUER_KEY, REGISTRAR
    ),
    "key added by issuer and registrar": lambda: act_file(
        keys_change(added=(ADDED,)), REGISTRAR, ISSUER_KEY, NEW_KEY
    ),
    "key added by two registrars": lambda: act_file(
        keys_change(added=(ADDED,)), REGISTRAR, OTHER, NEW_KEY
    ),
    "key ended by two registrars": lambda: act_file(
        keys_change(ends=(end(0, 3),)), REGISTRAR, OTHER
    ),
    "key that ends itself": lambda: act_file(keys_change(ends=(end(0, 90),)), ISSUER_KEY),
    "suspended": lambda: act_file(standing(Standing.SUSPENDED), REGISTRAR),
    "closed": lambda: act_file(standing(Standing.CLOSED), REGISTRAR),
    "struck by two": lambda: act_file(standing(Standing.STRUCK), REGISTRAR, OTHER),
    "hold": lambda: act_file(HOLD, REGISTRAR),
    "restored by a majority": lambda: act_file(
        restore(end(0, NO_END), wanted=Standing.CLOSED), REGISTRAR, OTHER, THIRD
    ),
    "registration": lambda: with_name(act_file(register(), REGISTRAR, OTHER, NEW_KEY), NAME),
    "registrar replaced": lambda: act_file(SEAT, REGISTRAR, OTHER, THIRD),
    "registrar removed": lambda: act_file(
        replace(SEAT, account=bytes(20)), REGISTRAR, OTHER, THIRD
    ),
    "registrar rotated": lambda: act_file(ROTATION, REGISTRAR, NEW_KEY),
    "registrar challenged": lambda: act_file(CHALLENGE, REGISTRAR, OTHER),
    "a hold of nobody": lambda: act_file(replace(HOLD, issuers=()), REGISTRAR),
}

REFUSED: dict[str, tuple[str, Callable[[], bytes]]] = {
    "another ledger": (
        "statement.other_ledger",
        lambda: act_file(revoke(0), ISSUER_KEY, ledger=digest_of("another ledger")),
    ),
    "past notAfter": (
        "statement.expired",
        lambda: act_file(replace(revoke(0), not_after=NOW - 1), ISSUER_KEY),
    ),
    "too far ahead": (
        "statement.too_far",
        lambda: act_file(replace(revoke(0), not_after=NOW + 8 * DAY), ISSUER_KEY),
    ),
    "unknown issuer": (
        "body.unknown",
        lambda: act_file(replace(revoke(0), issuer=NEWCOMER.encode()), ISSUER_KEY),
    ),
    "no signature": ("signature.count", lambda: act_file(revoke(0))),
    "three signatures": (
        "signature.count",
        lambda: act_file(revoke(0), ISSUER_KEY, REGISTRAR, OTHER),
    ),
    "an epoch left out": ("statement.counter", lambda: act_file(revoke(0, epoch=2), ISSUER_KEY)),
    "status by a stranger": ("signature.unknown_key", lambda: act_file(revoke(0), NOBODY)),
    "status countersigned by another region": (
        "signature.unknown_key",
        lambda: act_file(revoke(0), ISSUER_KEY, OTHER),
    ),
    "a certificate not issued": ("status.beyond", lambda: act_file(revoke(6), ISSUER_KEY)),
    "no words": (
        "status.malformed",
        lambda: act_file(replace(revoke(0), words=(), masks=()), ISSUER_KEY),
    ),
    "words and masks differ": (
        "status.malformed",
        lambda: act_file(replace(revoke(0), masks=(3, 3)), ISSUER_KEY),
    ),
    "words in disorder": (
        "status.malformed",
        lambda: act_file(replace(revoke(0), words=(0, 0), masks=(3, 3)), ISSUER_KEY),
    ),
    "an empty mask": (
        "status.malformed",
        lambda: act_file(replace(revoke(0), masks=(0,)), ISSUER_KEY),
    ),
    "no such status": (
        "status.malformed",
        lambda: act_file(replace(revoke(0), status=4), ISSUER_KEY),
    ),
    "half a cell": (
        "status.step_forbidden",
        lambda: act_file(replace(revoke(0), masks=(1,)), ISSUER_KEY),
    ),
    "a step that changes nothing": (
        "status.step_forbidden",
        lambda: act_file(revoke(0, status=Status.VALID), ISSUER_KEY),
    ),
    "catalog without the registrar": (
        "signature.count",
        lambda: shop(catalog_change(OFFICE, SHOP), ISSUER_KEY),
    ),
    "catalog by another region": (
        "signature.unknown_key",
        lambda: shop(catalog_change(OFFICE, SHOP), ISSUER_KEY, OTHER),
    ),
    "catalog by the registrar alone": (
        "signature.unknown_key",
        lambda: shop(catalog_change(OFFICE, SHOP), REGISTRAR),
    ),
    "a version left out": (
        "statement.counter",
        lambda: shop(catalog_change(OFFICE, SHOP, 3), ISSUER_KEY, REGISTRAR),
    ),
    "a catalog without entries": (
        "catalog.unknown",
        lambda: act_file(catalog_change(OFFICE, SHOP), ISSUER_KEY, REGISTRAR),
    ),
    "entries of another root": (
        "catalog.root",
        lambda: shop(catalog_change(OFFICE, digest_of("root")), ISSUER_KEY, REGISTRAR),
    ),
    "entries beside a hold": ("catalog.root", lambda: shop(HOLD, REGISTRAR)),
    "no change of keys": (
        "statement.nothing_changes",
        lambda: act_file(keys_change(), REGISTRAR, ISSUER_KEY),
    ),
    "a key that ends another": (
        "signature.unknown_key",
        lambda: act_file(keys_change(ends=(end(1, 90),)), ISSUER_KEY),
    ),
    "a key that ends itself in the past": (
        "signature.unknown_key",
        lambda: act_file(keys_change(ends=(end(0, 2),)), ISSUER_KEY),
    ),
    "a key added by the issuer alone": (
        "signature.count",
        lambda: act_file(keys_change(added=(ADDED,)), ISSUER_KEY, NEW_KEY),
    ),
    "a key that did not sign": (
        "signature.unknown_key",
        lambda: act_file(keys_change(added=(ADDED,)), REGISTRAR, ISSUER_KEY, NOBODY),
    ),
    "the registrar twice": (
        "signature.unknown_key",
        lambda: act_file(keys_change(added=(ADDED,)), REGISTRAR, REGISTRAR, NEW_KEY),
    ),
    "a key twice": (
        "keys.invalid",
        lambda: act_file(
            keys_change(added=(ADDED, ADDED)), REGISTRAR, ISSUER_KEY, NEW_KEY, NEW_KEY
        ),
    ),
    "a key without a purpose": (
        "keys.invalid",
        lambda: act_file(
            keys_change(added=(NEW_KEY.address + b"\0",)), REGISTRAR, ISSUER_KEY, NEW_KEY
        ),
    ),
    "a key that does not exist ended": (
        "keys.invalid",
        lambda: act_file(keys_change(ends=(end(7, 3),)), REGISTRAR, ISSUER_KEY),
    ),
    "an end that is not lower": (
        "keys.invalid",
        lambda: act_file(keys_change(ends=(end(0, NO_END),)), REGISTRAR, ISSUER_KEY),
    ),
    "17 keys": (
        "keys.invalid",
        lambda: act_file(
            keys_change(added=tuple(person(f"k{n}").address + b"\1" for n in range(16))),
            REGISTRAR,
            ISSUER_KEY,
            *(person(f"k{n}") for n in range(16)),
        ),
    ),
    "resumed though active": (
        "body.standing",
        lambda: act_file(standing(Standing.ACTIVE), REGISTRAR),
    ),
    "no such standing": (
        "body.standing",
        lambda: act_file(replace(standing(Standing.CLOSED), standing=5), REGISTRAR),
    ),
    "struck by one": ("signature.count", lambda: act_file(standing(Standing.STRUCK), REGISTRAR)),
    "struck by the same twice": (
        "signature.unknown_key",
        lambda: act_file(standing(Standing.STRUCK), REGISTRAR, REGISTRAR),
    ),
    "suspended by another region": (
        "signature.unknown_key",
        lambda: act_file(standing(Standing.SUSPENDED), OTHER),
    ),
    "a revision left out": (
        "statement.counter",
        lambda: act_file(standing(Standing.SUSPENDED, 2), REGISTRAR),
    ),
    "a hold by another region": ("signature.unknown_key", lambda: act_file(HOLD, OTHER)),
    "a hold out of turn": (
        "statement.counter",
        lambda: act_file(replace(HOLD, nonce=2), REGISTRAR),
    ),
    "restored by half": ("signature.count", lambda: act_file(restore(), REGISTRAR, OTHER)),
    "restored by one of them twice": (
        "signature.unknown_key",
        lambda: act_file(restore(), REGISTRAR, OTHER, OTHER),
    ),
    "a registrar seated by too few": ("signature.count", lambda: act_file(SEAT, REGISTRAR, OTHER)),
    "an old term": (
        "statement.counter",
        lambda: act_file(replace(SEAT, term=0), REGISTRAR, OTHER, THIRD),
    ),
    "registered already": (
        "body.known",
        lambda: with_name(act_file(register(OFFICE.issuer), REGISTRAR, OTHER, NEW_KEY), NAME),
    ),
    "registered by one registrar": (
        "signature.count",
        lambda: with_name(act_file(register(), REGISTRAR, NEW_KEY), NAME),
    ),
    "registered by one registrar twice": (
        "signature.unknown_key",
        lambda: with_name(act_file(register(), REGISTRAR, REGISTRAR, NEW_KEY), NAME),
    ),
    "a seat for an account that has one": (
        "registrar.invalid",
        lambda: act_file(replace(SEAT, account=OTHER.address), REGISTRAR, OTHER, THIRD),
    ),
    "a seat of no region": (
        "signature.unknown_key",
        lambda: act_file(replace(SEAT, region=0), REGISTRAR, OTHER, THIRD),
    ),
    "a registrar removed that is none": (
        "registrar.invalid",
        lambda: act_file(replace(SEAT, region=44, account=bytes(20)), REGISTRAR, OTHER, THIRD),
    ),
    "released though it is not held": (
        "statement.nothing_changes",
        lambda: act_file(RELEASE, REGISTRAR),
    ),
    "a hold of another region's issuer": (
        "issuers.invalid",
        lambda: act_file(replace(HOLD, region=32), OTHER),
    ),
    "rotated by a stranger": (
        "signature.unknown_key",
        lambda: act_file(ROTATION, NOBODY, NEW_KEY),
    ),
    "rotated out of turn": (
        "statement.counter",
        lambda: act_file(replace(ROTATION, turn=2), REGISTRAR, NEW_KEY),
    ),
    "rotated to a registrar's account": (
        "registrar.invalid",
        lambda: act_file(replace(ROTATION, account=OTHER.address), REGISTRAR, OTHER),
    ),
    "challenged by one": ("signature.count", lambda: act_file(CHALLENGE, REGISTRAR)),
    "a key that ends itself in the next block": (
        "signature.unknown_key",
        lambda: act_file(keys_change(ends=(end(0, FIRST_BLOCK + 1),)), ISSUER_KEY),
    ),
    "registered without its name": (
        "register.name",
        lambda: act_file(register(), REGISTRAR, OTHER, NEW_KEY),
    ),
    "registered under another name": (
        "register.name",
        lambda: with_name(act_file(register(), REGISTRAR, OTHER, NEW_KEY), "another"),
    ),
    "a name beside a hold": ("register.name", lambda: with_name(act_file(HOLD, REGISTRAR), NAME)),
    "registered in another region": (
        "signature.unknown_key",
        lambda: with_name(act_file(register(), OTHER, THIRD, NEW_KEY), NAME),
    ),
    "registered in a region without a registrar": (
        "registrar.unknown",
        lambda: with_name(
            act_file(register("51440000000000AB07"), REGISTRAR, OTHER, NEW_KEY), NAME
        ),
    ),
    "registered without possession of its key": (
        "signature.unknown_key",
        lambda: with_name(act_file(register(), REGISTRAR, OTHER, NOBODY), NAME),
    ),
    "registered without a key": (
        "keys.invalid",
        lambda: with_name(act_file(register(keys=()), REGISTRAR, OTHER), NAME),
    ),
    "an unknown kind": (
        "issuers.invalid",
        lambda: with_name(act_file(register(kind=7), REGISTRAR, OTHER, NEW_KEY), NAME),
    ),
    "a batch": (
        "schema.invalid",
        lambda: act_file(Office().statement(Office().records(1)), ISSUER_KEY),
    ),
    "no act at all": ("schema.invalid", lambda: b"{}"),
    "not JSON": ("json.syntax", lambda: b"act"),
    "too long": ("json.size", lambda: act_file(revoke(0), ISSUER_KEY) + b" " * 70_000),
}


def ready(store: SqlStore, **changes: Any) -> IssuerState:
    """Fill the mirror with an issuer that has six certificates."""
    state = replace(OFFICE.state(certificates=6), **changes)
    found(store, state)
    return state


@pytest.mark.parametrize("make", ACCEPTED.values(), ids=ACCEPTED)
def test_an_act_is_taken_in_once_with_a_receipt(
    make: Callable[[], bytes], sqlite_store: SqlStore
) -> None:
    ready(sqlite_store)
    data = make()
    receipt = submit_act(desk(sqlite_store), data)
    content = parse_canonical(receipt, 4096)["receipt"]
    assert content["type"] == "certledger/act-receipt/1"
    assert content["ledger"] == IDENTITY.hex()
    after = rows(sqlite_store)
    spelled = orjson.dumps(orjson.loads(data), option=orjson.OPT_INDENT_2)
    assert submit_act(desk(sqlite_store, NOW + 9), spelled) == receipt
    assert rows(sqlite_store) == after
    with sqlite_store.begin(write=False) as unit:
        (act,) = unit.waiting(10)
        assert act.digest.hex() == content["digest"]
        assert (act.subject, act.counter) == (content["subject"], content["counter"])


@pytest.mark.parametrize(("code", "make"), REFUSED.values(), ids=REFUSED)
def test_a_bad_act_is_refused_with_its_code_and_nothing_is_stored(
    code: str, make: Callable[[], bytes], sqlite_store: SqlStore
) -> None:
    ready(sqlite_store)
    before = rows(sqlite_store)
    with pytest.raises(CertledgerError) as refused:
        submit_act(desk(sqlite_store), make())
    assert refused.value.code == code
    assert rows(sqlite_store) == before


@pytest.mark.parametrize(
    ("data", "codes"),
    [
        (
            act_file(revoke(0), ISSUER_KEY),
            {"suspended": "body.standing", "struck": "body.standing"},
        ),
        (
            act_file(catalog_change(OFFICE, bytes(32)), REGISTRAR),
            {"suspended": "body.standing", "closed": "body.standing", "struck": "body.standing"},
        ),
        (act_file(keys_change(ends=(end(0, 90),)), ISSUER_KEY), {"struck": "body.standing"}),
        (
            act_file(standing(Standing.ACTIVE), REGISTRAR),
            {"active": "body.standing", "closed": "body.standing", "struck": "body.standing"},
        ),
        (
            act_file(standing(Standing.CLOSED), REGISTRAR),
            {"suspended": "body.standing", "closed": "body.standing", "struck": "body.standing"},
        ),
    ],
    ids=["status", "catalog", "keys", "resume", "close"],
)
@pytest.mark.parametrize("held", Standing)
def test_a_standing_rules_acts_out(
    held: Standing, data: bytes, codes: dict[str, str], sqlite_store: SqlStore
) -> None:
    ready(sqlite_store, standing=held)
    if str(held) not in codes:
        assert submit_act(desk(sqlite_store), data)
        return
    with pytest.raises(CertledgerError) as refused:
        submit_act(desk(sqlite_store), data)
    assert refused.value.code == codes[str(held)]


def test_a_held_issuer_acts_only_together_with_its_registrar(sqlite_store: SqlStore) -> None:
    state = ready(sqlite_store)
    with sqlite_store.begin() as unit:
        unit.add_block(block(7))
        unit.put_issuer(seen(state, 7, held=True))
    for alone in (
        act_file(revoke(0), ISSUER_KEY),
        act_file(keys_change(ends=(end(0, 90),)), ISSUER_KEY),
    ):
        with pytest.raises(CertledgerError) as refused:
            submit_act(desk(sqlite_store), alone)
        assert refused.value.code == "body.held"
    assert submit_act(desk(sqlite_store), act_file(revoke(0), ISSUER_KEY, REGISTRAR))
    assert submit_act(desk(sqlite_store), act_file(standing(Standing.SUSPENDED), REGISTRAR))
    assert submit_act(desk(sqlite_store), act_file(RELEASE, REGISTRAR))


def test_the_right_change_of_a_registrar_is_taken_after_a_wrong_one(
    sqlite_store: SqlStore,
) -> None:
    ready(sqlite_store)
    wrong = replace(SEAT, account=OTHER.address)
    with pytest.raises(CertledgerError, match="cannot be this region's registrar"):
        submit_act(desk(sqlite_store), act_file(wrong, REGISTRAR, OTHER, THIRD))
    assert submit_act(desk(sqlite_store), act_file(SEAT, REGISTRAR, OTHER, THIRD))


def test_each_door_takes_its_own_acts_only(sqlite_store: SqlStore) -> None:
    ready(sqlite_store)
    status = act_file(revoke(0), ISSUER_KEY)
    catalog = shop(catalog_change(OFFICE, SHOP), ISSUER_KEY, REGISTRAR)
    for door, data in ((submit_status, catalog), (submit_catalog, status)):
        with pytest.raises(CertledgerError) as refused:
            door(desk(sqlite_store), data)
        assert refused.value.code == "schema.invalid"
    assert submit_status(desk(sqlite_store), status)
    assert submit_catalog(desk(sqlite_store), catalog)


def test_status_changes_go_on_from_those_that_wait(sqlite_store: SqlStore) -> None:
    ready(sqlite_store)
    submit_act(desk(sqlite_store), act_file(revoke(1), ISSUER_KEY))
    with pytest.raises(CertledgerError) as refused:
        submit_act(
            desk(sqlite_store), act_file(revoke(1, epoch=2, status=Status.VALID), ISSUER_KEY)
        )
    assert refused.value.code == "status.step_forbidden"
    corrected = revoke(1, epoch=2, status=Status.VALID)
    assert submit_act(desk(sqlite_store), act_file(corrected, ISSUER_KEY, REGISTRAR))
    assert submit_act(
        desk(sqlite_store), act_file(revoke(1, epoch=3, status=Status.SUSPENDED), ISSUER_KEY)
    )
    assert head(sqlite_store, OFFICE.issuer).epoch == 3


def test_certificates_of_a_batch_that_waits_can_be_revoked(sqlite_store: SqlStore) -> None:
    found(sqlite_store, OFFICE.state())
    submit_batch(desk(sqlite_store), Office().seal(3))
    assert submit_act(desk(sqlite_store), act_file(revoke(2), ISSUER_KEY))
    with pytest.raises(CertledgerError) as refused:
        submit_act(desk(sqlite_store), act_file(revoke(3, epoch=2), ISSUER_KEY))
    assert refused.value.code == "status.beyond"


def test_a_batch_builds_on_the_catalog_that_waits(sqlite_store: SqlStore) -> None:
    found(sqlite_store, OFFICE.state())
    submit_act(desk(sqlite_store), shop(catalog_change(OFFICE, SHOP), ISSUER_KEY, REGISTRAR))
    assert head(sqlite_store, OFFICE.issuer).catalog == SHOP
    office = Office(catalog=SHOP)
    assert submit_batch(desk(sqlite_store), office.seal([office.record(0, category="SH-SHIP")]))


def test_an_entry_never_changes_under_its_version(sqlite_store: SqlStore) -> None:
    ready(sqlite_store)
    submit_act(desk(sqlite_store), shop(catalog_change(OFFICE, SHOP), ISSUER_KEY, REGISTRAR))
    changed = sorted([entry(), entry("SH-SHIP", months=1)], key=lambda e: e.order)
    said = catalog_change(OFFICE, Catalog.of(changed).root(), 3)
    with pytest.raises(CertledgerError) as refused:
        submit_act(desk(sqlite_store), with_entries(act_file(said, ISSUER_KEY, REGISTRAR), changed))
    assert refused.value.code == "catalog.entry_changed"


def test_two_acts_at_one_counter_are_a_conflict_until_the_first_expires(
    store: SqlStore,
) -> None:
    ready(store)
    first = act_file(revoke(0), ISSUER_KEY)
    submit_act(desk(store), first)
    later = replace(revoke(1), not_after=UNTIL + DAY)
    with pytest.raises(CertledgerError) as refused:
        submit_act(desk(store), act_file(later, ISSUER_KEY))
    assert refused.value.code == "act.conflict"
    with store.begin() as unit:
        assert unit.expire(UNTIL + 1) == 1
    assert submit_act(desk(store, UNTIL + 1), act_file(later, ISSUER_KEY))
    with pytest.raises(CertledgerError) as refused:
        submit_act(desk(store, UNTIL + 1), first)
    assert refused.value.code == "act.dead"


def test_acts_of_one_revision_compete_whatever_their_kind(store: SqlStore) -> None:
    ready(store)
    submit_act(desk(store), act_file(standing(Standing.SUSPENDED), REGISTRAR))
    with pytest.raises(CertledgerError) as refused:
        submit_act(desk(store), act_file(keys_change(ends=(end(0, 90),)), ISSUER_KEY))
    assert refused.value.code == "act.conflict"


def test_a_registration_keeps_the_name_for_whoever_shows_it(store: SqlStore) -> None:
    found(store)
    submit_act(desk(store), ACCEPTED["registration"]())
    with store.begin(write=False) as unit:
        assert unit.name(sha256(NAME.encode())) == NAME


def test_an_act_that_the_chain_took_moves_on(store: SqlStore) -> None:
    ready(store)
    said = revoke(0)
    submit_act(desk(store), act_file(said, ISSUER_KEY))
    with store.begin() as unit:
        digest = said.digest(IDENTITY)
        unit.mark_included(OFFICE.issuer, Lane.EPOCH, 1, digest, block=8, tx=bytes(32))
        act = unit.act(digest)
        assert act is not None
        assert (act.state, act.kind, act.signatures) == (
            ActState.INCLUDED,
            ActKind.STATUS,
            (OFFICE.sign(said),),
        )


def test_the_issuer_and_its_keys_are_as_the_tests_assume() -> None:
    state = OFFICE.state()
    assert state.keys == (Key(address=ISSUER_KEY.address, purposes=ALL, start=1),)
    assert format_canonical(state.to_json())
