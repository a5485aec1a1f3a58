"""Routes of unattended decisions."""

from __future__ import annotations

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
from certledger.ledger.reform.application_request import check_counter
from certledger.ledger.reform.decisions import (
    DecisionAnswer,
    DecisionRequest,
    parse_decision_request,
)

router = APIRouter()
_TAG = "Reform"


@router.post(
    "/v1/decisions",
    **operation(
        "createDecision",
        summary="Decide an application by the rule of its item",
        tag=_TAG,
        good={200: schema("DecisionAnswer", what="The signed decision and what it rests on.")},
        body=content("DecisionRequest"),
    ),
)
async def create_decision(request: Request, caller: Asking) -> Response:
    """Granted, refused with the condition that failed, or to a person where anything is doubtful.

    Keep the answer: its `bundle` is the evidence that the decision rests on, and the operator
    stores only digests.  `certledger decision replay` makes it again.
    """
    service = service_of(request)
    data = await read_body(request)
    limit = RULES["createDecision"].longest
    wanted = await service.pools.prove(request, parse_decision_request, data, limit)
    digests = [one.lookup.digest for one in wanted.evidence if one.lookup is not None]
    if digests:
        await find_leaves(request, digests)
    answer = await service.pools.prove(request, _decide, service, caller, wanted)
    return raw(answer.format())


def _decide(service: Service, caller: Caller, wanted: DecisionRequest) -> DecisionAnswer:
    edition, question = service.bookshelf.current(), service.verdicts.question()
    check_counter(edition.book, None, caller.counter)
    return service.decisions.decide(wanted, edition, question, caller=caller.id, party=caller.party)
