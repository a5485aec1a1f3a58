"""Receipts afterwards: that the operator has anchored what it told, so that it cannot deny it."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.answers import cached
from api.callers import Caller
from api.refusals import ResourceUnknown
from api.routes.verifying import Reference
from api.routing import Asking, operation, schema
from api.service import Service, service_of
from ledger.evidence import EvidenceInconsistent
from ledger.service.proving import prove_receipt
from ledger.service.values import Role
from verifier.evidence import MEDIA_TYPE

router = APIRouter()
_ALL = frozenset({Role.AUDITOR, Role.ADMINISTRATOR})


@router.get(
    "/v1/verifications/{reference}/evidence",
    **operation(
        "getReceiptEvidence",
        summary="Evidence that what was told is anchored in the operator's own batches",
        tag="Verifying",
        good={200: schema("Evidence", media=MEDIA_TYPE, what="Evidence of the receipt's record.")},
        problems=(404, 409),
    ),
)
async def get_receipt_evidence(request: Request, caller: Asking, reference: Reference) -> Response:
    """For whoever was told, auditors and administrators; to others it is as if there were none.

    The code `receipt.pending` says that the receipt is not anchored yet: that happens once a day.
    """
    data = await asyncio.to_thread(_prove, service_of(request), caller, reference)
    return cached(request, data, media=MEDIA_TYPE, control="private, max-age=30")


def _prove(service: Service, caller: Caller, reference: str) -> bytes:
    with service.store.begin(write=False) as unit:
        given = unit.verification(reference)
    if given is None or not (caller.role in _ALL or given.caller == caller.id):
        raise ResourceUnknown(f"nothing was told under {reference}")
    try:
        with service.making:
            return prove_receipt(service.store, service.ledger.maker, given).format()
    except EvidenceInconsistent:
        service.metrics.proof_failures.inc()
        raise
