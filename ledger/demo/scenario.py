"""Scenario of the demo: the status of each certificate, and the expected verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from certledger.ledger.demo.issuers import DemoCertificate
from certledger.ledger.samples.generator import SampleCertificate
from certledger.verifier.vocabulary import Status, Verdict

REASONS = {
    Status.REVOKED: "R02",
    Status.SUSPENDED: "S04",
    Status.SUPERSEDED: "P01",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Shares:
    """Numbers of certificates that expire, and that get each status."""

    expired: int
    changed: int

    @classmethod
    def of(cls, certificates: int) -> Shares:
        """Return the shares for so many certificates."""
        return cls(expired=max(certificates // 50, 1), changed=max(certificates // 50, 1))


def places(samples: Sequence[SampleCertificate]) -> list[DemoCertificate]:
    """Return the samples with their index within their issuer, in the same order."""
    counts: dict[str, int] = {}
    made = []
    for number, sample in enumerate(samples, 1):
        issuer = sample.issuer.uscc
        index = counts.get(issuer, 0)
        counts[issuer] = index + 1
        stem = f"{number:05d}-{sample.category.code}"
        made.append(DemoCertificate(sample=sample, issuer=issuer, index=index, stem=stem))
    return made


def fates(
    made: Sequence[DemoCertificate], shares: Shares, expired: frozenset[str]
) -> list[DemoCertificate]:
    """Return the certificates with their intended status.

    Expired ones stay valid otherwise, so that each verdict has one reason.
    """
    remaining = list(made)
    free = [at for at, one in enumerate(made) if one.stem not in expired]
    wanted = [status for status in REASONS for _ in range(shares.changed)]
    # Every third from a fifth on, so that issuers of all kinds are affected.
    for at, status in zip(free[len(free) // 5 :: 3], wanted, strict=False):
        remaining[at] = replace(remaining[at], status=status)
    return remaining


def successors(made: Sequence[DemoCertificate]) -> list[DemoCertificate]:
    """Return the next editions of superseded certificates, with indices after all first ones."""
    counts: dict[str, int] = {}
    for one in made:
        counts[one.issuer] = counts.get(one.issuer, 0) + 1
    found = []
    for one in made:
        if one.status is Status.SUPERSEDED:
            index = counts[one.issuer]
            counts[one.issuer] = index + 1
            stem = f"{one.stem}-new"
            found.append(replace(one, index=index, stem=stem, status=Status.VALID, edition=1))
    return found


def expectation(one: DemoCertificate, expired: frozenset[str]) -> tuple[Verdict, str]:
    """Return the expected verdict, and the code of its reason (`ok` for none)."""
    if one.status is not Status.VALID:
        return Verdict.NOT_IN_FORCE, f"status.{one.status}"
    if one.stem in expired:
        return Verdict.NOT_IN_FORCE, "dates.expired"
    return Verdict.VALID, "ok"
