"""Presentations: a holder signs a counter's nonce (SPEC section 16.3)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.canonical_json import (
    Json,
    Members,
    format_canonical,
    from_base64url,
    to_base64url,
)
from certledger.verifier.formats.checkpoint import MAX_TIME_SECONDS

HolderKey = ec.EllipticCurvePublicKey | Ed25519PublicKey
HolderPrivateKey = ec.EllipticCurvePrivateKey | Ed25519PrivateKey

TYPE = "certledger/presentation/1"
WORD = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""An audience or a nonce."""

_ECDSA = ec.ECDSA(hashes.SHA256())
_P256, _ED25519 = "p256:", "ed25519:"
_SIZE = 64


# Holder keys -----------------------------------------------------------------------------------


def parse_holder_key(text: str) -> HolderKey:
    """Parse a holder's public key: `p256:` or `ed25519:` and base64url (SPEC section 4.6).

    Raises:
        MalformedError: `holder.key`, another kind, another length or no point of the curve.
    """
    kind, _, encoded = text.partition(":")
    raw = from_base64url(encoded)
    try:
        if kind == "p256" and len(raw) == 33:
            return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
        if kind == "ed25519" and len(raw) == 32:
            return Ed25519PublicKey.from_public_bytes(raw)
    except ValueError as error:
        raise MalformedError("holder.key", f"{text[:60]!r} is no point of its curve") from error
    raise MalformedError("holder.key", f"{text[:60]!r} is not a P-256 or Ed25519 key")


def format_holder_key(key: HolderKey) -> str:
    """Format a holder's public key.

    Raises:
        MalformedError: `holder.key`, a key on another curve.
    """
    if isinstance(key, Ed25519PublicKey):
        return _ED25519 + to_base64url(key.public_bytes_raw())
    if not isinstance(key.curve, ec.SECP256R1):
        raise MalformedError("holder.key", f"a holder key is on P-256, not on {key.curve.name}")
    return _P256 + to_base64url(key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint))


# The presentation ------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A counter's challenge: its own id, and a fresh nonce."""

    audience: str
    nonce: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """The signed subject: ledger and leaf (32 bytes each), digests of the disclosures.

    The digests are in the order of the record.
    """

    identity: bytes
    leaf: bytes
    shown: tuple[bytes, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Presentation:
    """A holder's response: `time` in seconds, signature raw (64 bytes)."""

    audience: str
    nonce: str
    signature: bytes
    time: int

    @property
    def mark(self) -> bytes:
        """Replay mark: the first half of the signature.

        An ECDSA signature (r, s) is malleable to (r, n - s), so s cannot be part of it.
        """
        return self.signature[:32]

    def to_json(self) -> Json:
        """Encode the presentation as in evidence."""
        return {
            "audience": self.audience,
            "nonce": self.nonce,
            "signature": to_base64url(self.signature),
            "time": self.time,
        }

    @classmethod
    def from_json(cls, value: Json) -> Presentation:
        """Parse the presentation from evidence.

        Raises:
            MalformedError: an unknown, missing or ill-typed member.
        """
        read = Members(value, "presentation")
        presentation = cls(
            audience=read.text("audience", WORD),
            nonce=read.text("nonce", WORD),
            signature=read.binary("signature", _SIZE),
            time=read.integer("time", greatest=MAX_TIME_SECONDS),
        )
        read.done()
        return presentation


def message(request: Request, subject: Subject, time: int) -> bytes:
    """Return the canonical bytes that a holder signs at `time` (seconds).

    Raises:
        MalformedError: audience or nonce do not match their pattern, or `time` is out of range.
    """
    for word in (request.audience, request.nonce):
        if not WORD.fullmatch(word):
            raise MalformedError("holder.word", f"{word[:70]!r} cannot be an audience or a nonce")
    return format_canonical(
        {
            "type": TYPE,
            "audience": request.audience,
            "ledger": subject.identity.hex(),
            "leaf": subject.leaf.hex(),
            "nonce": request.nonce,
            "shown": shown_digest(subject.shown).hex(),
            "time": time,
        }
    )


def shown_digest(digests: Iterable[bytes]) -> bytes:
    """Hash the digests of the disclosures, in record order (32 bytes)."""
    return sha256(b"".join(digests))


def sign(key: HolderPrivateKey, request: Request, subject: Subject, *, time: int) -> Presentation:
    """Sign a presentation of `subject` for `request` at `time` (seconds).

    Raises:
        MalformedError: as `message`, or the key is on another curve.
    """
    format_holder_key(key.public_key())
    data = message(request, subject, time)
    if isinstance(key, Ed25519PrivateKey):
        signature = key.sign(data)
    else:
        r, s = decode_dss_signature(key.sign(data, _ECDSA))
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return Presentation(
        audience=request.audience, nonce=request.nonce, signature=signature, time=time
    )


def check(
    presentation: Presentation | None,
    *,
    holder_key: str,
    request: Request,
    subject: Subject,
    now: int,
    greatest_age: int,
    tolerance: int,
) -> str:
    """Return `ok`, or the code of check 10 for an unacceptable presentation.

    `holder_key` is the disclosed text of the key; ages and times are in seconds.  Replays
    (`holder.replayed`) are detected by the counter that drew the nonce.
    """
    if presentation is None:
        return "holder.presentation_missing"
    if not _signed_by(presentation, holder_key, subject):
        return "holder.presentation_unusable"
    if presentation.audience != request.audience:
        return "holder.other_audience"
    if presentation.nonce != request.nonce:
        return "holder.other_nonce"
    if not now - greatest_age <= presentation.time <= now + tolerance:
        return "holder.presentation_old"
    return "ok"


def _signed_by(presentation: Presentation, holder_key: str, subject: Subject) -> bool:
    answered = Request(audience=presentation.audience, nonce=presentation.nonce)
    signature = presentation.signature
    if len(signature) != _SIZE:
        return False
    try:
        key = parse_holder_key(holder_key)
        data = message(answered, subject, presentation.time)
        if isinstance(key, Ed25519PublicKey):
            key.verify(signature, data)
        else:
            r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
            key.verify(encode_dss_signature(r, s), data, _ECDSA)
    except (MalformedError, InvalidSignature):
        return False
    return True
