"""What the store holds of the reform's book."""

from __future__ import annotations

from dataclasses import dataclass


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
