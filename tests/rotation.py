"""Trust policies that follow one another while all their root keys change."""

from __future__ import annotations

from collections.abc import Iterable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from certledger.verifier.formats.policy import Roots
from certledger.verifier.formats.signed_policy import sign
from tests.world import ROOT_KEYS, policy, signed_policy

OTHERS = tuple(Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (41, 42, 43))
LAST = tuple(Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (51, 52, 53))


def roots_of(keys: Iterable[Ed25519PrivateKey]) -> Roots:
    """Return the roots of three keys, of which two must sign."""
    return Roots(keys=tuple(sorted(k.public_key().public_bytes_raw() for k in keys)), threshold=2)


ONE = signed_policy(version=1)
TWO = sign(policy(version=2, roots=roots_of(OTHERS)), [*ROOT_KEYS[:2], *OTHERS[:2]])
THREE = sign(policy(version=3, roots=roots_of(LAST)), [*OTHERS[1:], *LAST[1:]])
STRANGERS_TWO = sign(policy(version=2, roots=roots_of(OTHERS)), OTHERS)
