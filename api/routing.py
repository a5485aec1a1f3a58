"""How a route is declared: its operation, what it may answer, and the gate before it."""

from __future__ import annotations

import errno
import re
from http import HTTPStatus
from typing import Annotated, Any

import structlog
from fastapi import Depends, Request
from pydantic import BeforeValidator
from starlette.responses import Response

from api.callers import Caller
from api.door import request_id_of
from api.problems import MEDIA_TYPE, answer, status_of
from api.rules import RULES
from api.service import service_of
from ledger.evidence import EvidenceInconsistent
from ledger.ports import StoreFull
from verifier.errors import Refused

log = structlog.get_logger(__name__)
_PROBLEM = {"$ref": "#/components/schemas/Problem"}
_MEANINGS = {
    400: "The request cannot be read.",
    401: "A key or token is needed, or this one is no good.",
    403: "The caller may not do this.",
    404: "There is nothing here that the caller may see.",
    408: "The body did not come in time.",
    409: "It conflicts with what is there.",
    413: "The body is too long.",
    415: "The media type or encoding is not taken.",
    422: "It was read, and is refused: the code says why.",
    429: "Too many requests; Retry-After says when to try again.",
    503: "Away or busy; Retry-After says when to try again.",
}
_HEADERS = {
    "Retry-After": {
        "description": "Seconds after which to try again.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "WWW-Authenticate": {
        "description": "The scheme of credentials that are taken.",
        "schema": {"type": "string"},
    },
}
_SENT = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}
_ALWAYS = (400, 429, 503)
_WITH_BODY = (408, 413, 415, 422)


async def admit(request: Request) -> Caller:
    """Return who calls; the gate refuses who may not."""
    return await service_of(request).gate.admit(request)


def _decimal(value: object) -> object:
    """Refuse what Python reads as an integer and is no plain decimal: `+1`, `01`, `1_0`, `1.0`."""
    if isinstance(value, str) and not _DECIMAL.fullmatch(value):
        raise ValueError("a whole number in decimal digits")
    return value


_DECIMAL = re.compile("0|[1-9][0-9]*")
DECIMAL = BeforeValidator(_decimal)
"""An integer in a path or query, spelled in the one way."""
Asking = Annotated[Caller, Depends(admit)]
"""The caller of a route."""


def refuse(request: Request, error: Refused) -> Response:
    """Return the answer that tells a refusal; evidence that did not check is counted.

    Whoever is told that the log has more finds it there, under the same id.
    """
    request_id = request_id_of(request)
    if status_of(error) is HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("request_broken", request=request_id, code=error.code, reason=str(error))
    if isinstance(error, EvidenceInconsistent):
        service_of(request).metrics.proof_failures.inc()
    return answer(error, request_id)


_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EMFILE, errno.ENFILE})


def refuse_full(request: Request, error: OSError) -> Response:
    """Return the answer where the disk is full, or no file more can be opened.

    Raises:
        OSError: it is another fault.
    """
    if error.errno not in _FULL:
        raise error
    return refuse(request, StoreFull("there is no room for what a request needs"))


def operation(
    name: str,
    *,
    summary: str,
    tag: str,
    good: dict[int, dict[str, Any]],
    problems: tuple[int, ...] = (),
    body: dict[str, Any] | None = None,
    more: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the keyword arguments of a route's decorator.

    `good` are the answers of success by status, `problems` the statuses of refusals beside those
    that any route may give, `body` the content of the request's body by media type.
    """
    rule = RULES[name]
    statuses = {*_ALWAYS, *problems}
    statuses |= {401, 403} if rule.roles is not None else set()
    statuses |= set(_WITH_BODY) if body is not None else set()
    answers: dict[int | str, dict[str, Any]] = dict(good.items())
    for status in sorted(statuses):
        answers[status] = {
            "description": _MEANINGS[status],
            "content": {MEDIA_TYPE: {"schema": _PROBLEM}},
            "headers": {name: _HEADERS[name] for name in _SENT.get(status, ())},
        }
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
        "deprecated": rule.deprecated is not None or None,
        "openapi_extra": extra,
    }


def schema(name: str, *, media: str = "application/json", what: str) -> dict[str, Any]:
    """Return an answer of success that has one of the schemas by its name."""
    reference = {"$ref": f"#/components/schemas/{name}"}
    return {"description": what, "content": {media: {"schema": reference}}}


def binary(media: str, what: str) -> dict[str, Any]:
    """Return an answer of success that is bytes."""
    return {
        "description": what,
        "content": {media: {"schema": {"type": "string", "format": "binary"}}},
    }
