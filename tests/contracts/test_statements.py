"""The EIP-712 digests that the contract checks are those that wallets show and sign."""

from __future__ import annotations

import pytest
from eth_account.messages import encode_typed_data

from certledger.verifier.crypto.hashing import keccak
from certledger.verifier.formats.statements import Receipt, Statement
from tests.contracts.people import ACTS, Office
from tests.contracts.world import next_batch


def statement(office: Office, name: str) -> Statement:
    if name == "batch":
        return next_batch(office.state, count=9, not_after=office.world.later())
    if name == "receipt":
        return Receipt(content=b"\x09" * 32)
    return ACTS[name](office).said


@pytest.mark.parametrize("name", [*ACTS, "batch", "receipt"])
def test_eth_account_comes_to_the_same_digest(office, name):
    said = statement(office, name)
    message = encode_typed_data(full_message=typed_data(office, said))
    whole = keccak(b"\x19" + message.version + message.header + message.body)
    assert said.digest(office.world.identity) == whole


def test_the_identity_is_the_domain_separator_of_eip_5267(office):
    answer = office.world.view("eip712Domain()")
    words = [answer[at : at + 32] for at in range(0, len(answer), 32)]
    assert words[0][0] == 0b11111
    assert int.from_bytes(words[3], "big") == office.world.chain_id
    assert words[4][12:] == office.world.contract
    assert words[5] == office.world.salt
    assert office.world.view("identity()") == office.world.identity


def typed_data(office: Office, said: Statement) -> dict:
    """Return a statement as EIP-712 JSON, as wallets take it."""
    members = type(said).members()
    domain = {
        "name": "string",
        "version": "string",
        "chainId": "uint256",
        "verifyingContract": "address",
        "salt": "bytes32",
    }
    return {
        "types": {
            "EIP712Domain": [{"name": name, "type": kind} for name, kind in domain.items()],
            type(said).primary: [{"name": name, "type": kind} for _, name, kind in members],
        },
        "primaryType": type(said).primary,
        "domain": {
            "name": "certledger",
            "version": "1",
            "chainId": office.world.chain_id,
            "verifyingContract": office.world.contract,
            "salt": office.world.salt,
        },
        "message": {name: listed(getattr(said, attribute)) for attribute, name, _ in members},
    }


def listed(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
