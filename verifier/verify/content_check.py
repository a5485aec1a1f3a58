"""Check 1: what is shown and handed in, compared with the record (SPEC section 18.1)."""

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Fingerprint:
    """A document that was hashed elsewhere, so that its bytes need not travel.

    `sha256` and `sm3` (None where it was not computed) are lower-case hex, `size` in bytes.
    """

    sha256: str
    size: int
    sm3: str | None = None


Paper = bytes | Fingerprint
"""A document to be compared: its bytes, or its fingerprint."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Showing:
    """A record and what is shown of it: its leaf and the disclosures' places worked out once.

    The place of a disclosure that is not the record's is None.
    """

    record: Record
    leaf: bytes
    disclosures: Sequence[Disclosure]
    places: Sequence[int | None]

    @classmethod
    def of(
        cls, record: Record, disclosures: Sequence[Disclosure], leaf: bytes | None = None
    ) -> Showing:
        """Return the showing of `disclosures` of `record`, whose leaf may be known already."""
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
        """Return the showing of `disclosures` that each name their place, as a code does.

        One whose digest has another place, or whose value is of another kind than the place has,
        is not the record's.
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
        """Whether the disclosures strictly ascend by place, as formats write them."""
        placed = [place for place in self.places if place is not None]
        return placed == sorted(set(placed))


def check_content(showing: Showing, documents: Sequence[Paper], entry: Entry | None) -> str:
    """Return the code of check 1.

    `entry` is the record's catalog entry where it is proved, else None: names and what must be
    shown cannot be judged without it.
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
"""What one of several documents may be found to be, the worst first."""


def _names_fit(showing: Showing, entry: Entry) -> bool:
    bound = showing.record.bound
    return [part.name for part in showing.disclosures] == [
        entry.name_at(place or 0, bound=bound) for place in showing.places
    ]


def _compare(showing: Showing, content: Paper, entry: Entry | None) -> str:
    """Return how `content` compares with the documents of the record (the table of SPEC 18.3).

    It differs only from documents that are known: where the access code is withheld, it may be
    one of those that are not shown.
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
"""What a document may be found to be by disclosed ones of its SHA-256, the best first."""


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
    # One that was only hashed elsewhere has no salt to tell.
    found = (part.salt for part in disclosures if part.name == NUMBER)
    return next(found, None) or None


def _is_recorded(record: Record, code: str, forms: Sequence[Value]) -> bool:
    """Return whether a document of one of `forms` stands in the record, its salt being derived."""
    return any(
        digest_of(format_disclosure(derived_salt(code, place), DOCUMENT, form)) == digest
        for place, digest in enumerate(record.digests)
        if place
        for form in forms
    )
