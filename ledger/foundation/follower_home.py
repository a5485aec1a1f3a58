"""Making a home for a ledger that is there already, from its chain and what a policy pins."""

from __future__ import annotations

from pathlib import Path

from certledger.contracts import abi
from certledger.contracts.loader import load_artifact
from certledger.ledger.chain.client import NodeClient, check_chain
from certledger.ledger.chain.deploy import FILE, Deployment, load_deployment
from certledger.ledger.foundation.errors import FoundationError
from certledger.ledger.witness.deployment_check import DeploymentForeignError, require_deployment
from certledger.verifier.audit.deployment import CREATION_ARGUMENTS, raw_transaction
from certledger.verifier.files import write_atomically
from certledger.verifier.formats.canonical_json import format_canonical
from certledger.verifier.formats.policy import LedgerPin


def join_ledger(home: Path, chain: str, pin: LedgerPin) -> Deployment:
    """Write the deployment of a pinned ledger into a home, once the chain shows it.

    Raises:
        FoundationError: the home has another ledger.
        WrongChainError: the node is of another chain.
        DeploymentForeignError: the transaction did not make the pinned contract.
        ChainUnreachableError: the node does not answer.
    """
    known = load_deployment(home)
    if known is not None and known.identity != pin.identity:
        raise FoundationError("home", f"{home} has another ledger, {known.identity.hex()}")
    node = NodeClient(chain)
    check_chain(node, pin.chain_id, pin.genesis)
    require_deployment(node, pin)
    name = "0x" + pin.deployment.hex()
    transaction = node.call("eth_getTransactionByHash", name)
    receipt = node.call("eth_getTransactionReceipt", name)
    raw = raw_transaction(transaction)
    if raw is None or not isinstance(receipt, dict):
        raise DeploymentForeignError("the node does not return the transaction and its receipt")
    data = bytes.fromhex(transaction["input"][2:])
    salt, _ = abi.decode(CREATION_ARGUMENTS, data[len(load_artifact().creation) :])
    made = Deployment(
        chain_id=pin.chain_id,
        genesis=pin.genesis,
        address=pin.address,
        salt=salt,
        transaction=pin.deployment,
        raw=raw,
        block=int(receipt["blockNumber"], 16),
    )
    home.mkdir(parents=True, exist_ok=True)
    write_atomically(home / FILE, format_canonical(made.to_json()))
    return made
