"""Check 1: what is shown and handed in, compared with the record (SPEC section 18.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from verifier.catalog import Entry
from verifier.certificate import (
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
from verifier.hashing import sm3


def check_content(
    record: Record,
    disclosures: Sequence[Disclosure],
    documents: Sequence[bytes],
    entry: Entry | None,
) -> str:
    """Return the code of check 1.

    `entry` is the record's catalog entry where it is proved, else None: names and what must be
    shown cannot be judged without it.
    """
    places = record.places(disclosures)
    if None in places:
        return "content.field_differs"
    if entry is not None and not _names_fit(record, disclosures, places, entry):
        return "content.name_differs"
    compared = [_compare(record, disclosures, content) for content in documents]
    for code in ("content.document_differs", "content.sm3_unavailable"):
        if code in compared:
            return code
    if "ok" in compared or (entry is not None and entry.must_show <= set(places)):
        return "ok"
    return "content.nothing_compared"


def _names_fit(
    record: Record,
    disclosures: Sequence[Disclosure],
    places: Sequence[int | None],
    entry: Entry,
) -> bool:
    return all(
        part.name == entry.name_at(place or 0, bound=record.bound)
        for place, part in zip(places, disclosures, strict=True)
    )


def _compare(record: Record, disclosures: Sequence[Disclosure], content: bytes) -> str:
    """Return how `content` compares with the documents of the record."""
    described = [part.value for part in disclosures if isinstance(part.value, Mapping)]
    code = _access_code(disclosures)
    if code is None and not described:
        return "content.nothing_compared"
    plain = describe_document(content)
    for value in described:
        if all(value[name] == plain[name] for name in plain):
            return _compare_sm3(value, content)
    if code is not None:
        digest = sm3(content)
        forms: list[Value] = [plain] if digest is None else [plain, {**plain, "sm3": digest.hex()}]
        if _is_recorded(record, code, forms):
            return "ok"
        if digest is None:
            return "content.sm3_unavailable"
    return "content.document_differs"


def _compare_sm3(value: Mapping[str, str | int], content: bytes) -> str:
    if "sm3" not in value:
        return "ok"
    if (digest := sm3(content)) is None:
        return "content.sm3_unavailable"
    return "ok" if digest.hex() == value["sm3"] else "content.document_differs"


def _access_code(disclosures: Sequence[Disclosure]) -> str | None:
    return next((part.salt for part in disclosures if part.name == NUMBER), None)


def _is_recorded(record: Record, code: str, forms: Sequence[Value]) -> bool:
    """Return whether a document of one of `forms` stands in the record, its salt being derived."""
    return any(
        digest_of(format_disclosure(derived_salt(code, place), DOCUMENT, form)) == digest
        for place, digest in enumerate(record.digests)
        if place
        for form in forms
    )
