"""A trust snapshot is proved whole on arrival, and no byte of it can be another."""

import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from certledger.verifier.formats.canonical_json import format_canonical
from certledger.verifier.formats.catalog import Catalog
from certledger.verifier.formats.policy import LedgerPin
from certledger.verifier.formats.snapshot import MAX_SNAPSHOT_BYTES, Snapshot, inflate, roll
from certledger.verifier.verify.block_trust import Judgement
from certledger.verifier.verify.compact import CompactVerifier
from certledger.verifier.verify.trust_sources import choose_judge
from certledger.verifier.vocabulary import Standing, Status
from tests.conformance.case import Scene
from tests.effort import effort
from tests.verifier.refusals import refused_as, tried
from tests.verifier.test_compact import CBOR
from tests.world import ENTRY, NOW, ZERO, World, WorldIssuer, draw, policy

PIN = policy().ledgers[0]
NOBODY = "12330000MB2F00003C"


def world() -> World:
    """Return a world of three issuers: batches, statuses of each kind, a new one with nothing."""
    scene = Scene(first_batches=3, documents=[b"paper"])
    issuer = scene.issuer
    for index, status in ((0, Status.REVOKED), (1, Status.SUSPENDED), (4, Status.SUPERSEDED)):
        issuer.change([index], status)
    scene.world.issuers.append(WorldIssuer.of(NOBODY, "浙江省示例机构", entries=[ENTRY]))
    return scene.world


WORLD = world()
WHOLE = WORLD.snapshot()
DATA = WHOLE.format()
PARTS: list[Any] = cbor2.loads(WHOLE.to_cbor())


def judge(snapshot: Snapshot, ledger: LedgerPin) -> Judgement:
    return choose_judge(policy())(snapshot.note, ledger, None)


def opened(data: bytes) -> CompactVerifier:
    return CompactVerifier.open(policy(), Snapshot.parse(data), judge)


def packed(parts: Any) -> bytes:
    return zlib.compress(cbor2.dumps(parts, canonical=True))


def edited(*path: int, value: Any) -> bytes:
    """Return the file with the part at `path` replaced, or changed by a function of it."""
    parts = cbor2.loads(WHOLE.to_cbor())
    *where, last = path
    inner = parts
    for at in where:
        inner = inner[at]
    inner[last] = value(inner[last]) if callable(value) else value
    return packed(parts)


# What is right ---------------------------------------------------------------------------------


def test_a_snapshot_is_read_back_as_it_was_written() -> None:
    found = Snapshot.parse(DATA)
    assert found == WHOLE
    assert found.digest() == WHOLE.digest()
    assert opened(DATA).judgement.code == "ok"


def test_a_ledger_without_issuers_has_a_snapshot_too() -> None:
    assert opened(World().snapshot().format()).snapshot.issuers == ()


def test_all_that_no_file_tells_is_recomputed() -> None:
    for issuer, state in zip(
        Snapshot.parse(DATA).issuers, (one.state for one in WORLD.issuers), strict=True
    ):
        assert issuer.state == state


def test_each_certificate_stands_in_its_batch_and_none_beyond() -> None:
    issuer = WHOLE.by_issuer["11310000XX00000196"]
    places = [issuer.batch_of(index) for index in range(issuer.state.certificates)]
    sequences = [found[1].sequence for found in places if found is not None]
    assert sequences == [1, 2, 3, 4, 4, 4, 4, 4]
    assert issuer.batch_of(issuer.state.certificates) is None
    assert WHOLE.by_issuer[NOBODY].batch_of(0) is None


def test_an_issuer_that_the_registrar_holds_is_proved_with_the_brake_on() -> None:
    held = replace(WORLD, held={NOBODY})
    assert opened(held.snapshot().format()).judgement.code == "ok"


def test_the_roll_depends_on_the_order_of_registration() -> None:
    issuers = [issuer.state.issuer for issuer in WORLD.issuers]
    assert roll(issuers) != roll(issuers[::-1])
    assert roll([]) == bytes(32)
    assert roll(issuers)[28:] == (3).to_bytes(4, "big")


# What is not what the chain holds --------------------------------------------------------------


def another(**changes: Any) -> Snapshot:
    return replace(WHOLE, **changes)


def without(code: str) -> Snapshot:
    rest = tuple(issuer for issuer in WHOLE.issuers if issuer.state.issuer != code)
    return another(issuers=rest, by_issuer={issuer.state.issuer: issuer for issuer in rest})


def moved(**changes: Any) -> Snapshot:
    """Return the snapshot with the state of its second issuer edited."""
    first, issuer, *rest = WHOLE.issuers
    issuers = (first, replace(issuer, rootless=replace(issuer.rootless, **changes)), *rest)
    return another(issuers=issuers, by_issuer={one.state.issuer: one for one in issuers})


UNPROVED: dict[str, Callable[[], Snapshot]] = {
    "an issuer missing": lambda: without(NOBODY),
    "the first issuer missing": lambda: without(WHOLE.issuers[0].state.issuer),
    "issuers in another order": lambda: another(issuers=WHOLE.issuers[::-1],
        by_issuer={one.state.issuer: one for one in WHOLE.issuers[::-1]}),
    "an issuer twice": lambda: another(issuers=(*WHOLE.issuers, WHOLE.issuers[0])),
    "another name": lambda: moved(name="上海市公安分局"),
    "another standing": lambda: moved(standing=Standing.SUSPENDED),
    "a key that never ended": lambda: moved(
        keys=tuple(replace(key, end=500) for key in WHOLE.issuers[1].state.keys)),
    "other status words": lambda: another(issuers=(
        WHOLE.issuers[0], replace(WHOLE.issuers[1], words={}), WHOLE.issuers[2])),
    "another catalog": lambda: moved(catalog=ZERO),
    "a node missing": lambda: another(nodes=WHOLE.nodes[1:]),
    "a node more": lambda: another(nodes=tuple(sorted([*WHOLE.nodes, b"\xc2\x01\x02" * 11]))),
    "no account proof": lambda: another(account_proof=()),
    "account proof cut": lambda: another(account_proof=WHOLE.account_proof[:-1]),
    "account proof longer": lambda: another(account_proof=(*WHOLE.account_proof, WHOLE.nodes[0])),
    "a catalog missing": lambda: another(catalogs={}),
    "a catalog more": lambda: another(catalogs={**WHOLE.catalogs, **_catalog("MORE")}),
    "another block's state": lambda: another(checkpoint=replace(
        WORLD, issuers=WORLD.issuers[:1]).note().format()),
}  # fmt: skip


def _catalog(category: str) -> dict[bytes, Catalog]:
    catalog = Catalog.of([replace(ENTRY, category=category)])
    return {catalog.root(): catalog}


@pytest.mark.parametrize("make", UNPROVED.values(), ids=UNPROVED)
def test_what_the_chain_does_not_hold_is_refused(make: Callable[[], Snapshot]) -> None:
    assert refused_as(make().check, PIN) == "snapshot.unproved"


@pytest.mark.parametrize(
    "pin", [replace(PIN, code_hash=draw("code")), replace(PIN, address=draw("address", 20))]
)
def test_a_contract_that_is_not_the_policys_is_refused(pin: LedgerPin) -> None:
    assert refused_as(WHOLE.check, pin) == "snapshot.unproved"


def test_a_ledger_that_the_policy_does_not_know_is_refused() -> None:
    other = policy(ledgers=(replace(PIN, identity=draw("identity")),))
    assert refused_as(CompactVerifier.open, other, WHOLE, judge) == "snapshot.unproved"


@pytest.mark.parametrize("hidden", [Status.REVOKED, Status.SUSPENDED, Status.SUPERSEDED])
def test_no_status_can_be_taken_out_or_added(hidden: Status) -> None:
    place = (5, 1, 11, (Status.REVOKED, Status.SUSPENDED, Status.SUPERSEDED).index(hidden))
    for value in (b"", PARTS[5][1][11][place[3]] + b"\x01", b"\x05"):
        assert refused_as(opened, edited(*place, value=value)) == "snapshot.unproved"


# What is no snapshot ---------------------------------------------------------------------------

INVALID: dict[str, bytes] = {
    "nothing": b"",
    "not packed": WHOLE.to_cbor(),
    "cut": DATA[:-1],
    "bytes left over": DATA + b"\0",
    "bytes left over inside": zlib.compress(WHOLE.to_cbor() + b"\0"),
    "not CBOR": zlib.compress(b"\xff"),
    "a number": packed(1),
    "too few parts": packed(PARTS[:5]),
    "too many parts": packed([*PARTS, 1]),
    "a long spelling": zlib.compress(b"\x98\x06" + WHOLE.to_cbor()[1:]),
    "nodes out of order": edited(3, value=lambda nodes: nodes[::-1]),
    "a node twice": edited(3, value=lambda nodes: [*nodes, nodes[-1]]),
    "a catalog twice": edited(4, value=lambda catalogs: [*catalogs, *catalogs]),
    "true for a kind": edited(5, 1, 1, value=True),
    "true for a catalog's version": edited(5, 1, 6, value=True),
    "true for a count": edited(5, 1, 10, 1, value=lambda counts: [True, *counts[1:]]),
    "false for a key": edited(5, 1, 10, 4, value=lambda keys: [False, *keys[1:]]),
    "no such kind": edited(5, 1, 1, value=9),
    "kind zero": edited(5, 1, 1, value=0),
    "no such standing": edited(5, 1, 3, value=0),
    "a name too long": edited(5, 1, 2, value="字" * 129),
    "no name": edited(5, 1, 2, value=""),
    "a name of bytes": edited(5, 1, 2, value=b"name"),
    "a code of another form": edited(5, 1, 0, value="11310000xx00000196"),
    "keys cut": edited(5, 1, 5, value=lambda keys: keys[:-1]),
    "a catalog too short": edited(5, 1, 7, value=bytes(31)),
    "since beyond its word": edited(5, 1, 4, value=2**40),
    "an epoch below zero": edited(5, 1, 8, value=-1),
    "a revision beyond its word": edited(5, 1, 9, value=2**32),
    "roots cut": edited(5, 1, 10, 0, value=lambda roots: roots[:-1]),
    "a batch below zero": edited(5, 1, 10, 1, value=lambda counts: [-1, *counts[1:]]),
    "a catalog that is not here": edited(5, 1, 10, 5, value=lambda places: [9, *places[1:]]),
    "a countersignature of no batch": edited(5, 1, 10, 6, value={99: bytes(32)}),
    "statuses of two lists": edited(5, 1, 11, value=lambda lists: lists[:2]),
    "a status beyond": edited(5, 2, 11, 0, value=b"\x00"),
}  # fmt: skip


@pytest.mark.parametrize("data", INVALID.values(), ids=INVALID)
def test_what_no_snapshot_can_be_is_refused(data: bytes) -> None:
    assert refused_as(opened, data) == "snapshot.invalid"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (edited(0, value="certledger/snapshot/2"), "snapshot.version"),
        (edited(1, value="no note"), "checkpoint.unusable"),
        (edited(4, 0, 0, value=b"{}"), "schema.invalid"),
        (edited(4, 0, 0, value=b" {}"), "json.not_canonical"),
        (edited(4, 0, value=lambda entries: entries[::-1]), "catalog.order"),
        (edited(5, 1, 5, value=bytes(31)), "state.key"),
        (edited(5, 1, 0, value="11XX0000XX00000196"), "issuer.invalid"),
    ],
)
def test_parts_are_refused_by_the_rule_they_break(data: bytes, code: str) -> None:
    assert refused_as(opened, data) == code


def test_a_file_that_unpacks_without_end_is_refused_unread() -> None:
    bomb = zlib.compressobj(9)
    data = b"".join(bomb.compress(bytes(2**24)) for _ in range(MAX_SNAPSHOT_BYTES // 2**24 + 1))
    assert refused_as(inflate, data + bomb.flush()) == "snapshot.invalid"


# Any bytes at all ------------------------------------------------------------------------------


def misled(data: bytes) -> bool:
    """Return whether a desk opens on `data`, trusts its block, and says another thing than WHOLE.

    A line of a name that the policy does not know is ignored, and three others suffice.
    """
    desk, code = tried(opened, data)
    if code is not None or desk.judgement.code != "ok":
        return False
    same = desk.snapshot.note.checkpoint == WHOLE.note.checkpoint
    return not same or replace(desk.snapshot, checkpoint=WHOLE.checkpoint) != WHOLE


def test_no_byte_of_the_item_can_be_changed() -> None:
    item = WHOLE.to_cbor()
    for at in range(0, len(item), effort(3, 1)):
        changed = item[:at] + bytes([item[at] ^ 1]) + item[at + 1 :]
        assert not misled(zlib.compress(changed, 1)), at


@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_no_byte_of_the_file_can_be_changed(at: int, flip: int) -> None:
    changed = DATA[:at] + bytes([DATA[at] ^ flip]) + DATA[at + 1 :]
    desk, code = tried(opened, changed)
    # The level of compression in the second byte says nothing about what is packed.
    assert code is not None or desk.judgement.code != "ok" or not misled(changed)


@given(st.binary(max_size=60))
def test_any_bytes_are_refused(data: bytes) -> None:
    for candidate in (data, zlib.compress(data)):
        assert tried(opened, candidate)[1] is not None


@given(st.data(), CBOR)
def test_any_other_value_of_any_part_is_refused(data: st.DataObject, value: Any) -> None:
    parts = cbor2.loads(WHOLE.to_cbor())
    inner = parts
    while True:
        at = data.draw(st.integers(0, len(inner) - 1))
        if not isinstance(inner[at], list) or not inner[at] or data.draw(st.booleans()):
            break
        inner = inner[at]
    same = inner[at] == value and type(inner[at]) is type(value)
    inner[at] = value
    try:
        candidate = packed(parts)
    except (ValueError, OverflowError):
        return
    assert same or not misled(candidate)


def test_a_snapshot_says_at_which_instant_it_stands() -> None:
    assert WHOLE.note.checkpoint.time == NOW - 600
    assert format_canonical(ENTRY.to_json()) in PARTS[4][0]
