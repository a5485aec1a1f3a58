"""Routes of the scenarios in which one region verifies another's certificate."""

from __future__ import annotations

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from certledger.api.openapi.operation import Asking, operation, schema
from certledger.api.responses import raw
from certledger.api.service import service_of

router = APIRouter()
_TAG = "Reform"


@router.get(
    "/v1/scenarios",
    **operation(
        "listScenarios",
        summary="Run each cross-region scenario of the book",
        tag=_TAG,
        good={200: schema("ScenarioList", what="Each works, or says what stands in the way.")},
    ),
)
async def list_scenarios(request: Request, caller: Asking) -> Response:
    """Issuer, catalog, item, witnesses, policy, and a certificate in force are tried now."""
    service = service_of(request)

    def find() -> bytes:
        edition = service.bookshelf.current()
        found = [one.to_json() for one in service.scenarios().run(edition.book)]
        return orjson.dumps({"edition": edition.number, "scenarios": found})

    return raw(await service.pools.prove(request, find))
