"""The counter desk: the page, the search for service items, and receipts by their reference."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import segno
from starlette.requests import Request
from starlette.responses import Response

from certledger.api.auth.api_keys import Caller
from certledger.api.errors import ResourceUnknownError
from certledger.api.pages.renderer import banner_words, render
from certledger.api.pages.words import page_language
from certledger.api.responses import json_response, raw
from certledger.api.routes.verification_receipts import find_receipt
from certledger.api.service import Service, service_of
from certledger.ledger.reform.bookshelf import BookAbsentError
from certledger.ledger.verification.verification_receipt import VerificationReceipt
from certledger.verifier.formats.canonical_json import Json, parse
from certledger.verifier.reform.book import Book

REFERENCE = re.compile("[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}")
MAX_FOUND_ITEMS = 12
MAX_SEARCH_CHARACTERS = 60
MAX_RECEIPT_BYTES = 2**20


async def show_desk(request: Request, caller: Caller) -> Response:
    """Show the desk of the caller's counter."""
    provider = service_of(request).sign_in
    return await render(
        request, "desk.html", scanning=True, counter=caller.counter or "", provider=provider
    )


async def find_items(request: Request, caller: Caller) -> Response:
    """Return service items and bundles whose code or name has the text `q`, bundles first."""
    service, text = service_of(request), request.query_params.get("q", "")[:MAX_SEARCH_CHARACTERS]
    found = await service.pools.prove(request, _find, service, text.strip().casefold())
    return json_response({"found": found})


def _find(service: Service, text: str) -> list[Json]:
    try:
        book = service.bookshelf.current().book
    except BookAbsentError:
        return []
    return [one for _, one in zip(range(MAX_FOUND_ITEMS), _matches(book, text), strict=False)]


def _matches(book: Book, text: str) -> Iterator[Json]:
    for kind, rows in (("bundle", book.bundles), ("item", book.items)):
        for code, row in rows.items():
            if any(text in name.casefold() for name in (code, row.name.zh, row.name.en)):
                yield {
                    "kind": kind,
                    "code": code,
                    "name_zh": row.name.zh,
                    "name_en": row.name.en,
                }


async def show_receipt(request: Request, caller: Caller) -> Response:
    """Show a receipt that the caller may see; a printed report leads here.

    Raises:
        ResourceUnknownError: there is none, or it is another party's.
    """
    service, reference = service_of(request), _reference(request)
    found = await service.pools.read(request, find_receipt, service, caller, reference)
    receipt = VerificationReceipt.from_json(parse(found.receipt, MAX_RECEIPT_BYTES))
    return await render(
        request,
        "receipt.html",
        reference=reference,
        banners=banner_words(page_language(request)),
        content=dict(receipt.content),
        checked=found.checked,
        operator="0x" + receipt.operator.hex(),
        receipt=found.receipt.decode(),
    )


async def draw_receipt_code(request: Request, caller: Caller) -> Response:
    """Return the QR code of a receipt's address, for printed reports."""
    reference = _reference(request)
    address = service_of(request).options.public_url or str(request.base_url).rstrip("/")
    out = io.BytesIO()
    segno.make(f"{address}/receipt/{reference}", error="m").save(
        out, kind="svg", scale=3, border=4, xmldecl=False, light="#fff"
    )
    return raw(out.getvalue(), media="image/svg+xml")


def _reference(request: Request) -> str:
    reference: str = request.path_params["reference"]
    if not REFERENCE.fullmatch(reference):
        raise ResourceUnknownError("there is no such verification")
    return reference
