"""Store of a home's adopted trust policies, one file per version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from certledger.verifier.errors import CertledgerError, ExitStatus, MalformedError
from certledger.verifier.files import locked, read_file, write_atomically
from certledger.verifier.formats.policy_fingerprint import check_fingerprint
from certledger.verifier.formats.signed_policy import (
    MAX_POLICY_BYTES,
    SignedPolicy,
    find_successors,
)

PREFIX = "trusted-policy-"
_LOCK = "trusted-policy"
_VERSION_DIGITS = 16  # Versions are below 2^53, so file names sort by version.


class PolicyMissingError(CertledgerError):
    """No policy is named, and the home has none."""

    code = "policy.missing"
    exit_status = ExitStatus.UNUSABLE


@dataclass(frozen=True, kw_only=True, slots=True)
class AdoptedPolicy:
    """The `current` policy of a home, and `first` if the home had none before."""

    current: SignedPolicy
    first: SignedPolicy | None = None


def policy_files(home: Path) -> list[Path]:
    """Return the files of all adopted policies, oldest first."""
    return sorted(home.glob(f"{PREFIX}*.json"))


def current_policy(home: Path) -> SignedPolicy | None:
    """Return the newest adopted policy, None where there is none.

    Raises:
        MalformedError, PolicyUnsignedError: its file is damaged; nothing replaces it silently.
    """
    files = policy_files(home)
    return _load(files[-1]) if files else None


def was_adopted(home: Path, signed: SignedPolicy) -> bool:
    """Return whether a home has adopted this policy at any time."""
    file = _file(home, signed.policy.version)
    return file.exists() and _load(file).policy == signed.policy


def adopt_chain(
    home: Path, chain: Sequence[SignedPolicy], fingerprint: bytes | None = None
) -> AdoptedPolicy:
    """Adopt the last policy of `chain`, oldest first; returns once it is on disk.

    An empty chain returns the home's policy.  `fingerprint` must be that of the home's first
    policy; it is compared before anything is stored.

    Raises:
        PolicyMissingError: the chain is empty, and the home has no policy.
        FingerprintDiffersError: the first policy of the home (of the chain, in a new home) has
            another one.
        PolicyOlderError, PolicyUnsignedError: the chain does not follow the home's newest policy.
        MalformedError: a file of the home is damaged.
    """
    with locked(home / _LOCK):
        files = policy_files(home)
        current = _load(files[-1]) if files else None
        new = find_successors(current, chain)
        newest = new[-1] if new else current
        if newest is None:
            raise PolicyMissingError(f"name a --policy: {home} has none yet")
        if fingerprint is not None:
            first = _load(files[0]) if files else new[0]
            check_fingerprint(first.policy, fingerprint)
        for one in new:
            write_atomically(_file(home, one.policy.version), one.format(), private=True)
        return AdoptedPolicy(current=newest, first=None if files else new[0])


def open_chain(chain: Sequence[SignedPolicy], fingerprint: bytes | None = None) -> SignedPolicy:
    """Return the last policy of `chain`, oldest first, without a home to store it.

    Raises:
        PolicyMissingError: the chain is empty.
        FingerprintDiffersError: its first policy has another fingerprint than `fingerprint`.
        PolicyOlderError, PolicyUnsignedError: a policy does not follow the one before.
    """
    if not chain:
        raise PolicyMissingError("name a --policy")
    if fingerprint is not None:
        check_fingerprint(chain[0].policy, fingerprint)
    return find_successors(None, chain)[-1]


def read_chain(files: Sequence[Path]) -> list[SignedPolicy]:
    """Read policy files and verify each by its own roots.

    Raises:
        OSError: a file cannot be read.
        FileTooLargeError, MalformedError, PolicyUnsignedError: a file is no signed policy.
    """
    return [SignedPolicy.parse(read_file(file, MAX_POLICY_BYTES)) for file in files]


def _load(file: Path) -> SignedPolicy:
    (signed,) = read_chain([file])
    if file.name != _file(file.parent, signed.policy.version).name:
        raise MalformedError("schema.invalid", f"{file} holds version {signed.policy.version}")
    return signed


def _file(home: Path, version: int) -> Path:
    return home / f"{PREFIX}{version:0{_VERSION_DIGITS}}.json"
