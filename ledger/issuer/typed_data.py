"""Statements as wallets sign them: the JSON of `eth_signTypedData_v4` (EIP-712, EIP-1193)."""

from __future__ import annotations

from typing import Any

from certledger.ledger.chain.deploy import Deployment
from certledger.verifier.formats.canonical_json import Json
from certledger.verifier.formats.statements import Statement

_DOMAIN = (
    ("name", "string"),
    ("version", "string"),
    ("chainId", "uint256"),
    ("verifyingContract", "address"),
    ("salt", "bytes32"),
)


def typed_data(statement: Statement, deployment: Deployment) -> dict[str, Json]:
    """Return what a wallet shows and signs; its digest is `statement.digest(identity)`.

    Numbers are decimal strings, since 256-bit masks do not fit into those of JavaScript.
    """
    return {
        "types": {
            "EIP712Domain": [{"name": name, "type": kind} for name, kind in _DOMAIN],
            statement.primary: [
                {"name": name, "type": kind} for _, name, kind in type(statement).members()
            ],
        },
        "primaryType": statement.primary,
        "domain": {
            "name": "certledger",
            "version": "1",
            "chainId": deployment.chain_id,
            "verifyingContract": f"0x{deployment.address.hex()}",
            "salt": f"0x{deployment.salt.hex()}",
        },
        "message": {
            name: _value(getattr(statement, attribute))
            for attribute, name, _ in type(statement).members()
        },
    }


def _value(value: Any) -> Json:
    if isinstance(value, tuple):
        return [_value(one) for one in value]
    return f"0x{value.hex()}" if isinstance(value, bytes) else str(value)
