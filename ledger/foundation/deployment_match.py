"""Is a deployment the one that a founding document asks for: decided from its bytes, offline."""

from __future__ import annotations

from typing import Any

import rlp

from certledger.contracts import calls
from certledger.ledger.chain.deploy import Deployment
from certledger.ledger.foundation.document import Founding
from certledger.ledger.foundation.errors import FoundationError
from certledger.verifier.audit.deployment import check_transaction
from certledger.verifier.formats.policy import LedgerPin

_TYPE = b"\x02"
_MEMBERS = ("chainId", "nonce", "maxPriorityFeePerGas", "maxFeePerGas", "gas", "to", "value")
"""The first members of an EIP-1559 transaction; data, access list and signature follow."""


def pin_of(founding: Founding, deployment: Deployment) -> LedgerPin:
    """Return what the policy pins of the ledger that was deployed for a founding document.

    Raises:
        FoundationError: `foundation.wrong_chain`, `foundation.deployment_differs`.
    """
    operator, pin = founding.operator_part, deployment.pin(founding.name)
    if (deployment.chain_id, deployment.genesis) != (operator.chain_id, operator.genesis):
        raise FoundationError(
            "wrong_chain",
            f"deployed on chain {deployment.chain_id} (genesis 0x{deployment.genesis.hex()}), and"
            f" the document names chain {operator.chain_id} (0x{operator.genesis.hex()})",
        )
    transaction = _decode(deployment.raw)
    faults = check_transaction(transaction, pin)
    if faults or int(transaction["chainId"], 16) != deployment.chain_id:
        detail = f"{faults[0].code}: {faults[0].detail}" if faults else "signed for another chain"
        raise FoundationError("deployment_differs", f"the transaction does not fit: {detail}")
    if transaction["input"] != "0x" + calls.deploy(deployment.salt, founding.registrars).hex():
        raise FoundationError(
            "deployment_differs", "the contract has other registrars than the document names"
        )
    return pin


def _decode(raw: bytes) -> dict[str, Any]:
    """Return the members of a signed EIP-1559 transaction as a node tells them."""
    try:
        parts = rlp.decode(raw[1:], strict=True)
    except rlp.exceptions.RLPException as error:
        raise FoundationError("deployment_differs", "its transaction cannot be read") from error
    flat = isinstance(parts, list) and len(parts) == 12 and parts[8] == []
    if raw[:1] != _TYPE or not flat or not all(isinstance(one, bytes) for one in parts[:8]):
        raise FoundationError("deployment_differs", "its transaction is of another type")
    numbers = dict(zip(_MEMBERS, parts[:7], strict=True)) | dict(zip("vrs", parts[9:], strict=True))
    found: dict[str, Any] = {
        name: hex(int.from_bytes(number, "big")) for name, number in numbers.items()
    }
    to = parts[5]
    return found | {
        "accessList": [],
        "input": "0x" + parts[7].hex(),
        "to": "0x" + to.hex() if to else None,
        "type": "0x2",
    }
