"""Fast path for routes without path parameters.

Skips FastAPI's router and dependency injection, which cost more than a cached verdict.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from certledger.api.openapi.operation import admit, error_response, storage_error_response
from certledger.verifier.errors import CertledgerError

_TAKEN = {"request", "caller"}


class Direct:
    """ASGI middleware that serves eligible routes directly and passes other requests on.

    Access control, handlers and error responses are those of the application.
    """

    def __init__(self, app: ASGIApp, *, routes: Iterable[APIRoute]) -> None:
        self._app, self._routes = app, straight(routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        known = scope["type"] == "http" and self._routes.get((scope["method"], scope["path"]))
        if not known:
            await self._app(scope, receive, send)
            return
        scope["route"] = known
        request = Request(scope, receive, send)
        try:
            response = await known.endpoint(request, await admit(request))
        except CertledgerError as error:
            response = error_response(request, error)
        except OSError as error:
            response = storage_error_response(request, error)
        await response(scope, receive, send)


def straight(routes: Iterable[APIRoute]) -> Mapping[tuple[str, str], APIRoute]:
    """Return the eligible routes by method and path.

    Their path is fixed, and their handler takes a request and its caller only.
    """
    return {
        (method, route.path): route
        for route in routes
        if inspect.signature(route.endpoint).parameters.keys() == _TAKEN
        and not route.param_convertors
        for method in route.methods or ()
    }
