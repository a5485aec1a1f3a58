"""The signed acts as EIP-712 typed statements, and the signatures under them (SPEC section 7)."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, ClassVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature

from certledger.verifier.crypto.hashing import keccak

SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
MAX_LIFETIME_SECONDS = 7 * 24 * 3600
"""Greatest seconds between the block that carries a statement and its `notAfter`."""
ROTATION_SECONDS = 7 * 24 * 3600
"""A registrar's own account rotates once in so many seconds; its recovery account at any time."""
CHALLENGE_SECONDS = 30 * 24 * 3600
"""A registrar that has signed nothing for so long after a challenge is replaced by the others."""
MAX_ISSUERS = 128
"""Greatest number of issuers of one hold, release or restore."""

ZERO = bytes(32)
_DOMAIN = (
    "EIP712Domain(string name,string version,uint256 chainId,"
    "address verifyingContract,bytes32 salt)"
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


def of(solidity: str, **options: Any) -> Any:
    """Return a dataclass field that EIP-712 encodes as the Solidity type `solidity`."""
    return field(metadata={"solidity": solidity}, **options)


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """An act that somebody signs: its fields, in order, with their Solidity types."""

    primary: ClassVar[str]

    @classmethod
    def members(cls) -> tuple[tuple[str, str, str], ...]:
        """Return (attribute, name in the statement, Solidity type) of each field, in order."""
        kind: Any = cls  # Which mypy would else compare with the hash of an instance.
        return _members(kind)

    @classmethod
    def type_string(cls) -> str:
        """Return the EIP-712 type string."""
        return f"{cls.primary}({','.join(f'{kind} {name}' for _, name, kind in cls.members())})"

    @classmethod
    def type_hash(cls) -> bytes:
        """Return the EIP-712 type hash (32 bytes)."""
        kind: Any = cls
        return _type_hash(kind)

    def struct_hash(self) -> bytes:
        """Return the EIP-712 struct hash (32 bytes)."""
        parts = [self.type_hash()]
        for attribute, _, kind in type(self).members():
            value = getattr(self, attribute)
            if kind.endswith("[]"):
                parts.append(keccak(b"".join(_word(kind[:-2], item) for item in value)))
            else:
                parts.append(_word(kind, value))
        return keccak(b"".join(parts))

    def digest(self, identity: bytes) -> bytes:
        """Return what is signed: the EIP-712 digest under the ledger's identity (32 bytes)."""
        return keccak(b"\x19\x01" + identity + self.struct_hash())


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


@cache
def _members(kind: type[Any]) -> tuple[tuple[str, str, str], ...]:
    return tuple((f.name, _camel(f.name), f.metadata["solidity"]) for f in fields(kind))


@cache
def _type_hash(kind: type[Statement]) -> bytes:
    return keccak(kind.type_string().encode())


@dataclass(frozen=True, kw_only=True, slots=True)
class Register(Statement):
    """Two registrars bring in a body with its first keys (`address ‖ purposes`, 21 bytes each)."""

    primary = "Register"

    issuer: bytes = of("bytes18")
    kind: int = of("uint8")
    name: bytes = of("bytes32")
    keys: tuple[bytes, ...] = of("bytes21[]")
    not_after: int = of("uint64")


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch(Statement):
    """A body signs the root over the leaves of certificates `first` to `first + count - 1`."""

    primary = "Batch"

    issuer: bytes = of("bytes18")
    sequence: int = of("uint64")
    previous: bytes = of("bytes32")
    root: bytes = of("bytes32")
    first: int = of("uint64")
    count: int = of("uint32")
    catalog: bytes = of("bytes32")
    countersignature: bytes = of("bytes32", default=ZERO)
    not_after: int = of("uint64")


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusChange(Statement):
    """A body moves the cells chosen by `masks` in `words` to one status, for one reason."""

    primary = "Status"

    issuer: bytes = of("bytes18")
    epoch: int = of("uint64")
    words: tuple[int, ...] = of("uint32[]")
    masks: tuple[int, ...] = of("uint256[]")
    status: int = of("uint8")
    reason: bytes = of("bytes3")
    not_after: int = of("uint64")


@dataclass(frozen=True, kw_only=True, slots=True)
class CatalogChange(Statement):
    """A body's catalog becomes the one with this root."""

    primary = "Catalog"

    issuer: bytes = of("bytes18")
    version: int = of("uint32")
    root: bytes = of("bytes32")
    not_after: int = of("uint64")


@dataclass(frozen=True, kw_only=True, slots=True)
class KeysChange(Statement):
    """Keys are added (21 bytes each) and ended (`u8(index) ‖ u40(end block)`, 6 bytes each)."""

    primary = "Keys"

    issuer: bytes = of("bytes18")
    revision: int = of("uint32")
    added: tuple[bytes, ...] = of("bytes21[]")
    ends: tuple[bytes, ...] = of("bytes6[]")
    not_after: int = of("uint64")


@dataclass(frozen=True, kw_only=True, slots=True)
class StandingChange(Statement):
    """A body is suspended, resumed, closed or struck."""

    primary = "Standing"

    issuer: bytes = of("bytes18")
    revision: int = of("uint32")
    standing: int = of("uint8")
    not_after: int = of("uint64")


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold(Statement):
    """A registrar sets the brake on bodies of its region, without handing in their states.

    One that names no body only says that the registrar is there.
    """

    primary = "Hold"

    region: int = of("uint16")
    issuers: tuple[bytes, ...] = of("bytes18[]")
    nonce: int = of("uint64")
    not_after: int = of("uint64")


@dataclass(frozen=True, kw_only=True, slots=True)
class Release(Statement):
    """A registrar clears the brake of bodies of its region."""

    primary = "Release"

    region: int = of("uint16")
    issuers: tuple[bytes, ...] = of("bytes18[]")
    nonce: int = of("uint64")
    not_after: int = of("uint64")


@dataclass(frozen=True, kw_only=True, slots=True)
class Restore(Statement):
    """A majority of registrars sets the standing of each of `issuers`, and any key end.

    An end is `u16(place in issuers) ‖ u8(index) ‖ u40(end block)`, 8 bytes.
    """

    primary = "Restore"

    term: int = of("uint32")
    issuers: tuple[bytes, ...] = of("bytes18[]")
    standings: tuple[int, ...] = of("uint8[]")
    ends: tuple[bytes, ...] = of("bytes8[]")
    not_after: int = of("uint64")


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistrarChange(Statement):
    """A majority of registrars replaces or removes a region's registrar, or adds a region.

    `account` is zero to remove it, `recovery` is zero where there is no recovery key.
    """

    primary = "Registrar"

    region: int = of("uint16")
    account: bytes = of("address")
    recovery: bytes = of("address", default=bytes(20))
    term: int = of("uint32")
    not_after: int = of("uint64")


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistrarRotation(Statement):
    """A registrar gives itself another account."""

    primary = "Rotate"

    region: int = of("uint16")
    account: bytes = of("address")
    turn: int = of("uint32")
    not_after: int = of("uint64")


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistrarChallenge(Statement):
    """A majority of the other registrars asks one for an answer."""

    primary = "Challenge"

    region: int = of("uint16")
    turn: int = of("uint32")
    not_after: int = of("uint64")


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt(Statement):
    """The operator signs the SHA-256 of a canonical receipt.  Never carried to the chain."""

    primary = "Receipt"

    content: bytes = of("bytes32")


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
