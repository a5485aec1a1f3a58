"""What an application hands in: items or a bundle, who applies, and the evidence shown."""

from __future__ import annotations

import re
from dataclasses import dataclass

from certledger.ledger.verification.questions import VerifyRequest, question_of
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.canonical_json import Json, Members, parse
from certledger.verifier.reform.application import MAX_APPLICATION_EVIDENCE
from certledger.verifier.reform.book import ApplicantKind, Book
from certledger.verifier.reform.exemptions import MAX_APPLICATION_ITEMS

_CODE = re.compile(r"[A-Z0-9-]{4,24}")
_COUNTER = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, kw_only=True, slots=True)
class ApplicationRequest:
    """An application; `counter` is None where neither it nor the caller's key names one."""

    codes: tuple[str, ...]
    applicant: ApplicantKind
    counter: str | None
    evidence: tuple[VerifyRequest, ...]


def parse_application(data: bytes, limit: int) -> ApplicationRequest:
    """Return the application of a request's body; evidence that cannot be read stays in its place.

    Raises:
        MalformedError: it is none; `application.too_many` for too many items.
    """
    read = Members(parse(data, limit), "application")
    codes = _codes(read)
    applicant = read.text("applicant", longest=16)
    if applicant not in list(ApplicantKind):
        read.fail("applicant", "person, foreigner or company")
    request = ApplicationRequest(
        codes=codes,
        applicant=ApplicantKind(applicant),
        counter=read.text("counter", _COUNTER) if read.has("counter") else None,
        evidence=tuple(
            _question(value, f"evidence[{place}]")
            for place, value in enumerate(read.array("evidence", 1, MAX_APPLICATION_EVIDENCE))
        ),
    )
    read.done()
    return request


def _codes(read: Members) -> tuple[str, ...]:
    if read.has("bundle") == read.has("items"):
        raise MalformedError("schema.invalid", "an application has one of bundle and items")
    if read.has("bundle"):
        return (read.text("bundle", _CODE),)
    items = read.take("items")
    if type(items) is not list or not items:
        read.fail("items", "a list of codes")
    if len(items) > MAX_APPLICATION_ITEMS:
        raise MalformedError(
            "application.too_many", f"{len(items)} items, where {MAX_APPLICATION_ITEMS} are taken"
        )
    if not all(type(one) is str and _CODE.fullmatch(one) for one in items):
        read.fail("items", "a list of codes")
    return tuple(items)


def _question(value: Json, where: str) -> VerifyRequest:
    try:
        return question_of(value, where)
    except MalformedError as error:
        return VerifyRequest(unusable=error.code)


def check_counter(book: Book, named: str | None, of_key: str | None) -> str | None:
    """Return the counter of an application: the one named, or that of the caller's key.

    Raises:
        MalformedError: `counter.other`, another than the key's; `counter.unknown`, the book does
            not have the one that is named; `counter.region`, it is of another region.
    """
    if named is not None and of_key is not None and named != of_key:
        raise MalformedError("counter.other", f"the key is of counter {of_key}, not of {named}")
    counter = named or of_key
    found = None if counter is None else book.counters.get(counter)
    if named is not None and found is None:
        raise MalformedError("counter.unknown", f"the book has no counter {named}")
    if found is not None and found.region[:2] != book.region[:2]:
        raise MalformedError("counter.region", f"{found.code} is a counter of {found.region}")
    return counter
