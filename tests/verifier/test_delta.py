"""A delta leads from the one snapshot it builds on to the next, proved, and nowhere else."""

import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from certledger.verifier.formats.catalog import Catalog
from certledger.verifier.formats.snapshot import Snapshot
from certledger.verifier.formats.snapshot_delta import apply_delta, format_delta
from certledger.verifier.verify.compact import CompactVerifier
from certledger.verifier.vocabulary import Standing, Status
from tests.verifier.refusals import refused_as, tried
from tests.verifier.test_compact import CBOR
from tests.verifier.test_snapshot import NOBODY, PIN, edited, judge, packed, world
from tests.world import ENTRY, IDENTITY, World, WorldIssuer, policy

WORLD = world()
OLD = WORLD.snapshot()


def later(change: Callable[[World], object]) -> Snapshot:
    """Return the snapshot of a world a block later, after `change`."""
    moved = world()
    change(moved)
    moved.number, moved.time = moved.number + 1, moved.time + 5
    return moved.snapshot()


def all_at_once(moved: World) -> None:
    issue(moved)
    revoke(moved)
    register(moved)


def issue(moved: World) -> None:
    issuer = moved.issuers[1]
    issuer.anchor(
        [issuer.issue("沪新1"), issuer.issue("沪新2", index=issuer.state.certificates + 1)]
    )


def revoke(moved: World) -> None:
    moved.issuers[1].change([2], Status.REVOKED)


def register(moved: World) -> None:
    moved.issuers.append(WorldIssuer.of("12340000MB2F00004D", "安徽省示例机构"))


def grant(moved: World) -> None:
    issuer = moved.issuers[1]
    other = WorldIssuer.of(entries=[replace(ENTRY, category="NEWLY-GRANTED")])
    issuer.catalog = other.catalog
    issuer.stand(catalog=other.catalog.root(), catalog_version=2)
    issue(moved)


def drop(moved: World) -> None:
    issuer = moved.issuers[2]
    issuer.catalog = Catalog.of([])
    issuer.stand(catalog=issuer.catalog.root(), catalog_version=2)


CHANGES: dict[str, Callable[[World], object]] = {
    "nothing": lambda moved: None,
    "a batch": issue,
    "a revocation": revoke,
    "a new issuer": register,
    "a catalog": grant,
    "a catalog dropped": drop,
    "a key ended": lambda moved: moved.issuers[1].end_key(500),
    "an issuer suspended": lambda moved: moved.issuers[0].stand(standing=Standing.SUSPENDED),
    "all at once": all_at_once,
}
NEW = later(all_at_once)
DELTA = format_delta(OLD, NEW)
PARTS: list[Any] = cbor2.loads(zlib.decompress(DELTA))


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_delta_leads_to_the_same_snapshot_as_the_whole_file(
    change: Callable[[World], object],
) -> None:
    new = later(change)
    found = apply_delta(OLD, format_delta(OLD, new), PIN)
    assert found == new
    assert found.format() == new.format()


def test_deltas_follow_one_another() -> None:
    between = later(issue)
    last = later(all_at_once)
    one = apply_delta(OLD, format_delta(OLD, between), PIN)
    assert apply_delta(one, format_delta(between, last), PIN) == last


def test_a_delta_is_small_where_little_has_changed() -> None:
    assert len(format_delta(OLD, later(revoke))) < len(OLD.format()) * 0.7


def test_a_delta_may_bring_new_cosignatures_of_the_same_block() -> None:
    few = {"anhui": WORLD.time, "jiangsu": WORLD.time, "shanghai": WORLD.time}
    new = WORLD.snapshot(note=WORLD.note(few))
    assert apply_delta(OLD, format_delta(OLD, new), PIN) == new


def test_a_delta_on_another_snapshot_is_refused() -> None:
    for base in (NEW, later(revoke), World().snapshot()):
        assert refused_as(apply_delta, base, DELTA, PIN) == "snapshot.other_base"


def test_a_delta_that_would_go_back_is_refused() -> None:
    back = format_delta(NEW, OLD)
    assert refused_as(apply_delta, NEW, back, PIN) == "snapshot.older"


def changed(*path: int, value: Any) -> bytes:
    parts = cbor2.loads(zlib.decompress(DELTA))
    *where, last = path
    inner = parts
    for at in where:
        inner = inner[at]
    inner[last] = value(inner[last]) if callable(value) else value
    return packed(parts)


FORGED: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "snapshot.invalid"),
    "a whole snapshot": (OLD.format(), "snapshot.version"),
    "another version": (changed(0, value="certledger/delta/2"), "snapshot.version"),
    "a part too many": (packed([*PARTS, 1]), "snapshot.invalid"),
    "a long spelling": (zlib.compress(b"\x98\x07" + zlib.decompress(DELTA)[1:]),
                        "snapshot.invalid"),
    "bytes left over": (zlib.compress(zlib.decompress(DELTA) + b"\0"), "snapshot.invalid"),
    "no note": (changed(2, value=""), "checkpoint.unusable"),
    "no account proof": (changed(3, value=[]), "snapshot.unproved"),
    "account proof of numbers": (changed(3, value=[1]), "snapshot.invalid"),
    "a node missing": (changed(4, value=lambda nodes: nodes[1:]), "snapshot.unproved"),
    "a revocation hidden": (changed(6, 1, 1, 11, value=lambda lists: [b"", *lists[1:]]),
                            "snapshot.unproved"),
    "a batch hidden": (changed(6, 1, 1, 10, value=[b"", [], [], [], [], [], {}]),
                       "snapshot.unproved"),
    "a change hidden": (changed(6, 1, value=1), "snapshot.unproved"),
    "an issuer hidden": (changed(6, value=lambda issuers: issuers[:3]), "snapshot.unproved"),
    "an issuer at another place": (changed(6, 1, 0, value=2), "snapshot.invalid"),
    "a place that is none": (changed(6, 0, value=7), "snapshot.invalid"),
    "the fourth issuer unchanged": (changed(6, 3, value=3), "snapshot.invalid"),
    "issuers in another order": (changed(6, value=lambda issuers: issuers[::-1]),
                                "snapshot.invalid"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "code"), FORGED.values(), ids=FORGED)
def test_a_delta_that_leads_nowhere_is_refused(data: bytes, code: str) -> None:
    assert refused_as(apply_delta, OLD, data, PIN) == code


def test_a_delta_to_another_ledger_or_contract_is_refused() -> None:
    other = replace(PIN, code_hash=bytes(32))
    assert refused_as(apply_delta, OLD, DELTA, other) == "snapshot.unproved"
    elsewhere = replace(PIN, address=bytes(20))
    assert refused_as(apply_delta, OLD, DELTA, elsewhere) == "snapshot.unproved"


def test_what_was_held_is_not_touched_by_a_refused_delta() -> None:
    before = OLD.to_cbor()
    for data, _ in FORGED.values():
        tried(apply_delta, OLD, data, PIN)
    assert OLD.to_cbor() == before


@given(st.integers(0, len(zlib.decompress(DELTA)) - 1), st.integers(1, 255))
def test_no_byte_of_a_delta_can_be_changed(at: int, flip: int) -> None:
    item = bytearray(zlib.decompress(DELTA))
    item[at] ^= flip
    found, code = tried(apply_delta, OLD, zlib.compress(bytes(item)), PIN)
    if code is None and CompactVerifier.open(policy(), found, judge).judgement.code == "ok":
        # A line of a name that the policy does not know is ignored, and three others suffice.
        assert replace(found, checkpoint=NEW.checkpoint) == NEW
        assert found.note.checkpoint == NEW.note.checkpoint


@given(st.data(), CBOR)
def test_any_other_value_of_any_part_is_refused_or_leads_to_a_proved_snapshot(
    data: st.DataObject, value: Any
) -> None:
    parts = cbor2.loads(zlib.decompress(DELTA))
    inner = parts
    while True:
        at = data.draw(st.integers(0, len(inner) - 1))
        if not isinstance(inner[at], list) or not inner[at] or data.draw(st.booleans()):
            break
        inner = inner[at]
    inner[at] = value
    try:
        candidate = packed(parts)
    except (ValueError, OverflowError):
        return
    found, code = tried(apply_delta, OLD, candidate, PIN)
    assert code is not None or Snapshot.parse(found.format()) == found


@given(st.binary(max_size=60))
def test_any_bytes_are_refused(data: bytes) -> None:
    for candidate in (data, zlib.compress(data)):
        assert tried(apply_delta, OLD, candidate, PIN)[1] is not None


def test_the_worlds_are_what_these_tests_take_them_for() -> None:
    assert [issuer.state.issuer for issuer in OLD.issuers][2] == NOBODY
    assert OLD.note.checkpoint.identity == IDENTITY
    assert edited(0, value=PARTS[0]) != OLD.format()
