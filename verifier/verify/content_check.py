"""Check 1: disclosures and documents, compared with the record (SPEC section 18.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from certledger.verifier.crypto.hashing import sm3
from certledger.verifier.formats.catalog import Entry
from certledger.verifier.formats.record import (
    DOCUMENT,
    NUMBER,
    Disclosure,
    Record,
    Value,
    derived_salt,
    describe_document,
    digest_of,
    format_disclosure,
)
from certledger.verifier.slot_init import slot_init


@dataclass(frozen=True, kw_only=True, slots=True)
class Fingerprint:
    """A document hashed elsewhere, so that its bytes need not be transferred.

    `sha256` and `sm3` (None where it was not computed) are lower-case hex, `size` in bytes.
    """

    sha256: str
    size: int
    sm3: str | None = None


Paper = bytes | Fingerprint
"""A document to compare: its bytes, or its fingerprint."""


@slot_init
@dataclass(frozen=True, kw_only=True, slots=True)
class Showing:
    """A record with its disclosures; leaf and disclosure indexes are computed once.

    The index of a disclosure of another record is None.
    """

    record: Record
    leaf: bytes
    disclosures: Sequence[Disclosure]
    places: Sequence[int | None]

    @classmethod
    def of(
        cls, record: Record, disclosures: Sequence[Disclosure], leaf: bytes | None = None
    ) -> Showing:
        """Match `disclosures` with `record`; `leaf` may be known already."""
        return cls(
            record=record,
            leaf=record.leaf() if leaf is None else leaf,
            disclosures=disclosures,
            places=record.places(disclosures),
        )

    @classmethod
    def at(
        cls, record: Record, disclosures: Sequence[Disclosure], places: Sequence[int]
    ) -> Showing:
        """Match `disclosures` with their claimed indexes, as in a code.

        A disclosure with another digest at its index, or a value of the wrong kind, gets None.
        """
        found = cls.of(record, disclosures)
        fits = [
            place == named and isinstance(part.value, Mapping) == (part.name == DOCUMENT)
            for part, place, named in zip(disclosures, found.places, places, strict=True)
        ]
        own = [named if fit else None for named, fit in zip(places, fits, strict=True)]
        return replace(found, places=own)

    @property
    def ascends(self) -> bool:
        """Whether the disclosures strictly ascend by index."""
        placed = [place for place in self.places if place is not None]
        return placed == sorted(set(placed))


def check_content(showing: Showing, documents: Sequence[Paper], entry: Entry | None) -> str:
    """Return the code of check 1.

    `entry` is the record's proved catalog entry, else None: names and required disclosures cannot
    be checked without it.
    """
    if None in showing.places:
        return "content.field_differs"
    if entry is not None and not _names_fit(showing, entry):
        return "content.name_differs"
    compared = [_compare(showing, content, entry) for content in documents]
    for code in _UNDOING:
        if code in compared:
            return code
    if compared or (entry is not None and entry.must_show.issubset(showing.places)):
        return "ok"
    return "content.nothing_compared"


_UNDOING = ("content.document_differs", "content.sm3_unavailable", "content.nothing_compared")
"""Codes of documents that are not ok, worst first."""


def _names_fit(showing: Showing, entry: Entry) -> bool:
    bound = showing.record.bound
    return [part.name for part in showing.disclosures] == [
        entry.name_at(place or 0, bound=bound) for place in showing.places
    ]


def _compare(showing: Showing, content: Paper, entry: Entry | None) -> str:
    """Compare `content` with the documents of the record (table of SPEC section 18.3).

    It differs only from disclosed documents: without the access code it may be an undisclosed one.
    """
    record = showing.record
    described = [part.value for part in showing.disclosures if isinstance(part.value, Mapping)]
    plain = _describe(content)
    same = [value for value in described if all(value[name] == plain[name] for name in plain)]
    if same:
        return min((_compare_sm3(value, content) for value in same), key=_BEST.index)
    if entry is not None:
        places = len(record.digests) - entry.first_document(bound=record.bound)
        if len(described) >= places:
            return "content.document_differs"
    code = _access_code(showing.disclosures)
    if code is None:
        return "content.nothing_compared"
    digest = _sm3(content)
    forms: list[Value] = [plain] if digest is None else [plain, {**plain, "sm3": digest}]
    if _is_recorded(record, code, forms):
        return "ok"
    return "content.sm3_unavailable" if digest is None else "content.document_differs"


_BEST = ("ok", "content.sm3_unavailable", "content.document_differs")
"""Codes of a document against disclosures of the same SHA-256, best first."""


def _compare_sm3(value: Mapping[str, str | int], content: Paper) -> str:
    if "sm3" not in value:
        return "ok"
    if (digest := _sm3(content)) is None:
        return "content.sm3_unavailable"
    return "ok" if digest == value["sm3"] else "content.document_differs"


def _describe(content: Paper) -> Mapping[str, str | int]:
    if isinstance(content, Fingerprint):
        return {"sha256": content.sha256, "size": content.size}
    return describe_document(content)


def _sm3(content: Paper) -> str | None:
    if isinstance(content, Fingerprint):
        return content.sm3
    digest = sm3(content)
    return None if digest is None else digest.hex()


def _access_code(disclosures: Sequence[Disclosure]) -> str | None:
    # A record whose number was only hashed elsewhere has no salt here.
    found = (part.salt for part in disclosures if part.name == NUMBER)
    return next(found, None) or None


def _is_recorded(record: Record, code: str, forms: Sequence[Value]) -> bool:
    """Return whether a document in one of `forms` is in the record under its derived salt."""
    return any(
        digest_of(format_disclosure(derived_salt(code, place), DOCUMENT, form)) == digest
        for place, digest in enumerate(record.digests)
        if place
        for form in forms
    )
