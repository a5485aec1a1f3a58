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


@dataclass(frozen=True, kw_only=True, slots=True)
class DecisionLeaf:
    """A certificate that a decision rests on: its leaf (32 bytes), and where it is."""

    leaf: bytes
    issuer: str
    index: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredSample:
    """A sample of decisions, by the reference of its record of candidates.

    `first` and `last` are numbers of records; `created` in seconds; `file` is what is published,
    None until the seed's block is there.
    """

    reference: str
    first: int
    last: int
    created: int
    file: bytes | None


BY_RULE = "rule"
"""Who closes the cases of a suspension that is lifted."""


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
