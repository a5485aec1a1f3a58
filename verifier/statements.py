"""The signed acts as EIP-712 typed statements, and the signatures under them (SPEC section 7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature

from verifier.hashing import keccak

SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
LONGEST_LIFE = 7 * 24 * 3600
"""Greatest seconds between the block that carries a statement and its `notAfter`."""

ZERO = bytes(32)
_DOMAIN = (
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)"
)


def ledger_identity(chain_id: int, contract: bytes, salt: bytes) -> bytes:
    """Return the ledger's identity: the EIP-712 domain separator (32 bytes).

    `contract` is the address (20 bytes), `salt` the 32 bytes drawn at deployment.
    """
    return keccak(
        keccak(_DOMAIN.encode())
        + keccak(b"certledger")
        + keccak(b"1")
        + chain_id.to_bytes(32, "big")
        + contract.rjust(32, b"\x00")
        + salt
    )


def _word(kind: str, value: int | bytes) -> bytes:
    """Return one atomic value as EIP-712 encodes it: numbers and addresses left, bytesN right."""
    if isinstance(value, bytes):
        return value.rjust(32, b"\x00") if kind == "address" else value.ljust(32, b"\x00")
    return value.to_bytes(32, "big")


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """An act that somebody signs.  `solidity` gives the type of each field, in order."""

    primary: ClassVar[str]
    solidity: ClassVar[Mapping[str, str]]
    """Solidity names and types in order; the dataclass's fields stand in the same order."""

    @classmethod
    def type_string(cls) -> str:
        """Return the EIP-712 type string."""
        return f"{cls.primary}({','.join(f'{kind} {name}' for name, kind in cls.solidity.items())})"

    def struct_hash(self) -> bytes:
        """Return the EIP-712 struct hash (32 bytes)."""
        parts = [_type_hash(type(self))]
        for field, kind in zip(fields(self), self.solidity.values(), strict=True):
            value = getattr(self, field.name)
            if kind.endswith("[]"):
                parts.append(keccak(b"".join(_word(kind[:-2], item) for item in value)))
            else:
                parts.append(_word(kind, value))
        return keccak(b"".join(parts))

    def digest(self, identity: bytes) -> bytes:
        """Return what is signed: the EIP-712 digest under the ledger's identity (32 bytes)."""
        return keccak(b"\x19\x01" + identity + self.struct_hash())


_TYPE_HASHES: dict[type[Statement], bytes] = {}


def _type_hash(kind: type[Statement]) -> bytes:
    if kind not in _TYPE_HASHES:
        _TYPE_HASHES[kind] = keccak(kind.type_string().encode())
    return _TYPE_HASHES[kind]


@dataclass(frozen=True, kw_only=True, slots=True)
class Register(Statement):
    """A registrar brings in a body with its first keys (`address ‖ purposes`, 21 bytes each)."""

    primary = "Register"
    solidity = {
        "issuer": "bytes18",
        "kind": "uint8",
        "name": "bytes32",
        "keys": "bytes21[]",
        "notAfter": "uint64",
    }
    issuer: bytes
    kind: int
    name: bytes
    keys: tuple[bytes, ...]
    not_after: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch(Statement):
    """A body signs the root over the leaves of certificates `first` to `first + count - 1`."""

    primary = "Batch"
    solidity = {
        "issuer": "bytes18",
        "sequence": "uint64",
        "previous": "bytes32",
        "root": "bytes32",
        "first": "uint64",
        "count": "uint32",
        "catalog": "bytes32",
        "countersignature": "bytes32",
        "notAfter": "uint64",
    }
    issuer: bytes
    sequence: int
    previous: bytes
    root: bytes
    first: int
    count: int
    catalog: bytes
    countersignature: bytes = ZERO
    not_after: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusChange(Statement):
    """A body moves the cells chosen by `masks` in `words` to one status, for one reason."""

    primary = "Status"
    solidity = {
        "issuer": "bytes18",
        "epoch": "uint64",
        "words": "uint32[]",
        "masks": "uint256[]",
        "status": "uint8",
        "reason": "bytes3",
        "notAfter": "uint64",
    }
    issuer: bytes
    epoch: int
    words: tuple[int, ...]
    masks: tuple[int, ...]
    status: int
    reason: bytes
    not_after: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CatalogChange(Statement):
    """A body's catalog becomes the one with this root."""

    primary = "Catalog"
    solidity = {
        "issuer": "bytes18",
        "version": "uint32",
        "root": "bytes32",
        "notAfter": "uint64",
    }
    issuer: bytes
    version: int
    root: bytes
    not_after: int


@dataclass(frozen=True, kw_only=True, slots=True)
class KeysChange(Statement):
    """Keys are added (21 bytes each) and ended (`u8(index) ‖ u40(end block)`, 6 bytes each)."""

    primary = "Keys"
    solidity = {
        "issuer": "bytes18",
        "revision": "uint32",
        "added": "bytes21[]",
        "ends": "bytes6[]",
        "notAfter": "uint64",
    }
    issuer: bytes
    revision: int
    added: tuple[bytes, ...]
    ends: tuple[bytes, ...]
    not_after: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StandingChange(Statement):
    """A body is suspended, resumed, closed or struck."""

    primary = "Standing"
    solidity = {
        "issuer": "bytes18",
        "revision": "uint32",
        "standing": "uint8",
        "notAfter": "uint64",
    }
    issuer: bytes
    revision: int
    standing: int
    not_after: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold(Statement):
    """A registrar sets the brake on a body, without handing in its state."""

    primary = "Hold"
    solidity = {"issuer": "bytes18", "nonce": "uint64", "notAfter": "uint64"}
    issuer: bytes
    nonce: int
    not_after: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Restore(Statement):
    """A majority of registrars sets any standing and any key end."""

    primary = "Restore"
    solidity = {
        "issuer": "bytes18",
        "revision": "uint32",
        "standing": "uint8",
        "ends": "bytes6[]",
        "notAfter": "uint64",
    }
    issuer: bytes
    revision: int
    standing: int
    ends: tuple[bytes, ...]
    not_after: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistrarChange(Statement):
    """A majority of registrars replaces a region's registrar or adds a region."""

    primary = "Registrar"
    solidity = {
        "region": "uint16",
        "account": "address",
        "term": "uint32",
        "notAfter": "uint64",
    }
    region: int
    account: bytes
    term: int
    not_after: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt(Statement):
    """The operator signs the SHA-256 of a canonical receipt.  Never carried to the chain."""

    primary = "Receipt"
    solidity = {"content": "bytes32"}
    content: bytes


# Signatures ------------------------------------------------------------------------------------


def address_of(public_key: bytes) -> bytes:
    """Return the Ethereum address (20 bytes) of an uncompressed public key (64 bytes, x ‖ y)."""
    return keccak(public_key)[12:]


def signed_by(digest: bytes, signature: bytes, public_key: bytes) -> bool:
    """Return whether `signature` (r ‖ s, 64 bytes, low s) over `digest` is by `public_key`.

    `public_key` is x ‖ y, 64 bytes.  The recovery byte is left out on purpose: with the key at
    hand it says nothing, and a byte that nothing checks could be changed unnoticed.
    """
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if len(signature) != 64 or not 0 < r < SECP256K1_ORDER or not 0 < s <= SECP256K1_ORDER // 2:
        return False
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), b"\x04" + public_key)
        key.verify(encode_dss_signature(r, s), digest, _PREHASHED)
    except (ValueError, InvalidSignature):
        return False
    return True


_PREHASHED = ec.ECDSA(Prehashed(hashes.SHA256()))
"""The digest is a Keccak hash; SHA-256 stands here only for its length of 32 bytes."""
