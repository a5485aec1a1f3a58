"""Check the contract's deployment against the policy before a witness signs."""

from __future__ import annotations

from certledger.ledger.chain.block_logs import JsonRpc
from certledger.verifier.audit.deployment import check_transaction
from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.policy import LedgerPin


class DeploymentForeignError(CertledgerError):
    """The pinned transaction did not deploy the pinned contract."""

    code = "deployment.foreign"


def require_deployment(node: JsonRpc, pin: LedgerPin) -> None:
    """Check the transaction that deployed the ledger against the policy's pin.

    Hash, signer, address, code and identity are computed from the transaction's bytes, so the node
    need not be trusted.

    Raises:
        DeploymentForeignError: another code, contract or ledger than pinned.
        ChainUnreachableError: the node does not answer.
    """
    found = node.call("eth_getTransactionByHash", "0x" + pin.deployment.hex())
    if not isinstance(found, dict):
        raise DeploymentForeignError("the node knows no such deployment")
    for fault in check_transaction(found, pin):
        raise DeploymentForeignError(f"{fault.detail} ({fault.code})")
