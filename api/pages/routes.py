"""All routes of the pages."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from certledger.api.auth.api_keys import Caller
from certledger.api.errors import ResourceUnknownError
from certledger.api.pages.code_reader import read_codes
from certledger.api.pages.desk import draw_receipt_code, find_items, show_desk, show_receipt
from certledger.api.pages.front import enter_demo, get_demo_file, show_front
from certledger.api.pages.institution_routes import INSTITUTION_PAGES
from certledger.api.pages.offline import get_worker, show_offline
from certledger.api.pages.page_route import PageRoute
from certledger.api.pages.public import check_by_form, describe_certificate, show_public
from certledger.api.pages.renderer import render
from certledger.api.pages.sign_in import (
    end_by_provider,
    end_session,
    show_csrf_token,
    show_sessions,
    show_sign_in,
    show_signed_out,
    sign_in,
    sign_out,
    take_back,
    visit_provider,
    visit_provider_with_form,
)
from certledger.api.pages.static_files import load_static_files
from certledger.api.responses import IMMUTABLE, cached


async def show_holder(request: Request, caller: Caller) -> Response:
    """Show the holder's page, whose work is all done in the browser."""
    return await render(request, "holder.html")


async def get_static(request: Request, caller: Caller) -> Response:
    """Return a static file.

    Raises:
        ResourceUnknownError: there is none, or it is of another version of the service.
    """
    found = load_static_files().find(**request.path_params)
    if found is None:
        raise ResourceUnknownError("no resource at this path")
    data, media = found
    return await cached(request, data, media=media, control=IMMUTABLE)


PAGES = (
    PageRoute("/", show_front, operation="showPage"),
    PageRoute("/demo/enter", enter_demo, operation="signIn", method="POST"),
    PageRoute("/demo/{name:path}", get_demo_file, operation="showPage", for_script=True),
    PageRoute("/sign-in", show_sign_in, operation="showPage"),
    PageRoute("/sign-in", sign_in, operation="signIn", method="POST"),
    PageRoute("/sign-in/token", show_csrf_token, operation="showPage", for_script=True),
    PageRoute("/sign-in/provider", visit_provider, operation="signIn"),
    PageRoute("/sign-in/provider", visit_provider_with_form, operation="signIn", method="POST"),
    PageRoute("/sign-in/callback", take_back, operation="signIn"),
    PageRoute("/sessions", show_sessions, operation="showSessions"),
    PageRoute("/sessions", end_session, operation="endSession", method="POST"),
    PageRoute("/sign-out", sign_out, operation="signOut", method="POST"),
    PageRoute("/signed-out", show_signed_out, operation="showPage"),
    PageRoute(
        "/sign-out/provider",
        end_by_provider,
        operation="endByProvider",
        method="POST",
        for_script=True,
    ),
    PageRoute("/v", show_public, operation="showPage"),
    PageRoute("/v", check_by_form, operation="checkByForm", method="POST"),
    PageRoute(
        "/v/certificate",
        describe_certificate,
        operation="describeCertificate",
        method="POST",
        for_script=True,
    ),
    PageRoute("/desk", show_desk, operation="showDesk"),
    PageRoute("/desk/items", find_items, operation="findItems", for_script=True),
    PageRoute("/receipt/{reference}", show_receipt, operation="showReceipt"),
    PageRoute(
        "/receipt/{reference}/code.svg",
        draw_receipt_code,
        operation="drawReceiptCode",
        for_script=True,
    ),
    PageRoute("/holder", show_holder, operation="showPage"),
    PageRoute("/offline", show_offline, operation="showPage"),
    PageRoute("/offline-worker.mjs", get_worker, operation="getStatic", for_script=True),
    PageRoute("/codes", read_codes, operation="readCode", method="POST", for_script=True),
    PageRoute("/static/{digest}/{name}", get_static, operation="getStatic", for_script=True),
    *INSTITUTION_PAGES,
)
"""The pages; each names its rule in `PAGE_RULES`."""
