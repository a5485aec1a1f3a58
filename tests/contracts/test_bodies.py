"""Deployment, bodies, their keys, catalogs and standings, the brake, and the registrars."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contracts import abi
from contracts.calls import NO_KEY
from contracts.loader import load_artifact
from tests.contracts.acts import Act
from tests.contracts.people import ACTS, BATCHES, CATALOG, KEYS, STATUS, Office, seating
from tests.contracts.world import (
    REGIONS,
    SALT,
    START,
    World,
    address,
    body_key,
    code,
    ends_of,
    given,
    person,
    registrar,
)
from verifier.events import Created, Said, StateTold
from verifier.hashing import keccak
from verifier.statements import RegistrarChange
from verifier.vocabulary import Standing, Status

NO_END = 2**40 - 1
LATE = 10_000_000_000


def refused(office: Office, act: Act) -> str | None:
    return office.world.call(act.calldata(office.world.identity)).refused


# Deployment


def test_deployment_tells_identity_salt_and_registrars():
    world = World()
    outcome = world.deploy()
    created, *seats = outcome.events
    assert created == Created(identity=world.identity, salt=SALT)
    assert seats == [
        Said(
            statement=RegistrarChange(
                region=region, account=address(registrar(region)), term=0, not_after=0
            ),
            key=None,
            signatures=(),
        )
        for region in REGIONS
    ]
    assert int.from_bytes(world.view("registrars()"), "big") == len(REGIONS)


def test_the_code_on_the_chain_is_the_artifacts_with_its_immutables(world):
    there = world.chain.get_vm().state.get_code(world.contract)
    code = load_artifact().runtime_code(chain_id=world.chain_id, salt=SALT, identity=world.identity)
    assert there == code
    assert len(there) <= 24_576


@pytest.mark.parametrize(
    ("rows", "name"),
    [
        ([], "RegistrarsTooFew"),
        ([(31, "a"), (32, "b")], "RegistrarsTooFew"),
        ([(31, "a"), (31, "b"), (32, "c")], "RegionOrder"),
        ([(32, "a"), (31, "b"), (33, "c")], "RegionOrder"),
        ([(0, "a"), (31, "b"), (33, "c")], "RegionOrder"),
        ([(31, "a"), (32, "b"), (100, "c")], "RegionOrder"),
        ([(31, "a"), (32, "b"), (33, "a")], "RegistrarAccount"),
        ([(31, "a"), (32, None), (33, "c")], "RegistrarAccount"),
    ],
)
def test_registrars_it_cannot_begin_with_are_refused(rows, name):
    accounts = [(region, address(person(who)) if who else bytes(20)) for region, who in rows]
    assert World().deploy(accounts).refused == name


def test_deployment_is_refused_without_salt_chain_id_or_time_in_seconds():
    assert World(salt=bytes(32)).deploy().refused == "SaltMissing"
    assert World(chain_id=0).deploy().refused == "ChainUnfit"
    for seconds in (START * 1000, LATE, 1_500_000_000):
        world = World()
        world.chain.header = world.chain.header.copy(timestamp=seconds + 1)
        assert world.deploy().refused == "ChainUnfit"


# Registration


def test_a_body_is_registered_with_its_keys(world):
    office = Office(world=world, purposes=(15, 1, 2))
    block = world.block
    told, state = office.carry(office.registration()).events
    assert isinstance(told, Said)
    assert isinstance(state, StateTold)
    assert len(told.signatures) == 4
    assert office.state.since == block
    assert [(key.start, key.end) for key in office.state.keys] == [(block, NO_END)] * 3
    assert world.slot(office.issuer) == office.state.digest()


def test_the_roll_chains_and_counts_all_bodies(world):
    roll = bytes(32)
    for number in range(1, 5):
        office = Office(world=world, issuer=code(33, number))
        office.register()
        roll = keccak(roll + office.code)[:28] + number.to_bytes(4, "big")
        assert world.view("roll()") == roll


@pytest.mark.parametrize(
    "issuer",
    [
        b"11310000000000000a",
        b"113A00000000000001",
        b"11A10000000000000X",
        b"\x00" * 18,
        b"11 1" * 4,
    ],
)
def test_a_code_that_is_none_is_refused(world, issuer):
    office = Office(world=world)
    assert refused(office, office.registration(issuer=issuer.ljust(18))) == "CodeInvalid"


def test_a_region_without_a_registrar_registers_nobody(world):
    office = Office(world=world, issuer=code(35))
    assert refused(office, office.registration()) == "SignerWrong"


@pytest.mark.parametrize("kind", [0, 7, 255])
def test_an_unknown_kind_is_refused(world, kind):
    office = Office(world=world)
    assert refused(office, office.registration(kind=kind)) == "KindUnknown"


def test_a_body_has_1_to_16_keys(world):
    none = Office(world=world, purposes=())
    assert refused(none, none.registration()) == "KeyCount"
    many = Office(world=world, purposes=(15,) * 17)
    assert refused(many, many.registration()) == "KeyCount"
    most = Office(world=world, purposes=(15,) * 16)
    assert most.register().refused is None


@pytest.mark.parametrize("purposes", [0, 16, 255])
def test_a_key_has_known_purposes(world, purposes):
    office = Office(world=world, purposes=(15, purposes))
    assert refused(office, office.registration()) == "KeyInvalid"


def test_a_key_stands_once_and_has_an_address(world):
    office = Office(world=world, purposes=(15, 15))
    first = given(office.key(0))
    for second in (first, given(office.key(0), 1), bytes(20) + b"\x0f"):
        act = office.registration(keys=(first, second))
        signers = (office.registrar, office.key(0), office.key(0))
        assert refused(office, replace(act, signers=signers)) == "KeyInvalid"


# Keys


def test_keys_are_added_by_registrar_body_and_newcomer(office):
    newcomer, block = person("new"), office.world.block
    office.carry(office.keys_change(added=[(newcomer, 3)]))
    assert office.state.keys[-1].address == address(newcomer)
    assert office.state.keys[-1].start == block
    assert office.state.revision == 1


def test_an_added_key_must_sign_itself(office):
    act = office.keys_change(added=[(person("new"), 1)])
    signers = (*act.signers[:2], office.registrar)
    assert refused(office, replace(act, signers=signers)) == "SignerWrong"
    assert refused(office, replace(act, signers=act.signers[:2])) == "SignatureCount"


def test_no_more_than_16_keys_ever_stand_in_a_body(office):
    twelve = [(body_key("more", index), 1) for index in range(12)]
    assert office.carry(office.keys_change(added=twelve)).refused is None
    assert len(office.state.keys) == 16
    one = [(person("new"), 1)]
    assert refused(office, office.keys_change(added=one)) == "KeyCount"
    ends = ends_of((0, 1))
    assert refused(office, office.keys_change(added=one, ends=ends)) == "KeyCount"


def test_a_key_that_ended_is_not_added_again(office):
    office.carry(office.keys_change(ends=ends_of((BATCHES, office.world.block))))
    again = [(office.key(BATCHES), 1)]
    assert refused(office, office.keys_change(added=again)) == "KeyInvalid"


def test_ends_are_only_lowered(office):
    office.carry(office.keys_change(ends=ends_of((0, 100))))
    for end in (100, 101, NO_END):
        assert refused(office, office.keys_change(ends=ends_of((0, end)))) == "EndRaised"
    assert office.carry(office.keys_change(ends=ends_of((0, 99), (1, 0)))).refused is None
    assert [key.end for key in office.state.keys] == [99, 0, NO_END, NO_END]


def test_ends_stand_in_order_and_name_keys_there_are(office):
    for ends in (ends_of((1, 9), (0, 9)), ends_of((1, 9), (1, 8))):
        assert refused(office, office.keys_change(ends=ends)) == "EndOrder"
    added = [(person("new"), 1)]
    assert refused(office, office.keys_change(added=added, ends=ends_of((4, 9)))) == "KeyUnknown"
    assert refused(office, office.keys_change()) == "NothingChanges"


@pytest.mark.parametrize("index", [BATCHES, STATUS, CATALOG, KEYS])
def test_a_key_alone_ends_only_itself_and_only_from_now_on(office, index):
    block = office.world.block
    other = (index + 1) % 4
    act = office.ending_itself(index, block)
    assert refused(office, act) is None
    ends_other = replace(act.said, ends=ends_of((other, block)))
    assert refused(office, replace(act, said=ends_other)) == "EndAlone"
    both = replace(act.said, ends=ends_of(*sorted([(index, block), (other, block)])))
    assert refused(office, replace(act, said=both)) == "EndAlone"
    assert refused(office, office.ending_itself(index, block - 1)) == "EndAlone"
    assert refused(office, office.ending_itself(index, 0)) == "EndAlone"
    by_other = replace(act, signers=(office.key(other),))
    assert refused(office, by_other) == "SignerWrong"
    assert office.carry(act).refused is None
    assert office.state.keys[index].end == block


def test_a_struck_body_changes_no_keys(office):
    office.carry(office.standing(Standing.STRUCK))
    for name in ("keys", "keys, by two registrars", "keys, one ending itself"):
        assert refused(office, ACTS[name](office)) == "StandingForbids"


# Catalogs


def test_a_catalog_takes_the_registrar_and_the_registrar_alone_only_empties_it(office):
    root = b"\x22" * 32
    assert office.carry(office.catalog(root)).refused is None
    assert (office.state.catalog, office.state.catalog_version) == (root, 1)
    body_alone = replace(office.catalog(root), signers=(office.key(CATALOG),))
    assert refused(office, body_alone) == "SignatureCount"
    alone = replace(office.catalog(root), key=NO_KEY, signers=(office.registrar,))
    assert refused(office, alone) == "CatalogAlone"
    empty = replace(office.catalog(bytes(32)), key=NO_KEY, signers=(office.registrar,))
    assert office.carry(empty).refused is None
    assert (office.state.catalog, office.state.catalog_version) == (bytes(32), 2)


@pytest.mark.parametrize("standing", [Standing.SUSPENDED, Standing.CLOSED, Standing.STRUCK])
def test_only_an_active_body_has_its_catalog_changed(office, standing):
    office.carry(office.standing(standing))
    assert refused(office, office.catalog()) == "StandingForbids"


# Standings

ALLOWED = {
    Standing.ACTIVE: {Standing.SUSPENDED, Standing.CLOSED, Standing.STRUCK},
    Standing.SUSPENDED: {Standing.ACTIVE, Standing.STRUCK},
    Standing.CLOSED: {Standing.STRUCK},
    Standing.STRUCK: set(),
}


@pytest.mark.parametrize("before", Standing)
@pytest.mark.parametrize("after", Standing)
def test_standings_follow_on_each_other_as_the_table_says(office, before, after):
    if before is not Standing.ACTIVE:
        office.carry(office.standing(before))
    block = office.world.block
    outcome = office.carry(office.standing(after))
    if after in ALLOWED[before]:
        assert outcome.refused is None
        assert (office.state.standing, office.state.since) == (after, block)
    else:
        assert outcome.refused == "StandingForbids"


@pytest.mark.parametrize("number", [0, 5, 255])
def test_there_are_only_four_standings(office, number):
    act = office.standing(Standing.SUSPENDED, standing=number)
    assert refused(office, act) == "StandingForbids"
    assert refused(office, office.restoration(standing=number)) == "StandingForbids"


def test_a_registrar_alone_strikes_nobody(office):
    act = office.standing(Standing.STRUCK)
    assert refused(office, replace(act, signers=(office.registrar,))) == "SignatureCount"
    twice = replace(act, signers=(office.registrar, office.registrar))
    assert refused(office, twice) == "SignerWrong"


def test_a_majority_undoes_a_strike_and_raises_ends(office):
    office.carry(office.keys_change(ends=ends_of((0, 1))))
    office.carry(office.standing(Standing.STRUCK))
    block = office.world.block
    office.carry(office.restoration(Standing.ACTIVE, ends_of((0, NO_END))))
    assert office.state.standing is Standing.ACTIVE
    assert office.state.since == block
    assert office.state.keys[0].end == NO_END
    assert refused(office, office.restoration(ends=ends_of((4, 1)))) == "KeyUnknown"
    assert refused(office, office.restoration(ends=ends_of((1, 1), (1, 1)))) == "EndOrder"


def test_restoring_the_same_standing_leaves_its_block(office):
    since = office.state.since
    office.carry(office.restoration(Standing.ACTIVE, ends_of((0, 7))))
    assert office.state.since == since
    assert office.state.keys[0].end == 7


def test_half_of_the_registrars_are_no_majority_and_none_counts_twice(office):
    for act in (office.restoration(), seating(office.world, address(person("new")))):
        two = (registrar(31), registrar(32))
        assert refused(office, replace(act, signers=two)) == "NoMajority"
        for signers in (
            (registrar(31), registrar(32), registrar(32)),
            (registrar(31), registrar(31), registrar(32)),
            (registrar(33), registrar(32), registrar(31)),
        ):
            assert refused(office, replace(act, signers=signers)) == "RegionOrder"
        stranger = (registrar(31), registrar(32), person("stranger"))
        assert refused(office, replace(act, signers=stranger)) == "SignerWrong"


# The brake

BY_THE_BODY = ("status", "keys, one ending itself")
BY_THE_REGISTRAR = (
    "status, countersigned",
    "catalog",
    "catalog, emptied by the registrar",
    "keys",
    "keys, by two registrars",
    "suspend",
    "close",
    "strike",
    "restore",
)


def test_a_hold_is_the_lowest_bit_of_the_slot_and_nothing_else(office):
    before = office.world.slot(office.issuer)
    assert before[-1] & 1 == 0
    assert office.carry(office.hold()).refused is None
    after = office.world.slot(office.issuer)
    assert after == before[:-1] + bytes([before[-1] | 1])
    assert office.state.digest() == before


@pytest.mark.parametrize("act", BY_THE_BODY)
def test_a_held_body_speaks_only_with_its_registrar(office, act):
    office.carry(office.hold())
    assert refused(office, ACTS[act](office)) == "BodyHeld"
    assert office.issue(1).refused == "NothingAnchored"


@pytest.mark.parametrize("act", BY_THE_REGISTRAR)
def test_an_act_that_the_registrar_signed_releases_the_brake(office, act):
    office.carry(office.hold())
    made = replace(ACTS[act](office), state=office.state)
    assert office.carry(made).refused is None
    assert office.world.slot(office.issuer) == office.state.digest()
    assert office.world.slot(office.issuer)[-1] & 1 == 0


def test_a_thief_cannot_outrun_a_hold(office):
    hold = office.hold()
    office.issue(10)
    office.set_status([5], Status.REVOKED)
    assert office.carry(hold).refused is None, "whatever the state has become"


def test_the_nonce_is_the_registrars_and_counts_over_all_its_bodies(office):
    other = Office(world=office.world, issuer=code(31, 2))
    other.register()
    elsewhere = Office(world=office.world, issuer=code(32))
    elsewhere.register()
    assert office.carry(office.hold()).refused is None
    assert refused(other, other.hold()) == "CounterWrong"
    assert other.carry(other.hold(nonce=2)).refused is None
    assert office.carry(office.hold(nonce=3)).refused is None, "a held body is held again"
    assert elsewhere.carry(elsewhere.hold()).refused is None
    assert refused(office, office.hold()) == "CounterWrong"


@pytest.mark.parametrize("standing", [Standing.SUSPENDED, Standing.CLOSED, Standing.STRUCK])
def test_a_body_of_any_standing_is_held_and_restored(office, standing):
    office.carry(office.standing(standing))
    assert office.carry(office.hold()).refused is None
    assert office.carry(office.restoration()).refused is None
    assert office.state.standing is Standing.ACTIVE


# Registrars


def test_a_majority_replaces_a_registrar_who_then_has_no_say(office):
    heir = person("heir")
    assert office.carry(seating(office.world, address(heir))).refused is None
    old = office.standing(Standing.SUSPENDED)
    assert refused(office, old) == "SignerWrong"
    assert refused(office, replace(old, signers=(heir,))) is None
    assert refused(office, office.restoration()) == "SignerWrong"
    assert int.from_bytes(office.world.view("registrars()"), "big") == 4


def test_a_region_is_added_and_counts(office):
    world = office.world
    office.carry(seating(world, address(person("fifth")), region=35))
    assert int.from_bytes(world.view("registrars()"), "big") == 5
    three = office.restoration()
    assert refused(office, replace(three, signers=three.signers[:2])) == "NoMajority"
    assert refused(office, three) is None
    sixth = seating(world, address(person("sixth")), region=36, term=2)
    assert office.carry(sixth).refused is None
    assert refused(office, office.restoration()) == "NoMajority", "three of six"


def test_a_seat_is_given_to_a_new_account_of_a_real_region(office):
    world = office.world
    for account in (bytes(20), address(registrar(31)), address(registrar(32))):
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


def test_a_hold_takes_exactly_one_signature(office):
    said = office.hold().said
    good = b"".join(office.world.signed(said, office.registrar))
    selector = load_artifact().selectors["hold(bytes18,uint64,uint64,bytes)"]
    for signatures in (b"", good[:-1], good + b"\x00", good + good):
        data = abi.encode(
            ["bytes18", "uint64", "uint64", "bytes"],
            [office.code, 1, office.world.later(), signatures],
        )
        assert office.world.call(selector + data).refused == "SignatureCount"
