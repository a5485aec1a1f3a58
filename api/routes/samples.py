"""Routes of samples: decisions drawn by a later block, which anyone can draw again."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from certledger.api.auth.permissions import RULES
from certledger.api.openapi.operation import Asking, operation, schema, tagged
from certledger.api.openapi.schemas import content
from certledger.api.request.body import read_body
from certledger.api.responses import IMMUTABLE, cached, json_response
from certledger.api.routes.verification_receipts import Reference
from certledger.api.service import service_of
from certledger.ledger.core.book_values import StoredSample
from certledger.ledger.reform.samples import published_file
from certledger.verifier.formats.canonical_json import Json, Members, format_time, parse
from certledger.verifier.reform.operator_record import MAX_CANDIDATES

router = APIRouter()
_TAG = "Reform"


@router.post(
    "/v1/samples",
    **operation(
        "createSample",
        summary="Sign the candidates of a sample: all decisions since the last one",
        tag=_TAG,
        good={200: schema("Sample", what="The sample, which waits for its block.")},
        body=content("SampleRequest"),
    ),
)
async def create_sample(request: Request, caller: Asking) -> Response:
    """The record of the candidates is anchored with the receipts; a later block draws `size`."""
    service = service_of(request)
    data = await read_body(request)

    def make() -> Json:
        read = Members(parse(data, RULES["createSample"].longest), "sample")
        size = read.integer("size", 1, MAX_CANDIDATES)
        read.done()
        return _spell(service.samples.open(size))

    return json_response(await service.pools.prove(request, make))


@router.get(
    "/v1/samples",
    **operation(
        "listSamples",
        summary="List the samples",
        tag=_TAG,
        good={200: schema("SampleList", what="Samples, the newest first; at most 1,000.")},
    ),
)
async def list_samples(request: Request, caller: Asking) -> Response:
    """Each covers the decisions among the records `first` to `last`; no two overlap."""
    service = service_of(request)

    def find() -> Json:
        with service.store.begin(write=False) as unit:
            return {"samples": [_spell(one) for one in unit.samples(waiting=False)]}

    return json_response(await service.pools.prove(request, find))


@router.get(
    "/v1/samples/{reference}",
    **operation(
        "getSample",
        summary="Get the published file of a sample",
        tag=_TAG,
        good=tagged(schema("SampleFile", what="All that is needed to draw it again.")),
        more={"security": [{"key": []}, {}]},
    ),
)
async def get_sample(request: Request, caller: Asking, reference: Reference) -> Response:
    """`certledger sample check FILE --policy FILE` draws it again, offline."""
    service = service_of(request)
    data = await service.pools.prove(request, published_file, service.store, reference)
    return await cached(request, data, control=IMMUTABLE)


def _spell(sample: StoredSample) -> Json:
    return {
        "created": format_time(sample.created),
        "drawn": sample.file is not None,
        "first": sample.first,
        "last": sample.last,
        "reference": sample.reference,
    }
