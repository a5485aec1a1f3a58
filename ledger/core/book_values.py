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


class BookUnit(Protocol):
    """Editions of the book within one transaction of the store."""

    def book_editions(self) -> Sequence[StoredEdition]:
        """Return all editions, oldest first."""

    def book_content(self, number: int) -> bytes | None:
        """Return the file of an edition."""

    def add_book_edition(self, edition: StoredEdition, content: bytes) -> bool:
        """Store an edition; return False where another has its number, day or digest."""

    def add_decision(self, decision: StoredDecision) -> None:
        """Store a decision beside its record."""

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
