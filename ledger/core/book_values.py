"""What the store holds of the reform's book."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredEdition:
    """An edition of the book, without its content.

    `digest` (32 bytes) names it, `holds_from` is its first day (ISO 8601), `reference` that of the
    operator's record of it, `created` in seconds.
    """

    number: int
    holds_from: str
    digest: bytes
    reference: str
    created: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredDecision:
    """A decision, found by the reference of its record; `checked` in seconds."""

    reference: str
    item: str
    outcome: str
    party: str
    checked: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DecisionLeaf:
    """A certificate that a decision rests on: its leaf (32 bytes), and where it is."""

    leaf: bytes
    issuer: str
    index: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SupervisionCase:
    """A decision that rested on a certificate which was valid then and is not now.

    `cause` is the certificate's status, or `struck` for its issuer; `block` that of the checkpoint
    which showed it.  `closed` (seconds), `closed_by` and `reason` are None while it is open.
    """

    reference: str
    leaf: bytes
    cause: str
    item: str
    party: str
    opened: int
    block: int
    closed: int | None = None
    closed_by: str | None = None
    reason: str | None = None


class CaseUnit(Protocol):
    """Supervision cases within one transaction of the store."""

    def decided_issuers(self) -> Sequence[str]:
        """Return the issuers of certificates that decisions rest on."""

    def decided_indexes(self, issuer: str) -> Sequence[int]:
        """Return the indexes of an issuer's certificates that decisions rest on."""

    def open_cases(
        self, issuer: str, index: int, cause: str, *, now: int, block: int
    ) -> Sequence[SupervisionCase]:
        """Open a case for each decision on a certificate that has none of this cause; return them.

        One that was closed by rule is opened again.
        """

    def lift_cases(self, issuer: str, index: int, cause: str, *, now: int) -> int:
        """Close the open cases of this cause on a certificate by rule; return how many."""

    def cases(self, *, party: str | None, closed: bool, limit: int) -> Sequence[SupervisionCase]:
        """Return the open cases, or with `closed` all, oldest first; `party` limits them."""

    def find_case(self, reference: str, leaf: bytes, cause: str) -> SupervisionCase | None:
        """Return a case."""

    def close_case(
        self, reference: str, leaf: bytes, cause: str, *, now: int, by: str, reason: str
    ) -> bool:
        """Close an open case; return False where it is not open (any more)."""


class BookUnit(CaseUnit, Protocol):
    """Editions of the book within one transaction of the store."""

    def book_editions(self) -> Sequence[StoredEdition]:
        """Return all editions, oldest first."""

    def book_content(self, number: int) -> bytes | None:
        """Return the file of an edition."""

    def add_book_edition(self, edition: StoredEdition, content: bytes) -> bool:
        """Store an edition; return False where another has its number, day or digest."""

    def add_decision(self, decision: StoredDecision, leaves: Sequence[DecisionLeaf]) -> None:
        """Store a decision beside its record, with the certificates that it rests on."""

    def newest_decision(self) -> int | None:
        """Return the second of the newest decision."""

    def last_checked(self, parties: Sequence[str]) -> dict[str, int]:
        """Return the second at which each party asked last; those that never did are left out."""

    def outcomes_since(self, since: int) -> dict[str, int]:
        """Return how many decisions since a second have each outcome."""

    def final_waits(self, limit: int) -> Sequence[int]:
        """Return seconds from acceptance to the final block of the newest final acts."""

    def coverage_days(self, limit: int) -> Sequence[tuple[str, bytes]]:
        """Return the newest days and their figures, newest first."""

    def add_coverage_day(self, day: str, figures: bytes) -> bool:
        """Store the figures of a day; return False where it has some."""
