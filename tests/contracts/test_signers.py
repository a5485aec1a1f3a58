"""Every statement by every wrong signer, at the wrong time, with the wrong counter, and again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from certledger.verifier.formats.statements import (
    MAX_LIFETIME_SECONDS,
    SECP256K1_ORDER,
    ledger_identity,
)
from certledger.verifier.vocabulary import Standing, Status
from tests.contracts.acts import Act, Anchoring, play
from tests.contracts.people import ACTS, KEYS, Office, stale
from tests.contracts.world import (
    CHAIN_ID,
    SALT,
    World,
    code,
    ends_of,
    issuer_key,
    person,
    registrar,
    sign,
)

STRANGER = person("stranger")


COUNTERS = {
    "status": "epoch",
    "catalog": "version",
    "keys": "revision",
    "suspend": "revision",
    "strike": "revision",
    "restore": "term",
    "hold": "nonce",
    "release": "nonce",
    "registrar": "term",
    "rotate": "turn",
    "challenge": "turn",
}
acts = pytest.mark.parametrize("make", ACTS.values(), ids=list(ACTS))


def refused(office: Office, act: Act | Anchoring) -> str | None:
    return office.world.call(act.calldata(office.world.identity)).refused


@acts
def test_an_act_signed_as_it_must_be_goes_through(office, make):
    assert refused(office, make(office)) is None


@acts
def test_each_signature_must_be_by_the_one_who_must_sign(office, make):
    act = make(office)
    everyone = [
        STRANGER,
        *[registrar(region) for region in (31, 32, 33, 34)],
        *[office.key(index) for index in range(4)],
        issuer_key(code(32), 0),
    ]
    for place, rightful in enumerate(act.signers):
        for who in everyone:
            if who == rightful or is_as_good(make, place, who):
                continue
            signers = (*act.signers[:place], who, *act.signers[place + 1 :])
            outcome = refused(office, replace(act, signers=signers))
            assert outcome in ("SignerWrong", "RegionOrder"), (place, who)


def is_as_good(make, place, who) -> bool:
    """Whether any of several may sign in this place."""
    name = next(name for name, one in ACTS.items() if one is make)
    if name in ("register", "strike", "keys, by two registrars") and place == 1:
        return who in [registrar(region) for region in (32, 33, 34)]
    if name == "challenge" and place == 1:
        return bool(who == registrar(33))
    return name in ("restore", "registrar") and place == 2 and who == registrar(34)


@acts
def test_too_few_or_too_many_signatures_are_refused(office, make):
    act = make(office)
    names = {"SignatureCount", "NoMajority", "EndAlone", "BodyHeld"}
    for signers in (act.signers[:-1], (*act.signers, STRANGER), ()):
        if signers and set(signers) < set(act.signers) and make is ACTS["status, countersigned"]:
            continue  # One signature is enough unless a terminal status is left.
        assert refused(office, replace(act, signers=signers)) in names | {"SignerWrong"}


@acts
def test_a_signature_with_a_high_s_or_another_v_is_refused(office, make):
    act = make(office)
    digest = act.said.digest(office.world.identity)
    good = [sign(digest, who) for who in act.signers]
    first = good[0]
    high = SECP256K1_ORDER - int.from_bytes(first[32:64], "big")
    twin = first[:32] + high.to_bytes(32, "big") + bytes([55 - first[64]])
    for spoiled in (twin, first[:64] + bytes([first[64] - 27]), bytes(65), b"\xff" * 65):
        data = act.calldata_with([spoiled, *good[1:]])
        assert office.world.call(data).refused == "SignatureInvalid"


@acts
def test_a_statement_works_only_in_its_seven_days(office, make):
    act, now = make(office), office.world.now
    for not_after, name in (
        (now - 1, "StatementExpired"),
        (now, None),
        (now + MAX_LIFETIME_SECONDS, None),
        (now + MAX_LIFETIME_SECONDS + 1, "StatementTooFar"),
    ):
        said = replace(act.said, not_after=not_after)
        data = replace(act, said=said).calldata(office.world.identity)
        assert office.world.call(data).refused == name


@acts
def test_an_act_works_once_on_the_same_ledger(office, make):
    act = make(office)
    assert office.carry(act).refused is None
    again = replace(act, state=office.state if act.state else None)
    expected = {
        "register": "BodyExists",
        "suspend": "StandingForbids",
        "close": "StandingForbids",
        "strike": "StandingForbids",
    }
    name = next(name for name, one in ACTS.items() if one is make)
    assert refused(office, again) == expected.get(name, "CounterWrong")
    if act.state is not None:
        assert refused(office, act) == "StateStale"


@pytest.mark.parametrize("act", COUNTERS)
def test_a_counter_moves_by_one(office, act):
    made = ACTS[act](office)
    name = COUNTERS[act]
    for by in (-1, 1, 2):
        said = replace(made.said, **{name: getattr(made.said, name) + by})
        assert refused(office, replace(made, said=said)) == "CounterWrong"


@acts
def test_a_state_that_has_moved_is_refused(office, make):
    act = make(office)
    if act.state is not None:
        assert refused(office, replace(act, state=stale(act.state))) == "StateStale"
        assert refused(office, replace(act, state=replace(act.state, issuer=code(32)))) == (
            "StateStale"
        )


@acts
def test_a_fork_with_another_chain_id_refuses_every_act(office, make):
    act = make(office)
    chain = office.world.chain
    try:
        chain.chain_id = CHAIN_ID + 1
        assert refused(office, act) == "ChainForked"
    finally:
        chain.chain_id = CHAIN_ID


@acts
def test_an_act_for_another_ledger_is_nobodys(office, make):
    act = make(office)
    here = office.world
    elsewhere = {
        "another chain": ledger_identity(CHAIN_ID + 1, here.contract, SALT),
        "another contract on the chain": ledger_identity(CHAIN_ID, bytes(20), SALT),
        "a fresh chain with this id and address": ledger_identity(
            CHAIN_ID, here.contract, SALT[::-1]
        ),
    }
    for place, identity in elsewhere.items():
        outcome = here.call(act.calldata(identity)).refused
        assert outcome == "SignerWrong", place


def test_two_ledgers_at_one_address_of_one_chain_id_have_two_identities():
    first, second = World(), World(salt=b"\x01" * 32)
    first.deploy()
    second.deploy()
    assert first.contract == second.contract
    assert first.chain_id == second.chain_id
    assert first.view("identity()") != second.view("identity()")
    issuer = Office(world=first)
    act = issuer.registration()
    assert second.call(act.calldata(first.identity)).refused == "SignerWrong"
    assert play(second, act).refused is None, "signed for the second"


@pytest.mark.parametrize("act", ["catalog", "keys", "status", "strike", "suspend"])
def test_a_registrar_has_no_say_over_another_regions_issuers(office, act):
    made = ACTS[act](office)
    signers = tuple(registrar(32) if who == registrar(31) else who for who in made.signers)
    if signers != made.signers:
        assert refused(office, replace(made, signers=signers)) == "SignerWrong"
    countersigned = office.status([5], Status.REVOKED, countersigned=True)
    signers = (countersigned.signers[0], registrar(32))
    assert refused(office, replace(countersigned, signers=signers)) == "SignerWrong"


@pytest.mark.parametrize("act", ["status", "catalog", "keys"])
def test_the_key_that_signs_must_exist_have_the_purpose_and_not_have_ended(office, act):
    made = ACTS[act](office)
    issuer_signs = 1 if act == "keys" else 0
    assert refused(office, replace(made, key=4)) == "KeyUnknown"
    for other in set(range(4)) - {made.key}:
        assert refused(office, replace(made, key=other)) == "SignerWrong"
        signers = list(made.signers)
        signers[issuer_signs] = office.key(other)
        wrong = replace(made, key=other, signers=tuple(signers))
        assert refused(office, wrong) == "KeyPurpose"
    ending = office.keys_change(ends=ends_of((made.key, office.world.block + 2)))
    assert office.carry(ending).refused is None
    assert refused(office, ACTS[act](office)) is None, "its last block"
    office.world.mine(1)
    assert refused(office, ACTS[act](office)) == "KeyEnded"


def test_an_unknown_issuer_has_no_state_and_no_brake(office):
    nobody = Office(world=office.world, issuer=code(31, 9), state=replace(office.state))
    nobody.state = replace(office.state, issuer=nobody.issuer)
    restoration = replace(nobody.restoration(), states=(nobody.state,))
    for act in (nobody.catalog(), nobody.standing(Standing.SUSPENDED), restoration):
        assert refused(nobody, act) == "StateStale"
    assert refused(nobody, nobody.hold()) == "BodyUnknown"


def test_a_key_of_keys_alone_adds_nothing(office):
    act = office.keys_change(added=[(person("new"), 1)])
    alone = replace(act, signers=(office.key(KEYS),))
    assert refused(office, alone) == "EndAlone"
