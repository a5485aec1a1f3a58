"""Route of the hotline: what stands behind a short reference, in words."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from certledger.api.errors import ResourceUnknownError
from certledger.api.openapi.operation import Asking, operation, schema
from certledger.api.responses import json_response
from certledger.api.routes.verification_receipts import Reference
from certledger.api.service import service_of
from certledger.ledger.reform.hotline import describe_reference
from certledger.verifier.formats.canonical_json import Json
from certledger.verifier.reform.operator_record import EDITION, SAMPLE

router = APIRouter()


@router.get(
    "/v1/hotline/{reference}",
    **operation(
        "getHotlineAnswer",
        summary="Get what a hotline's agent says about a reference",
        tag="Reform",
        good={200: schema("HotlineAnswer", what="When, where, verdicts, checks and advice.")},
    ),
)
async def get_hotline_answer(request: Request, caller: Asking, reference: Reference) -> Response:
    """Nothing personal: no leaf, no field, no key; the counter, the codes and words for them."""
    service = service_of(request)

    def find() -> Json:
        with service.store.begin(write=False) as unit:
            found = unit.verification(reference)
            key = None if found is None else unit.api_key(found.caller.removeprefix("key:"))
        foreign = caller.region is not None and (key is None or key.region != caller.region)
        if found is None or found.verdict in (EDITION, SAMPLE) or foreign:
            raise ResourceUnknownError(f"no verification {reference}")
        return describe_reference(found, service.bookshelf)

    return json_response(await service.pools.prove(request, find))
