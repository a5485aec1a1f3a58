"""What each party brings to a ledger: its public keys, and a signature by each (possession)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from certledger.ledger.foundation.errors import FoundationError
from certledger.ledger.keys import Signer
from certledger.ledger.sealing.text import refusal_of
from certledger.ledger.sheets.header import INVISIBLE
from certledger.verifier.crypto.hashing import keccak
from certledger.verifier.crypto.secp256k1 import recover_address
from certledger.verifier.formats.canonical_json import Json, Members, format_canonical, from_hex
from certledger.verifier.formats.checkpoint import WITNESS_NAME
from certledger.verifier.http_client import is_server_address

MAX_PART_BYTES = 8_192
MAX_REGION = 99
REGISTRAR, ROOT, WITNESS, OPERATOR = "registrar", "root", "witness", "operator"
"""What a key of a part is for, by its name among the part's signatures."""
_ADDRESS = re.compile("0x[0-9a-f]{40}")
_SIGNATURE = re.compile("[0-9a-f]{128}(?:[0-9a-f]{2})?")


@dataclass(frozen=True, kw_only=True, slots=True)
class WitnessPart:
    """A witness: its name in the policy, its Ed25519 key (32 bytes), and where it answers.

    `replaces` is the name of the witness of the same operator that it takes the place of.
    """

    name: str
    key: bytes
    url: str
    replaces: str | None = None

    def to_json(self) -> Json:
        """Return the member `witness` of a part."""
        value: dict[str, Json] = {"key": self.key.hex(), "name": self.name, "url": self.url}
        return value if self.replaces is None else value | {"replaces": self.replaces}

    @classmethod
    def read(cls, read: Members) -> Self:
        """Return the witness of the members of an object."""
        part = cls(
            name=read.text("name", WITNESS_NAME),
            key=from_hex(read.text("key"), 32),
            url=read_url(read),
            replaces=read.text("replaces", WITNESS_NAME) if read.has("replaces") else None,
        )
        read.done()
        return part


@dataclass(frozen=True, kw_only=True, slots=True)
class RootPart:
    """A root key (Ed25519, 32 bytes), and the one that it takes the place of."""

    key: bytes
    replaces: bytes | None = None

    def to_json(self) -> Json:
        """Return the member `root` of a part."""
        value: dict[str, Json] = {"key": self.key.hex()}
        return value if self.replaces is None else value | {"replaces": self.replaces.hex()}

    @classmethod
    def read(cls, read: Members) -> Self:
        """Return the root of the members of an object."""
        part = cls(
            key=from_hex(read.text("key"), 32),
            replaces=from_hex(read.text("replaces"), 32) if read.has("replaces") else None,
        )
        read.done()
        return part


@dataclass(frozen=True, kw_only=True, slots=True)
class RegionPart:
    """A region's public keys: of its registrar (20 bytes), its root, its witness.

    `operator` is the name under which its witness counts in policies.  A part for a later policy
    has no registrar; the registrar's key changes by an act on the chain.
    """

    TYPE: ClassVar[str] = "certledger/region-part/1"

    region: int
    operator: str
    registrar: bytes | None = None
    recovery: bytes | None = None
    root: RootPart | None = None
    witness: WitnessPart | None = None

    def __post_init__(self) -> None:
        check_name(self.operator)

    def to_json(self) -> dict[str, Json]:
        """Return the member `part` of the file."""
        value: dict[str, Json] = {
            "operator": self.operator,
            "region": self.region,
            "type": self.TYPE,
        }
        if self.registrar is not None:
            value[REGISTRAR] = f"0x{self.registrar.hex()}"
        if self.recovery is not None:
            value["recovery"] = f"0x{self.recovery.hex()}"
        if self.root is not None:
            value[ROOT] = self.root.to_json()
        if self.witness is not None:
            value[WITNESS] = self.witness.to_json()
        return value

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Return the part of a JSON value.

        Raises:
            MalformedError: an unknown, missing or ill-typed member.
        """
        read = Members(value, "part")
        read.const("type", cls.TYPE)
        part = cls(
            region=read.integer("region", 1, MAX_REGION),
            operator=read.text("operator", longest=128),
            registrar=read_address(read, REGISTRAR) if read.has(REGISTRAR) else None,
            recovery=read_address(read, "recovery") if read.has("recovery") else None,
            root=RootPart.read(read.inner(ROOT)) if read.has(ROOT) else None,
            witness=WitnessPart.read(read.inner(WITNESS)) if read.has(WITNESS) else None,
        )
        read.done()
        return part

    @property
    def keys(self) -> Mapping[str, bytes]:
        """The key of each purpose; the registrar's is its address."""
        found = {
            REGISTRAR: self.registrar,
            ROOT: None if self.root is None else self.root.key,
            WITNESS: None if self.witness is None else self.witness.key,
        }
        return {name: key for name, key in found.items() if key is not None}


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatorPart:
    """The operator: its name, its account (20 bytes), its service, and the chain it deploys on.

    `embedded` says that the operator's own embedded chain is meant, which witnesses execute.
    """

    TYPE: ClassVar[str] = "certledger/operator-part/1"

    name: str
    address: bytes
    url: str
    chain_id: int
    genesis: bytes
    embedded: bool

    def __post_init__(self) -> None:
        check_name(self.name)

    def to_json(self) -> dict[str, Json]:
        """Return the member `part` of the file."""
        return {
            "address": f"0x{self.address.hex()}",
            "chain_id": self.chain_id,
            "embedded": self.embedded,
            "genesis": f"0x{self.genesis.hex()}",
            "name": self.name,
            "type": self.TYPE,
            "url": self.url,
        }

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Return the part of a JSON value; raises as `RegionPart.from_json`."""
        read = Members(value, "part")
        read.const("type", cls.TYPE)
        part = cls(
            name=read.text("name", longest=128),
            address=read_address(read, "address"),
            url=read_url(read),
            chain_id=read.integer("chain_id", 1),
            genesis=from_hex(read.text("genesis").removeprefix("0x"), 32),
            embedded=read.boolean("embedded"),
        )
        read.done()
        return part

    @property
    def keys(self) -> Mapping[str, bytes]:
        """The key of its one purpose, an address."""
        return {OPERATOR: self.address}


Part = RegionPart | OperatorPart


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedPart:
    """A part with a signature by each of its keys: 65 bytes by an account, 64 by Ed25519."""

    part: Part
    signatures: Mapping[str, bytes] = field(default_factory=dict)

    def to_json(self) -> dict[str, Json]:
        """Return the file as a JSON value."""
        signatures: dict[str, Json] = {
            name: signature.hex() for name, signature in sorted(self.signatures.items())
        }
        return {"part": self.part.to_json(), "signatures": signatures}

    def format(self) -> bytes:
        """Return the bytes of the file."""
        return format_canonical(self.to_json())

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Return the part of a JSON value, once every key of it is seen to have signed.

        Raises:
            MalformedError: another shape.
            FoundationError: `foundation.part_signature`.
        """
        read = Members(value, "file")
        part = part_from_json(read.take("part"))
        signatures = read.inner("signatures")
        pairs = {
            name: bytes.fromhex(signatures.text(name, _SIGNATURE))
            for name in part.keys
            if signatures.has(name)
        }
        signatures.done()
        read.done()
        signed = cls(part=part, signatures=pairs)
        signed.check()
        return signed

    def check(self) -> None:
        """Check that each key of the part has signed it.

        Raises:
            FoundationError: `foundation.part_signature`.
        """
        for name, key in self.part.keys.items():
            if not _is_signed(self.part, name, key, self.signatures.get(name, b"")):
                raise FoundationError(
                    "part_signature",
                    f"the part of {title_of(self.part)} is not signed by the {name}'s key it names:"
                    " it was changed, or another party made it",
                )


def sign_part(
    part: Part, accounts: Mapping[str, Signer], keys: Mapping[str, Ed25519PrivateKey]
) -> SignedPart:
    """Return a part signed by the secrets of its keys, given by their purposes."""
    data = signed_bytes(part)
    signatures = {name: signer.sign(keccak(data)) for name, signer in accounts.items()}
    signatures |= {name: key.sign(data) for name, key in keys.items()}
    signed = SignedPart(part=part, signatures=signatures)
    signed.check()
    return signed


def part_from_json(value: Json) -> Part:
    """Return the part, an operator's or a region's, that a JSON value is."""
    kind = value.get("type") if isinstance(value, dict) else None
    if kind == OperatorPart.TYPE:
        return OperatorPart.from_json(value)
    return RegionPart.from_json(value)


def title_of(part: Part) -> str:
    """Return how a part is called in a sentence."""
    return part.name if isinstance(part, OperatorPart) else f"region {part.region}"


def signed_bytes(part: Part) -> bytes:
    """Return the bytes that the keys of a part sign; accounts sign their Keccak-256."""
    return part.TYPE.encode() + b"\n" + format_canonical(part.to_json())


def _is_signed(part: Part, name: str, key: bytes, signature: bytes) -> bool:
    data = signed_bytes(part)
    if name in (REGISTRAR, OPERATOR):
        return recover_address(keccak(data), signature) == key
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def check_name(name: str) -> None:
    """Refuse a name that is shown otherwise than it is signed.

    Raises:
        FoundationError: it is empty, or has a character that no sealed text may have.
    """
    if (reason := refusal_of(name)) is not None:
        raise FoundationError("name", f"no name for people: {reason}")
    if found := next((one for one in name if ord(one) in INVISIBLE), None):
        raise FoundationError("name", f"the name {name!r} has the invisible U+{ord(found):04X}")


def read_address(read: Members, name: str) -> bytes:
    """Return the 20 bytes of a member with an address: `0x` and 40 digits of lower case."""
    return bytes.fromhex(read.text(name, _ADDRESS)[2:])


def read_url(read: Members) -> str:
    """Return the member `url`, an address of a server."""
    url = read.text("url", longest=256)
    if not is_server_address(url):
        read.fail("url", "an address that starts with https:// (or http://)")
    return url
