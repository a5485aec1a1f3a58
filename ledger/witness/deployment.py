"""Is the contract the one that the policy pins: made by our creation code, in that transaction."""

from __future__ import annotations

import rlp

from contracts.loader import load_artifact
from ledger.chain.client import Node
from verifier.errors import Refused
from verifier.hashing import keccak
from verifier.policy import LedgerPin
from verifier.statements import ledger_identity

_SALT = slice(0, 32)


class DeploymentForeign(Refused):
    """The pinned transaction did not make the pinned contract out of the known creation code."""

    code = "deployment.foreign"


def check_deployment(node: Node, pin: LedgerPin) -> None:
    """Check the transaction that deployed the ledger against what the policy pins.

    The creation code is compared byte for byte; address, identity and code hash are computed from
    the transaction, so that nothing is taken from the node but its bytes.

    Raises:
        DeploymentForeign: another code, contract or ledger than pinned.
        ChainUnreachable: the node does not answer.
    """
    found = node.call("eth_getTransactionByHash", "0x" + pin.deployment.hex())
    if not isinstance(found, dict) or found.get("to") is not None:
        raise DeploymentForeign("the node knows no such deployment")
    artifact = load_artifact()
    data = bytes.fromhex(found["input"][2:])
    sender, nonce = bytes.fromhex(found["from"][2:]), int(found["nonce"], 16)
    if not data.startswith(artifact.creation):
        raise DeploymentForeign("the ledger was not made by the known creation code")
    if keccak(rlp.encode([sender, nonce]))[12:] != pin.address:
        raise DeploymentForeign("the deployment made a contract at another address")
    salt = data[len(artifact.creation) :][_SALT]
    identity = ledger_identity(pin.chain_id, pin.address, salt)
    code = artifact.runtime_code(chain_id=pin.chain_id, salt=salt, identity=identity)
    if identity != pin.identity or keccak(code) != pin.code_hash:
        raise DeploymentForeign("the deployment made another ledger than the policy's")
