"""What of a founding is done, and what is missing next, as its files tell it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from certledger.ledger.chain.deploy import Deployment
from certledger.ledger.foundation.deployment_match import pin_of
from certledger.ledger.foundation.document import MIN_REGISTRARS, SignedFounding
from certledger.ledger.foundation.files import read_any
from certledger.ledger.foundation.part import OperatorPart, RegionPart, SignedPart, title_of
from certledger.ledger.foundation.renewal import check_first, missing_signatures
from certledger.verifier.formats.policy_fingerprint import fingerprint_of, format_words
from certledger.verifier.formats.signed_policy import SignedPolicy


@dataclass(kw_only=True, slots=True)
class _Files:
    parts: list[SignedPart] = field(default_factory=list)
    founding: SignedFounding | None = None
    deployment: Deployment | None = None
    policies: list[SignedPolicy] = field(default_factory=list)


def progress_of(paths: Sequence[Path]) -> tuple[Sequence[str], Sequence[str]]:
    """Return sentences: what is done, and what is missing next.

    Raises:
        CertledgerError: a file is none of a founding, or does not belong to the others.
    """
    files = _Files()
    for path in paths:
        value = read_any(path)
        if isinstance(value, SignedPart):
            files.parts.append(value)
        elif isinstance(value, SignedFounding):
            files.founding = value
        elif isinstance(value, Deployment):
            files.deployment = value
        else:
            files.policies.append(value)
    if files.policies:
        return _of_policies(files)
    if files.founding is not None:
        return _of_founding(files.founding, files.deployment)
    return _of_parts(files.parts)


def _of_parts(parts: Sequence[SignedPart]) -> tuple[list[str], list[str]]:
    done = [f"part of {title_of(one.part)}: signed by its keys" for one in parts]
    missing = []
    if not any(isinstance(one.part, OperatorPart) for one in parts):
        missing.append("the operator's part: certledger found operator")
    regions = sum(isinstance(one.part, RegionPart) for one in parts)
    if regions < MIN_REGISTRARS:
        missing.append(f"{MIN_REGISTRARS - regions} more regions' parts: certledger found join")
    if not missing:
        missing.append("certledger found merge PARTS --name NAME --out founding.json")
    return done, missing


def _of_founding(
    signed: SignedFounding, deployment: Deployment | None
) -> tuple[list[str], list[str]]:
    done = [
        f"document {signed.founding.words}: {len(signed.founding.regions)} regions",
        *(f"signed by region {region}" for region in sorted(signed.signatures)),
    ]
    if signed.missing:
        names = ", ".join(map(str, signed.missing))
        return done, [f"certledger found sign, in the homes of regions {names}; then found merge"]
    if deployment is None:
        return done, ["certledger found deploy, in the operator's home"]
    pin = pin_of(signed.founding, deployment)
    done.append(f"deployed: the transaction makes ledger {pin.identity.hex()}")
    return done, ["certledger found policy DOCUMENT deployment.json --out policy.json"]


def _of_policies(files: _Files) -> tuple[list[str], list[str]]:
    done: list[str] = []
    missing: list[str] = []
    ordered = sorted(files.policies, key=lambda one: one.policy.version)
    previous = None
    for one in ordered:
        version = one.policy.version
        if version == 1 and files.founding is not None and files.deployment is not None:
            check_first(
                one.policy,
                files.founding.founding,
                pin_of(files.founding.founding, files.deployment),
            )
            done.append("version 1 is what the document gives for the deployment")
        lacking = missing_signatures(one, previous)
        words = format_words(fingerprint_of(one.policy))
        done.append(f"version {version}, {words}: {len(one.signatures)} signatures")
        missing += [f"version {version}: {sentence}" for sentence in lacking]
        previous = one.policy
    if not missing:
        missing.append("certledger policy keep FILE --home HOME, in every home; compare the words")
    return done, missing
