"""Routes of the reform's book: its edition of today, and the two exemptions."""

from __future__ import annotations

from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from certledger.api.auth.permissions import RULES
from certledger.api.errors import ForbiddenError
from certledger.api.openapi.operation import Asking, operation, schema, tagged
from certledger.api.openapi.schemas import content
from certledger.api.request.body import read_body
from certledger.api.responses import IMMUTABLE, cached, fresh_for, json_response
from certledger.api.routes.registry import MINUTE, Digest
from certledger.api.service import Service, service_of
from certledger.ledger.reform.book_import import parse_book_import
from certledger.verifier.formats.canonical_json import Json
from certledger.verifier.reform.book import ApplicantKind
from certledger.verifier.reform.exemptions import exemptions

router = APIRouter()
_TAG = "Reform"
Code = Annotated[str, Path(pattern="^[A-Z0-9-]{4,24}$")]
Applicant = Annotated[Literal["person", "foreigner", "company"], Query(description="Who applies.")]


@router.get(
    "/v1/book",
    **operation(
        "getBook",
        summary="Get the edition of the book that holds today",
        tag=_TAG,
        good={200: schema("Book", what="Its number, first day, digest and sizes.")},
        more={"security": [{"key": []}, {}]},
    ),
)
async def get_book(request: Request, caller: Asking) -> Response:
    """The digest names the edition; its record is anchored under the reference."""
    service = service_of(request)
    return json_response(await service.pools.prove(request, _book, service))


def _book(service: Service) -> Json:
    edition = service.bookshelf.current()
    stored = service.bookshelf.editions()[edition.number - 1]
    return {
        "book": stored.digest.hex(),
        "edition": stored.number,
        "from": stored.holds_from,
        "reference": stored.reference,
        "region": edition.region,
        "rows": {name: len(rows) for name, rows in edition.tables.items()},
    }


@router.get(
    "/v1/book/editions/{digest}",
    **operation(
        "getBookEdition",
        summary="Get the file of an edition by its digest",
        tag=_TAG,
        good=tagged(schema("BookEdition", what="The canonical file (SPEC section 22).")),
        more={"security": [{"key": []}, {}]},
    ),
)
async def get_book_edition(request: Request, caller: Asking, digest: Digest) -> Response:
    """Old editions stay available: decisions name the edition that they rest on."""
    service = service_of(request)
    data = await service.pools.prove(
        request, lambda: service.bookshelf.edition_named(bytes.fromhex(digest)).format()
    )
    return await cached(request, data, control=IMMUTABLE)


@router.post(
    "/v1/book/editions",
    **operation(
        "importBook",
        summary="Import an edition of the book, or preview it",
        tag=_TAG,
        good={200: schema("BookImportAnswer", what="What changes, and the edition.")},
        body=content("BookImport"),
    ),
)
async def import_book(request: Request, caller: Asking) -> Response:
    """The files of all tables, or a workbook with a worksheet a table.

    An import with a fault changes nothing; `faults` of the problem lists all, each with its place.
    """
    service = service_of(request)
    data = await read_body(request)

    def make() -> Json:
        asked = parse_book_import(data, RULES["importBook"].longest)
        if caller.region is not None and asked.region[:2] != f"{caller.region:02d}":
            raise ForbiddenError(f"the key is of region {caller.region}")
        return asked.run(service.bookshelf, service.ledger.operator)

    return json_response(await service.pools.prove(request, make))


@router.get(
    "/v1/items/{code}/exemptions",
    **operation(
        "getExemptions",
        summary="List what an applicant for an item or bundle need not bring",
        tag=_TAG,
        good=tagged(schema("ExemptionList", what="Each material once, with the reason.")),
        more={"security": [{"key": []}, {}]},
    ),
)
async def get_exemptions(
    request: Request, caller: Asking, code: Code, applicant: Applicant = "person"
) -> Response:
    """Each line is exempt because a city department issues it, shown electronically, or brought."""
    service = service_of(request)

    def find() -> bytes:
        edition = service.bookshelf.current()
        found = exemptions(edition.book, code, ApplicantKind(applicant)).to_json()
        return orjson.dumps(found | {"book": edition.digest.hex(), "edition": edition.number})

    data = await service.pools.prove(request, find)
    return await cached(request, data, control=fresh_for(MINUTE))
