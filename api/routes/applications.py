"""Routes of applications: all that an applicant shows for items or a bundle, at once."""

from __future__ import annotations

import os
from functools import partial

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from certledger.api.auth.api_keys import Caller
from certledger.api.auth.permissions import RULES
from certledger.api.guess_limit import find_leaves
from certledger.api.openapi.operation import Asking, operation, schema
from certledger.api.openapi.schemas import content
from certledger.api.request.body import read_body
from certledger.api.responses import raw
from certledger.api.service import Service, service_of
from certledger.ledger.reform.application_request import (
    ApplicationRequest,
    check_counter,
    parse_application,
)
from certledger.ledger.verification.verdicts import VerificationAnswer
from certledger.verifier.formats.canonical_json import Json
from certledger.verifier.reform.application import ShownCertificate, answer_application
from certledger.verifier.reform.book_edition import BookEdition
from certledger.verifier.reform.exemptions import ExemptionList, exemptions_together

router = APIRouter()
_TAG = "Reform"


@router.post(
    "/v1/applications",
    **operation(
        "createApplication",
        summary="Check everything that an applicant shows for items or a bundle",
        tag=_TAG,
        good={200: schema("ApplicationAnswer", what="Each line, the whole, and one receipt.")},
        body=content("Application"),
    ),
)
async def create_application(request: Request, caller: Asking) -> Response:
    """Each line is met, not met, or unknown; the receipt is for all verdicts.

    Nothing personal is stored: holders are compared by digests that end with the request.
    """
    service = service_of(request)
    data = await read_body(request)
    edition, asked, wanted = await service.pools.prove(request, _read, service, caller, data)
    digests = [one.lookup.digest for one in wanted.evidence if one.lookup is not None]
    if digests:
        await find_leaves(request, digests)
    tell = partial(
        service.verdicts.answer,
        wanted.evidence,
        caller=caller.id,
        party=caller.party,
        audience=caller.counter,
    )
    answer = await service.pools.prove(request, tell)
    verification = await service.keeper.keep(answer)
    for verdict, count in answer.content["verdicts"].items():
        service.metrics.verdicts.labels(verdict).inc(count)
    body = await service.pools.prove(request, _applied, edition, asked, answer)
    return raw(
        b'{"application":%b,"receipt":%b,"reference":%b,"results":[%b]}'
        % (
            orjson.dumps(body),
            verification.receipt,
            orjson.dumps(verification.reference),
            b",".join(answer.spelled),
        )
    )


def _read(
    service: Service, caller: Caller, data: bytes
) -> tuple[BookEdition, ExemptionList, ApplicationRequest]:
    """Return the edition of today, what it asks for, and the application."""
    wanted = parse_application(data, RULES["createApplication"].longest)
    edition = service.bookshelf.current()
    check_counter(edition.book, wanted.counter, caller.counter)
    return edition, exemptions_together(edition.book, wanted.codes, wanted.applicant), wanted


def _applied(edition: BookEdition, asked: ExemptionList, answer: VerificationAnswer) -> Json:
    shown = [ShownCertificate.from_result(result) for result in answer.results]
    found = answer_application(asked, shown, answer.checked, os.urandom(32))
    return found.to_json() | {"book": edition.digest.hex(), "edition": edition.number}
