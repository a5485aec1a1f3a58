"""Routes of the operator's records: editions of the book, decisions, samples."""

from __future__ import annotations

from functools import partial

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from certledger.api.auth.api_keys import Caller
from certledger.api.errors import ResourceUnknownError
from certledger.api.openapi.operation import Asking, operation, schema, tagged
from certledger.api.responses import json_response
from certledger.api.routes.verification_receipts import (
    Reference,
    find_receipt,
    receipt_evidence,
)
from certledger.api.service import Service, service_of
from certledger.ledger.core.service_values import Verification
from certledger.verifier.formats.canonical_json import Json
from certledger.verifier.formats.evidence import MEDIA_TYPE
from certledger.verifier.reform.operator_record import EDITION, RECORD_OUTCOMES, SAMPLE

router = APIRouter()
_TAG = "Reform"
_PUBLIC = (EDITION, SAMPLE)


@router.get(
    "/v1/records/{reference}",
    **operation(
        "getRecord",
        summary="Get a record of the operator by its reference",
        tag=_TAG,
        good={200: schema("OperatorRecordAnswer", what="The signed record, and its batch.")},
    ),
)
async def get_record(request: Request, caller: Asking, reference: Reference) -> Response:
    """Editions and samples for every caller; decisions for the caller that asked, and auditors."""
    service = service_of(request)
    return json_response(
        _spell(await service.pools.read(request, _find, service, caller, reference))
    )


@router.get(
    "/v1/records/{reference}/evidence",
    **operation(
        "getRecordEvidence",
        summary="Get evidence that a record is anchored in the operator's own batches",
        tag=_TAG,
        good=tagged(schema("Evidence", media=MEDIA_TYPE, what="Evidence of the record.")),
    ),
)
async def get_record_evidence(request: Request, caller: Asking, reference: Reference) -> Response:
    """The code `receipt.pending` means that it is not anchored yet; records are anchored daily."""
    return await receipt_evidence(request, partial(_find, service_of(request), caller, reference))


def _find(service: Service, caller: Caller, reference: str) -> Verification:
    found = find_receipt(service, caller, reference, public=_PUBLIC)
    if found.verdict not in RECORD_OUTCOMES:
        raise ResourceUnknownError(f"there is no record {reference}")
    return found


def _spell(found: Verification) -> Json:
    value: dict[str, Json] = {
        "outcome": found.verdict,
        "record": orjson.loads(found.receipt),
        "reference": found.reference,
    }
    return value if found.sequence is None else value | {"batch": found.sequence}
