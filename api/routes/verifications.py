"""Verifications: verdicts with receipts, lookups safe against guessing, and evidence."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from certledger.api.auth.api_keys import Caller
from certledger.api.auth.permissions import RULES
from certledger.api.guess_limit import find_leaves
from certledger.api.openapi.operation import DECIMAL, Asking, operation, schema, tagged
from certledger.api.openapi.schemas import LOOKUP, VERIFICATION, bytes_content, content
from certledger.api.request.body import JSON_LINES, read_body
from certledger.api.request.multipart import FORM, UPLOAD, read_upload
from certledger.api.responses import cached, json_response, raw
from certledger.api.routes.submissions import Issuer, check_own
from certledger.api.service import Service, service_of
from certledger.api.translations import Language, language_of, words
from certledger.ledger.core.service_values import Verification
from certledger.ledger.reference_data import load_domain
from certledger.ledger.verification.questions import (
    VerifyRequest,
    only_evidence,
    parse_lines,
    parse_questions,
)
from certledger.ledger.verification.status_reasons import (
    StatusReason,
    find_reasons,
    is_by_status,
)
from certledger.ledger.verification.verdicts import Verdicts, VerificationAnswer
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.canonical_json import Members, from_hex, parse
from certledger.verifier.formats.evidence import MEDIA_TYPE, Evidence
from certledger.verifier.verify.cached import MAX_CACHED_BYTES

router = APIRouter()
_TAG = "Verifications"
_VERDICT = schema(
    "VerificationAnswer",
    what="The verdict with its reasons, and a receipt.",
    headers=("Content-Language",),
)
_HEX = re.compile("[0-9a-f]{64}")
_INDEX_TOP = 2**32 - 1
Leaf = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]
Index = Annotated[int, Path(ge=0, le=_INDEX_TOP), DECIMAL]


@router.post(
    "/v1/verifications",
    **operation(
        "createVerification",
        summary="Verify certificates",
        tag=_TAG,
        good={200: _VERDICT},
        body=content(VERIFICATION),
        more={"security": [{"key": []}, {}]},
    ),
)
async def create_verification(request: Request, caller: Asking) -> Response:
    """One question, or a list of up to 1,000.

    Documents are sent as digests.  Evidence and documents are not stored.
    """
    data = await read_body(request)
    service = service_of(request)
    verdicts = service.verdicts
    evidence = only_evidence(data) if len(data) <= MAX_CACHED_BYTES else None
    if evidence is not None and service.mirror.fresh:
        again = verdicts.cached_answer(evidence, caller=caller.id, party=caller.party)
        if again is not None:
            return await _spell(request, again, [VerifyRequest(evidence=evidence)], many=False)
    questions, many = await service.pools.prove(request, _read_questions, verdicts, data)
    return await _answer(request, caller, questions, many=many)


def _read_questions(verdicts: Verdicts, data: bytes) -> tuple[list[VerifyRequest], bool]:
    questions, many = parse_questions(data, RULES["createVerification"].longest, verdicts.reads)
    return _check_items(questions, many=many), many


@router.post(
    "/v1/verifications/files",
    **operation(
        "verifyFiles",
        summary="Verify evidence files as JSON lines",
        tag=_TAG,
        good={
            200: {
                **_VERDICT,
                "description": "One verdict per line of the request, and one receipt.",
            }
        },
        body=bytes_content(JSON_LINES, "EvidenceLines"),
    ),
)
async def verify_files(request: Request, caller: Asking) -> Response:
    """The fastest way for many: up to 1,000 evidence files as JSON lines."""
    data = await read_body(request, JSON_LINES)
    questions = await service_of(request).pools.prove(request, parse_lines, data)
    return await _answer(request, caller, questions, many=True)


@router.post(
    "/v1/verifications/uploads",
    **operation(
        "verifyUpload",
        summary="Verify an uploaded evidence file with documents",
        tag=_TAG,
        good={200: _VERDICT},
        body=bytes_content(FORM, "Upload", UPLOAD),
        more={"security": [{"key": []}, {}]},
    ),
)
async def verify_upload(request: Request, caller: Asking) -> Response:
    """For clients that cannot hash documents; the service hashes and does not store them."""
    question = await read_upload(request)
    return await _answer(request, caller, [question], many=False)


async def _answer(
    request: Request, caller: Caller, questions: list[VerifyRequest], *, many: bool
) -> Response:
    service = service_of(request)
    digests = [asked.lookup.digest for asked in questions if asked.lookup is not None]
    if digests:
        await find_leaves(request, digests)
    tell = partial(
        service.verdicts.answer,
        questions,
        caller=caller.id,
        party=caller.party,
        audience=caller.counter,
    )
    answer = await service.pools.prove(request, tell)
    return await _spell(request, answer, questions, many=many)


async def _spell(
    request: Request,
    answer: VerificationAnswer,
    questions: list[VerifyRequest],
    *,
    many: bool,
) -> Response:
    service = service_of(request)
    verification = await service.keeper.keep(answer)
    for verdict, count in answer.content["verdicts"].items():
        service.metrics.verdicts.labels(verdict).inc(count)
    language = language_of(request.headers.get("accept-language", ""))
    reasons: Sequence[StatusReason | None] = [None] * len(questions)
    if any(map(is_by_status, answer.results)):
        reasons = await service.pools.prove(
            request, find_reasons, service.ledger.store, answer.results
        )
    if many:
        # A thousand results take a while to encode.
        response = await service.pools.prove(
            request, _spell_many, answer, verification, questions, reasons, language
        )
    else:
        response = _spell_one(answer, verification, questions, reasons, language)
    return raw(response, content_language=language, vary="accept-language")


def _spell_one(
    answer: VerificationAnswer,
    verification: Verification,
    questions: list[VerifyRequest],
    reasons: Sequence[StatusReason | None],
    language: Language,
) -> bytes:
    return b'{"reference":%b,"result":%b,"words":%b,%b"receipt":%b}' % (
        orjson.dumps(verification.reference),
        answer.spelled[0],
        orjson.dumps(words(answer.results[0], language, reasons[0])),
        _wanted(questions[0], answer, 0),
        verification.receipt,
    )


def _spell_many(
    answer: VerificationAnswer,
    verification: Verification,
    questions: list[VerifyRequest],
    reasons: Sequence[StatusReason | None],
    language: Language,
) -> bytes:
    parts = [
        b'{"result":%b,%b"words":%b}'
        % (spelled, _wanted(asked, answer, place), orjson.dumps(words(result, language, reason)))
        for place, (result, spelled, asked, reason) in enumerate(
            zip(answer.results, answer.spelled, questions, reasons, strict=True)
        )
    ]
    return b'{"reference":%b,"results":[%b],"receipt":%b}' % (
        orjson.dumps(verification.reference),
        b",".join(parts),
        verification.receipt,
    )


def _wanted(asked: VerifyRequest, answer: VerificationAnswer, place: int) -> bytes:
    """Return the member `wanted`: whether the named service item requires this category."""
    if asked.service_item is None:
        return b""
    category = answer.results[place].certificate.get("category")
    wanted = category in _categories()[asked.service_item]
    return b'"wanted":%b,' % (b"true" if wanted else b"false")


@lru_cache(maxsize=1)
def _categories() -> dict[str, frozenset[str]]:
    """Return the required categories of each service item."""
    domain = load_domain()
    return {
        item: frozenset(line.category_code for line in domain.materials[item] if line.category_code)
        for item in domain.items
    }


def _check_items(questions: list[VerifyRequest], *, many: bool) -> list[VerifyRequest]:
    """Check service items; in a list, a question with an unknown one is answered as unusable.

    Raises:
        MalformedError: a single question has an unknown service item.
    """
    for place, asked in enumerate(questions):
        if asked.service_item is not None and asked.service_item not in _categories():
            if not many:
                raise MalformedError("item.unknown", f"unknown service item {asked.service_item}")
            questions[place] = VerifyRequest(unusable="item.unknown")
    return questions


# Lookups ----------------------------------------------------------------------------------------


@router.post(
    "/v1/lookups",
    **operation(
        "createLookup",
        summary="Look up a certificate by the digest of number and access code",
        tag=_TAG,
        good={200: schema("LookupAnswer", what="Whether the certificate exists, and its leaf.")},
        body=content(LOOKUP),
    ),
)
async def create_lookup(request: Request, caller: Asking) -> Response:
    """The client computes the digest: the service never sees number or access code.

    The response has the same shape and duration for known and unknown digests.
    """
    read = Members(parse(await read_body(request), RULES["createLookup"].longest), "lookup")
    digest = from_hex(read.text("digest", _HEX), 32)
    read.done()
    (leaf,) = await find_leaves(request, [digest])
    return json_response(
        {"digest": digest.hex(), "found": leaf is not None, "leaf": (leaf or bytes(32)).hex()}
    )


# Evidence ---------------------------------------------------------------------------------------


@router.get(
    "/v1/evidence/{leaf}",
    **operation(
        "getEvidence",
        summary="Get the evidence of a certificate",
        tag=_TAG,
        good=tagged(
            schema("Evidence", media=MEDIA_TYPE, what="Full evidence without disclosures.")
        ),
    ),
)
async def get_evidence(request: Request, caller: Asking, leaf: Leaf) -> Response:
    """Without disclosures: the holder adds those to show."""
    service = service_of(request)
    data = await service.pools.prove(
        request, _evidence, service, lambda: service.ledger.maker.of_leaf(bytes.fromhex(leaf))
    )
    return await cached(request, data, media=MEDIA_TYPE, control="private, max-age=30")


@router.get(
    "/v1/issuers/{issuer}/certificates/{index}/evidence",
    **operation(
        "getEvidenceByIndex",
        summary="Get the evidence of a certificate by index",
        tag=_TAG,
        good=tagged(
            schema("Evidence", media=MEDIA_TYPE, what="Full evidence without disclosures.")
        ),
    ),
)
async def get_evidence_by_index(
    request: Request, caller: Asking, issuer: Issuer, index: Index
) -> Response:
    """Only for the issuer and auditors, since indexes can be enumerated."""
    check_own(caller, issuer)
    service = service_of(request)
    data = await service.pools.prove(
        request, _evidence, service, lambda: service.ledger.maker.at(issuer, index)
    )
    return await cached(request, data, media=MEDIA_TYPE, control="private, max-age=30")


def _evidence(service: Service, make: Callable[[], Evidence]) -> bytes:
    with service.making:
        return make().format()
