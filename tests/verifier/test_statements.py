"""Statements and signatures against eth_account and eth_keys (SPEC section 7)."""

from dataclasses import fields
from typing import Any

import pytest
from eth_account.messages import encode_typed_data
from eth_hash.auto import keccak
from eth_keys.datatypes import PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from certledger.verifier.formats.signed_act import ACTS
from certledger.verifier.formats.statements import (
    SECP256K1_ORDER,
    Batch,
    Hold,
    Receipt,
    RegistrarChange,
    Statement,
    address_of,
    ledger_identity,
    signed_by,
)

CHAIN_ID, CONTRACT, SALT = 31337, bytes(range(20)), bytes(range(32))
IDENTITY = ledger_identity(CHAIN_ID, CONTRACT, SALT)
DOMAIN_TYPE = [
    {"name": "name", "type": "string"},
    {"name": "version", "type": "string"},
    {"name": "chainId", "type": "uint256"},
    {"name": "verifyingContract", "type": "address"},
    {"name": "salt", "type": "bytes32"},
]


def values_of(solidity: str) -> st.SearchStrategy[Any]:
    if solidity.endswith("[]"):
        return st.lists(values_of(solidity[:-2]), max_size=4).map(tuple)
    if solidity.startswith("uint"):
        return st.integers(0, 2 ** int(solidity[4:]) - 1)
    size = 20 if solidity == "address" else int(solidity[5:])
    return st.binary(min_size=size, max_size=size)


def statements(kind: type[Statement]) -> st.SearchStrategy[Statement]:
    return st.builds(kind, **{part: values_of(given) for part, _, given in kind.members()})


def as_list(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def by_eth_account(said: Statement, chain_id: int, contract: bytes, salt: bytes) -> bytes:
    """Return the digest that eth_account gives."""
    signable = encode_typed_data(
        full_message={
            "types": {
                "EIP712Domain": DOMAIN_TYPE,
                said.primary: [{"name": name, "type": kind} for _, name, kind in said.members()],
            },
            "primaryType": said.primary,
            "domain": {
                "name": "certledger",
                "version": "1",
                "chainId": chain_id,
                "verifyingContract": "0x" + contract.hex(),
                "salt": salt,
            },
            "message": {name: as_list(getattr(said, part)) for part, name, _ in said.members()},
        }
    )
    return keccak(b"\x19" + signable.version + signable.header + signable.body)


@pytest.mark.parametrize("name", sorted(ACTS))
@given(st.data())
def test_every_digest_is_that_of_eth_account(name, data):
    said = data.draw(statements(ACTS[name]))
    assert said.digest(IDENTITY) == by_eth_account(said, CHAIN_ID, CONTRACT, SALT)


@given(
    st.integers(1, 2**63),
    st.binary(min_size=20, max_size=20),
    st.binary(min_size=32, max_size=32),
)
def test_the_identity_is_the_domain_separator_of_eth_account(chain_id, contract, salt):
    said, identity = Receipt(content=bytes(32)), ledger_identity(chain_id, contract, salt)
    assert said.digest(identity) == by_eth_account(said, chain_id, contract, salt)


def test_the_type_strings_are_those_of_SPEC():
    assert Batch.type_string() == (
        "Batch(bytes18 issuer,uint64 sequence,bytes32 previous,bytes32 root,uint64 first,"
        "uint32 count,bytes32 catalog,bytes32 countersignature,uint64 notAfter)"
    )
    assert Hold.type_string() == (
        "Hold(uint16 region,bytes18[] issuers,uint64 nonce,uint64 notAfter)"
    )
    assert RegistrarChange.type_string() == (
        "Registrar(uint16 region,address account,address recovery,uint32 term,uint64 notAfter)"
    )


@pytest.mark.parametrize("name", sorted(ACTS))
@given(st.data())
def test_any_member_changed_gives_another_digest(name, data):
    said = data.draw(statements(ACTS[name]))
    part = data.draw(st.sampled_from([field.name for field in fields(said)]))
    given_value = getattr(said, part)
    kind = next(kind for attribute, _, kind in said.members() if attribute == part)
    other = data.draw(values_of(kind).filter(lambda value: value != given_value))
    members = {field.name: getattr(said, field.name) for field in fields(said)}
    changed = type(said)(**(members | {part: other}))
    assert changed.digest(IDENTITY) != said.digest(IDENTITY)


@given(st.data())
def test_no_statement_is_signed_twice_over_two_ledgers(data):
    said = data.draw(statements(ACTS[data.draw(st.sampled_from(sorted(ACTS)))]))
    others = [
        ledger_identity(CHAIN_ID + 1, CONTRACT, SALT),
        ledger_identity(CHAIN_ID, bytes(20), SALT),
        ledger_identity(CHAIN_ID, CONTRACT, bytes(32)),
    ]
    assert len({said.digest(identity) for identity in (IDENTITY, *others)}) == 4


# Signatures ------------------------------------------------------------------------------------

secrets = st.integers(1, SECP256K1_ORDER - 1)
digests = st.binary(min_size=32, max_size=32)


def key_of(secret: int) -> PrivateKey:
    return PrivateKey(secret.to_bytes(32, "big"))


@given(secrets, digests)
def test_a_signature_by_eth_keys_is_good_and_its_address_is_the_same(secret, digest):
    key = key_of(secret)
    signature = key.sign_msg_hash(digest).to_bytes()[:64]
    assert signed_by(digest, signature, key.public_key.to_bytes())
    assert address_of(key.public_key.to_bytes()) == key.public_key.to_canonical_address()


# Over zero, which no hash is, a signature is good for a key and for its negative.
@given(secrets, secrets, digests.filter(any), st.integers(0, 511))
def test_another_key_digest_or_signature_is_not_good(secret, other, digest, bit):
    key = key_of(secret)
    public = key.public_key.to_bytes()
    signature = key.sign_msg_hash(digest).to_bytes()[:64]
    flipped = (int.from_bytes(signature, "big") ^ 1 << bit).to_bytes(64, "big")
    assert not signed_by(digest, flipped, public)
    changed = (int.from_bytes(digest, "big") ^ 1 << bit % 256).to_bytes(32, "big")
    assert not signed_by(changed, signature, public)
    if other != secret:
        assert not signed_by(digest, signature, key_of(other).public_key.to_bytes())


@given(secrets, digests)
def test_the_high_twin_of_a_signature_is_not_good(secret, digest):
    key = key_of(secret)
    signature = key.sign_msg_hash(digest).to_bytes()[:64]
    high = SECP256K1_ORDER - int.from_bytes(signature[32:], "big")
    twin = signature[:32] + high.to_bytes(32, "big")
    assert not signed_by(digest, twin, key.public_key.to_bytes())


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        bytes(64),
        bytes(32) + (1).to_bytes(32, "big"),
        (1).to_bytes(32, "big") + bytes(32),
        SECP256K1_ORDER.to_bytes(32, "big") + (1).to_bytes(32, "big"),
        b"\xff" * 64,
        b"\x01" * 65,
    ],
)
def test_what_has_not_the_form_of_a_signature_is_not_good(signature):
    assert not signed_by(bytes(32), signature, key_of(1).public_key.to_bytes())


@given(digests, st.binary(max_size=70), st.binary(max_size=70))
def test_any_bytes_as_signature_and_key_are_answered(digest, signature, public):
    assert not signed_by(digest, signature, public)


def test_a_point_off_the_curve_is_no_key():
    signature = key_of(1).sign_msg_hash(bytes(32)).to_bytes()[:64]
    assert not signed_by(bytes(32), signature, bytes(64))
    assert not signed_by(bytes(32), signature, b"\xff" * 64)
