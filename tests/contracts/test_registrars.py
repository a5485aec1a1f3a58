"""Registrars: seated and removed by a majority, rotated by themselves, replaced when silent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from certledger.contracts import abi
from certledger.contracts.loader import load_artifact
from certledger.verifier.vocabulary import Standing, Status
from tests.contracts.acts import Act
from tests.contracts.people import Office, challenge, rotation, saying, seating
from tests.contracts.world import World, address, code, person, recovery, registrar

DAY = 86_400
NOBODY = bytes(20)


def refused(office: Office, act: Act) -> str | None:
    return office.world.call(act.calldata(office.world.identity)).refused


def seat_of(world: World, region: int) -> dict[str, Any]:
    """Return a seat as the view tells it."""
    answer = world.view("registrar(uint16)", region.to_bytes(32, "big"))
    words = [answer[at : at + 32] for at in range(0, len(answer), 32)]
    numbers = [int.from_bytes(word, "big") for word in words]
    return {
        "account": words[0][12:],
        "nonce": numbers[1],
        "challenged": numbers[2],
        "recovery": words[3][12:],
        "turn": numbers[4],
        "rotated": numbers[5],
    }


def test_a_majority_replaces_a_registrar_who_then_has_no_say(office):
    heir = person("heir")
    assert office.carry(seating(office.world, address(heir))).refused is None
    old = office.standing(Standing.SUSPENDED)
    assert refused(office, old) == "SignerWrong"
    assert refused(office, replace(old, signers=(heir,))) is None
    assert refused(office, office.restoration(term=2)) == "SignerWrong"
    assert int.from_bytes(office.world.view("registrars()"), "big") == 4


def test_a_region_is_added_and_counts(office):
    world = office.world
    office.carry(seating(world, address(person("fifth")), region=35))
    assert int.from_bytes(world.view("registrars()"), "big") == 5
    three = office.restoration(term=2)
    assert refused(office, replace(three, signers=three.signers[:2])) == "NoMajority"
    assert refused(office, three) is None
    sixth = seating(world, address(person("sixth")), region=36, term=2)
    assert office.carry(sixth).refused is None
    assert refused(office, office.restoration(term=3)) == "NoMajority", "three of six"


def test_a_seat_is_given_to_a_new_account_of_a_real_region(office):
    world = office.world
    for account in (address(registrar(31)), address(registrar(32))):
        assert refused(office, seating(world, account)) == "RegistrarAccount"
    for region in (0, 100, 65_535):
        act = seating(world, address(person("new")), region=region)
        assert refused(office, act) == "RegionOrder"


def test_an_old_term_is_refused(office):
    world = office.world
    first = seating(world, address(person("heir")))
    office.carry(first)
    assert refused(office, first) == "CounterWrong"
    assert refused(office, seating(world, address(person("next")))) == "CounterWrong"
    second = seating(world, address(registrar(31)), term=2)
    signers = (person("heir"), registrar(32), registrar(33))
    assert office.carry(replace(second, signers=signers)).refused is None, "back again"


def test_the_nonce_of_holds_stays_with_the_region(office):
    office.carry(office.hold())
    heir = person("heir")
    office.carry(seating(office.world, address(heir)))
    assert refused(office, replace(office.hold(), signers=(heir,))) == "CounterWrong"
    assert refused(office, replace(office.hold(nonce=2), signers=(heir,))) is None


@pytest.mark.parametrize("name", ["hold", "release"])
def test_a_hold_or_release_takes_exactly_one_signature(office, name):
    said = getattr(office, name)(nonce=1).said
    good = b"".join(office.world.signed(said, office.registrar))
    kinds = ["(uint16,bytes18[],uint64,uint64)", "bytes"]
    selector = load_artifact().selectors[f"{name}({','.join(kinds)})"]
    for signatures in (b"", good[:-1], good + b"\x00", good + good):
        data = abi.encode(kinds, [(31, (office.code,), 1, said.not_after), signatures])
        assert office.world.call(selector + data).refused == "SignatureCount"


# Removal


def test_a_region_is_removed_and_its_registrar_has_no_say(office):
    world = office.world
    act = seating(world, NOBODY, region=34)
    assert refused(office, saying(act, recovery=b"r" * 20)) == ("RegistrarAccount")
    assert office.carry(act).refused is None
    assert int.from_bytes(world.view("registrars()"), "big") == 3
    assert seat_of(world, 34)["account"] == NOBODY
    assert seat_of(world, 34)["recovery"] == NOBODY
    gone = Office(world=world, issuer=code(34))
    assert refused(gone, gone.registration()) == "SignerWrong"
    assert refused(office, office.standing(Standing.STRUCK)) == "SignerWrong", "second was 34"
    two = (registrar(31), registrar(32))
    assert refused(office, replace(office.restoration(term=2), signers=two)) is None, "of three"
    again = seating(world, address(registrar(34)), region=34, term=2)
    assert refused(office, again) is None, "its account is free again"


def test_a_region_without_a_registrar_is_not_removed_and_three_remain(office):
    world = office.world
    assert refused(office, seating(world, NOBODY, region=35)) == "RegistrarAccount"
    assert office.carry(seating(world, NOBODY, region=34)).refused is None
    assert refused(office, seating(world, NOBODY, region=33, term=2)) == "RegistrarsTooFew"


# Rotation


def test_a_registrar_rotates_its_account_and_its_recovery_stays(office):
    world, heir = office.world, person("heir")
    before = world.now
    assert office.carry(rotation(world, heir)).refused is None
    assert seat_of(world, 31) == {
        "account": address(heir),
        "nonce": 0,
        "challenged": 0,
        "recovery": address(recovery(31)),
        "turn": 1,
        "rotated": before,
    }
    old = office.standing(Standing.SUSPENDED)
    assert refused(office, old) == "SignerWrong"
    assert refused(office, replace(old, signers=(heir,))) is None
    assert refused(office, office.restoration()) == "SignerWrong", "the old one in a majority"
    assert int.from_bytes(world.view("registrars()"), "big") == 4


def test_the_recovery_key_rotates_at_any_time_and_the_account_once_in_seven_days(office):
    world = office.world
    thief, heir = person("thief"), person("heir")
    assert office.carry(rotation(world, thief)).refused is None
    again = rotation(world, person("thief's second"), turn=2)
    by_thief = replace(again, signers=(thief, person("thief's second")))
    assert refused(office, by_thief) == "RotatedRecently"
    back = replace(rotation(world, heir, turn=2), signers=(recovery(31), heir))
    assert office.carry(back).refused is None
    assert seat_of(world, 31)["account"] == address(heir)
    last = replace(rotation(world, person("next"), turn=3), signers=(heir, person("next")))
    world.pass_time(seat_of(world, 31)["rotated"] + 7 * DAY - 1 - world.now)
    fresh = saying(last, not_after=world.later())
    assert refused(office, fresh) == "RotatedRecently"
    world.pass_time(1)
    assert refused(office, fresh) is None


def test_a_rotation_takes_the_new_account_too_and_it_must_be_free(office):
    world, heir = office.world, person("heir")
    act = rotation(world, heir)
    for signers, name in (
        ((registrar(31), registrar(31)), "SignerWrong"),
        ((heir, heir), "SignerWrong"),
        ((registrar(32), heir), "SignerWrong"),
        ((recovery(32), heir), "SignerWrong"),
        ((heir, registrar(31)), "SignerWrong"),
        ((registrar(31),), "SignatureCount"),
        ((registrar(31), heir, heir), "SignatureCount"),
    ):
        assert refused(office, replace(act, signers=signers)) == name
    for taken in (registrar(32), registrar(31), recovery(31)):
        assert refused(office, rotation(world, taken)) == "RegistrarAccount"
    assert refused(office, rotation(world, heir, region=35)) == "SignerWrong", "no such seat"


def test_without_a_recovery_account_none_recovers(office):
    world = office.world
    act = seating(world, address(person("heir")))
    assert office.carry(act).refused is None
    assert seat_of(world, 31)["recovery"] == NOBODY
    by_old = replace(rotation(world, person("new")), signers=(recovery(31), person("new")))
    assert refused(office, by_old) == "SignerWrong"
    same = seating(world, address(person("x")), term=2, recovery=address(person("x")))
    signers = (person("heir"), registrar(32), registrar(33))
    assert refused(office, replace(same, signers=signers)) == "RegistrarAccount"


def test_a_new_seat_may_be_rotated_at_once(office):
    world, heir, new = office.world, person("heir"), person("new")
    assert office.carry(rotation(world, person("first"))).refused is None
    act = seating(world, address(heir))
    signers = (person("first"), registrar(32), registrar(33))
    assert office.carry(replace(act, signers=signers)).refused is None
    assert seat_of(world, 31)["turn"] == 1, "it goes on counting"
    assert refused(office, replace(rotation(world, new, turn=2), signers=(heir, new))) is None


# Silent registrars


def late(act: Act, world: World) -> Act:
    return saying(act, not_after=world.later())


def test_a_majority_of_the_rest_replaces_a_registrar_that_stays_silent(office):
    """Of four, two lost their keys."""
    world, two = office.world, (registrar(31), registrar(32))
    act = seating(world, address(person("heir")), region=34)
    assert refused(office, replace(act, signers=two)) == "NoMajority"
    since = world.now
    assert office.carry(challenge(world)).refused is None
    assert seat_of(world, 34)["challenged"] == since
    assert seat_of(world, 34)["turn"] == 1
    world.pass_time(since + 30 * DAY - 1 - world.now)
    assert refused(office, late(replace(act, signers=two), world)) == "NoMajority"
    world.pass_time(1)
    act = late(replace(act, signers=two), world)
    assert refused(office, replace(act, signers=(registrar(31),))) == "NoMajority"
    silent = replace(act, signers=(registrar(31), registrar(34)))
    assert refused(office, silent) == "SignerWrong"
    elsewhere = saying(act, region=33)
    assert refused(office, elsewhere) == "NoMajority", "the other one was not asked"
    removal = saying(act, account=NOBODY)
    assert refused(office, removal) is None
    assert office.carry(act).refused is None
    assert seat_of(world, 34)["account"] == address(person("heir"))
    assert seat_of(world, 34)["challenged"] == 0


ANSWERS: dict[str, Callable[[Office], Act]] = {
    "a hold of nobody": lambda office: office.hold(issuers=()),
    "its own issuer's standing": lambda office: office.standing(Standing.SUSPENDED),
    "a countersignature": lambda office: office.status([5], Status.REVOKED, countersigned=True),
    "a catalog": lambda office: office.catalog(),
    "a registration elsewhere": lambda office: replace(
        (other := Office(world=office.world, issuer=code(32))).registration(),
        signers=(other.registrar, registrar(31), *[other.key(at) for at in range(4)]),
    ),
    "a majority": lambda office: office.restoration(),
    "a rotation": lambda office: rotation(office.world, person("heir"), turn=2),
    "a challenge of another": lambda office: replace(
        challenge(office.world), signers=(registrar(31), registrar(33))
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_any_act_that_a_registrar_signs_answers_a_challenge(office, name):
    world = office.world
    assert office.carry(challenge(world, 31)).refused is None
    assert seat_of(world, 31)["challenged"] != 0
    assert office.carry(ANSWERS[name](office)).refused is None
    assert seat_of(world, 31)["challenged"] == 0


def test_acts_of_others_do_not_answer(office):
    world = office.world
    assert office.carry(challenge(world, 33)).refused is None
    assert office.carry(office.hold()).refused is None
    assert office.carry(office.standing(Standing.STRUCK)).refused is None
    assert seat_of(world, 33)["challenged"] != 0


def test_a_challenge_is_open_once_and_by_more_than_half_of_the_others(office):
    world = office.world
    act = challenge(world)
    assert refused(office, replace(act, signers=act.signers[:1])) == "NoMajority"
    assert refused(office, replace(act, signers=(registrar(31), registrar(34)))) == "SignerWrong"
    assert refused(office, replace(act, signers=act.signers[::-1])) == "RegionOrder"
    assert office.carry(act).refused is None
    assert refused(office, challenge(world, turn=2)) == "NothingChanges"
    assert refused(office, challenge(world, 35)) == "RegistrarAccount"


def test_majorities_move_one_counter_and_a_challenge_does_not(office):
    world = office.world
    assert office.carry(challenge(world)).refused is None
    assert office.carry(office.restoration()).refused is None
    assert int.from_bytes(world.view("term()"), "big") == 1
    assert refused(office, seating(world, address(person("new")))) == "CounterWrong"
    assert refused(office, seating(world, address(person("new")), term=2)) is None
