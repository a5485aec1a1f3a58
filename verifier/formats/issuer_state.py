"""State of an issuer; the contract stores only its digest (SPEC section 8)."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from typing import TypeVar

from certledger.verifier.crypto.hashing import keccak, sha256
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats import merkle
from certledger.verifier.formats.canonical_json import Json, Members, hash_list, to_base64url
from certledger.verifier.vocabulary import IssuerKind, Purpose, Standing

ISSUER = re.compile(r"[0-9A-Z]{18}")
NO_END = 2**40 - 1
MAX_KEYS = 16
MAX_CERTIFICATES = 2**32
MAX_BATCH_CERTIFICATES = 65_536
KEY_SIZE = 31
ZERO = bytes(32)
UNNAMED = "sha256:"
"""Prefix of the digest that replaces an unpublished name."""

_Word = TypeVar("_Word", IssuerKind, Standing)


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """A key of an issuer: `address` (20 bytes), purposes, valid in blocks `start <= b < end`."""

    address: bytes
    purposes: Purpose
    start: int
    end: int = NO_END

    # Key word, 32 bytes: address 20 ‖ purposes 1 ‖ start 5 ‖ end 5 ‖ zero 1.
    def packed(self) -> bytes:
        """Return the first 31 bytes of the key word."""
        return (
            self.address
            + self.purposes.to_bytes(1, "big")
            + self.start.to_bytes(5, "big")
            + self.end.to_bytes(5, "big")
        )

    @classmethod
    def unpacked(cls, data: bytes) -> Key:
        """Parse the first 31 bytes of a key word.

        Raises:
            MalformedError: another length, no purpose or an unknown one.
        """
        purposes = data[20] if len(data) == KEY_SIZE else 0
        start, end = (int.from_bytes(data[at : at + 5], "big") for at in (21, 26))
        if not 0 < purposes < 16:
            raise MalformedError("state.key", f"a key has no known purpose: {data.hex()}")
        return cls(address=data[:20], purposes=Purpose(purposes), start=start, end=end)

    def speaks(self, purpose: Purpose, block: int) -> bool:
        """Return whether the key may sign for `purpose` at `block`."""
        return bool(self.purposes & purpose) and self.start <= block < self.end


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuerState:
    """The whole state of one issuer.  Blocks are numbers, hashes are 32 bytes."""

    issuer: str
    kind: IssuerKind
    name: str
    keys: tuple[Key, ...]
    standing: Standing = Standing.ACTIVE
    since: int
    catalog_version: int = 0
    catalog: bytes = ZERO
    batches: int = 0
    certificates: int = 0
    last: bytes = ZERO
    peaks: tuple[bytes, ...] = ()
    epoch: int = 0
    status: bytes
    revision: int = 0

    @property
    def region(self) -> int:
        """The registrar's region: characters 3 and 4 of the issuer's code."""
        return region_of(self.issuer)

    def words(self) -> tuple[bytes, ...]:
        """Return the six head words w0 to w5, 32 bytes each."""
        return (
            self.issuer.encode("ascii")
            + self.region.to_bytes(2, "big")
            + bytes([self.kind.number, self.standing.number])
            + self.since.to_bytes(5, "big")
            + self.catalog_version.to_bytes(4, "big")
            + b"\x00",
            self.batches.to_bytes(8, "big")
            + self.certificates.to_bytes(8, "big")
            + self.epoch.to_bytes(8, "big")
            + self.revision.to_bytes(4, "big")
            + bytes(4),
            sha256(self.name.encode()),
            self.catalog,
            self.last,
            self.status,
        )

    def named(self, name: str) -> IssuerState:
        """Return this state with its name, which must have the digest of this state."""
        parts = {each.name: getattr(self, each.name) for each in fields(self)}
        return replace(IssuerState(**parts), name=name)

    def key_words(self) -> tuple[bytes, ...]:
        """Return one word per key, 32 bytes each."""
        return tuple(key.packed() + b"\x00" for key in self.keys)

    def digest(self) -> bytes:
        """Return the digest in the issuer's slot: 32 bytes, lowest bit free for the hold flag."""
        whole = keccak(
            b"".join(self.words())
            + keccak(b"".join(self.key_words()))
            + keccak(b"".join(self.peaks))
        )
        return without_brake(whole)

    def after_batch(self, *, digest: bytes, count: int, leaf: bytes) -> IssuerState:
        """Return the state after a batch of `count` certificates is anchored.

        `digest` is that of its statement, `leaf` its leaf in the tree of batches.
        """
        return replace(
            self,
            batches=self.batches + 1,
            certificates=self.certificates + count,
            last=digest,
            peaks=tuple(merkle.append(self.peaks, self.batches, leaf)),
        )

    def to_json(self) -> Json:
        """Encode the state as in evidence."""
        return {
            "batches": self.batches,
            "catalog": to_base64url(self.catalog),
            "catalog_version": self.catalog_version,
            "certificates": self.certificates,
            "epoch": self.epoch,
            "issuer": self.issuer,
            "keys": to_base64url(b"".join(key.packed() for key in self.keys)),
            "kind": str(self.kind),
            "last": to_base64url(self.last),
            "name": self.name,
            "peaks": hash_list(self.peaks),
            "revision": self.revision,
            "since": self.since,
            "standing": str(self.standing),
            "status": to_base64url(self.status),
        }

    @classmethod
    def from_json(cls, value: Json) -> IssuerState:
        """Parse the state from evidence.

        Raises:
            MalformedError: an unknown, missing or ill-typed member, or an impossible state.
        """
        read = Members(value, "body")
        packed = read.binary("keys")
        if not packed or len(packed) % KEY_SIZE or len(packed) > MAX_KEYS * KEY_SIZE:
            read.fail("keys", f"1 to {MAX_KEYS} keys of {KEY_SIZE} bytes")
        state = cls(
            issuer=read.text("issuer", ISSUER),
            kind=_member(IssuerKind, read, "kind"),
            name=read.text("name", longest=128),
            keys=tuple(
                Key.unpacked(packed[at : at + KEY_SIZE]) for at in range(0, len(packed), KEY_SIZE)
            ),
            standing=_member(Standing, read, "standing"),
            since=read.integer("since", greatest=NO_END),
            catalog_version=read.integer("catalog_version", greatest=2**32 - 1),
            catalog=read.binary("catalog", 32),
            batches=read.integer("batches", greatest=MAX_CERTIFICATES),
            certificates=read.integer("certificates", greatest=MAX_CERTIFICATES),
            last=read.binary("last", 32),
            peaks=tuple(read.hashes("peaks", 32)),
            epoch=read.integer("epoch"),
            status=read.binary("status", 32),
            revision=read.integer("revision", greatest=2**32 - 1),
        )
        read.done()
        region_of(state.issuer)
        if len(state.peaks) != state.batches.bit_count():
            raise MalformedError("schema.invalid", "body.peaks do not fit the number of batches")
        return state


def _member(kind: type[_Word], read: Members, name: str) -> _Word:
    value = read.text(name)
    if value not in [str(member) for member in kind]:
        read.fail(name, "known")
    return kind(value)


def region_of(issuer: str) -> int:
    """Return the region in an issuer's code (GB 32100: characters 3 and 4 are the province).

    Raises:
        MalformedError: they are not digits.
    """
    if not ISSUER.fullmatch(issuer) or not issuer[2:4].isdigit():
        raise MalformedError("issuer.invalid", f"{issuer[:20]!r} is not the code of an issuer")
    return int(issuer[2:4])


def without_brake(slot: bytes) -> bytes:
    """Clear the hold flag (lowest bit) of a slot value, to compare it with a digest."""
    return slot[:-1] + bytes([slot[-1] & 0xFE])


def batch_leaf(*, digest: bytes, catalog: bytes, key: int, block: int) -> bytes:
    """Hash a batch to its leaf in its issuer's tree.

    `digest` is that of the statement, `key` the index of the signing key, `block` that of the
    anchoring.
    """
    return merkle.leaf_hash(digest + catalog + bytes([key]) + block.to_bytes(5, "big"))


@dataclass(frozen=True, kw_only=True, slots=True)
class UnnamedIssuer(IssuerState):
    """State of an issuer whose name is not published, only its digest.

    `name` is `sha256:` and 64 hexadecimal digits.
    """

    @property
    def name_digest(self) -> bytes:
        """The SHA-256 of the name."""
        return bytes.fromhex(self.name.removeprefix(UNNAMED))

    def words(self) -> tuple[bytes, ...]:
        """Return the six head words w0 to w5, with the digest taken from `name`."""
        head = list(IssuerState.words(self))
        head[2] = self.name_digest
        return tuple(head)
