"""The FastAPI application: routes, error handlers, and the OpenAPI document."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from certledger.api.auth.permissions import RULES
from certledger.api.errors import (
    InternalError,
    MethodUnknownError,
    RequestInvalidError,
    ResourceUnknownError,
)
from certledger.api.middleware.fast_path import Direct
from certledger.api.middleware.request_context import Door, request_id_of
from certledger.api.openapi.operation import error_response, storage_error_response
from certledger.api.openapi.schemas import SCHEMAS
from certledger.api.openapi.webhooks import webhook_schemas, webhooks_document
from certledger.api.pages.page_route import error_page
from certledger.api.pages.routes import PAGES
from certledger.api.problems import answer
from certledger.api.routes import (
    api_keys,
    applications,
    book,
    cases,
    coverage,
    decisions,
    health,
    hotline,
    operator_records,
    registry,
    samples,
    scenarios,
    submissions,
    verification_receipts,
    verifications,
)
from certledger.api.routes import webhooks as webhook_routes
from certledger.api.service import Service
from certledger.verifier.errors import CertledgerError

_ABOUT = """Anchor certificates on an Ethereum chain, and verify their authenticity and status.

Responses can be checked offline: the operator signs receipts, and evidence is proved by the chain.
Errors are RFC 9457 problems with a stable `code`.
"""
TAGS = {
    "Verifications": "Verdicts with receipts, lookups, evidence.",
    "Submissions": "Batches, status updates, catalogs and other acts of issuers.",
    "Registry": "Issuers, catalogs, checkpoints, snapshots, status lists.",
    "Reform": "Service items, exemptions, coverage, applications, decisions.",
    "Webhooks": "Webhooks, watches, events.",
    "Administration": "API keys.",
    "Operation": "Health, metrics, and the chain node.",
}
"""OpenAPI tags with their descriptions."""
_ROUTERS = (
    verifications,
    verification_receipts,
    submissions,
    registry,
    book,
    applications,
    cases,
    coverage,
    decisions,
    operator_records,
    samples,
    scenarios,
    hotline,
    webhook_routes,
    api_keys,
    health,
)


def app_of(service: Service) -> FastAPI:
    """Create the application of a service."""
    app = _Application(
        title="certledger",
        version=version("certledger"),
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        lifespan=_lifespan,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # See `Door`.
    )
    app.service = service
    for module in _ROUTERS:
        app.include_router(module.router)
    app.router.routes.extend(PAGES)
    _check_rules()
    app.add_exception_handler(CertledgerError, _error_response)
    app.add_exception_handler(OSError, _full)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _broken)
    app.openapi = _document(app)  # type: ignore[method-assign]  # as FastAPI's own pages advise
    return app


_SHARED: dict[str, Any] = {
    "allow_methods": ("GET", "POST", "DELETE"),
    "allow_headers": ("authorization", "content-type", "idempotency-key", "if-none-match"),
    "expose_headers": ("etag", "location", "retry-after", "x-request-id"),
}
"""CORS settings for the allowed origins."""


class _Application(FastAPI):
    """FastAPI with `Door` as the outermost middleware."""

    service: Service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle an ASGI event; HTTP requests skip FastAPI's own wrapper."""
        if scope["type"] == "http" and self.middleware_stack is not None:
            scope["app"] = self
            await self.middleware_stack(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    def build_middleware_stack(self) -> ASGIApp:
        behind: ASGIApp = Direct(super().build_middleware_stack(), routes=operations().values())
        if self.service.options.origins:
            behind = CORSMiddleware(behind, allow_origins=self.service.options.origins, **_SHARED)
        return Door(behind, metrics=self.service.metrics)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    assert isinstance(app, _Application)
    try:
        yield
    finally:
        await app.service.keeper.close()


def operations() -> dict[str, APIRoute]:
    """Return the routes by operation id."""
    found = {}
    for module in _ROUTERS:
        for route in module.router.routes:
            assert isinstance(route, APIRoute)
            assert route.operation_id is not None
            found[route.operation_id] = route
    return found


def _check_rules() -> None:
    """Check that routes and permission rules have the same operations."""
    served = operations().keys()
    if served != RULES.keys():
        raise RuntimeError(f"routes and rules differ: {sorted(served ^ RULES.keys())}")


async def _error_response(request: Request, error: Exception) -> Response:
    assert isinstance(error, CertledgerError)
    return error_response(request, error)


async def _full(request: Request, error: Exception) -> Response:
    assert isinstance(error, OSError)
    return storage_error_response(request, error)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    places = [".".join(map(str, fault["loc"][1:])) for fault in error.errors()]
    sentence = f"invalid parameters: {', '.join(sorted(set(places)))[:200]}"
    return answer(RequestInvalidError(sentence), request_id_of(request))


async def _broken(request: Request, error: Exception) -> Response:
    """Answer an unexpected exception; `Door` logs it."""
    return answer(InternalError("internal error"), request_id_of(request))


def _is_for_people(request: Request) -> bool:
    """Return whether a browser asks for a page, which nobody but a person reads."""
    accepted = request.headers.get("accept", "")
    return request.method == "GET" and "text/html" in accepted and not _is_of_api(request)


def _is_of_api(request: Request) -> bool:
    return request.url.path.startswith(("/v1/", "/static/"))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    refusal: CertledgerError = RequestInvalidError("the request is malformed")
    if error.status_code == 404:
        refusal = ResourceUnknownError("no resource at this path")
    elif error.status_code == 405:
        refusal = MethodUnknownError("the resource does not support this method")
    if error.status_code == 404 and _is_for_people(request):
        return await error_page(request, refusal)
    response = answer(refusal, request_id_of(request))
    if allow := (error.headers or {}).get("Allow"):
        response.headers["allow"] = allow
    return response


def _document(app: FastAPI) -> Callable[[], dict[str, Any]]:
    def build() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title,
                version=app.version,
                description=_ABOUT,
                routes=app.routes,
                contact={"name": "The operator of this service"},
                license_info={"name": "Apache License 2.0", "identifier": "Apache-2.0"},
            )
            components = document.setdefault("components", {})
            components["schemas"] = {**SCHEMAS, **webhook_schemas()}
            document["webhooks"] = webhooks_document("Webhooks")
            components["securitySchemes"] = {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key, or an OIDC access token.",
                }
            }
            document["security"] = [{"key": []}]
            document["servers"] = [{"url": "/", "description": "The server of this document."}]
            document["tags"] = [{"name": name, "description": what} for name, what in TAGS.items()]
            _drop_validation(document)
            app.openapi_schema = document
        return app.openapi_schema

    return build


def _drop_validation(document: dict[str, Any]) -> None:
    """Remove FastAPI's 422 responses from the document: invalid parameters get 400 here."""
    for path in document["paths"].values():
        for response in path.values():
            current = response.get("responses", {}).get("422", {})
            if "HTTPValidationError" in str(current):
                del response["responses"]["422"]
