"""Certificates named by number and access code: what the ledger has, and what is left to compare.

The number alone proves nothing about the paper: somebody may have printed another name around it.
So the visitor types what the paper shows, or opens its document, and both are compared with the
salted digests of the record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from certledger.api.pages.renderer import field_label
from certledger.api.service import Service
from certledger.api.translations import Language
from certledger.ledger.publish.evidence import EvidencePendingError, EvidenceUnknownError
from certledger.ledger.verification.questions import Lookup, VerifyRequest
from certledger.verifier.formats.canonical_json import Json
from certledger.verifier.formats.record import (
    NUMBER,
    Disclosure,
    derived_salt,
    format_disclosure,
    lookup_digest,
    normal_code,
    normal_number,
)
from certledger.verifier.regions import issuer_in_words


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparedField:
    """A field that is compared: its index in the record, its name, and its label for people."""

    place: int
    name: str
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundCertificate:
    """What the ledger says of a certificate before anything of the paper is compared."""

    name: str
    issuer: str
    issued: str
    fields: Sequence[ComparedField]

    def to_json(self) -> Json:
        """Return it as a page's script reads it."""
        return {
            "name": self.name,
            "issuer": self.issuer,
            "issued": self.issued,
            "fields": [
                {"place": one.place, "name": one.name, "label": one.label} for one in self.fields
            ],
        }


def find_certificate(
    service: Service, digest: bytes, language: Language
) -> FoundCertificate | None:
    """Return the certificate of a lookup digest; None if there is none with evidence yet."""
    try:
        with service.making:
            evidence = service.ledger.maker.of_lookup(digest)
    except (EvidenceUnknownError, EvidencePendingError):
        return None
    record, entry = evidence.record, evidence.catalog.entry
    names = issuer_in_words({"issuer": record.issuer, "body": evidence.issuer.name})
    assert names is not None
    return FoundCertificate(
        name=entry.name_zh if language == "zh" else entry.name_en,
        issuer=names[0] if language == "zh" else names[1],
        issued=record.issued.isoformat(),
        fields=[
            ComparedField(
                place=place,
                name=entry.fields[place],
                label=field_label(entry.fields[place], language),
            )
            for place in sorted(entry.must_show)
            if place
        ],
    )


def lookup_question(
    number: str, code: str, found: FoundCertificate | None, typed: Mapping[int, str]
) -> VerifyRequest:
    """Return the question about a certificate whose number, access code and fields were typed.

    Raises:
        MalformedError: an invalid number or access code.
    """
    number, code = normal_number(number), normal_code(code)
    shown = [Disclosure.parse(format_disclosure(code, NUMBER, number))]
    shown += [
        Disclosure.parse(
            format_disclosure(derived_salt(code, one.place), one.name, typed[one.place])
        )
        for one in (found.fields if found is not None else ())
        if typed.get(one.place)
    ]
    return VerifyRequest(
        lookup=Lookup(digest=lookup_digest(number, code), disclosures=tuple(shown))
    )
