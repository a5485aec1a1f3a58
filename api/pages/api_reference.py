"""The OpenAPI document as a page, with requests that can be sent from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from certledger.api.auth.api_keys import Caller
from certledger.api.auth.permissions import RULES
from certledger.api.pages.renderer import render
from certledger.api.pages.words import page_language, words_in

JSON_BODY = "application/json"
_METHODS = ("get", "post", "put", "delete")


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiOperation:
    """An operation as the page shows it; `example` is a request body that can be sent."""

    name: str
    method: str
    path: str
    summary: str
    description: str
    roles: Sequence[str]
    parameters: Sequence[Mapping[str, Any]]
    bodies: Sequence[str]
    example: str
    answers: Sequence[tuple[str, str]]


def operations_of(document: Mapping[str, Any]) -> Mapping[str, Sequence[ApiOperation]]:
    """Return the operations of an OpenAPI document by tag, in the document's order."""
    found: dict[str, list[ApiOperation]] = {}
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if (one := methods.get(method)) is not None:
                found.setdefault(one["tags"][0], []).append(_operation(method, path, one))
    return found


def _operation(method: str, path: str, one: Mapping[str, Any]) -> ApiOperation:
    bodies = one.get("requestBody", {}).get("content", {})
    rule = RULES[one["operationId"]]
    return ApiOperation(
        name=one["operationId"],
        method=method.upper(),
        path=path,
        summary=one["summary"],
        description=one.get("description", ""),
        roles=sorted(map(str, rule.roles or ())),
        parameters=[_parameter(given) for given in one.get("parameters", ())],
        bodies=list(bodies),
        example=_example(bodies.get(JSON_BODY, {})),
        answers=list(_answers(one["responses"])),
    )


def _parameter(given: Mapping[str, Any]) -> Mapping[str, Any]:
    schema = given.get("schema", {})
    example = given.get("example", next(iter(schema.get("examples", ())), schema.get("default")))
    return {
        "name": given["name"],
        "where": given["in"],
        "required": given.get("required", False),
        "description": given.get("description", schema.get("description", "")),
        "pattern": schema.get("pattern", ""),
        "example": "" if example is None else str(example),
    }


def _example(body: Mapping[str, Any]) -> str:
    for one in body.get("examples", {}).values():
        return orjson.dumps(one["value"], option=orjson.OPT_INDENT_2).decode()
    return ""


def _answers(responses: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for status, answer in responses.items():
        yield str(status), answer.get("description", "")


async def show_reference(request: Request, caller: Caller) -> Response:
    """Show every operation of the API."""
    document = request.scope["app"].openapi()
    words = words_in(page_language(request))
    return await render(
        request,
        "api_reference.html",
        info=document["info"],
        tags=operations_of(document),
        texts={"docs": words["docs"], "age": words["age"]},
    )
