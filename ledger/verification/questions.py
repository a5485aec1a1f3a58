"""Parse the questions of a verification request, strictly."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from certledger.ledger.verification.verification_receipt import REFERENCE
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.canonical_json import (
    DECODER,
    Json,
    Members,
    check_shape,
    check_value,
    from_hex,
    parse,
)
from certledger.verifier.formats.compact_evidence import MAX_COMPACT_CHARACTERS as LONGEST_CODE
from certledger.verifier.formats.presentation import WORD, Presentation
from certledger.verifier.formats.record import MAX_DIGESTS, Disclosure
from certledger.verifier.formats.scanned_code import scanned_text
from certledger.verifier.verify.content_check import Fingerprint

MAX_QUESTIONS = 1_000
MAX_DOCUMENTS = 16
_HEX = re.compile("[0-9a-f]{64}")
_ONLY = b'{"evidence":'
_ITEM = re.compile(r"[A-Z0-9-]{2,32}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Lookup:
    """A certificate named by its lookup digest, with disclosures.

    `digests` (32 bytes each) are disclosures whose value the caller compared itself.
    """

    digest: bytes
    disclosures: tuple[Disclosure, ...] = ()
    digests: tuple[bytes, ...] = ()
    presentation: Presentation | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifyRequest:
    """One question: exactly one of an evidence file, a code's text, and a lookup.

    `earlier` is the reference of the caller's earlier verification of the same presentation, which
    was used up by it.
    `known` says that the question has no other member and that the evidence is canonical.
    `unusable` is the code of the rule that a question of a list breaks.
    """

    evidence: bytes | None = None
    known: bool = False
    code: str | None = None
    lookup: Lookup | None = None
    documents: tuple[Fingerprint, ...] = ()
    nonce: str | None = None
    earlier: str | None = None
    service_item: str | None = None
    unusable: str | None = None


def parse_questions(
    data: bytes, limit: int, reads: Callable[[bytes], bool]
) -> tuple[list[VerifyRequest], bool]:
    """Parse the questions of a request; also return whether it was a list.

    An invalid question of a list does not invalidate the others: it becomes `unusable`.  `reads`
    returns whether bytes are canonical evidence; then the JSON around them is not parsed.

    Raises:
        MalformedError: outside the subset of JSON, or an unknown, missing or ill-typed member.
    """
    if (inner := only_evidence(data)) is not None and reads(inner):
        return [VerifyRequest(evidence=inner, known=True)], False
    if len(data) > limit:
        raise MalformedError("json.size", f"{len(data)} bytes where at most {limit} are read")
    # Neither parser below counts values; one deep item of a list spoils only itself.
    check_shape(data, nesting=False)
    try:
        value = _parse(data, limit)
    except MalformedError:
        items = _items_of_list(data)
        if items is None:
            raise
        value = items
    if type(value) is not list:
        return [question_of(value, "question")], False
    _check_count(value)
    return [_question_in_list(one, f"[{place}]") for place, one in enumerate(value)], True


def _check_count(questions: Sequence[object]) -> None:
    if not 0 < len(questions) <= MAX_QUESTIONS:
        raise MalformedError("schema.invalid", f"a list has 1 to {MAX_QUESTIONS} questions")


def _question_in_list(value: Json | MalformedError, where: str) -> VerifyRequest:
    try:
        if isinstance(value, MalformedError):
            raise value
        return question_of(value, where)
    except MalformedError as error:
        return VerifyRequest(unusable=error.code)


def _items_of_list(data: bytes) -> list[Json | MalformedError] | None:
    """Parse each item of a list outside the subset by itself; an error takes an item's place.

    None if `data` is no JSON list in UTF-8.

    Raises:
        MalformedError: too many items.
    """
    try:
        value = _LENIENT.decode(data.decode())
    except (ValueError, RecursionError):
        return None
    if type(value) is not list:
        return None
    _check_count(value)
    return [_item(one) for one in value]


def _item(value: Any) -> Json | MalformedError:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, MalformedError):
            return one
        if type(one) is dict or type(one) is list:
            waiting.extend(one.values() if type(one) is dict else one)
    try:
        check_value(value, 0)
    except MalformedError as error:
        return error
    return value


def _or_error(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return `read`, with an error as the value where it raises one."""

    def lenient(found: Any) -> Any:
        try:
            return read(found)
        except MalformedError as error:
            return error

    return lenient


_LENIENT = json.JSONDecoder(
    object_pairs_hook=_or_error(DECODER.object_pairs_hook),
    parse_int=_or_error(DECODER.parse_int),
    parse_float=_or_error(DECODER.parse_float),
    parse_constant=_or_error(DECODER.parse_constant),
)
"""`DECODER` with errors in the places of the values that it refuses."""


def only_evidence(data: bytes) -> bytes | None:
    """Return the evidence of a question without other members, None of any other question."""
    only = data.startswith(_ONLY) and data.endswith(b"}")
    return data[len(_ONLY) : -1] if only else None


def parse_lines(data: bytes) -> list[VerifyRequest]:
    """Parse evidence files, one a line.

    Raises:
        MalformedError: none, or more than 1,000.
    """
    lines = data.removesuffix(b"\n").split(b"\n")
    if not data or len(lines) > MAX_QUESTIONS:
        raise MalformedError("schema.invalid", f"there are 1 to {MAX_QUESTIONS} lines")
    return [VerifyRequest(evidence=line) for line in lines]


def _parse(data: bytes, limit: int) -> Json:
    """Parse JSON; canonical bytes, which have no duplicate name, by the faster parser."""
    try:
        value = orjson.loads(data)
        if orjson.dumps(value, option=orjson.OPT_SORT_KEYS) == data:
            return value
    except (orjson.JSONDecodeError, TypeError, RecursionError):
        pass
    return parse(data, limit)


def question_of(value: Json, where: str) -> VerifyRequest:
    """Parse one question.

    Raises:
        MalformedError: an unknown, missing or ill-typed member, or not exactly one of evidence,
            code and lookup.
    """
    read = Members(value, where)
    named = [name for name in ("evidence", "code", "lookup") if read.has(name)]
    if len(named) != 1:
        raise MalformedError("schema.invalid", f"{where} has one of evidence, code and lookup")
    asked = VerifyRequest(
        evidence=_evidence(read) if named == ["evidence"] else None,
        code=_code(read) if named == ["code"] else None,
        lookup=_lookup(read.inner("lookup")) if named == ["lookup"] else None,
        documents=_documents(read),
        nonce=read.text("nonce", WORD) if read.has("nonce") else None,
        earlier=read.text("earlier", REFERENCE) if read.has("earlier") else None,
        service_item=read.text("service_item", _ITEM) if read.has("service_item") else None,
    )
    read.done()
    return asked


def _evidence(read: Members) -> bytes:
    value = read.take("evidence")
    if type(value) is not dict:
        read.fail("evidence", "an object")
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _code(read: Members) -> str:
    value = read.take("code")
    if type(value) is not str or not 0 < len(value) <= LONGEST_CODE:
        read.fail("code", f"a text of 1 to {LONGEST_CODE} characters")
    return scanned_text(str(value))


def _lookup(read: Members) -> Lookup:
    shown = _texts(read, "disclosures")
    lookup = Lookup(
        digest=from_hex(read.text("digest", _HEX), 32),
        disclosures=tuple(map(Disclosure.parse, shown)),
        digests=tuple(from_hex(text, 32) for text in _texts(read, "digests")),
        presentation=(
            Presentation.from_json(read.take("presentation")) if read.has("presentation") else None
        ),
    )
    read.done()
    return lookup


def _texts(read: Members, name: str) -> Sequence[str]:
    if not read.has(name):
        return ()
    texts = read.array(name, 0, MAX_DIGESTS)
    if not all(type(text) is str for text in texts):
        read.fail(name, "a list of texts")
    return texts


def _documents(read: Members) -> tuple[Fingerprint, ...]:
    if not read.has("documents"):
        return ()
    found = []
    for place, value in enumerate(read.array("documents", 0, MAX_DOCUMENTS)):
        inner = Members(value, f"documents[{place}]")
        size = inner.integer("size")
        if size == 0:
            raise MalformedError(
                "document.empty", "an empty file is no document: was another meant?"
            )
        found.append(
            Fingerprint(
                sha256=inner.text("sha256", _HEX),
                size=size,
                sm3=inner.text("sm3", _HEX) if inner.has("sm3") else None,
            )
        )
        inner.done()
    return tuple(found)
