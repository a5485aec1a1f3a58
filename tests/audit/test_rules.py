"""Events that a contract would never tell: each broken rule is named, signatures being right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from certledger.contracts import abi, calls
from certledger.ledger.audit.home import chain_of, pinned
from certledger.ledger.issuer.signed_acts import (
    change_registrar,
    change_standing,
    hold,
    packed_ends,
    packed_keys,
    release,
    rotate_registrar,
)
from certledger.ledger.keys import Signer
from certledger.ledger.settings import load_settings
from certledger.verifier.audit.findings import Weight
from certledger.verifier.audit.replay import NullObserver, Replay
from certledger.verifier.audit.sources import Nothing
from certledger.verifier.formats.contract_events import TOPICS
from certledger.verifier.formats.statements import (
    Batch,
    CatalogChange,
    KeysChange,
    Register,
    Restore,
    Statement,
    StatusChange,
)
from certledger.verifier.formats.status_tree import choose
from certledger.verifier.node_rpc import MAX_LOG_RESPONSE_BYTES, Log, RpcClient
from certledger.verifier.vocabulary import Standing, Status
from tests.audit.little import ALL, DAY, POLICE, now, person, registrar

EVENTS = {
    "Register": "Registered",
    "Status": "StatusChanged",
    "Catalog": "CatalogChanged",
    "Keys": "KeysChanged",
    "Standing": "StandingChanged",
    "Hold": "Held",
    "Release": "Released",
    "Restore": "Restored",
    "Rotate": "RegistrarRotated",
    "Registrar": "RegistrarChanged",
}
KEYED = ("StatusChanged", "CatalogChanged", "KeysChanged")
BLOCK = 900
KEY = person(f"key of {POLICE}")
STRANGER = person("a stranger")


@pytest.fixture(scope="module")
def history(pristine: Path) -> list[Log]:
    pin, _ = pinned(pristine)
    with chain_of(load_settings(home=pristine)) as url:
        return RpcClient(url, longest=MAX_LOG_RESPONSE_BYTES).logs(pin.address, 0, 1_000)


@pytest.fixture
def replay(pristine: Path, history: Sequence[Log]) -> Replay:
    """The pristine ledger replayed; nothing was found."""
    pin, _ = pinned(pristine)
    made = Replay(pin=pin, published=Nothing(), observer=NullObserver(), now=now())
    for log in history:
        made.apply(log, now())
    assert not made.faults.listed
    return made


def told(event: str, subject: bytes, types: Sequence[str], values: Sequence[Any]) -> Log:
    return Log(
        block=BLOCK,
        block_hash=bytes(32),
        tx=bytes(32),
        position=0,
        topics=(TOPICS[event], subject),
        data=abi.encode(types, values),
    )


def tell(replay: Replay, said: Statement, *signers: Signer, key: int = 0) -> set[str]:
    """Apply an act as an event would tell it; return the codes of what is found."""
    event = EVENTS[said.primary]
    digest = said.digest(replay.pin.identity)
    members = said.members()
    values = [getattr(said, attribute) for attribute, _, _ in members]
    kinds = [kind for _, _, kind in members]
    if event in KEYED:
        kinds, values = [*kinds, "uint8"], [*values, key]
    signatures = b"".join(signer.sign(digest) for signer in signers)
    subject = abi.encode(kinds[:1], values[:1])
    replay.apply(told(event, subject, [*kinds[1:], "bytes"], [*values[1:], signatures]), now())
    return {one.code for one in replay.faults.listed}


def anchor(replay: Replay, *, signer: Signer = KEY, key: int = 0, **changes: Any) -> set[str]:
    state = replay.issuers[POLICE].state
    made = Batch(
        issuer=POLICE.encode(),
        sequence=state.batches + 1,
        previous=state.last,
        root=b"r" * 32,
        first=state.certificates,
        count=3,
        catalog=state.catalog,
        not_after=now() + DAY,
    )
    said = replace(made, **changes)
    signature = signer.sign(said.digest(replay.pin.identity))
    words = calls.pack_batch(said, key=key, signature=signature)
    replay.apply(told("Anchored", POLICE.encode().ljust(32, b"\0"), ["bytes32[5]"], [words]), now())
    return {one.code for one in replay.faults.listed}


def test_a_batch_that_follows_breaks_no_rule(replay: Replay) -> None:
    assert anchor(replay) == set()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"sequence": 9}, "batch.sequence_gap"),
        ({"first": 7}, "batch.first_differs"),
        ({"count": 0}, "batch.count"),
        ({"count": 65_537}, "batch.count"),
        ({"not_after": 5}, "act.time"),
        ({"not_after": 2**40}, "act.time"),
        ({"signer": STRANGER}, "act.signature"),
        ({"previous": b"p" * 32}, "act.signature"),
        ({"catalog": b"c" * 32}, "act.signature"),
        ({"key": 7}, "act.key"),
    ],
)
def test_a_batch_that_breaks_a_rule_is_named(
    replay: Replay, changes: dict[str, Any], code: str
) -> None:
    assert anchor(replay, **changes) == {code}


def status(indexes: list[int], to: Status = Status.SUSPENDED, **changes: Any) -> StatusChange:
    words, masks = choose(indexes)
    made = StatusChange(
        issuer=POLICE.encode(),
        epoch=5,
        words=words,
        masks=masks,
        status=to.number,
        reason=b"S01",
        not_after=now() + DAY,
    )
    return replace(made, **changes)


def catalog(**changes: Any) -> CatalogChange:
    made = CatalogChange(issuer=POLICE.encode(), version=2, root=b"c" * 32, not_after=now() + DAY)
    return replace(made, **changes)


def keys(**changes: Any) -> KeysChange:
    made = KeysChange(
        issuer=POLICE.encode(),
        revision=1,
        added=(),
        ends=packed_ends({0: BLOCK + 1}),
        not_after=now() + DAY,
    )
    return replace(made, **changes)


def standing(to: Standing, revision: int = 1) -> Statement:
    return change_standing(POLICE, revision=revision, standing=to, now=now())


SEATS = {region: registrar(region) for region in (31, 32, 33, 34)}
Tell = Callable[[Replay], set[str]]

GOOD: dict[str, Tell] = {
    "status": lambda at: tell(at, status([9]), KEY),
    "correction": lambda at: tell(at, status([10], Status.REVOKED), KEY, SEATS[31]),
    "catalog": lambda at: tell(at, catalog(), KEY, SEATS[31]),
    "empty catalog": lambda at: tell(at, catalog(root=bytes(32)), SEATS[31], key=255),
    "end alone": lambda at: tell(at, keys(), KEY),
    "end by registrars": lambda at: tell(at, keys(), SEATS[31], SEATS[34], key=255),
    "strike": lambda at: tell(at, standing(Standing.STRUCK), SEATS[31], SEATS[32]),
    "seat": lambda at: tell(
        at, change_registrar(35, account=b"a" * 20, term=1, now=now()), *list(SEATS.values())[:3]
    ),
}

BAD: dict[str, tuple[Tell, str]] = {
    "epoch": (lambda at: tell(at, status([9], epoch=7), KEY), "act.counter"),
    "status by a stranger": (lambda at: tell(at, status([9]), STRANGER), "act.signature"),
    "correction by another region": (
        lambda at: tell(at, status([9]), KEY, SEATS[32]),
        "act.signature",
    ),
    "revoked once more": (lambda at: tell(at, status([5]), KEY), "status.step_forbidden"),
    "nothing changes": (
        lambda at: tell(at, status([9], Status.VALID), KEY),
        "status.step_forbidden",
    ),
    "never issued": (lambda at: tell(at, status([5_000]), KEY), "act.content"),
    "no status": (lambda at: tell(at, status([9], status=4), KEY), "act.content"),
    "catalog version": (lambda at: tell(at, catalog(version=9), KEY, SEATS[31]), "act.counter"),
    "catalog by the registrar alone": (
        lambda at: tell(at, catalog(), SEATS[31], key=255),
        "act.signature",
    ),
    "catalog without the registrar": (
        lambda at: tell(at, catalog(), KEY, STRANGER),
        "act.signature",
    ),
    "end in the past": (
        lambda at: tell(at, keys(ends=packed_ends({0: 3})), KEY),
        "act.signature",
    ),
    "an end by one registrar twice": (
        lambda at: tell(at, keys(), SEATS[31], SEATS[31], key=255),
        "act.signature",
    ),
    "an added key that did not sign": (
        lambda at: tell(
            at,
            keys(added=packed_keys({STRANGER.address: ALL})),
            SEATS[31],
            KEY,
            SEATS[33],
        ),
        "act.signature",
    ),
    "a key twice": (
        lambda at: tell(
            at, keys(ends=(), added=packed_keys({KEY.address: ALL})), SEATS[31], KEY, KEY
        ),
        "act.content",
    ),
    "an end of no key": (
        lambda at: tell(at, keys(ends=packed_ends({4: 999})), SEATS[31], KEY),
        "act.key",
    ),
    "revision": (lambda at: tell(at, keys(revision=4), SEATS[31], KEY), "act.counter"),
    "struck by one": (lambda at: tell(at, standing(Standing.STRUCK), SEATS[31]), "act.signature"),
    "active already": (lambda at: tell(at, standing(Standing.ACTIVE), SEATS[31]), "act.standing"),
    "held by another region": (
        lambda at: tell(at, hold(31, [POLICE], nonce=1, now=now()), SEATS[33]),
        "act.signature",
    ),
    "hold nonce": (
        lambda at: tell(at, hold(31, [POLICE], nonce=3, now=now()), SEATS[31]),
        "act.counter",
    ),
    "restored by two": (
        lambda at: tell(
            at,
            Restore(
                term=1,
                issuers=(POLICE.encode(),),
                standings=(Standing.CLOSED.number,),
                ends=(),
                not_after=now() + DAY,
            ),
            SEATS[31],
            SEATS[32],
        ),
        "act.signature",
    ),
    "seats out of order": (
        lambda at: tell(
            at,
            change_registrar(35, account=b"a" * 20, term=1, now=now()),
            *[SEATS[region] for region in (33, 32, 31)],
        ),
        "act.signature",
    ),
    "a seat twice": (
        lambda at: tell(
            at,
            change_registrar(35, account=SEATS[31].address, term=1, now=now()),
            *[SEATS[region] for region in (31, 32, 33)],
        ),
        "act.content",
    ),
    "registered twice": (
        lambda at: tell(
            at,
            Register(
                issuer=POLICE.encode(),
                kind=1,
                name=bytes(32),
                keys=packed_keys({KEY.address: ALL}),
                not_after=now() + DAY,
            ),
            SEATS[31],
            SEATS[32],
            KEY,
        ),
        "act.content",
    ),
    "registered by one": (
        lambda at: tell(
            at,
            Register(
                issuer=b"11310000XX00000777",
                kind=1,
                name=bytes(32),
                keys=packed_keys({STRANGER.address: ALL}),
                not_after=now() + DAY,
            ),
            SEATS[31],
            SEATS[31],
            STRANGER,
        ),
        "act.signature",
    ),
    "released though not held": (
        lambda at: tell(at, release(31, [POLICE], nonce=1, now=now()), SEATS[31]),
        "act.content",
    ),
    "rotated by another": (
        lambda at: tell(
            at,
            rotate_registrar(31, account=STRANGER.address, turn=1, now=now()),
            SEATS[32],
            STRANGER,
        ),
        "act.signature",
    ),
    "nobody": (
        lambda at: tell(at, hold(31, ["11310000XX00000999"], nonce=1, now=now()), SEATS[31]),
        "act.body_unknown",
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_an_act_by_those_who_may_breaks_no_rule(replay: Replay, name: str) -> None:
    assert GOOD[name](replay) == set()


@pytest.mark.parametrize("name", BAD)
def test_an_act_that_breaks_a_rule_is_named(replay: Replay, name: str) -> None:
    act, code = BAD[name]
    assert act(replay) == {code}


def test_a_held_issuer_says_nothing_until_its_registrar_has_signed(replay: Replay) -> None:
    assert tell(replay, hold(31, [POLICE], nonce=1, now=now()), SEATS[31]) == set()
    assert anchor(replay) == {"act.held"}
    replay.faults.listed.clear()
    assert tell(replay, status([9]), KEY, SEATS[31]) == set()
    assert anchor(replay) == {"act.held"}
    replay.faults.listed.clear()
    assert tell(replay, release(31, [POLICE], nonce=2, now=now()), SEATS[31]) == set()
    assert anchor(replay) == set()


def test_a_name_that_is_in_use_is_a_finding(replay: Replay) -> None:
    said = Register(
        issuer=b"11310000XX00000777",
        kind=1,
        name=replay.issuers[POLICE].name,
        keys=packed_keys({STRANGER.address: ALL}),
        not_after=now() + DAY,
    )
    assert tell(replay, said, SEATS[31], SEATS[32], STRANGER) == {"issuer.name_in_use"}
    (found,) = replay.faults.listed
    assert found.weight is Weight.FINDING
    assert POLICE in found.detail


def test_a_suspended_issuer_says_nothing(replay: Replay) -> None:
    assert tell(replay, standing(Standing.SUSPENDED), SEATS[31]) == set()
    assert anchor(replay) == {"act.standing"}


def test_a_key_that_has_ended_says_nothing(replay: Replay) -> None:
    assert tell(replay, keys(ends=packed_ends({0: BLOCK})), SEATS[31], KEY) == set()
    assert anchor(replay) == {"act.key"}


def test_an_event_that_is_none_is_named(replay: Replay) -> None:
    replay.apply(told("Held", bytes(32), ["uint64"], [1]), now())
    assert {one.code for one in replay.faults.listed} == {"node.event_malformed"}
