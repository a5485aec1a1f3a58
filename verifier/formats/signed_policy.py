"""The file of a trust policy: its signatures, and which may follow which (SPEC section 15)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from certledger.verifier.errors import CertledgerError, ExitStatus
from certledger.verifier.formats.canonical_json import (
    Members,
    format_canonical,
    from_hex,
    parse_canonical,
)
from certledger.verifier.formats.policy import (
    MAX_POLICY_KEYS,
    Roots,
    TrustPolicy,
    check_ascending,
    parts,
)

MAX_POLICY_BYTES = 65536
_SIGNED = b"certledger/policy/1\n"


class PolicyUnsignedError(CertledgerError):
    """A policy does not carry the signatures it needs, or one that is not good."""

    code = "policy.unsigned"
    exit_status = ExitStatus.UNUSABLE


class PolicyOlderError(CertledgerError):
    """A policy would replace a newer one, or another one of the same version."""

    code = "policy.older"
    exit_status = ExitStatus.UNUSABLE


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedPolicy:
    """A policy and its signatures (64 bytes each), by root key (32 bytes)."""

    policy: TrustPolicy
    signatures: Mapping[bytes, bytes]

    def format(self) -> bytes:
        """Return the bytes of the file."""
        return format_canonical(
            {
                "policy": self.policy.to_json(),
                "signatures": [
                    {"key": key.hex(), "signature": self.signatures[key].hex()}
                    for key in sorted(self.signatures)
                ],
            }
        )

    @classmethod
    def parse(cls, data: bytes) -> SignedPolicy:
        """Return the policy of a file whose signatures reach its own roots' threshold.

        Raises:
            MalformedError: anything but the canonical bytes of a policy of a known version.
            PolicyUnsignedError: a signature does not verify, or too few are by the policy's roots.
        """
        read = Members(parse_canonical(data, MAX_POLICY_BYTES), "file")
        policy = TrustPolicy.from_json(read.take("policy"))
        # The next version is signed by two sets of roots at most.
        pairs = parts(read, "signatures", 0, 2 * MAX_POLICY_KEYS, _signature)
        read.done()
        check_ascending("file.signatures", [key for key, _ in pairs])
        signed = cls(policy=policy, signatures=dict(pairs))
        signed._check_each()
        signed.check_threshold(policy.roots)
        return signed

    def _check_each(self) -> None:
        data = signed_bytes(self.policy)
        for key, signature in self.signatures.items():
            try:
                Ed25519PublicKey.from_public_bytes(key).verify(signature, data)
            except (InvalidSignature, ValueError) as error:
                raise PolicyUnsignedError(
                    f"the policy's signature by key {key.hex()[:16]} does not verify"
                ) from error

    def check_threshold(self, roots: Roots) -> None:
        """Check that enough of `roots` have signed; that signatures verify is known already.

        Raises:
            PolicyUnsignedError: fewer than their threshold have.
        """
        signed = sum(key in self.signatures for key in roots.keys)
        if signed < roots.threshold:
            raise PolicyUnsignedError(
                f"{signed} of the root keys have signed version {self.policy.version} "
                f"where {roots.threshold} must"
            )


def sign(policy: TrustPolicy, keys: Iterable[Ed25519PrivateKey]) -> SignedPolicy:
    """Return `policy` signed by `keys`: of its own roots and, to follow another, of that one's."""
    data = signed_bytes(policy)
    return SignedPolicy(
        policy=policy,
        signatures={key.public_key().public_bytes_raw(): key.sign(data) for key in keys},
    )


def check_succession(old: SignedPolicy, new: SignedPolicy) -> None:
    """Check that `new` may take the place of `old`; the same policy may again.

    Raises:
        PolicyOlderError: a lower version, or another policy of the same version.
        PolicyUnsignedError: not signed by the threshold of `old`'s roots.
    """
    if new.policy.version < old.policy.version:
        raise PolicyOlderError(
            f"version {new.policy.version} would replace version {old.policy.version}"
        )
    if new.policy.version == old.policy.version:
        if new.policy != old.policy:
            raise PolicyOlderError(f"another policy has version {old.policy.version} too")
        return
    new.check_threshold(old.policy.roots)


def find_successors(
    current: SignedPolicy | None, chain: Sequence[SignedPolicy]
) -> list[SignedPolicy]:
    """Return the policies of `chain`, oldest first, that are newer than `current`.

    Each must follow the one before, and the first of those that are not older than `current` must
    follow it; so a chain may begin long before what a verifier relies on already.

    Raises:
        PolicyOlderError, PolicyUnsignedError: as `check_succession`; also where the whole chain is
            older.
    """
    for old, new in pairwise(chain):
        check_succession(old, new)
    version = 0
    if current is not None and chain:
        version = current.policy.version
        check_succession(
            current, next((one for one in chain if one.policy.version >= version), chain[-1])
        )
    newer: dict[int, SignedPolicy] = {}
    for one in chain:
        if one.policy.version > version:
            newer.setdefault(one.policy.version, one)  # The one that was seen to follow.
    return list(newer.values())


def signed_bytes(policy: TrustPolicy) -> bytes:
    """Return the bytes that root keys sign."""
    return _SIGNED + format_canonical(policy.to_json())


def _signature(read: Members) -> tuple[bytes, bytes]:
    return from_hex(read.text("key"), 32), from_hex(read.text("signature"), 64)
