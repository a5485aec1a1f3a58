"""Audit of the deployment: the pinned transaction created this contract with the committed code."""

from __future__ import annotations

from typing import Any

from certledger.contracts import abi, calls
from certledger.contracts.loader import load_artifact
from certledger.verifier.audit.findings import AuditFault, fault
from certledger.verifier.crypto.hashing import keccak
from certledger.verifier.crypto.secp256k1 import recover_address
from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.canonical_json import Json
from certledger.verifier.formats.policy import LedgerPin
from certledger.verifier.formats.statements import ledger_identity
from certledger.verifier.node_rpc import RpcClient

WHERE = "deployment"
CREATION_ARGUMENTS = ["bytes32", "(uint16,address,address)[]"]
"""What follows the creation code: the salt, and regions with accounts and recovery accounts."""
_DYNAMIC_FEE = 2


class DeploymentUnknownError(CertledgerError):
    """The node does not have the deployment transaction, so nothing can be replayed."""

    code = "deployment.unknown"


def deployment_block(node: RpcClient, pin: LedgerPin) -> int:
    """Return the block of the pinned deployment transaction.

    Raises:
        NodeFailedError: the node does not answer.
        DeploymentUnknownError: it knows no such transaction.
    """
    receipt = node.receipt(pin.deployment)
    number = _number((receipt or {}).get("blockNumber"))
    if receipt is None or number is None:
        raise DeploymentUnknownError(f"no receipt of transaction {pin.deployment.hex()}")
    return number


def check_deployment(node: RpcClient, pin: LedgerPin, final: int) -> list[AuditFault]:
    """Return the faults of the deployment transaction, the account it made, and the code there.

    Raises:
        NodeFailedError: the node does not answer.
        DeploymentUnknownError: it knows no such transaction.
    """
    transaction = node.transaction(pin.deployment)
    if transaction is None:
        raise DeploymentUnknownError(f"no transaction {pin.deployment.hex()}")
    found = check_transaction(transaction, pin)
    code = node.code(pin.address, final)
    if keccak(code) != pin.code_hash:
        detail = f"{len(code)} bytes with hash {keccak(code).hex()}"
        found.append(fault("deployment.code_differs", WHERE, detail, runtime=code.hex()))
    return found


def check_transaction(transaction: dict[str, Any], pin: LedgerPin) -> list[AuditFault]:
    """Return the faults of a deployment transaction as a node returned it.

    The node is not trusted: hash, signer, contract address, code and identity are computed from the
    transaction's members.
    """
    evidence: dict[str, Json] = {"transaction": _plain(transaction)}
    found: list[AuditFault] = []
    signed = _signed(transaction)
    if signed is None or signed[0] != pin.deployment:
        detail = "the node's transaction does not have the pinned hash"
        found.append(fault("deployment.transaction_differs", WHERE, detail, **evidence))
    elif (
        signed[1] is None
        or created(signed[1], _number(transaction.get("nonce")) or 0) != pin.address
    ):
        found.append(fault("deployment.address_differs", WHERE, "", **evidence))
    return found + _check_creation(transaction, pin, evidence)


def _check_creation(
    transaction: dict[str, Any], pin: LedgerPin, evidence: dict[str, Json]
) -> list[AuditFault]:
    """Return a fault unless the data are the committed creation code and canonical arguments."""
    artifact, data = load_artifact(), _bytes(transaction.get("input")) or b""
    if not data.startswith(artifact.creation) or transaction.get("to") is not None:
        return [fault("deployment.creation_differs", WHERE, "another code", **evidence)]
    try:
        salt, seats = abi.decode(CREATION_ARGUMENTS, data[len(artifact.creation) :])
    except abi.AbiError as error:
        return [fault("deployment.creation_differs", WHERE, str(error), **evidence)]
    if calls.deploy(salt, seats) != data:
        return [fault("deployment.creation_differs", WHERE, "arguments in excess", **evidence)]
    identity = ledger_identity(pin.chain_id, pin.address, salt)
    if identity != pin.identity:
        detail = f"it makes {identity.hex()}"
        return [fault("deployment.identity_differs", WHERE, detail, **evidence)]
    runtime = artifact.runtime_code(chain_id=pin.chain_id, salt=salt, identity=pin.identity)
    if keccak(runtime) != pin.code_hash:
        detail = f"the code it makes has hash {keccak(runtime).hex()}"
        return [fault("deployment.code_differs", WHERE, detail, **evidence)]
    return []


def created(sender: bytes, nonce: int) -> bytes:
    """Return the address (20 bytes) of the contract that `sender` creates with `nonce`."""
    return keccak(encode_rlp([sender, _minimal(nonce)]))[12:]


def encode_rlp(item: bytes | list[Any]) -> bytes:
    """Return the RLP encoding of bytes, or of a list of such items."""
    if isinstance(item, bytes):
        if len(item) == 1 and item[0] < 0x80:
            return item
        return _header(len(item), 0x80) + item
    inner = b"".join(encode_rlp(part) for part in item)
    return _header(len(inner), 0xC0) + inner


def _header(size: int, base: int) -> bytes:
    if size < 56:
        return bytes([base + size])
    width = _minimal(size)
    return bytes([base + 55 + len(width)]) + width


def _minimal(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def raw_transaction(transaction: dict[str, Any]) -> bytes | None:
    """Encode a transaction from its members; None where some are missing."""
    encoded = _encode(transaction)
    return None if encoded is None else encoded[1]


def _signed(transaction: dict[str, Any]) -> tuple[bytes, bytes | None] | None:
    """Return (hash, sender) computed from a transaction's members, None where some are missing.

    The sender is recovered from the signature.
    """
    encoded = _encode(transaction)
    if encoded is None:
        return None
    unsigned, raw, signature = encoded
    return keccak(raw), recover_address(keccak(unsigned), signature)


def _encode(transaction: dict[str, Any]) -> tuple[bytes, bytes, bytes] | None:
    """Return the signed bytes, the transaction and the signature, None where members are missing.

    Knows legacy and EIP-1559 transactions.
    """
    kind = _number(transaction.get("type", "0x0"))
    names = ["nonce", "maxPriorityFeePerGas", "maxFeePerGas", "gas"]
    if kind == 0:
        names = ["nonce", "gasPrice", "gas"]
    numbers = [_number(transaction.get(name)) for name in (*names, "value", "v", "r", "s")]
    data, to = _bytes(transaction.get("input")), transaction.get("to")
    if kind not in (0, _DYNAMIC_FEE) or data is None or transaction.get("accessList"):
        return None
    known = [_minimal(number) for number in numbers if number is not None]
    if len(known) != len(numbers):
        return None
    *head, value, v, r, s = known
    body: list[Any] = [*head, (to and _bytes(to)) or b"", value, data]
    chain = _minimal(_number(transaction.get("chainId")) or 0)
    if kind:
        body = [chain, *body, []]
    prefix = bytes([kind] if kind else [])
    unsigned = body if kind or not chain else [*body, chain, b"", b""]
    parity = int.from_bytes(v, "big")
    parity = parity if kind else (parity - 35) % 2 if parity >= 35 else parity - 27
    signature = r.rjust(32, b"\x00") + s.rjust(32, b"\x00") + bytes([27 + (parity & 1)])
    return prefix + encode_rlp(unsigned), prefix + encode_rlp([*body, v, r, s]), signature


def _number(value: Any) -> int | None:
    try:
        return int(value, 16) if type(value) is str and value.startswith("0x") else None
    except ValueError:
        return None


def _bytes(value: Any) -> bytes | None:
    try:
        return bytes.fromhex(value[2:]) if type(value) is str and value[:2] == "0x" else None
    except ValueError:
        return None


def _plain(transaction: dict[str, Any]) -> Json:
    """Return the text members of a transaction, as evidence."""
    return {name: value for name, value in transaction.items() if type(value) is str}
