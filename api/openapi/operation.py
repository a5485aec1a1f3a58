"""Declaration of routes: operation, responses, access control."""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any

import structlog
from fastapi import Depends, Request
from pydantic import BeforeValidator
from starlette.responses import Response

from certledger.api.auth.api_keys import Caller
from certledger.api.auth.permissions import RULES, Rule
from certledger.api.errors import KeyInFlightError
from certledger.api.middleware.request_context import request_id_of
from certledger.api.openapi.problem_codes import codes_of
from certledger.api.problems import MEDIA_TYPE, answer, status_of
from certledger.api.service import service_of
from certledger.ledger.core.errors import StoreFullError
from certledger.ledger.publish.evidence import EvidenceInconsistentError
from certledger.verifier.errors import CertledgerError

log = structlog.get_logger(__name__)
_PROBLEM = {"$ref": "#/components/schemas/Problem"}
_MEANINGS = {
    400: "The request cannot be read.",
    401: "The key or token is missing or invalid.",
    403: "The caller lacks the permission.",
    404: "The resource does not exist, or the caller may not see it.",
    408: "The body did not arrive in time.",
    409: "The request conflicts with the current state.",
    413: "The body is too long.",
    415: "The media type or encoding is not supported.",
    422: "The request breaks a rule; see the code.",
    429: "Too many requests; see Retry-After.",
    500: "Internal error; the service's log has details under the request's id.",
    503: "Unavailable or busy; see Retry-After.",
}
_HEADERS: Mapping[str, dict[str, Any]] = {
    "Retry-After": {
        "description": "Seconds to wait before the next attempt.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "WWW-Authenticate": {
        "description": "The supported authentication scheme.",
        "schema": {"type": "string"},
    },
    "ETag": {
        "description": "The entity tag, for If-None-Match.",
        "schema": {"type": "string"},
    },
    "Cache-Control": {
        "description": "Which caches may store the response, and for how long.",
        "schema": {"type": "string"},
    },
    "Content-Language": {
        "description": "The language of `words`, by Accept-Language.",
        "schema": {"type": "string", "enum": ["zh", "en"]},
    },
    "Location": {
        "description": "The address of the batch's state.",
        "schema": {"type": "string"},
    },
    "Deprecation": {
        "description": "Date of deprecation (RFC 9745).",
        "schema": {"type": "string"},
    },
    "Sunset": {
        "description": "Date of removal (RFC 8594).",
        "schema": {"type": "string"},
    },
    "X-Request-Id": {
        "description": "The request's id, as in the service's log.",
        "schema": {"type": "string"},
    },
}
_SENT = {
    401: ("WWW-Authenticate",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}
"""Headers of error responses by status, in addition to those of every response."""
TAGGED = ("ETag",)
"""Headers of cacheable responses."""


async def admit(request: Request) -> Caller:
    """FastAPI dependency: return the caller, or raise."""
    return await service_of(request).gate.admit(request)


def _decimal(value: object) -> object:
    """Reject integers that Python accepts but are no plain decimals: `+1`, `01`, `1_0`, `1.0`."""
    if isinstance(value, str) and not _DECIMAL.fullmatch(value):
        raise ValueError("an integer in decimal digits without leading zeros")
    return value


_DECIMAL = re.compile("0|[1-9][0-9]*")
DECIMAL = BeforeValidator(_decimal)
"""Validator of an integer in a path or query."""
Asking = Annotated[Caller, Depends(admit)]
"""Caller of a route, authenticated and authorized."""


def error_response(request: Request, error: CertledgerError) -> Response:
    """Build the response to an error; internal errors are logged under the request's id."""
    request_id = request_id_of(request)
    if status_of(error) is HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("request_broken", request=request_id, code=error.code, reason=str(error))
    if isinstance(error, EvidenceInconsistentError):
        service_of(request).metrics.proof_failures.inc()
    return answer(error, request_id)


_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EMFILE, errno.ENFILE})


def storage_error_response(request: Request, error: OSError) -> Response:
    """Build the response to a full disk or exhausted file descriptors.

    Raises:
        OSError: another error.
    """
    if error.errno not in _FULL:
        raise error
    return error_response(request, StoreFullError("disk full, or out of file descriptors"))


def operation(
    name: str,
    *,
    summary: str,
    tag: str,
    good: dict[int, dict[str, Any]],
    body: dict[str, Any] | None = None,
    more: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the keyword arguments of a route's decorator.

    `good` are the success responses by status, with the names of their headers; `body` is the
    request body's content by media type.  `api/openapi/problem_codes.py` has the error codes.
    """
    rule = RULES[name]
    answers: dict[int | str, dict[str, Any]] = {}
    for status, response in good.items():
        answers[status] = {**response, "headers": _described(rule, *response.get("headers", ()))}
    for status, codes in codes_of(name, body=body is not None).items():
        if status not in good:
            answers[status] = _problem(rule, status, codes)
    extra: dict[str, Any] = dict(more or {})
    if body is not None:
        extra["requestBody"] = {"required": True, "content": body}
    if rule.roles is None:
        extra["security"] = []
    first = next(iter(good))
    return {
        "operation_id": name,
        "summary": summary,
        "tags": [tag],
        "responses": answers,
        "status_code": first,
        "response_model": None,
        # A class without a media type, else FastAPI adds application/json to every response.
        "response_class": Response,
        "deprecated": rule.deprecated is not None or None,
        "openapi_extra": extra,
    }


def _described(rule: Rule, *names: str) -> dict[str, Any]:
    """Return the declared headers of a response: those named, and those of every response."""
    leaving = [("Deprecation", rule.deprecated), ("Sunset", rule.sunset)]
    added = [name for name, time in leaving if time is not None]
    return {name: _HEADERS[name] for name in (*names, *added, "Cache-Control", "X-Request-Id")}


def _problem(rule: Rule, status: int, codes: Sequence[str]) -> dict[str, Any]:
    """Return the error response for a status with its codes."""
    sent = _SENT.get(status, ())
    if KeyInFlightError.code in codes:
        sent = ("Retry-After",)
    spelled = ", ".join(f"`{code}`" for code in codes)
    return {
        "description": f"{_MEANINGS[status]} Codes: {spelled}.",
        "content": {MEDIA_TYPE: {"schema": _PROBLEM}},
        "headers": _described(rule, *sent),
        "x-codes": list(codes),
    }


def schema(
    name: str, *, media: str = "application/json", what: str, headers: Sequence[str] = ()
) -> dict[str, Any]:
    """Return a success response with a schema by name."""
    reference = {"$ref": f"#/components/schemas/{name}"}
    return {"description": what, "content": {media: {"schema": reference}}, "headers": headers}


def binary(media: str, what: str) -> dict[str, Any]:
    """Return a binary success response."""
    return {
        "description": what,
        "content": {media: {"schema": {"type": "string", "format": "binary"}}},
    }


def tagged(answer: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """Return the responses of a resource with an entity tag: 200 and 304."""
    unchanged = {"description": "The caller's copy is current.", "headers": TAGGED}
    return {200: {**answer, "headers": TAGGED}, 304: unchanged}
