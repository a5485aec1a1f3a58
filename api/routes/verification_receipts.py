"""Verification receipts: lookup by reference or key, and evidence of their anchoring."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from certledger.api.auth.api_keys import Caller
from certledger.api.errors import ResourceUnknownError
from certledger.api.openapi.operation import DECIMAL, Asking, operation, schema, tagged
from certledger.api.responses import cached, json_response, raw
from certledger.api.service import Service, service_of
from certledger.ledger.core.service_values import Role, Verification
from certledger.ledger.store.unit_of_work import Unit
from certledger.ledger.verification.receipt_evidence import prove_receipt
from certledger.verifier.formats.canonical_json import Json, format_time
from certledger.verifier.formats.evidence import MEDIA_TYPE
from certledger.verifier.reform.operator_record import RECORD_OUTCOMES

router = APIRouter()
_TAG = "Verifications"
_ALL = frozenset({Role.AUDITOR, Role.ADMINISTRATOR})
MAX_LISTED_RECEIPTS = 1_000
_REFERENCE = "^[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}$"
Reference = Annotated[str, Path(pattern=_REFERENCE)]
Key = Annotated[
    str,
    Query(
        pattern="^(clk_[0-9A-Z]{8}|oidc:[0-9a-f]{32})$",
        description="A key's visible prefix, or the caller id of a token in receipts.",
    ),
]
Since = Annotated[int, Query(ge=0, le=2**53 - 1, description="Seconds since 1970."), DECIMAL]
After = Annotated[
    str | None, Query(pattern=_REFERENCE, description="The last reference of the page before.")
]


@router.get(
    "/v1/verifications/{reference}",
    **operation(
        "getVerification",
        summary="Get a verification",
        tag=_TAG,
        good={200: schema("Verification", what="The verification and its receipt.")},
    ),
)
async def get_verification(request: Request, caller: Asking, reference: Reference) -> Response:
    """For the caller that asked, auditors and administrators; 404 for others."""
    service = service_of(request)
    found = await service.pools.read(request, _receipt, service, caller, reference)
    return json_response(_spell(found))


@router.get(
    "/v1/verifications",
    **operation(
        "listVerifications",
        summary="List the verifications of a key",
        tag=_TAG,
        good={200: schema("VerificationList", what="Verifications, oldest first.")},
    ),
)
async def list_verifications(
    request: Request, caller: Asking, key: Key, since: Since = 0, after: After = None
) -> Response:
    """Lists all questions of a key, for example a stolen one, certificate by certificate.

    At most 1,000 per response; if `more` is true, continue `after` the last reference.
    """
    service = service_of(request)
    asker = key if key.startswith("oidc:") else f"key:{key}"

    def find() -> list[Verification]:
        with service.store.begin(write=False) as unit:
            if not _within(unit, caller, asker):
                return []
            one_more = MAX_LISTED_RECEIPTS + 1
            return [*unit.verifications_of(asker, since=since, after=after, limit=one_more)]

    def spell() -> bytes:
        found = find()
        listed = [_spell(one) for one in found[:MAX_LISTED_RECEIPTS]]
        return orjson.dumps({"verifications": listed, "more": len(found) > MAX_LISTED_RECEIPTS})

    return raw(await service.pools.prove(request, spell))


@router.get(
    "/v1/verifications/{reference}/evidence",
    **operation(
        "getReceiptEvidence",
        summary="Get the evidence of a verification receipt",
        tag=_TAG,
        good=tagged(schema("Evidence", media=MEDIA_TYPE, what="Evidence of the receipt's record.")),
    ),
)
async def get_receipt_evidence(request: Request, caller: Asking, reference: Reference) -> Response:
    """For the caller that asked, auditors and administrators; 404 for others.

    The code `receipt.pending` means that the receipt is not anchored yet; receipts are anchored
    daily.
    """
    return await receipt_evidence(
        request, partial(_receipt, service_of(request), caller, reference)
    )


async def receipt_evidence(request: Request, find: Callable[[], Verification]) -> Response:
    """Respond with evidence of the receipt or record that `find` returns."""
    service = service_of(request)

    def prove() -> bytes:
        given = find()
        with service.making:
            return prove_receipt(service.store, service.ledger.maker, given).format()

    data = await service.pools.prove(request, prove)
    return await cached(request, data, media=MEDIA_TYPE, control="private, max-age=30")


def _receipt(service: Service, caller: Caller, reference: str) -> Verification:
    found = find_receipt(service, caller, reference)
    if found.verdict in RECORD_OUTCOMES:
        raise ResourceUnknownError(f"no verification {reference}")
    return found


def find_receipt(
    service: Service, caller: Caller, reference: str, *, public: Collection[str] = ()
) -> Verification:
    """Return the receipt or record of a reference, if the caller may see it.

    `public` are outcomes of records that every caller may see.

    Raises:
        ResourceUnknownError: there is none, or the caller may not see it.
    """
    with service.store.begin(write=False) as unit:
        found = unit.verification(reference)
        if found is not None:
            may = caller.role in _ALL and _within(unit, caller, found.caller)
            # All public callers are one party, so it owns nothing.
            own = caller.role is not Role.PUBLIC and found.party == caller.party
            if may or own or found.verdict in public:
                return found
    raise ResourceUnknownError(f"no verification {reference}")


def _within(unit: Unit, caller: Caller, asker: str) -> bool:
    """Return whether the asker is of the caller's region, if it has one."""
    if caller.region is None:
        return True
    key = unit.api_key(asker.removeprefix("key:"))
    return key is not None and key.region == caller.region


def _spell(found: Verification) -> Json:
    leaves = found.leaves
    value: dict[str, Json] = {
        "reference": found.reference,
        "checked": format_time(found.checked),
        "verdict": found.verdict,
        "receipt": orjson.loads(found.receipt),
        "leaves": [leaves[at : at + 32].hex() for at in range(0, len(leaves), 32)],
    }
    if found.sequence is not None:
        value["batch"] = found.sequence
    return value
