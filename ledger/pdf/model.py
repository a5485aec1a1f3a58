"""Content of a printed certificate.

It has number, access code and a link, never the record or its evidence: the record contains the
digest of the document.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from certledger.ledger.reference_data import Category, IssuerProfile
from certledger.ledger.reference_data.fields import label_en, label_zh
from certledger.verifier.errors import CertledgerError, ExitStatus

# Fields with a place of their own on the page.
PLACED = frozenset({"certificate_number", "issuing_body", "issue_date", "expiry_date"})

# The link must fit the foot of the page, in a QR code that a phone can read.
MAX_LINK_CHARACTERS = 240


class LinkTooLongError(CertledgerError):
    """The link of a document does not fit on its page."""

    code: str = "document.link_too_long"
    exit_status = ExitStatus.UNUSABLE


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
        link: where the certificate can be verified, at most 240 characters; printed, and drawn as
            a QR code.
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

    def __post_init__(self) -> None:
        """Check the length of the link.

        Raises:
            LinkTooLongError: more than 240 characters.
        """
        if len(self.link) > MAX_LINK_CHARACTERS:
            raise LinkTooLongError(
                f"a link of {len(self.link)} characters, where {MAX_LINK_CHARACTERS} fit"
            )


def certificate_document(
    *,
    category: Category,
    issuer: IssuerProfile,
    fields: Mapping[str, str],
    issue_date: date,
    expiry_date: date | None,
    access_code: str,
    link: str,
) -> CertificateDocument:
    """Return the document of a certificate; its lines have the order of `fields`."""
    return CertificateDocument(
        title_zh=category.name_zh,
        title_en=category.name_en,
        issuer_zh=issuer.name_zh,
        issuer_en=issuer.name_en,
        number=fields["certificate_number"],
        access_code=access_code,
        lines=tuple(
            Line(label_zh=label_zh(name), label_en=label_en(name), value=value)
            for name, value in fields.items()
            if name not in PLACED
        ),
        issue_date=issue_date,
        expiry_date=expiry_date,
        link=link,
    )
