"""Deployment, issuers, their keys, catalogs and standings, the brake, and the registrars."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from eth.vm.forks.paris import ParisVM
from eth.vm.opcode import as_opcode

from certledger.contracts import abi, calls
from certledger.contracts.calls import NO_KEY
from certledger.contracts.loader import load_artifact
from certledger.verifier.crypto.hashing import keccak
from certledger.verifier.formats.contract_events import ActEvent, Created, IssuerStateEvent
from certledger.verifier.formats.statements import RegistrarChange
from certledger.verifier.vocabulary import Standing, Status
from tests.contracts.acts import Act, Anchoring
from tests.contracts.people import (
    ACTS,
    BATCHES,
    CATALOG,
    KEYS,
    STATUS,
    Office,
    saying,
    seating,
    stale,
)
from tests.contracts.world import (
    REGIONS,
    SALT,
    START,
    World,
    address,
    code,
    ends_of,
    given,
    issuer_key,
    person,
    recovery,
    registrar,
    vm_with,
)

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
        ActEvent(
            statement=RegistrarChange(
                region=region,
                account=address(registrar(region)),
                recovery=address(recovery(region)),
                term=0,
                not_after=0,
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
    accounts = [
        (region, address(person(who)) if who else bytes(20), bytes(20)) for region, who in rows
    ]
    assert World().deploy(accounts).refused == name


def test_deployment_is_refused_without_salt_chain_id_or_time_in_seconds():
    assert World(salt=bytes(32)).deploy().refused == "SaltMissing"
    assert World(chain_id=0).deploy().refused == "ChainUnfit"
    for seconds in (START * 1000, LATE, 1_500_000_000):
        world = World()
        world.chain.header = world.chain.header.copy(timestamp=seconds + 1)
        assert world.deploy().refused == "ChainUnfit"


def test_the_greatest_block_number_it_can_begin_at_is_2_to_the_40_less_1():
    for number, name in ((NO_END, None), (NO_END + 1, "ChainUnfit")):
        world = World()
        world.chain.header = world.chain.header.copy(block_number=number)
        assert world.call(calls.deploy(SALT, SEATS)).refused == name


def test_the_first_and_the_last_time_it_can_begin_at():
    for seconds, name in (
        (1_600_000_000, None),
        (1_600_000_000 - 1, "ChainUnfit"),
        (10_000_000_000, None),
        (10_000_000_000 + 1, "ChainUnfit"),
    ):
        world = World()
        world.chain.header = world.chain.header.copy(timestamp=seconds)
        assert world.call(calls.deploy(SALT, SEATS)).refused == name


SEATS = [(region, address(registrar(region)), bytes(20)) for region in REGIONS]


def other_sha256(computation: Any) -> Any:
    computation.output = hashlib.sha3_256(computation.msg.data).digest()
    return computation


def other_recovery(computation: Any) -> Any:
    computation.output = b"\x01".rjust(32, b"\x00")
    return computation


def other_keccak(computation: Any) -> None:
    start, size = computation.stack_pop_ints(2)
    computation.extend_memory(start, size)
    data = computation.memory_read_bytes(start, size)
    computation.stack_push_bytes(hashlib.sha3_256(data).digest())


@pytest.mark.parametrize("place", [1, 2, 0x20])
def test_a_chain_that_hashes_or_recovers_in_another_way_is_refused(place):
    computation: Any = ParisVM._state_class.computation_class
    if place == 0x20:
        opcode = as_opcode(other_keccak, "SHA3", 30)
        changes: Any = {"opcodes": {**computation.opcodes, place: opcode}}
    else:
        other = {1: other_recovery, 2: other_sha256}[place]
        changes = {"_precompiles": {**computation._precompiles, place.to_bytes(20, "big"): other}}
    assert World(vm=vm_with(**changes)).deploy().refused == "ChainUnfit"


# Registration


def test_an_issuer_is_registered_with_its_keys(world):
    office = Office(world=world, purposes=(15, 1, 2))
    block = world.block
    told, state = office.carry(office.registration()).events
    assert isinstance(told, ActEvent)
    assert isinstance(state, IssuerStateEvent)
    assert len(told.signatures) == 5
    assert office.state.since == block
    assert [(key.start, key.end) for key in office.state.keys] == [(block, NO_END)] * 3
    assert world.slot(office.issuer) == office.state.digest()


@pytest.mark.parametrize("second", [registrar(31), issuer_key(code(31), 0), person("stranger")])
def test_one_registrar_alone_registers_nobody(world, second):
    office = Office(world=world, purposes=(15,))
    act = office.registration()
    signers = (office.registrar, second, office.key(0))
    assert refused(office, replace(act, signers=signers)) == "SignerWrong"
    alone = replace(act, signers=(office.registrar, office.key(0)))
    assert refused(office, alone) == "SignatureCount"


def test_the_roll_chains_and_counts_all_issuers(world):
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


@pytest.mark.parametrize(
    "issuer", ["0A3109AZ09AZ09AZ09", "Z931ZZZZZZ99999999", "A0310A0A0A0A0A0A0A"]
)
def test_a_code_has_any_digit_and_capital_letter(world, issuer):
    office = Office(world=world, issuer=issuer)
    assert office.register().refused is None
    assert office.state.issuer == issuer


def test_a_region_without_a_registrar_registers_nobody(world):
    office = Office(world=world, issuer=code(35))
    assert refused(office, office.registration()) == "SignerWrong"


@pytest.mark.parametrize("kind", [0, 7, 255])
def test_an_unknown_kind_is_refused(world, kind):
    office = Office(world=world)
    assert refused(office, office.registration(kind=kind)) == "KindUnknown"


def test_an_issuer_has_1_to_16_keys(world):
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
        signers = (office.registrar, office.another, office.key(0), office.key(0))
        assert refused(office, replace(act, signers=signers)) == "KeyInvalid"


# Keys


def test_keys_are_added_by_registrar_issuer_and_newcomer(office):
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


def test_no_more_than_16_keys_ever_stand_in_an_issuer(office):
    twelve = [(issuer_key("more", index), 1) for index in range(12)]
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
def test_a_key_alone_ends_only_itself_and_only_later_than_now(office, index):
    block = office.world.block
    other = (index + 1) % 4
    act = office.ending_itself(index, block + 1)
    assert refused(office, act) is None
    ends_other = replace(act.said, ends=ends_of((other, block + 1)))
    assert refused(office, replace(act, said=ends_other)) == "EndAlone"
    both = replace(act.said, ends=ends_of(*sorted([(index, block + 1), (other, block + 1)])))
    assert refused(office, replace(act, said=both)) == "EndAlone"
    added = replace(act.said, added=(given(person("new"), 1),))
    assert refused(office, replace(act, said=added)) == "EndAlone"
    for end in (block, block - 1, 0):
        assert refused(office, office.ending_itself(index, end)) == "EndAlone"
    by_other = replace(act, signers=(office.key(other),))
    assert refused(office, by_other) == "SignerWrong"
    assert office.carry(act).refused is None
    assert office.state.keys[index].end == block + 1


def test_a_key_alone_ends_itself_once(office):
    assert office.carry(office.ending_itself(KEYS, NO_END - 1)).refused is None
    for end in (NO_END - 2, office.world.block + 1):
        assert refused(office, office.ending_itself(KEYS, end)) == "EndAlone"
    assert refused(office, office.keys_change(ends=ends_of((KEYS, 1)))) is None, "its registrar"


def test_a_key_whose_end_the_registrar_set_does_not_set_it_again(office):
    later = office.world.block + 50
    assert office.carry(office.keys_change(ends=ends_of((BATCHES, later)))).refused is None
    assert refused(office, office.ending_itself(BATCHES, later - 1)) == "EndAlone"


def test_a_key_that_ends_itself_does_not_take_back_what_its_block_anchored(office):
    world = office.world
    data = Anchoring(entries=((office.state, office.batches(10)),)).calldata(world.identity)
    outcome = world.send(data, mine=False)
    office._learn(outcome)
    for end in (world.block, world.block + 1):
        act = office.ending_itself(BATCHES, end)
        assert refused(office, act) == ("EndAlone" if end == world.block else None)
    later = world.send(act.calldata(world.identity), mine=False)
    office._learn(later)
    world.mine()
    assert office.state.batches == 2
    assert office.state.keys[BATCHES].end == world.block, "the block after the batch"


def test_a_struck_issuer_changes_no_keys(office):
    office.carry(office.standing(Standing.STRUCK))
    for name in ("keys", "keys, by two registrars", "keys, one ending itself"):
        assert refused(office, ACTS[name](office)) == "StandingForbids"


# Catalogs


def test_a_catalog_takes_the_registrar_and_the_registrar_alone_only_empties_it(office):
    root = b"\x22" * 32
    assert office.carry(office.catalog(root)).refused is None
    assert (office.state.catalog, office.state.catalog_version) == (root, 1)
    issuer_alone = replace(office.catalog(root), signers=(office.key(CATALOG),))
    assert refused(office, issuer_alone) == "SignatureCount"
    alone = replace(office.catalog(root), key=NO_KEY, signers=(office.registrar,))
    assert refused(office, alone) == "CatalogAlone"
    empty = replace(office.catalog(bytes(32)), key=NO_KEY, signers=(office.registrar,))
    assert office.carry(empty).refused is None
    assert (office.state.catalog, office.state.catalog_version) == (bytes(32), 2)


@pytest.mark.parametrize("standing", [Standing.SUSPENDED, Standing.CLOSED, Standing.STRUCK])
def test_only_an_active_issuer_has_its_catalog_changed(office, standing):
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
    assert refused(office, office.restoration(standings=(number,))) == "StandingForbids"


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
    assert refused(office, office.restoration(ends=ends_of((4, 1)), term=2)) == "KeyUnknown"
    twice = office.restoration(ends=ends_of((1, 1), (1, 1)), term=2)
    assert refused(office, twice) == "EndOrder"


@pytest.mark.parametrize("standing", Standing)
def test_a_majority_sets_any_of_the_four_standings(office, standing):
    assert office.carry(office.restoration(standing)).refused is None
    assert office.state.standing is standing


@pytest.mark.parametrize("number", [0, 5, 255])
def test_a_majority_sets_no_other_standing(office, number):
    act = office.restoration(standings=(number,))
    assert refused(office, act) == "StandingForbids"


def test_restoring_the_same_standing_leaves_its_block(office):
    since = office.state.since
    office.carry(office.restoration(Standing.ACTIVE, ends_of((0, 7))))
    assert office.state.since == since
    assert office.state.keys[0].end == 7
    assert office.state.revision == 1, "so that what was signed before does not fit any more"


def three_offices(world: World) -> list[Office]:
    offices = [Office(world=world, issuer=code(32, number)) for number in (1, 2, 3)]
    for one in offices:
        assert one.register().refused is None
    return offices


def restoring(offices: list[Office], *ends: tuple[int, int, int], **changes) -> Act:
    """Return the act that restores `offices`; ends are (place, key, block)."""
    act = saying(
        offices[0].restoration(),
        issuers=tuple(one.code for one in offices),
        standings=(1,) * len(offices),
        ends=tuple(
            place.to_bytes(2, "big") + bytes([key]) + block.to_bytes(5, "big")
            for place, key, block in ends
        ),
    )
    states = tuple(one.state for one in offices)
    return replace(saying(act, **changes), states=states)


def test_a_majority_restores_several_at_once(world):
    offices = three_offices(world)
    for one in offices[:2]:
        assert one.carry(one.standing(Standing.STRUCK)).refused is None
    act = restoring(offices, (0, 1, 9), (2, 0, 8), (2, 3, 7), standings=(1, 2, 1))
    outcome = world.send(act.calldata(world.identity))
    assert outcome.refused is None
    for one in offices:
        one._learn(outcome)
    assert [one.state.standing.number for one in offices] == [1, 2, 1]
    ends = [[key.end for key in one.state.keys] for one in offices]
    assert ends == [[NO_END, 9, NO_END, NO_END], [NO_END] * 4, [8, NO_END, NO_END, 7]]
    assert [one.state.revision for one in offices] == [2, 2, 1]


def test_a_restoration_of_several_is_whole_and_in_order(world):
    offices = three_offices(world)
    (first, second, third) = offices
    assert refused(first, restoring(offices)) is None
    bad = {
        "IssuerList": [
            restoring([second, first, third]),
            restoring([first, first]),
            restoring(offices, standings=(1, 1)),
            restoring(offices, standings=(1, 1, 1, 1)),
            replace(restoring(offices), states=()),
        ],
        "EndOrder": [
            restoring(offices, (1, 0, 9), (0, 0, 9)),
            restoring(offices, (0, 1, 9), (0, 1, 9)),
            restoring(offices, (3, 0, 9)),
        ],
        "KeyUnknown": [restoring(offices, (1, 4, 9))],
        "StandingForbids": [
            restoring(offices, standings=(1, 0, 1)),
            restoring(offices, standings=(1, 1, 5)),
        ],
        "StateStale": [
            replace(restoring(offices), states=(first.state, stale(second.state), third.state))
        ],
    }
    for name, acts in bad.items():
        for act in acts:
            assert refused(first, act) == name, act


def test_at_most_128_issuers_are_named_in_one_act(world):
    office = Office(world=world)
    office.register()
    many = tuple(code(31, 1)[:-3].encode() + b"%03d" % number for number in range(1, 130))
    for act in (office.hold(issuers=many), office.release(issuers=many, nonce=1)):
        assert refused(office, act) == "IssuerList"
    assert refused(office, office.hold(issuers=many[:128])) == "BodyUnknown"
    states = tuple(replace(office.state, issuer=name.decode()) for name in many)
    act = office.restoration(issuers=many, standings=(1,) * 129)
    assert refused(office, replace(act, states=states)) == "IssuerList"
    act = office.restoration(issuers=many[:128], standings=(1,) * 128)
    assert refused(office, replace(act, states=states[:128])) == "StateStale"


def test_a_state_of_no_words_is_stale(office):
    act = office.restoration()
    selector = next(
        value for name, value in load_artifact().selectors.items() if name[:8] == "restore("
    )
    kinds = ["bytes32[][]", "(uint32,uint8[],bytes8[],uint64)", "bytes"]
    signatures = b"".join(office.world.signed(act.said, *act.signers))
    data = abi.encode(kinds, [((),), (1, (1,), (), act.said.not_after), signatures])
    assert office.world.call(selector + data).refused == "StateStale"


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

BY_THE_ISSUER = ("status", "keys, one ending itself")
BY_THE_REGISTRAR = (
    "status, countersigned",
    "catalog",
    "catalog, emptied by the registrar",
    "keys",
    "keys, by two registrars",
    "suspend",
    "close",
    "strike",
)


def test_a_hold_is_the_lowest_bit_of_the_slot_and_nothing_else(office):
    before = office.world.slot(office.issuer)
    assert before[-1] & 1 == 0
    assert office.carry(office.hold()).refused is None
    after = office.world.slot(office.issuer)
    assert after == before[:-1] + bytes([before[-1] | 1])
    assert office.state.digest() == before


@pytest.mark.parametrize("act", BY_THE_ISSUER)
def test_a_held_issuer_speaks_only_with_its_registrar(office, act):
    office.carry(office.hold())
    assert refused(office, ACTS[act](office)) == "BodyHeld"
    assert office.issue(1).refused == "NothingAnchored"


@pytest.mark.parametrize("act", BY_THE_REGISTRAR)
def test_an_act_that_the_registrar_signed_goes_through_and_leaves_the_brake(office, act):
    made = replace(ACTS[act](office), state=office.state)
    assert office.carry(office.hold()).refused is None
    assert office.carry(made).refused is None, "signed before the hold"
    digest = office.state.digest()
    assert office.world.slot(office.issuer) == digest[:-1] + bytes([digest[-1] | 1])
    assert office.issue(1).refused == "NothingAnchored"


def test_a_release_and_a_restoration_clear_the_brake(office):
    for hold, make in ((office.hold(), office.release), (office.hold(nonce=3), office.restoration)):
        assert office.carry(hold).refused is None
        assert office.carry(make()).refused is None
        assert office.world.slot(office.issuer) == office.state.digest()
        assert office.issue(1).refused is None


def test_a_release_signed_before_a_hold_does_not_undo_it(office):
    early = office.release(nonce=1)
    assert refused(office, early) == "NothingChanges"
    assert office.carry(office.hold()).refused is None
    assert refused(office, early) == "CounterWrong"
    assert refused(office, office.release()) is None


def test_one_hold_and_one_release_name_several_issuers(world):
    offices = [Office(world=world, issuer=code(31, number)) for number in (1, 2, 3)]
    for one in offices:
        one.register()
    codes = tuple(one.code for one in offices)
    first = offices[0]
    assert first.carry(first.hold(issuers=codes)).refused is None
    assert all(world.slot(one.issuer)[-1] & 1 for one in offices)
    assert first.carry(first.release(issuers=codes[:2])).refused is None
    assert [world.slot(one.issuer)[-1] & 1 for one in offices] == [0, 0, 1]
    partly = first.release(issuers=codes[1:], nonce=3)
    assert refused(first, partly) == "NothingChanges"
    assert first.carry(first.hold(issuers=(), nonce=3)).refused is None, "it names nobody"
    for make in (first.hold, first.release):
        for names in ((codes[1], codes[0]), (codes[2], codes[2])):
            assert refused(first, make(issuers=names, nonce=4)) in ("IssuerList", "NothingChanges")
    assert refused(first, first.hold(issuers=(codes[1], codes[0]), nonce=4)) == "IssuerList"
    assert refused(first, first.hold(issuers=(codes[0], codes[0]), nonce=4)) == "IssuerList"


def test_a_hold_names_only_issuers_of_its_region(office):
    other = Office(world=office.world, issuer=code(32))
    other.register()
    assert refused(office, office.hold(issuers=(office.code, other.code))) == "IssuerList"
    assert refused(office, office.hold(issuers=(office.code, code(31, 9).encode()))) == (
        "BodyUnknown"
    )


def test_a_thief_cannot_outrun_a_hold(office):
    hold = office.hold()
    office.issue(10)
    office.set_status([5], Status.REVOKED)
    assert office.carry(hold).refused is None, "whatever the state has become"


def test_the_nonce_is_the_registrars_and_counts_over_all_its_issuers(office):
    other = Office(world=office.world, issuer=code(31, 2))
    other.register()
    elsewhere = Office(world=office.world, issuer=code(32))
    elsewhere.register()
    assert office.carry(office.hold()).refused is None
    assert refused(other, other.hold()) == "CounterWrong"
    assert other.carry(other.hold(nonce=2)).refused is None
    assert office.carry(office.hold(nonce=3)).refused is None, "a held issuer is held again"
    assert elsewhere.carry(elsewhere.hold()).refused is None
    assert refused(office, office.hold()) == "CounterWrong"


@pytest.mark.parametrize("standing", [Standing.SUSPENDED, Standing.CLOSED, Standing.STRUCK])
def test_an_issuer_of_any_standing_is_held_and_restored(office, standing):
    office.carry(office.standing(standing))
    assert office.carry(office.hold()).refused is None
    assert office.carry(office.restoration()).refused is None
    assert office.state.standing is Standing.ACTIVE
