"""Routes of supervision: decisions that rested on what is no longer in force."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from certledger.api.auth.api_keys import Caller
from certledger.api.auth.permissions import RULES
from certledger.api.errors import ResourceUnknownError
from certledger.api.openapi.operation import Asking, operation, schema
from certledger.api.openapi.schemas import content
from certledger.api.request.body import read_body
from certledger.api.responses import json_response
from certledger.api.routes.verification_receipts import Reference
from certledger.api.service import Service, service_of
from certledger.ledger.core.service_values import Role
from certledger.ledger.reform.cases import (
    CAUSES,
    MAX_NAME_CHARACTERS,
    MAX_REASON_CHARACTERS,
    CaseScope,
    CaseUnknownError,
    case_to_json,
    close_cases,
)
from certledger.verifier.formats.canonical_json import Json, Members, from_hex, parse

router = APIRouter()
_TAG = "Reform"
_ALL = frozenset({Role.AUDITOR, Role.ADMINISTRATOR})
MAX_LISTED_CASES = 1_000
_HEX = re.compile("[0-9a-f]{64}")
Closed = Annotated[bool, Query(description="Whether closed cases are listed too.")]


@router.get(
    "/v1/cases",
    **operation(
        "listCases",
        summary="List the supervision cases",
        tag=_TAG,
        good={200: schema("CaseList", what="Cases, the oldest first; at most 1,000.")},
    ),
)
async def list_cases(request: Request, caller: Asking, closed: Closed = False) -> Response:
    """Those of the caller's own decisions; auditors and administrators see their region's."""
    service = service_of(request)

    def find() -> Json:
        scope = case_scope(caller)
        with service.store.begin(write=False) as unit:
            found = unit.cases(
                party=scope.party, region=scope.region, closed=closed, limit=MAX_LISTED_CASES
            )
        return {"cases": [case_to_json(one) for one in found]}

    return json_response(await service.pools.prove(request, find))


@router.post(
    "/v1/cases/{reference}/close",
    **operation(
        "closeCase",
        summary="Close a supervision case with a reason and a name",
        tag=_TAG,
        good={200: schema("Case", what="The case as it is closed.")},
        body=content("CaseClosing"),
    ),
)
async def close_case(request: Request, caller: Asking, reference: Reference) -> Response:
    """Of two that close at once one wins, and the other gets `case.closed`."""
    service = service_of(request)
    data = await read_body(request)
    return json_response(
        await service.pools.read(request, _close, service, caller, reference, data)
    )


def _close(service: Service, caller: Caller, reference: str, data: bytes) -> Json:
    read = Members(parse(data, RULES["closeCase"].longest), "case")
    leaf, cause = from_hex(read.text("leaf", _HEX), 32), read.text("cause", longest=16)
    by = read.text("by", longest=MAX_NAME_CHARACTERS)
    reason = read.text("reason", longest=MAX_REASON_CHARACTERS)
    read.done()
    if cause not in CAUSES:
        read.fail("cause", f"one of {', '.join(CAUSES)}")
    try:
        (closed,) = close_cases(
            service.store,
            reference,
            by=by,
            reason=reason,
            now=int(service.clock()),
            scope=case_scope(caller),
            only=(leaf, cause),
        )
    except CaseUnknownError as error:
        raise ResourceUnknownError(str(error)) from error
    return case_to_json(closed)


def case_scope(caller: Caller) -> CaseScope:
    """Return whose cases a caller may see and close."""
    if caller.role in _ALL:
        return CaseScope(region=caller.region)
    return CaseScope(party=caller.party)
