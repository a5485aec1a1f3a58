"""Signed trust policies: the file, and the rules of succession (SPEC section 15)."""

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
    """A policy lacks a needed signature, or one does not verify."""

    code = "policy.unsigned"
    exit_status = ExitStatus.UNUSABLE


class PolicyOlderError(CertledgerError):
    """A policy would replace a newer one, or another one of the same version."""

    code = "policy.older"
    exit_status = ExitStatus.UNUSABLE


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedPolicy:
    """A policy and its signatures (64 bytes each) by root key (32 bytes)."""

    policy: TrustPolicy
    signatures: Mapping[bytes, bytes]

    def format(self) -> bytes:
        """Format the bytes of the file."""
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
        """Parse a file and verify that its signatures reach its own roots' threshold.

        Raises:
            MalformedError: not the canonical bytes of a policy of a known version.
            PolicyUnsignedError: a signature does not verify, or too few are by the policy's roots.
        """
        signed = cls.parse_draft(data)
        signed.check_threshold(signed.policy.roots)
        return signed

    @classmethod
    def parse_draft(cls, data: bytes) -> SignedPolicy:
        """Return the policy of a file that may lack signatures still; raises as `parse`."""
        read = Members(parse_canonical(data, MAX_POLICY_BYTES), "file")
        policy = TrustPolicy.from_json(read.take("policy"))
        # At most the old and the new roots sign a version.
        pairs = parts(read, "signatures", 0, 2 * MAX_POLICY_KEYS, _signature)
        read.done()
        check_ascending("file.signatures", [key for key, _ in pairs])
        signed = cls(policy=policy, signatures=dict(pairs))
        signed._check_each()
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
        """Check that enough of `roots` signed; `parse` verified the signatures.

        Raises:
            PolicyUnsignedError: fewer than their threshold signed.
        """
        signed = sum(key in self.signatures for key in roots.keys)
        if signed < roots.threshold:
            raise PolicyUnsignedError(
                f"{signed} of the root keys have signed version {self.policy.version} "
                f"where {roots.threshold} must"
            )


def sign(policy: TrustPolicy, keys: Iterable[Ed25519PrivateKey]) -> SignedPolicy:
    """Sign `policy` with root keys: its own and, for succession, those of the policy before."""
    data = signed_bytes(policy)
    return SignedPolicy(
        policy=policy,
        signatures={key.public_key().public_bytes_raw(): key.sign(data) for key in keys},
    )


def check_succession(old: SignedPolicy, new: SignedPolicy) -> None:
    """Check that `new` may replace `old`; the same policy may.

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

    Each must follow the one before, and the first not older than `current` must follow it; a chain
    may begin with older policies.

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
            newer.setdefault(one.policy.version, one)  # The first one of a version was checked.
    return list(newer.values())


def signed_bytes(policy: TrustPolicy) -> bytes:
    """Return the bytes that root keys sign."""
    return _SIGNED + format_canonical(policy.to_json())


def _signature(read: Members) -> tuple[bytes, bytes]:
    return from_hex(read.text("key"), 32), from_hex(read.text("signature"), 64)
