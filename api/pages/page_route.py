"""Routes of pages: admission, CSRF, the language switch, and errors in words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl, quote, urlencode

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from certledger.api.auth.api_keys import Caller, RateLimitSubject, network_of
from certledger.api.errors import (
    CredentialsInvalidError,
    ForbiddenError,
    RateLimitError,
    RequestInvalidError,
    UnauthenticatedError,
)
from certledger.api.pages.renderer import redirect, render
from certledger.api.pages.words import LANGUAGE_COOKIE, LANGUAGES
from certledger.api.problems import answer, status_of
from certledger.api.request.body import read_body
from certledger.api.service import service_of
from certledger.verifier.errors import CertledgerError

log = structlog.get_logger(__name__)
FORM = "application/x-www-form-urlencoded"
CARRIED, CARRIED_TO = "carried.", "carried_to"
"""Prefix of the fields that a form had when its session was over, and where it goes."""
MAX_FORM_FIELDS = 100
_YEAR = 365 * 86_400
Form = Mapping[str, str]
Handler = Callable[[Request, Caller], Awaitable[Response]]


class FormExpiredError(RequestInvalidError):
    """A form of another site, or one that was open for longer than its visit."""

    code = "form.expired"

    def __init__(self, fields: Form) -> None:
        super().__init__("the form is from another site, or too old: send it again")
        self.fields = fields


class PageRoute(Route):
    """A route whose `operation_id` names its rule, as of the API's operations.

    Errors are pages too; those of routes that scripts call (`for_script`) are problem documents.
    """

    def __init__(
        self,
        path: str,
        handler: Handler,
        *,
        operation: str,
        method: str = "GET",
        for_script: bool = False,
    ) -> None:
        self.operation_id = operation

        async def endpoint(request: Request) -> Response:
            request.scope["route"] = self
            if for_script:
                return await handler(request, await service_of(request).gate.admit(request))
            return await _serve(request, handler)

        super().__init__(path, endpoint, methods=[method], include_in_schema=False)


async def _serve(request: Request, handler: Handler) -> Response:
    if (chosen := request.query_params.get("lang")) in LANGUAGES:
        return _switched(request, str(chosen))
    try:
        return await handler(request, await service_of(request).gate.admit(request))
    except (UnauthenticatedError, CredentialsInvalidError):
        return await _sign_in_first(request)
    except CertledgerError as error:
        return await error_page(request, error)


async def _sign_in_first(request: Request) -> Response:
    """Ask to sign in; what was typed into a form of ours goes along, to be sent afterwards.

    Only with a genuine token: another site's form, which comes without the session's cookie, must
    not wait there for somebody to sign in.
    """
    path = request.url.path
    if request.method == "POST":
        try:
            fields = await read_form(request)
        except RequestInvalidError:
            return redirect(f"/sign-in?next={quote(path)}")
        carried = {name: text for name, text in fields.items() if name != "csrf"}
        return await render(
            request,
            "sign_in.html",
            status=401,
            next_path="",
            trouble="",
            provider=service_of(request).sign_in,
            demo_page="",
            carried=carried,
            carried_to=path,
        )
    return redirect(f"/sign-in?next={quote(path)}")


def _switched(request: Request, language: str) -> Response:
    """Remember the chosen language, and show the same page again."""
    rest = [(name, value) for name, value in parse_qsl(request.url.query) if name != "lang"]
    path = quote(request.url.path) + (f"?{urlencode(rest)}" if rest else "")
    response = redirect(path)
    service_of(request).sessions.set_cookie(response, LANGUAGE_COOKIE, language, seconds=_YEAR)
    return response


async def error_page(request: Request, error: CertledgerError) -> Response:
    """Return the page of an error, with what to do about it."""
    if not hasattr(request.state, "asker"):
        address = network_of((request.scope.get("client") or "?")[0])
        request.state.asker = RateLimitSubject(name=address, public=True)
    plain = answer(error)
    name = {ForbiddenError: "forbidden", RateLimitError: "too_many"}.get(type(error), "trouble")
    if status_of(error) == 404:
        name = "absent"
    response = await render(
        request, "error.html", status=plain.status_code, name=name, code=error.code
    )
    if (wait := plain.headers.get("retry-after")) is not None:
        response.headers["retry-after"] = wait
    return response


async def read_form(request: Request) -> Form:
    """Return the fields of a form that one of our own pages sent.

    Raises:
        RequestInvalidError: it is none.
        FormExpiredError: its CSRF token is not the visitor's.
    """
    fields = parse_form(await read_body(request, FORM))
    if not service_of(request).sessions.is_genuine(request, fields.get("csrf")):
        raise FormExpiredError(fields)
    return fields


def parse_form(data: bytes) -> Form:
    """Return the fields of a form, whoever sent it.

    Raises:
        RequestInvalidError: it is none.
    """
    try:
        return dict(
            parse_qsl(data.decode(), keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS)
        )
    except ValueError as error:
        raise RequestInvalidError("the body is not a form") from error
