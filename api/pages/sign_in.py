"""The pages that begin and end a session."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response

from certledger.api.auth.api_keys import MARK, Caller, network_of
from certledger.api.errors import CredentialsInvalidError
from certledger.api.pages.page_route import FormExpiredError, read_form
from certledger.api.pages.renderer import redirect, render
from certledger.api.problems import answer
from certledger.api.responses import json_response
from certledger.api.service import service_of

_LOCAL_PATH = re.compile(r"/(?![/\\])[A-Za-z0-9/_.?=&%-]{0,200}")
MAX_KEY_CHARACTERS = 200
FIRST_PAGES = {"counter": "/desk", "partner": "/desk"}
"""Where a role goes after signing in, if it came from nowhere."""


async def show_sign_in(request: Request, caller: Caller) -> Response:
    """Show the form for an API key."""
    return await _form(request, next_path=request.query_params.get("next", ""))


async def sign_in(request: Request, caller: Caller) -> Response:
    """Begin a session by an API key; a script that asks for JSON gets the new CSRF token."""
    service = service_of(request)
    is_script = request.headers.get("accept") == "application/json"
    try:
        fields = await read_form(request)
    except FormExpiredError as error:
        if is_script:
            return answer(error)
        return await _form(request, next_path=error.fields.get("next", ""), trouble="expired")
    key, next_path = fields.get("key", "").strip(), fields.get("next", "")
    try:
        found = await _caller_of_key(request, key)
    except CredentialsInvalidError as error:
        if is_script:
            return answer(error)
        return await _form(request, next_path=next_path, trouble="wrong")
    if not _LOCAL_PATH.fullmatch(next_path):
        next_path = FIRST_PAGES.get(str(found.role), "/")
    response = json_response({}) if is_script else redirect(next_path)
    service.sessions.begin(response, key=key)
    return response


async def show_csrf_token(request: Request, caller: Caller) -> Response:
    """Return the CSRF token of the visitor, for scripts that began a new session."""
    visitor = request.cookies.get("certledger_visitor", "")
    return json_response({"csrf": service_of(request).sessions.csrf_token(visitor)})


async def sign_out(request: Request, caller: Caller) -> Response:
    """End the session."""
    await read_form(request)
    response = redirect("/")
    service_of(request).sessions.end(response)
    return response


async def _caller_of_key(request: Request, key: str) -> Caller:
    """Return the caller of a key that was typed.

    Raises:
        CredentialsInvalidError: it is none, unknown, expired or revoked.
    """
    if not key.startswith(MARK) or len(key) > MAX_KEY_CHARACTERS:
        raise CredentialsInvalidError("this is not a key of the service")
    gate = service_of(request).gate
    return await gate.authenticate(key, network_of((request.scope.get("client") or "?")[0]))


async def _form(request: Request, *, next_path: str, trouble: str = "") -> Response:
    return await render(
        request,
        "sign_in.html",
        status=400 if trouble else 200,
        next_path=next_path if _LOCAL_PATH.fullmatch(next_path) else "",
        trouble=trouble,
    )
