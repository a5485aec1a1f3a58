"""Certificates of the demo's applicants: people and a company with several each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from certledger.ledger.demo.issuers import DemoCertificate
from certledger.ledger.reference_data import Category, Domain, IssuerProfile
from certledger.ledger.samples.generator import sample_certificate
from certledger.ledger.samples.issuers import issuers_for
from certledger.ledger.samples.people import Person, invent_person
from certledger.verifier.vocabulary import Status

ADULT, MINOR, OVERTAKEN = "adult", "minor", "overtaken"
_DAYS_OF_AGE: Mapping[str, int] = {ADULT: 12_000, MINOR: 4_000, OVERTAKEN: 15_000}
_SHANGHAI, _ZHEJIANG = "31", "33"


@dataclass(frozen=True, kw_only=True, slots=True)
class Applicants:
    """What each certificate of an applicant is called here, by the stem of its files."""

    certificates: Sequence[DemoCertificate]
    stems: Mapping[str, str]

    def stem(self, name: str) -> str:
        """Return the stem of a certificate's files."""
        return self.stems[name]


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleRequest:
    """A certificate that an applicant has; `province` is that of its issuer."""

    name: str
    category: str
    holder: str
    province: str = _SHANGHAI
    status: Status = Status.VALID


WANTED = (
    SampleRequest(name="card", category="ID-RESIDENT", holder=ADULT),
    SampleRequest(name="health", category="MED-HEALTH-CERT", holder=ADULT),
    SampleRequest(name="no_crime", category="CIV-NO-CRIME", holder=ADULT),
    SampleRequest(name="minor_card", category="ID-RESIDENT", holder=MINOR),
    SampleRequest(
        name="overtaken_card", category="ID-RESIDENT", holder=OVERTAKEN, status=Status.REVOKED
    ),
    SampleRequest(name="licence", category="BIZ-LICENCE", holder=ADULT, province=_ZHEJIANG),
)
"""The holder of a company's licence is the company, and its representative the person."""


def applicants(
    domain: Domain, made: Sequence[DemoCertificate], *, seed: int, today: date
) -> Applicants:
    """Return the applicants' certificates, with indexes and numbers after those of `made`."""
    people = {name: _person(seed, name, today - timedelta(days=days)) for name, days in
              _DAYS_OF_AGE.items()}  # fmt: skip
    counts: dict[str, int] = {}
    for one in made:
        counts[one.issuer] = counts.get(one.issuer, 0) + 1
    found, stems = [], {}
    for number, wanted in enumerate(WANTED, len(made) + 1):
        category = domain.categories[wanted.category]
        issuer = _issuer(domain, category, wanted.province)
        sample = sample_certificate(
            domain, seed, number - 1, category, issuer, today, person=people[wanted.holder]
        )
        index = counts.get(issuer.uscc, 0)
        counts[issuer.uscc] = index + 1
        stem = f"{number:05d}-{category.code}"
        stems[wanted.name] = stem
        one = DemoCertificate(sample=sample, issuer=issuer.uscc, index=index, stem=stem)
        found.append(replace(one, status=wanted.status))
    return Applicants(certificates=found, stems=stems)


def _person(seed: int, name: str, born: date) -> Person:
    return invent_person(Random(f"{seed}/{name}"), "310101", born)


def _issuer(domain: Domain, category: Category, province: str) -> IssuerProfile:
    return next(
        one for one in issuers_for(domain, category) if one.region_code.startswith(province)
    )
