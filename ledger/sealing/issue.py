"""A certificate ready to be sealed, and what the rows of a sheet are checked against."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

from certledger.ledger.sealing.access_codes import CodeHistory, LinkAddresses
from certledger.ledger.sealing.attachments import Paper, Papers
from certledger.verifier.formats.catalog import Catalog, Entry
from certledger.verifier.formats.issuer_state import MAX_BATCH_CERTIFICATES


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuedEdition:
    """The newest edition of a certificate that an issuer has issued."""

    index: int
    edition: int


class IssuedCertificates(Protocol):
    """What an issuer has issued so far."""

    def newest(self, category: str, number: str) -> IssuedEdition | None:
        """Return the newest edition under a number in normal form, or None."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Issue:
    """A checked certificate, ready to be sealed.

    Attributes:
        number: in normal form; what the field `certificate_number` discloses.
        fields: the values of the entry's other fields by name, absent ones left out.
        holder_key: the holder's public key as text, None if the certificate is unbound.
        access_code: in normal form; None to draw one when it is sealed.
        row: of the sheet, 0 where there is none.
    """

    entry: Entry
    number: str
    fields: Mapping[str, str]
    issued: date
    expires: date | None
    edition: int = 0
    replaces: int | None = None
    holder_key: str | None = None
    papers: tuple[Paper, ...] = ()
    access_code: str | None = None
    row: int = field(default=0, compare=False)


def _today() -> date:
    """Return today's date where it is furthest on, so that no day of today is in the future."""
    return (datetime.now(UTC) + timedelta(hours=14)).date()


def _current_day() -> date:
    """Return today's date in China, by which certificates expire."""
    return (datetime.now(UTC) + timedelta(hours=8)).date()


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckContext:
    """What rows are checked against.

    Attributes:
        first: index of the first row's certificate.
        category: of rows without one.
        papers: the documents that rows name.
        name: the issuer's name, which the field `issuing_body` must have; None leaves it unchecked.
        most: rows at most.
        today: the day after which a day of issue is asked about.
        current_day: the day before which what expires is expired.
        used_codes: the access codes of earlier batches; None leaves them unchecked.
        addresses: where short links may lead; None leaves them unchecked.
        columns: the sheet's columns by name; None where rows come from no sheet, so that a column
            cannot be missing.
    """

    catalog: Catalog
    issued: IssuedCertificates
    first: int
    papers: Papers
    category: str | None = None
    name: str | None = None
    most: int = MAX_BATCH_CERTIFICATES
    today: date = field(default_factory=_today)
    current_day: date = field(default_factory=_current_day)
    used_codes: CodeHistory | None = None
    addresses: LinkAddresses | None = None
    columns: Collection[str] | None = None
