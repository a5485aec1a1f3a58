"""What a region's home has signed: one founding document, and one policy of each version.

A second policy of a version, signed by the same roots, would split those who verify.
"""

from __future__ import annotations

from pathlib import Path

from certledger.ledger.foundation.document import SignedFounding
from certledger.ledger.foundation.errors import FoundationError
from certledger.ledger.foundation.files import DOCUMENT, read_draft, read_founding
from certledger.verifier.files import write_atomically
from certledger.verifier.formats.policy import TrustPolicy
from certledger.verifier.formats.policy_fingerprint import fingerprint_of, format_words
from certledger.verifier.formats.signed_policy import SignedPolicy
from certledger.verifier.policy_store import current_policy


def check_founding(home: Path, signed: SignedFounding, *, instead: bool) -> None:
    """Check that a home signed no other founding document, or that this one is wanted `instead`.

    Raises:
        FoundationError: `foundation.signed_other`; `foundation.home`, its ledger has a policy.
    """
    path = home / DOCUMENT
    if not path.exists():
        return
    before = read_founding(path).founding
    if before == signed.founding:
        return
    if current_policy(home) is not None:
        raise FoundationError("home", f"the ledger of {home} is founded: it keeps a policy")
    if not instead:
        raise _other("document", before.words)


def check_policy(home: Path, policy: TrustPolicy, *, instead: bool) -> None:
    """Check that a home signed no other policy of this version, and keeps the one before it.

    Raises:
        FoundationError: `foundation.version`, `foundation.signed_other`.
    """
    current = current_policy(home)
    newest = 0 if current is None else current.policy.version
    if policy.version != newest + 1 and not (current and current.policy == policy):
        raise FoundationError(
            "version",
            f"this is version {policy.version}, and {home} keeps version {newest}: only version"
            f" {newest + 1} is signed here; certledger policy keep takes those between",
        )
    path = _file(home, policy)
    if path.exists() and not instead:
        before = read_draft(path).policy
        if before != policy:
            raise _other(f"version {policy.version}", format_words(fingerprint_of(before)))


def store_policy(home: Path, policy: TrustPolicy) -> None:
    """Store that a home signs a policy; durable before its signature leaves."""
    write_atomically(_file(home, policy), SignedPolicy(policy=policy, signatures={}).format())


def _file(home: Path, policy: TrustPolicy) -> Path:
    return home / f"signed-policy-{policy.version}.json"


def _other(what: str, words: str) -> FoundationError:
    return FoundationError(
        "signed_other",
        f"this home has signed another {what} before ({words}); --instead signs this one too, where"
        " everybody has given up the other",
    )
