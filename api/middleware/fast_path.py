"""The straight road to routes whose path names nothing: no search for them, no injection."""

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
    """Wraps an application and answers itself for those of its `routes` that it can.

    Their gate, handlers and refusals are those of the application; what is left out, finding the
    route among all others and what it depends on, costs more than a verdict.
    """

    def __init__(self, app: ASGIApp, *, routes: Iterable[APIRoute]) -> None:
        self._app, self._routes = app, straight(routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; what is not on this road passes through."""
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
    """Return, by method and path, the routes that this road can lead to.

    These have one fixed path, and a handler that takes a request and its caller and nothing else.
    """
    return {
        (method, route.path): route
        for route in routes
        if inspect.signature(route.endpoint).parameters.keys() == _TAKEN
        and not route.param_convertors
        for method in route.methods or ()
    }
