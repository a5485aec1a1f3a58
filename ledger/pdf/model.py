"""Content of a printed certificate.

It has number, access code and a link, never the record or its evidence: the record contains the
digest of the document.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from certledger.ledger.reference_data import Category, IssuerProfile
from certledger.ledger.reference_data.fields import label_en, label_zh
from certledger.verifier.formats.record import normal_number
from certledger.verifier.formats.short_link import ShortLink

# Fields with a place of their own on the page.
PLACED = frozenset({"certificate_number", "issuing_body", "issue_date", "expiry_date"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A row of the table: a label in two languages, and the value."""

    label_zh: str
    label_en: str
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateDocument:
    """A printed certificate.

    Attributes:
        access_code: 16 characters of Crockford base32; normal, without hyphens.
        link: the short link (SPEC section 4.9), printed, and drawn as a QR code.
    """

    title_zh: str
    title_en: str
    issuer_zh: str
    issuer_en: str
    number: str
    access_code: str
    lines: tuple[Line, ...]
    issue_date: date
    expiry_date: date | None
    link: str


def certificate_document(
    *,
    category: Category,
    issuer: IssuerProfile,
    fields: Mapping[str, str],
    issue_date: date,
    expiry_date: date | None,
    access_code: str,
    address: str,
) -> CertificateDocument:
    """Return the document of a certificate; its lines have the order of `fields`.

    Raises:
        LinkImpossibleError: `address`, the service's, is none that a short link can have.
    """
    number = fields["certificate_number"]
    return CertificateDocument(
        title_zh=category.name_zh,
        title_en=category.name_en,
        issuer_zh=issuer.name_zh,
        issuer_en=issuer.name_en,
        number=number,
        access_code=access_code,
        lines=tuple(
            Line(label_zh=label_zh(name), label_en=label_en(name), value=value)
            for name, value in fields.items()
            if name not in PLACED
        ),
        issue_date=issue_date,
        expiry_date=expiry_date,
        link=ShortLink(number=normal_number(number), code=access_code).format(address),
    )
