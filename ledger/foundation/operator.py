"""The operator's side of a founding: its key and chain, and the deployment."""

from __future__ import annotations

import os
from pathlib import Path

from certledger.ledger.chain.block_logs import JsonRpc
from certledger.ledger.chain.client import block_of
from certledger.ledger.chain.deploy import FILE, Deployment, deploy, load_deployment
from certledger.ledger.foundation.deployment_match import pin_of
from certledger.ledger.foundation.document import Founding, SignedFounding
from certledger.ledger.foundation.errors import FoundationError
from certledger.ledger.foundation.files import DOCUMENT, read_part
from certledger.ledger.foundation.part import OPERATOR, OperatorPart, Part, SignedPart, sign_part
from certledger.ledger.keys import Signer
from certledger.ledger.node import operator_of, running_chain
from certledger.ledger.settings import Settings, save_settings
from certledger.ledger.store import check_unnamed
from certledger.verifier.files import write_atomically

PART = "operator-part.json"
"""The operator's part in its home."""


def operator_part(settings: Settings, name: str, url: str, *, another: bool = False) -> SignedPart:
    """Return the operator's part; its key and its embedded chain are made where there are none.

    With `another` it may differ from the part that this home brought before.

    Raises:
        FoundationError: `foundation.home`, the home has a ledger already; `foundation.part_other`,
            it brought a part that says something else.
        ChainUnreachableError: the node does not answer.
    """
    if load_deployment(settings.home) is not None:
        raise FoundationError("home", f"{settings.home} has a ledger already")
    file = settings.home / PART
    brought = read_part(file) if file.exists() else None
    if brought is not None and not another:
        _require_same(brought.part, name=name, url=url)
    operator = operator_of(settings)
    with running_chain(settings, operator) as node:
        made = make_operator_part(operator, name, url, node=node, embedded=settings.chain is None)
    if brought is not None and made.part != brought.part and not another:
        raise _other_part("the chain or the key")
    write_atomically(file, made.format())
    return made


def _require_same(brought: Part, **given: str) -> None:
    """Check that a part that was brought before says what is given now.

    Raises:
        FoundationError: `foundation.part_other`.
    """
    values = brought.to_json()
    for field, value in given.items():
        if values.get(field) != value:
            raise _other_part(f"the {field} {values.get(field)}")


def _other_part(what: str) -> FoundationError:
    return FoundationError(
        "part_other",
        f"this home has brought a part with {what}: a document with that part would not fit another"
        " one; --another makes it all the same, and then everybody must take the new part",
    )


def make_operator_part(
    operator: Signer, name: str, url: str, *, node: JsonRpc, embedded: bool
) -> SignedPart:
    """Return the part of an operator on the chain of a node, signed by its account."""
    chain_id, genesis = _chain_of(node)
    part = OperatorPart(
        name=name,
        address=operator.address,
        url=url,
        chain_id=chain_id,
        genesis=genesis,
        embedded=embedded,
    )
    return sign_part(OperatorPart.from_json(part.to_json()), {OPERATOR: operator}, {})


def deploy_for(
    settings: Settings, signed: SignedFounding, payer: Signer | None
) -> tuple[Deployment, Path]:
    """Return the deployment of a complete document, made where there is none, and its file.

    The home then knows the document, and where the witnesses answer.  `payer` pays, else the
    operator.

    Raises:
        FoundationError: the home is not the operator's that the document names, the node is of
            another chain, or the home has another ledger.
        FundsNeededError: the payer has too little.
        ChainUnreachableError: the node does not answer; call again.
    """
    signed.require_complete()
    founding, operator = signed.founding, operator_of(settings)
    if operator.address != founding.operator_part.address:
        raise FoundationError(
            "other_key", f"this home's operator is 0x{operator.address.hex()}, not the document's"
        )
    made = load_deployment(settings.home)
    if made is None:
        check_unnamed(settings.database)
    else:
        pin_of(founding, made)
    with running_chain(settings, operator) as node:
        check_chain_of(founding, node)
        made = deploy(settings.home, node, payer or operator, founding.registrars, os.urandom)
    pin_of(founding, made)
    write_atomically(settings.home / DOCUMENT, signed.format())
    save_settings(settings.home, witnesses=founding.witness_urls)
    return made, settings.home / FILE


def check_chain_of(founding: Founding, node: JsonRpc) -> None:
    """Check that a node is of the chain that the document names.

    Raises:
        FoundationError: `foundation.wrong_chain`.
    """
    operator, (chain_id, genesis) = founding.operator_part, _chain_of(node)
    if (chain_id, genesis) != (operator.chain_id, operator.genesis):
        raise FoundationError(
            "wrong_chain",
            f"the node is of chain {chain_id} (genesis 0x{genesis.hex()}), and the document names"
            f" chain {operator.chain_id} (0x{operator.genesis.hex()})",
        )


def _chain_of(node: JsonRpc) -> tuple[int, bytes]:
    genesis = block_of(node.call("eth_getBlockByNumber", "0x0", False)).hash
    return int(node.call("eth_chainId"), 16), genesis
