"""Trust policies: read whole or refused with a reason, and never replaced by an older one."""

import contextlib
import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from certledger.verifier.errors import CertledgerError, MalformedError
from certledger.verifier.formats import compact_evidence, snapshot
from certledger.verifier.formats.canonical_json import format_canonical
from certledger.verifier.formats.checkpoint import Checkpoint, Note, cosign
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.formats.policy import (
    READABLE,
    LedgerPin,
    Roots,
    Trust,
    TrustPolicy,
    WitnessKey,
)
from certledger.verifier.formats.signed_policy import (
    PolicyOlderError,
    PolicyUnsignedError,
    SignedPolicy,
    check_succession,
    sign,
    signed_bytes,
)
from certledger.verifier.vocabulary import Way


def key(number: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(number.to_bytes(32, "big"))


def public(number: int) -> bytes:
    return key(number).public_key().public_bytes_raw()


def roots(*numbers: int, threshold: int) -> Roots:
    return Roots(keys=tuple(sorted(public(number) for number in numbers)), threshold=threshold)


LAST = Checkpoint(
    identity=b"\x02" * 32, number=9, state_root=b"\x03" * 32, block_hash=b"\x04" * 32, time=5
)
POLICY = TrustPolicy(
    version=3,
    ends=1_830_000_000,
    roots=roots(1, 2, 3, threshold=2),
    ledgers=(
        LedgerPin(
            name="区域账本",
            chain_id=2026,
            genesis=b"\x05" * 32,
            address=b"\x06" * 20,
            code_hash=b"\x07" * 32,
            identity=b"\x01" * 32,
            deployment=b"\x08" * 32,
        ),
        LedgerPin(
            name="old",
            chain_id=2025,
            genesis=b"\x05" * 32,
            address=b"\x06" * 20,
            code_hash=b"\x07" * 32,
            identity=b"\x02" * 32,
            deployment=b"\x08" * 32,
            retired=LAST,
        ),
    ),
    trust=Trust(ways=(Way.NODE, Way.WITNESSES), threshold=2, confirmations=12),
    witnesses=(
        WitnessKey(operator="anhui", name="witness/anhui", key=public(11), start=1),
        WitnessKey(operator="shanghai", name="witness/shanghai", key=public(12), start=5, until=9),
        WitnessKey(operator="shanghai", name="witness/shanghai-2", key=public(13), start=10),
    ),
    block_lag=600,
    default_age=86_400,
    ages={"CLINIC": 3_600, "WORK-PERMIT": 7_200},
    clock_tolerance=60,
    presentation_age=300,
    evidence=("certledger/evidence/1",),
    countersignature=False,
)
FILE = sign(POLICY, [key(1), key(2)]).format()


def refuse(data: bytes) -> CertledgerError:
    with pytest.raises(CertledgerError) as caught:
        SignedPolicy.parse(data)
    return caught.value


def signed_with(change: Any) -> bytes:
    """Return a file whose member `policy` was changed before it was signed, well and truly."""
    value = POLICY.to_json()
    change(value)
    data = b"certledger/policy/1\n" + format_canonical(value)
    signers = {public(number): key(number).sign(data).hex() for number in (1, 2)}
    return format_canonical(
        {
            "policy": value,
            "signatures": [
                {"key": signer.hex(), "signature": signers[signer]} for signer in sorted(signers)
            ],
        }
    )


def test_a_signed_policy_is_read_as_it_was_written():
    signed = SignedPolicy.parse(FILE)
    assert signed.policy == POLICY
    assert signed.format() == FILE


def test_root_keys_sign_the_prefix_and_the_canonical_policy():
    data = json.loads(FILE)
    message = b"certledger/policy/1\n" + format_canonical(data["policy"])
    assert signed_bytes(POLICY) == message
    for line in data["signatures"]:
        signer = Ed25519PrivateKey.from_private_bytes(
            next(n for n in (1, 2) if public(n).hex() == line["key"]).to_bytes(32, "big")
        )
        signer.public_key().verify(bytes.fromhex(line["signature"]), message)


def test_a_ledger_is_found_by_its_identity_only():
    found = POLICY.for_ledger(b"\x01" * 32)
    assert found is not None
    assert found.name == "区域账本"
    assert POLICY.for_ledger(b"\x09" * 32) is None


def test_the_greatest_age_is_the_categorys_or_the_default():
    assert POLICY.max_age("CLINIC") == 3_600
    assert POLICY.max_age("PLATE") == 86_400


@pytest.mark.parametrize(
    ("block", "names"),
    [
        (0, []),
        (1, ["witness/anhui"]),
        (5, ["witness/anhui", "witness/shanghai"]),
        (9, ["witness/anhui", "witness/shanghai"]),
        (10, ["witness/anhui", "witness/shanghai-2"]),
    ],
)
def test_a_witness_counts_from_its_first_to_its_last_block(block, names):
    checkpoint = replace(LAST, number=block)
    assert [witness.name for witness in POLICY.in_service(checkpoint)] == names


def test_a_witness_that_ended_on_one_ledger_does_not_count_again_on_another():
    of_one = replace(POLICY, witnesses=tuple(
        replace(witness, ledger=LAST.identity) for witness in POLICY.witnesses
    ))  # fmt: skip
    for block in (0, 5, 10):
        there = replace(LAST, number=block, identity=b"\x63" * 32)
        names = [witness.name for witness in of_one.in_service(there)]
        assert names == ["witness/anhui", "witness/shanghai-2"]
        here = replace(LAST, number=block)
        assert of_one.in_service(here) == tuple(
            replace(witness, ledger=LAST.identity) for witness in POLICY.in_service(here)
        )


def test_a_policy_ends_after_its_last_second():
    assert not POLICY.ended(POLICY.ends)
    assert POLICY.ended(POLICY.ends + 1)


# Reasons to refuse


def drop(name: str) -> Any:
    return lambda value: value.pop(name)


def put(*path: Any) -> Any:
    """Return a change that sets the member at the path, given with the new value at its end."""
    *steps, name, new = path

    def change(value: Any) -> None:
        for step in steps:
            value = value[step]
        value[name] = new

    return change


def cosigned() -> str:
    return Note(checkpoint=LAST, cosignatures=(cosign(LAST, "w", key(11), 6),)).format()


@pytest.mark.parametrize("name", sorted(POLICY.to_json()))
def test_no_member_may_be_missing(name):
    assert refuse(signed_with(drop(name))).code in ("schema.invalid", "schema.version")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (put("more", 1), "unknown members"),
        (put("type", "certledger/policy/2"), "not 'certledger/policy/1'"),
        (put("version", 0), "policy.version"),
        (put("ends", 5), "policy.ends"),
        (put("ends", "2026-13-01T00:00:00Z"), "not like"),
        (put("ends", "2026-11-24T06:00:00+00:00"), "not like"),
        (put("ends", "1969-12-31T23:59:59Z"), "policy.ends"),
        (put("roots", "keys", []), "policy.roots.keys"),
        (put("roots", "keys", [5]), "policy.roots.keys"),
        (put("roots", "keys", ["AA" * 32]), "lower-case hex"),
        (put("roots", "keys", ["bb" * 32, "aa" * 32]), "ascend"),
        (put("roots", "keys", ["aa" * 32, "aa" * 32]), "ascend"),
        (put("roots", "threshold", 0), "policy.roots.threshold"),
        (put("roots", "threshold", 4), "policy.roots.threshold"),
        (put("roots", "more", 4), "unknown members"),
        (put("ledgers", []), "policy.ledgers"),
        (put("ledgers", [5]), "not an object"),
        (put("ledgers", 0, "more", 5), "unknown members"),
        (put("ledgers", 0, "chain_id", 0), "chain_id"),
        (put("ledgers", 0, "address", "06" * 20), "0x"),
        (put("ledgers", 0, "address", "0x" + "AA" * 20), "lower-case hex"),
        (put("ledgers", 0, "address", "0x" + "06" * 21), "20 bytes"),
        (put("ledgers", 0, "name", "old"), "names of ledgers"),
        (put("ledgers", 0, "identity", "0x" + "02" * 32), "identities of ledgers"),
        (put("ledgers", 0, "retired", "nothing"), "ledgers.retired"),
        (put("ledgers", 0, "retired", Note(checkpoint=LAST).format()), "of this ledger"),
        (put("ledgers", 1, "retired", cosigned()), "without cosignatures"),
        (put("trust", "ways", []), "trust.ways"),
        (put("trust", "ways", ["hearsay"]), "trust.ways"),
        (put("trust", "ways", ["witnesses", "node"]), "ascend"),
        (put("trust", "ways", ["node", "node"]), "ascend"),
        (put("trust", "ways", [["node"]]), "trust.ways"),
        (put("trust", "threshold", 0), "trust.threshold"),
        (put("trust", "threshold", 3), "3 operators must witness where the policy has 2"),
        (put("trust", "confirmations", "12"), "trust.confirmations"),
        (put("trust", "more", 1), "unknown members"),
        (put("witnesses", 0, "name", "two words"), "name"),
        (put("witnesses", 0, "name", "witness/shanghai"), "ascend"),
        (put("witnesses", 0, "name", "zzz"), "ascend"),
        (put("witnesses", 0, "key", public(12).hex()), "keys of witnesses"),
        (put("witnesses", 0, "until", 0), "until"),
        (put("witnesses", 0, "from", 2**40), "from"),
        (put("witnesses", 0, "ledger", "0x" + "63" * 32), "a ledger that the policy has not"),
        (put("witnesses", 0, "ledger", "63" * 32), "ledger"),
        (put("block_lag", True), "block_lag"),
        (put("block_lag", 2**32), "block_lag"),
        (put("max_age", "default", "1"), "default"),
        (put("max_age", "more", 1), "unknown members"),
        (put("max_age", "categories", 0, "category", "clinic"), "category"),
        (put("max_age", "categories", 0, "category", "WORK-PERMIT"), "ascend"),
        (put("max_age", "categories", 0, "more", 1), "unknown members"),
        (put("evidence", []), "evidence"),
        (put("evidence", ["evidence"]), "evidence"),
        (put("evidence", ["certledger/evidence/1", "certledger/evidence/1"]), "ascend"),
        (put("countersignature", 1), "countersignature"),
    ],
    ids=range(55),
)
def test_a_policy_that_says_something_else_is_refused_with_the_reason(change, sentence):
    refusal = refuse(signed_with(change))
    assert isinstance(refusal, MalformedError)
    assert sentence in str(refusal)


def test_one_way_without_witnesses_needs_no_witness():
    alone = replace(
        POLICY, witnesses=(), trust=Trust(ways=(Way.NODE,), threshold=1, confirmations=0)
    )
    assert SignedPolicy.parse(sign(alone, [key(1), key(3)]).format()).policy == alone


def test_white_space_and_another_order_are_refused():
    assert refuse(FILE + b"\n").code == "json.not_canonical"
    assert refuse(json.dumps(json.loads(FILE)).encode()).code == "json.not_canonical"
    assert refuse(b" " * 70_000).code == "json.size"


# Signatures


def test_a_policy_with_too_few_signatures_is_refused():
    assert refuse(sign(POLICY, [key(1)]).format()).code == "policy.unsigned"
    assert refuse(sign(POLICY, []).format()).code == "policy.unsigned"
    assert refuse(sign(POLICY, [key(1), key(4), key(5)]).format()).code == "policy.unsigned"


def test_one_signature_that_does_not_verify_spoils_the_rest():
    signed = sign(POLICY, [key(1), key(2), key(3)])
    spoiled = replace(signed, signatures={**signed.signatures, public(3): bytes(64)})
    assert refuse(spoiled.format()).code == "policy.unsigned"


def test_signatures_stand_in_the_order_of_their_keys_and_once():
    value = json.loads(FILE)
    first, second = value["signatures"]
    for signatures in ([second, first], [first, first, second]):
        assert refuse(format_canonical({**value, "signatures": signatures})).code == (
            "schema.invalid"
        )


@given(st.binary(max_size=300))
def test_any_bytes_at_all_are_a_policy_or_a_refusal(data):
    with contextlib.suppress(CertledgerError):
        SignedPolicy.parse(data)


@given(st.integers(0, len(FILE) - 1), st.integers(1, 255))
def test_no_changed_byte_of_a_policy_is_accepted(at, flip):
    refuse(FILE[:at] + bytes([FILE[at] ^ flip]) + FILE[at + 1 :])


junk = st.recursive(
    st.booleans() | st.integers(0, 2**53 - 1) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)


@given(junk, st.sampled_from(sorted(POLICY.to_json())))
def test_any_value_in_place_of_a_member_is_read_as_written_or_refused(value, name):
    try:
        policy = TrustPolicy.from_json({**POLICY.to_json(), name: value})
    except CertledgerError:
        return
    assert policy.to_json()[name] == value


# Succession


def parsed(policy: TrustPolicy, *signers: int) -> SignedPolicy:
    return SignedPolicy.parse(sign(policy, [key(number) for number in signers]).format())


OLD = parsed(POLICY, 1, 2)


def test_the_next_version_is_signed_by_both_sets_of_roots():
    following = replace(POLICY, version=4, roots=roots(7, 8, threshold=2))
    check_succession(OLD, parsed(following, 1, 2, 7, 8))
    with pytest.raises(PolicyUnsignedError, match="1 of the root keys have signed version 4"):
        check_succession(OLD, parsed(following, 1, 7, 8))
    with pytest.raises(PolicyUnsignedError):
        check_succession(OLD, parsed(following, 7, 8))


def test_versions_may_be_skipped_but_never_go_back():
    check_succession(OLD, parsed(replace(POLICY, version=9), 2, 3))
    with pytest.raises(PolicyOlderError, match="version 2 would replace version 3"):
        check_succession(OLD, parsed(replace(POLICY, version=2), 1, 2, 3))


def test_the_same_policy_may_come_again_but_no_other_of_its_version():
    check_succession(OLD, parsed(POLICY, 2, 3))
    with pytest.raises(PolicyOlderError, match="another policy"):
        check_succession(OLD, parsed(replace(POLICY, block_lag=601), 1, 2))


def test_a_policy_lists_what_can_be_read_here_by_the_names_that_the_formats_have() -> None:
    assert (compact_evidence.TYPE, Evidence.TYPE, snapshot.TYPE) == READABLE
