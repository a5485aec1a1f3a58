"""The state of an issuer and its digest, byte by byte (SPEC section 8)."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st

from certledger.verifier.formats import merkle
from certledger.verifier.formats.canonical_json import (
    format_canonical,
    from_base64url,
    to_base64url,
)
from certledger.verifier.formats.issuer_state import (
    NO_END,
    IssuerState,
    Key,
    batch_leaf,
    region_of,
    without_brake,
)
from certledger.verifier.vocabulary import IssuerKind, Purpose, Standing
from tests.verifier.mutations import json_values, mutated
from tests.verifier.refusals import refused_as, tried

hashes = st.binary(min_size=32, max_size=32)
blocks = st.integers(0, NO_END)
keys = st.builds(
    Key,
    address=st.binary(min_size=20, max_size=20),
    purposes=st.integers(1, 15).map(Purpose),
    start=blocks,
    end=blocks,
)


@st.composite
def states(draw: st.DrawFn) -> IssuerState:
    batches = draw(st.integers(0, 2**32))
    count = batches.bit_count()
    return IssuerState(
        issuer=draw(st.from_regex(r"[0-9A-Z]{2}[0-9]{2}[0-9A-Z]{14}", fullmatch=True)),
        kind=draw(st.sampled_from(IssuerKind)),
        name=draw(st.text("上海市公安局 abc", min_size=1, max_size=128)),
        keys=tuple(draw(st.lists(keys, min_size=1, max_size=16))),
        standing=draw(st.sampled_from(Standing)),
        since=draw(blocks),
        catalog_version=draw(st.integers(0, 2**32 - 1)),
        catalog=draw(hashes),
        batches=batches,
        certificates=draw(st.integers(0, 2**32)),
        last=draw(hashes),
        peaks=tuple(draw(st.lists(hashes, min_size=count, max_size=count))),
        epoch=draw(st.integers(0, 2**53 - 1)),
        status=draw(hashes),
        revision=draw(st.integers(0, 2**32 - 1)),
    )


STATE = IssuerState(
    issuer="11310000XX00000196",
    kind=IssuerKind.DEPARTMENT,
    name="上海市公安局",
    keys=(Key(address=b"k" * 20, purposes=Purpose.BATCHES | Purpose.KEYS, start=10),),
    since=10,
    catalog_version=1,
    catalog=b"c" * 32,
    batches=3,
    certificates=300,
    last=b"l" * 32,
    peaks=(b"p" * 32, b"q" * 32),
    epoch=2,
    status=b"s" * 32,
    revision=1,
)
GOOD = STATE.to_json()


def big(value: int, size: int) -> bytes:
    return value.to_bytes(size, "big")


def defined_digest(state: IssuerState) -> bytes:
    """The digest as SPEC section 8 tables it."""
    kinds = ["department", "institution", "association", "appraisal", "consulting", "operator"]
    standings = ["active", "suspended", "closed", "struck"]
    w0 = state.issuer.encode() + big(int(state.issuer[2:4]), 2)
    w0 += bytes([kinds.index(state.kind) + 1, standings.index(state.standing) + 1])
    w0 += big(state.since, 5) + big(state.catalog_version, 4) + b"\0"
    w1 = big(state.batches, 8) + big(state.certificates, 8) + big(state.epoch, 8)
    w1 += big(state.revision, 4) + bytes(4)
    w2 = hashlib.sha256(state.name.encode()).digest()
    key_words = b"".join(
        key.address + bytes([key.purposes]) + big(key.start, 5) + big(key.end, 5) + b"\0"
        for key in state.keys
    )
    w6, w7 = keccak(key_words), keccak(b"".join(state.peaks))
    whole = w0 + w1 + w2 + state.catalog + state.last + state.status + w6 + w7
    assert len(whole) == 8 * 32
    return big(int.from_bytes(keccak(whole), "big") & ~1, 32)


# Digest ----------------------------------------------------------------------------------------


@given(states())
def test_the_digest_is_that_of_the_eight_words(state):
    assert state.digest() == defined_digest(state)
    assert all(len(word) == 32 for word in (*state.words(), *state.key_words()))


@given(states(), states())
def test_two_states_have_one_digest_only_if_they_are_one(one, other):
    assert (one == other) == (one.digest() == other.digest())


@given(hashes)
def test_the_brake_is_the_lowest_bit_and_nothing_else(slot):
    cleared = without_brake(slot)
    assert int.from_bytes(cleared, "big") == int.from_bytes(slot, "big") & ~1
    assert without_brake(cleared) == cleared


# JSON ------------------------------------------------------------------------------------------


@given(states())
def test_a_state_is_read_back_from_what_evidence_carries(state):
    format_canonical(state.to_json())
    assert IssuerState.from_json(state.to_json()) == state


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"issuer": "11310000XX0000019"}, "schema.invalid"),
        ({"issuer": "11XX0000XX00000196"}, "issuer.invalid"),
        ({"kind": "ministry"}, "schema.invalid"),
        ({"kind": 1}, "schema.invalid"),
        ({"name": ""}, "schema.invalid"),
        ({"name": "x" * 129}, "schema.invalid"),
        ({"keys": ""}, "schema.invalid"),
        ({"keys": to_base64url(bytes(30))}, "schema.invalid"),
        ({"keys": to_base64url(STATE.keys[0].packed() * 17)}, "schema.invalid"),
        ({"keys": to_base64url(bytes(31))}, "state.key"),
        ({"keys": to_base64url(bytes(20) + b"\x10" + bytes(10))}, "state.key"),
        ({"standing": "dissolved"}, "schema.invalid"),
        ({"since": 2**40}, "schema.invalid"),
        ({"catalog_version": 2**32}, "schema.invalid"),
        ({"catalog": ""}, "schema.invalid"),
        ({"batches": 2**32 + 1}, "schema.invalid"),
        ({"batches": 4}, "schema.invalid"),
        ({"certificates": 2**32 + 1}, "schema.invalid"),
        ({"last": to_base64url(bytes(33))}, "schema.invalid"),
        ({"peaks": to_base64url(bytes(32))}, "schema.invalid"),
        ({"peaks": to_base64url(bytes(33 * 32))}, "schema.invalid"),
        ({"epoch": -1}, "schema.invalid"),
        ({"status": "AB"}, "base64.not_canonical"),
        ({"revision": 2**32}, "schema.invalid"),
        ({"region": 31}, "schema.invalid"),
    ],
    ids=str,
)
def test_a_state_that_breaks_a_rule_is_refused_by_it(changed, code):
    assert refused_as(IssuerState.from_json, GOOD | changed) == code


@pytest.mark.parametrize("name", sorted(GOOD))
def test_no_member_of_a_state_may_be_absent(name):
    value = {other: part for other, part in GOOD.items() if other != name}
    assert refused_as(IssuerState.from_json, value) == "schema.invalid"


@given(json_values | mutated(GOOD))
def test_any_JSON_is_a_state_or_refused(value: Any):
    state, code = tried(IssuerState.from_json, value)
    if code is None:
        assert state.to_json() == value
        assert value == GOOD or state.digest() != STATE.digest()


# Keys and regions ------------------------------------------------------------------------------


@given(keys)
def test_a_key_is_read_back_from_its_word(key):
    assert Key.unpacked(key.packed()) == key


@pytest.mark.parametrize("data", [b"", bytes(30), b"\x01" * 32, bytes(31), b"k" * 31])
def test_what_is_no_key_is_refused(data):
    assert refused_as(Key.unpacked, data) == "state.key"


@given(keys, st.sampled_from(Purpose), blocks)
def test_a_key_speaks_from_its_start_until_its_end_for_its_purposes(key, purpose, block):
    expected = key.start <= block < key.end and bool(key.purposes & purpose)
    assert key.speaks(purpose, block) == expected
    assert not key.speaks(purpose, key.end)


@pytest.mark.parametrize(
    ("issuer", "region"), [("11310000XX00000196", 31), ("0010" + "A" * 14, 10)]
)
def test_the_region_stands_in_the_code(issuer, region):
    assert region_of(issuer) == region
    assert replace(STATE, issuer=issuer).region == region


@pytest.mark.parametrize(
    "issuer", ["", "11310000XX0000019", "11A10000XX00000196", "11３１" + "0" * 14]
)
def test_a_code_without_a_region_is_refused(issuer):
    assert refused_as(region_of, issuer) == "issuer.invalid"


# The tree of batches ---------------------------------------------------------------------------


@given(hashes, hashes, st.integers(0, 15), blocks)
def test_the_leaf_of_a_batch_binds_statement_catalog_key_and_block(digest, catalog, key, block):
    data = digest + catalog + bytes([key]) + big(block, 5)
    assert len(data) == 70
    leaf = batch_leaf(digest=digest, catalog=catalog, key=key, block=block)
    assert leaf == hashlib.sha256(b"\0" + data).digest()


@given(st.lists(st.tuples(hashes, st.integers(1, 65536)), min_size=1, max_size=20))
def test_each_batch_moves_counters_last_digest_and_peaks(batches):
    state = replace(STATE, batches=0, certificates=0, peaks=())
    leaves: list[bytes] = []
    for digest, count in batches:
        leaves.append(batch_leaf(digest=digest, catalog=state.catalog, key=0, block=len(leaves)))
        state = state.after_batch(digest=digest, count=count, leaf=leaves[-1])
    assert state.batches == len(batches)
    assert state.certificates == sum(count for _, count in batches)
    assert state.last == batches[-1][0]
    assert list(state.peaks) == merkle.peaks(leaves)
    assert IssuerState.from_json(state.to_json()) == state
    assert from_base64url(state.to_json()["peaks"]) == b"".join(state.peaks)
