"""Statements that issuers and registrars sign, as EIP-712 typed data (SPEC section 7)."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, ClassVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature

from certledger.verifier.crypto.hashing import keccak, sha256
from certledger.verifier.formats.canonical_json import Json, format_canonical

SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
MAX_LIFETIME_SECONDS = 7 * 24 * 3600
"""Greatest seconds from the block of a statement to its `notAfter`."""
ROTATION_SECONDS = 7 * 24 * 3600
"""Least seconds between rotations by a registrar's own account (recovery account: no limit)."""
CHALLENGE_SECONDS = 30 * 24 * 3600
"""Seconds after a challenge when the others may replace a registrar that signed nothing."""
MAX_ISSUERS = 128
"""Greatest number of issuers of one hold, release or restore."""

ZERO = bytes(32)
_DOMAIN = (
    "EIP712Domain(string name,string version,uint256 chainId,"
    "address verifyingContract,bytes32 salt)"
)


def ledger_identity(chain_id: int, contract: bytes, salt: bytes) -> bytes:
    """Return the ledger's identity: the EIP-712 domain separator (32 bytes).

    `contract` is the address (20 bytes), `salt` the 32 random bytes of the deployment.
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
    """Encode an atomic value (EIP-712): numbers and addresses right-aligned, bytesN left."""
    if isinstance(value, bytes):
        return value.rjust(32, b"\x00") if kind == "address" else value.ljust(32, b"\x00")
    return value.to_bytes(32, "big")


def of(solidity: str, **options: Any) -> Any:
    """Declare a dataclass field with its Solidity type."""
    return field(metadata={"solidity": solidity}, **options)


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """Base of statements: fields in order, with their Solidity types."""

    primary: ClassVar[str]

    @classmethod
    def members(cls) -> tuple[tuple[str, str, str], ...]:
        """Return (attribute, name in the statement, Solidity type) of each field, in order."""
        kind: Any = cls  # mypy would compare it with the hash of an instance.
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
        """Return the signed EIP-712 digest under the ledger's identity (32 bytes)."""
        return keccak(b"\x19\x01" + identity + self.struct_hash())


def not_after_of(statement: Statement) -> int:
    """Return the last second at which an act's statement may be included; every act has one."""
    last: int = getattr(statement, "not_after")  # noqa: B009  (statements of no act have none)
    return last


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
    """Registration of an issuer with its first keys (`address ‖ purposes`, 21 bytes each)."""

    primary = "Register"

    issuer: bytes = of("bytes18")
    kind: int = of("uint8")
    name: bytes = of("bytes32")
    keys: tuple[bytes, ...] = of("bytes21[]")
    not_after: int = of("uint64")


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch(Statement):
    """Root over the leaves of certificates `first` to `first + count - 1` of an issuer."""

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
    """Change of the cells chosen by `masks` in `words` to one status, for one reason."""

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
    """Change of an issuer's catalog root."""

    primary = "Catalog"

    issuer: bytes = of("bytes18")
    version: int = of("uint32")
    root: bytes = of("bytes32")
    not_after: int = of("uint64")


@dataclass(frozen=True, kw_only=True, slots=True)
class KeysChange(Statement):
    """Keys added (21 bytes each) and ended (`u8(index) ‖ u40(end block)`, 6 bytes each)."""

    primary = "Keys"

    issuer: bytes = of("bytes18")
    revision: int = of("uint32")
    added: tuple[bytes, ...] = of("bytes21[]")
    ends: tuple[bytes, ...] = of("bytes6[]")
    not_after: int = of("uint64")


@dataclass(frozen=True, kw_only=True, slots=True)
class StandingChange(Statement):
    """Suspension, resumption, closure or striking off of an issuer."""

    primary = "Standing"

    issuer: bytes = of("bytes18")
    revision: int = of("uint32")
    standing: int = of("uint8")
    not_after: int = of("uint64")


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold(Statement):
    """A registrar's hold on issuers of its region; needs no states.

    Without issuers it only shows that the registrar is active.
    """

    primary = "Hold"

    region: int = of("uint16")
    issuers: tuple[bytes, ...] = of("bytes18[]")
    nonce: int = of("uint64")
    not_after: int = of("uint64")


@dataclass(frozen=True, kw_only=True, slots=True)
class Release(Statement):
    """A registrar's release of issuers of its region from hold."""

    primary = "Release"

    region: int = of("uint16")
    issuers: tuple[bytes, ...] = of("bytes18[]")
    nonce: int = of("uint64")
    not_after: int = of("uint64")


@dataclass(frozen=True, kw_only=True, slots=True)
class Restore(Statement):
    """A registrars' majority sets the standing of each of `issuers`, and any key ends.

    An end is `u16(index in issuers) ‖ u8(key) ‖ u40(end block)`, 8 bytes.
    """

    primary = "Restore"

    term: int = of("uint32")
    issuers: tuple[bytes, ...] = of("bytes18[]")
    standings: tuple[int, ...] = of("uint8[]")
    ends: tuple[bytes, ...] = of("bytes8[]")
    not_after: int = of("uint64")


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistrarChange(Statement):
    """A registrars' majority replaces or removes a region's registrar, or adds a region.

    `account` is zero for a removal, `recovery` is zero without a recovery account.
    """

    primary = "Registrar"

    region: int = of("uint16")
    account: bytes = of("address")
    recovery: bytes = of("address", default=bytes(20))
    term: int = of("uint32")
    not_after: int = of("uint64")


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistrarRotation(Statement):
    """A registrar's change of its own account."""

    primary = "Rotate"

    region: int = of("uint16")
    account: bytes = of("address")
    turn: int = of("uint32")
    not_after: int = of("uint64")


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistrarChallenge(Statement):
    """A challenge of a registrar by the majority of the others, to be answered by any signature."""

    primary = "Challenge"

    region: int = of("uint16")
    turn: int = of("uint32")
    not_after: int = of("uint64")


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt(Statement):
    """The operator's signature of the SHA-256 of a canonical receipt; never sent to the chain."""

    primary = "Receipt"

    content: bytes = of("bytes32")

    @classmethod
    def of_content(cls, content: Json) -> Receipt:
        """Return what the operator signs of a receipt with this content."""
        return cls(content=sha256(format_canonical(content)))


# Signatures ------------------------------------------------------------------------------------


def address_of(public_key: bytes) -> bytes:
    """Return the Ethereum address (20 bytes) of an uncompressed public key (64 bytes, x ‖ y)."""
    return keccak(public_key)[12:]


def signed_by(digest: bytes, signature: bytes, public_key: bytes) -> bool:
    """Verify `signature` (r ‖ s, 64 bytes, low s) over `digest` by `public_key` (x ‖ y, 64 bytes).

    There is no recovery byte: with a known key it would be unchecked, and so malleable.
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
"""The digest is a Keccak hash; SHA-256 only declares its length of 32 bytes."""
