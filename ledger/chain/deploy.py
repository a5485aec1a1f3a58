"""Deploy the contract once, with a record in the home that survives crashes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import rlp
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_exponential_jitter

from certledger.contracts import calls
from certledger.contracts.loader import load_artifact
from certledger.ledger.chain.block_logs import JsonRpc
from certledger.ledger.chain.client import Payment, block_of, check_chain, sign_transaction
from certledger.ledger.core.errors import ChainRefusesError, ChainUnreachableError
from certledger.ledger.keys import Signer
from certledger.verifier.crypto.hashing import keccak
from certledger.verifier.errors import CertledgerError
from certledger.verifier.files import write_atomically
from certledger.verifier.formats.canonical_json import (
    Json,
    Members,
    format_canonical,
    from_hex,
    parse_canonical,
)
from certledger.verifier.formats.policy import LedgerPin
from certledger.verifier.formats.statements import ledger_identity

FILE = "deployment.json"
_GAS = 8_000_000
_MAX_FEE = 3
"""The place of the greatest fee a gas in an EIP-1559 transaction."""
FirstRegistrar = tuple[int, bytes] | tuple[int, bytes, bytes]
"""A region and its registrar's account, perhaps with the recovery account (20 bytes each)."""
_MAX_TRANSACTION_CHARACTERS = 262_144
_HEX = re.compile(r"(?:[0-9a-f]{2})+")


class DeploymentFailedError(CertledgerError):
    """The contract could not be created, or its address has other code."""

    code = "deployment.failed"


class FundsNeededError(CertledgerError):
    """The account that pays for the deployment has too little; nothing was sent."""

    code = "deployment.funds_needed"

    def __init__(self, address: bytes, needed: int, balance: int) -> None:
        super().__init__(
            f"0x{address.hex()} needs {needed - balance} wei more: it has {balance} of the {needed}"
            " that the deployment may cost; send them there and call again"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    """A deployment of the contract; `block` is None until its transaction was included."""

    TYPE: ClassVar[str] = "certledger/deployment/1"

    chain_id: int
    genesis: bytes
    address: bytes
    salt: bytes
    transaction: bytes
    raw: bytes
    block: int | None = None

    @property
    def identity(self) -> bytes:
        """The ledger's identity."""
        return ledger_identity(self.chain_id, self.address, self.salt)

    @property
    def code_hash(self) -> bytes:
        """The hash of the code that the address must have, computed from the artifact."""
        code = load_artifact().runtime_code(
            chain_id=self.chain_id, salt=self.salt, identity=self.identity
        )
        return keccak(code)

    def pin(self, name: str) -> LedgerPin:
        """Return the ledger's pin for a trust policy."""
        return LedgerPin(
            name=name,
            chain_id=self.chain_id,
            genesis=self.genesis,
            address=self.address,
            code_hash=self.code_hash,
            identity=self.identity,
            deployment=self.transaction,
        )

    def to_json(self) -> Json:
        """Return the deployment as a JSON value; hexadecimal, because people compare it."""
        value: dict[str, Json] = {
            "type": self.TYPE,
            "chain_id": self.chain_id,
            **{name: getattr(self, name).hex() for name in _BINARY},
            "raw": self.raw.hex(),
        }
        return value if self.block is None else value | {"block": self.block}

    @classmethod
    def from_json(cls, value: Json) -> Deployment:
        """Return the deployment of a JSON value.

        Raises:
            MalformedError: an unknown, missing or ill-typed member.
        """
        read = Members(value, "deployment")
        read.const("type", cls.TYPE)
        parts: dict[str, Any] = {
            name: from_hex(read.text(name), size) for name, size in _BINARY.items()
        }
        deployment = cls(
            chain_id=read.integer("chain_id"),
            raw=bytes.fromhex(read.text("raw", _HEX, longest=_MAX_TRANSACTION_CHARACTERS)),
            block=read.integer("block") if read.has("block") else None,
            **parts,
        )
        read.done()
        return deployment


_BINARY = {"genesis": 32, "address": 20, "salt": 32, "transaction": 32}


def load_deployment(home: Path) -> Deployment | None:
    """Return the deployment recorded in `home`, None before the first."""
    path = home / FILE
    return (
        Deployment.from_json(parse_canonical(path.read_bytes(), _MAX_TRANSACTION_CHARACTERS))
        if path.exists()
        else None
    )


def deploy(
    home: Path,
    node: JsonRpc,
    signer: Signer,
    registrars: Sequence[FirstRegistrar],
    random: Callable[[int], bytes],
) -> Deployment:
    """Return the ledger of `home`, deployed if it is not yet.

    The signed transaction is stored before it is sent: after a crash at any point the same bytes
    are sent again, so that there is one contract.  `signer` pays.

    Raises:
        ChainUnreachableError: the node does not answer; call again.
        DeploymentFailedError: the contract could not be created, or its address has other code.
        ChainRefusesError: the node is of another chain than the one the home deployed on.
        FundsNeededError: `signer` cannot pay.
    """
    made = load_deployment(home)
    if made is not None:
        check_chain(node, made.chain_id, made.genesis)
    else:
        made = _prepare(node, signer, sorted(registrars), random)
        write_atomically(home / FILE, format_canonical(made.to_json()))
    if made.block is None or not _stands(node, made):
        made = _include(node, made)
        write_atomically(home / FILE, format_canonical(made.to_json()))
    return made


def _prepare(
    node: JsonRpc,
    signer: Signer,
    registrars: Sequence[FirstRegistrar],
    random: Callable[[int], bytes],
) -> Deployment:
    salt, sender = random(32), "0x" + signer.address.hex()
    chain_id = int(node.call("eth_chainId"), 16)
    nonce = int(node.call("eth_getTransactionCount", sender, "pending"), 16)
    payment = Payment(
        chain_id=chain_id, nonce=nonce, gas=_GAS, to=b"", data=calls.deploy(salt, registrars)
    )
    signed = sign_transaction(node, signer, payment)
    fee = int.from_bytes(rlp.decode(signed.raw[1:])[_MAX_FEE], "big")
    balance = int(node.call("eth_getBalance", sender, "latest"), 16)
    if balance < _GAS * fee:
        raise FundsNeededError(signer.address, _GAS * fee, balance)
    return Deployment(
        chain_id=chain_id,
        genesis=block_of(node.call("eth_getBlockByNumber", "0x0", False)).hash,
        address=keccak(rlp.encode([signed.sender, nonce]))[12:],
        salt=salt,
        transaction=signed.hash,
        raw=signed.raw,
    )


def _include(node: JsonRpc, made: Deployment) -> Deployment:
    tx = "0x" + made.transaction.hex()
    if node.call("eth_getTransactionByHash", tx) is None:
        _send(node, made)
    receipt = _wait(node, tx)
    if int(receipt["status"], 16) != 1:
        raise DeploymentFailedError("the contract could not be created on this chain")
    if not _stands(node, made):
        raise DeploymentFailedError("the contract's address has other code")
    return replace(made, block=int(receipt["blockNumber"], 16))


def _stands(node: JsonRpc, made: Deployment) -> bool:
    """Return whether the address has the contract's code; a reorganisation may remove it."""
    code = node.call("eth_getCode", "0x" + made.address.hex(), "latest")
    return keccak(bytes.fromhex(code[2:])) == made.code_hash


def _send(node: JsonRpc, made: Deployment) -> None:
    try:
        node.call("eth_sendRawTransaction", "0x" + made.raw.hex())
    except ChainRefusesError as error:
        raise DeploymentFailedError(
            f"the deployment of this home cannot be sent: {error}"
        ) from error


def _wait(node: JsonRpc, tx: str) -> Any:
    waiting = Retrying(
        retry=retry_if_result(lambda receipt: receipt is None),
        stop=stop_after_delay(120),
        wait=wait_exponential_jitter(multiplier=0.05, max=3),
        retry_error_callback=lambda state: None,
    )
    receipt = waiting(node.call, "eth_getTransactionReceipt", tx)
    if receipt is None:
        raise ChainUnreachableError("the deployment is not included yet; call again")
    return receipt
