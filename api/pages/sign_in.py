"""The pages that begin and end a session."""

from __future__ import annotations

import re
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from certledger.api.auth.api_keys import MARK, Caller, network_of
from certledger.api.auth.oidc_sign_in import FLOW_COOKIE, OidcSignIn
from certledger.api.auth.oidc_sign_out import (
    ID_TOKEN_COOKIE,
    SIGN_OUT,
    SIGNED_OUT,
    SignOutScope,
    open_scope,
    seal_scope,
)
from certledger.api.auth.sessions import OIDC_SESSION_SECONDS, SESSION_SECONDS, new_visitor
from certledger.api.errors import (
    CredentialsInvalidError,
    RequestInvalidError,
    ResourceUnknownError,
)
from certledger.api.pages.front import demo_page
from certledger.api.pages.page_route import (
    CARRIED,
    CARRIED_TO,
    FORM,
    Form,
    FormExpiredError,
    parse_form,
    read_form,
)
from certledger.api.pages.renderer import redirect, render
from certledger.api.problems import answer
from certledger.api.request.body import read_body
from certledger.api.responses import json_response
from certledger.api.service import service_of
from certledger.ledger.core.service_values import Role

_LOCAL_PATH = re.compile(r"/(?![/\\])[A-Za-z0-9/_.?=&%-]{0,200}")
MAX_KEY_CHARACTERS = 200
_SESSION_ID = re.compile(r"[0-9a-f]{32}")
FIRST_PAGES = {
    Role.ADMINISTRATOR: "/registrar",
    Role.AUDITOR: "/audit",
    Role.COUNTER: "/desk",
    Role.ISSUER: "/issuer",
    Role.PARTNER: "/desk",
}
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
        return await _form(request, next_path=next_path, trouble="wrong", fields=fields)
    next_path = _safe_path(next_path) or FIRST_PAGES.get(found.role, "/")
    visitor, carried_to = new_visitor(), _safe_path(fields.get(CARRIED_TO, ""))
    response: Response = json_response({}) if is_script else redirect(next_path)
    if carried_to:
        response = await _resume(request, visitor, carried_to, _carried(fields))
    begin = partial(service.registry.begin, found.id, seconds=SESSION_SECONDS)
    opened = await service.pools.read(request, begin)
    service.sessions.begin(response, opened, key=key, visitor=visitor)
    return response


async def _resume(request: Request, visitor: str, path: str, carried: Form) -> Response:
    """Show what was typed before the session was over, to be sent after signing in."""
    return await render(request, "resume.html", visitor=visitor, carried=carried, carried_to=path)


async def visit_provider(request: Request, caller: Caller) -> Response:
    """Send the visitor to the identity provider.

    Raises:
        ResourceUnknownError: there is none.
        ProviderUnreachableError: it does not answer.
    """
    response = redirect("/")
    next_path = _safe_path(request.query_params.get("next", ""))
    response.headers["location"] = await _provider(request).address(response, next_path)
    return response


async def visit_provider_with_form(request: Request, caller: Caller) -> Response:
    """Send the visitor to the identity provider, with a form that waits.

    By a page that goes on by itself: a form may not lead to another site (`form-action`).

    Raises:
        ResourceUnknownError: there is no provider.
        ProviderUnreachableError: it does not answer.
    """
    fields, carrier = await read_form(request), Response()
    path = _safe_path(fields.get(CARRIED_TO, ""))
    address = await _provider(request).address(carrier, path, _carried(fields))
    response = await render(request, "signed_in.html", next_path=address, is_done=False)
    response.raw_headers.extend(pair for pair in carrier.raw_headers if pair[0] == b"set-cookie")
    return response


async def take_back(request: Request, caller: Caller) -> Response:
    """Begin a session of whom the identity provider sends back.

    The answer is a page that goes on by itself: this request comes from another site, and after a
    redirect the browser would not send the session's cookie.

    Raises:
        ResourceUnknownError: there is no provider.
        ProviderUnreachableError: it does not answer.
    """
    service, provider = service_of(request), _provider(request)
    try:
        flow = provider.flow_of(request)
        signed_in = await provider.complete(flow, request.query_params.get("code", ""))
    except CredentialsInvalidError:
        trouble = "declined" if "error" in request.query_params else "provider_refused"
        return await _form(request, next_path="", trouble=trouble)
    found = signed_in.caller
    next_path, visitor = flow.next_path or FIRST_PAGES.get(found.role, "/"), new_visitor()
    response = await (
        _resume(request, visitor, next_path, flow.carried)
        if flow.carried
        else render(request, "signed_in.html", visitor=visitor, next_path=next_path, is_done=True)
    )
    begin = partial(service.registry.begin, found.id, seconds=OIDC_SESSION_SECONDS)
    opened = await service.pools.read(request, begin)
    service.sessions.begin(response, opened, caller=found, visitor=visitor)
    if service.sign_out is not None:
        service.sign_out.store_token(response, opened, signed_in.id_token)
    service.sessions.set_cookie(response, FLOW_COOKIE, "", seconds=0, is_sent_on_links=True)
    return response


def _provider(request: Request) -> OidcSignIn:
    provider = service_of(request).sign_in
    if provider is None:
        raise ResourceUnknownError("no identity provider is set up")
    return provider


async def show_csrf_token(request: Request, caller: Caller) -> Response:
    """Return the CSRF token of the visitor, for scripts that began a new session."""
    sessions = service_of(request).sessions
    return json_response({"csrf": sessions.csrf_token(sessions.visitor_of(request))})


async def sign_out(request: Request, caller: Caller) -> Response:
    """End the session, also for a copy of its cookie, and then the one at the provider.

    By a page that goes on by itself: a form may not lead to another site (`form-action`).
    """
    await read_form(request)
    service = service_of(request)
    session, address, scope = service.sessions.session_of(request), "", SignOutScope.KEY
    if session is not None:
        await service.pools.read(request, service.registry.end, session.id)
        if session.key is None:
            scope = SignOutScope.HERE
            if service.sign_out is not None:
                address = await service.sign_out.address(request, session)
    if address:
        response: Response = await render(
            request, "signing_out.html", address=address, provider=service.sign_in, has_ended=True
        )
    else:
        response = redirect(f"{SIGNED_OUT}?state={seal_scope(service.sessions, scope)}")
    service.sessions.end(response)
    service.sessions.set_cookie(response, ID_TOKEN_COOKIE, "", seconds=0, path=SIGN_OUT)
    return response


async def show_signed_out(request: Request, caller: Caller) -> Response:
    """Say what has ended, to whom this service or the provider sends here."""
    service = service_of(request)
    scope = open_scope(service.sessions, request.query_params.get("state", ""))
    if scope is None:
        return redirect("/")
    return await render(request, "signed_out.html", scope=scope, provider=service.sign_in)


async def end_by_provider(request: Request, caller: Caller) -> Response:
    """End the sessions of someone whom the provider has signed out (back-channel).

    Raises:
        ResourceUnknownError: there is no provider.
        ProviderUnreachableError: its keys are not known.
    """
    service = service_of(request)
    if service.sign_out is None:
        raise ResourceUnknownError("no identity provider is set up")
    try:
        text = parse_form(await read_body(request, FORM)).get("logout_token", "")
        ended = await service.sign_out.read_logout_token(text)
    except (CredentialsInvalidError, RequestInvalidError) as error:
        detail = {"error": "invalid_request", "error_description": str(error)}
        return json_response(detail, status=400)
    end = partial(service.registry.end_all_of, ended.caller, began_until=ended.began_until)
    await service.pools.read(request, end)
    return json_response({})


async def show_sessions(request: Request, caller: Caller) -> Response:
    """Show where the caller is signed in."""
    service = service_of(request)
    session = service.sessions.session_of(request)
    found = await service.pools.read(request, service.registry.sessions_of, caller.id)
    return await render(
        request, "sessions.html", found=found, own=None if session is None else session.id
    )


async def end_session(request: Request, caller: Caller) -> Response:
    """End one session of the caller."""
    fields, service = await read_form(request), service_of(request)
    session = fields.get("session", "")
    if _SESSION_ID.fullmatch(session):
        end = partial(service.registry.end_of, caller.id, bytes.fromhex(session))
        await service.pools.read(request, end)
    return redirect("/sessions")


async def _caller_of_key(request: Request, key: str) -> Caller:
    """Return the caller of a key that was typed.

    Raises:
        CredentialsInvalidError: it is none, unknown, expired or revoked.
    """
    if not key.startswith(MARK) or len(key) > MAX_KEY_CHARACTERS:
        raise CredentialsInvalidError("this is not a key of the service")
    gate = service_of(request).gate
    return await gate.authenticate(key, network_of((request.scope.get("client") or "?")[0]))


def _safe_path(text: str) -> str:
    """Return a path of ours, empty for anything that could lead to another site."""
    return text if _LOCAL_PATH.fullmatch(text) else ""


def _carried(fields: Form) -> Form:
    """Return the fields of the form that waits until somebody has signed in."""
    return {
        name.removeprefix(CARRIED): text
        for name, text in fields.items()
        if name.startswith(CARRIED)
    }


async def _form(
    request: Request, *, next_path: str, trouble: str = "", fields: Form | None = None
) -> Response:
    fields, next_path = fields or {}, _safe_path(next_path)
    return await render(
        request,
        "sign_in.html",
        status=400 if trouble else 200,
        next_path=next_path,
        demo_page=await demo_page(request, next_path),
        provider=service_of(request).sign_in,
        carried=_carried(fields),
        carried_to=_safe_path(fields.get(CARRIED_TO, "")),
        trouble=trouble,
    )
