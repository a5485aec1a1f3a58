"""Routes of the reform's figures."""

from __future__ import annotations

from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from certledger.api.openapi.operation import DECIMAL, Asking, operation, schema
from certledger.api.responses import json_response, raw
from certledger.api.service import service_of
from certledger.ledger.reform.figures import MAX_SEEN_DAYS, SEEN_DAYS, describe

router = APIRouter()
_TAG = "Reform"
Days = Annotated[
    int,
    Query(
        ge=1,
        le=MAX_SEEN_DAYS,
        description="A counter that asked within so many days is connected.",
    ),
    DECIMAL,
]


@router.get(
    "/v1/coverage",
    **operation(
        "getCoverage",
        summary="Get the shares of items, categories and counters reached, and what is missing",
        tag=_TAG,
        good={200: schema("Coverage", what="Three shares with what is missing, and rates.")},
    ),
)
async def get_coverage(request: Request, caller: Asking, days: Days = SEEN_DAYS) -> Response:
    """Computed now, from the edition that holds today and from receipts."""
    service = service_of(request)

    def find() -> bytes:
        return orjson.dumps(describe(*service.figures.compute(days)))

    return raw(await service.pools.prove(request, find))


@router.get(
    "/v1/coverage/days",
    **operation(
        "listCoverageDays",
        summary="List the figures of each day",
        tag=_TAG,
        good={200: schema("CoverageDays", what="One entry a day, oldest first.")},
    ),
)
async def list_coverage_days(request: Request, caller: Asking) -> Response:
    """The service stores the figures once a day; at most the newest 400 are listed."""
    service = service_of(request)
    return json_response({"days": await service.pools.read(request, service.figures.days)})
