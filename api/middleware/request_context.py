"""Outermost middleware: request ids, security headers, access log, metrics, last-resort errors."""

from __future__ import annotations

import itertools
import re
import secrets
import time
from collections.abc import Callable
from email.utils import formatdate
from urllib.parse import unquote

import structlog
from prometheus_client import Counter, Histogram
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from certledger.api.auth.permissions import RULES
from certledger.api.errors import InternalError, RequestInvalidError
from certledger.api.metrics import Metrics
from certledger.api.problems import answer
from certledger.api.request.body_budget import release

log = structlog.get_logger(__name__)
ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
MAX_PATH_BYTES = 2_048
MAX_HEADERS = 100
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"strict-transport-security", b"max-age=31536000"),
)
_UNKNOWN = "unknown"
_PROCESS, _NUMBERS = secrets.token_hex(4), itertools.count(1)
"""Parts of generated request ids: a random prefix per process, and a counter."""


class Door:
    """ASGI middleware; `clock` is monotonic, in seconds."""

    def __init__(
        self, app: ASGIApp, *, metrics: Metrics, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._app, self._metrics, self._clock = app, metrics, clock
        self._meters: dict[tuple[str, int], tuple[Counter, Histogram]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; other events are passed on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, request_id = self._clock(), _request_id(scope)
        scope = _origin_form(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        status, bare = 0, scope["method"] == "HEAD"
        if bare:
            # HEAD is GET without the body (RFC 9110, section 9.3.2).
            scope = {**scope, "method": "GET"}

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                added = _headers(message["headers"], request_id) + _leaving(scope)
                message = {**message, "headers": added}
            elif bare:
                message = {**message, "body": b""}
            await send(message)

        try:
            if (refusal := _unfit(scope)) is not None:
                refused = answer(refusal, request_id)
                # The rest of the connection may be misframed (request smuggling), so close it.
                refused.headers["connection"] = "close"
                await refused(scope, receive, send_with_headers)
            else:
                await self._app(scope, receive, send_with_headers)
        except Exception:
            log.exception("request_failed", request=request_id)
            if not status:
                await answer(InternalError("internal error"), request_id)(
                    scope, receive, send_with_headers
                )
        finally:
            release(scope)
            self._tell(scope, request_id, status, self._clock() - started)

    def _tell(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
        operation = getattr(scope.get("route"), "operation_id", None) or _UNKNOWN
        count, times = self._meters_of(operation, status)
        count.inc()
        times.observe(seconds)
        # Paths may contain secrets, so log the operation instead.
        log.info(
            "request",
            request=request_id,
            operation=operation,
            caller=scope["state"].get("caller", "public"),
            status=status,
            milliseconds=round(seconds * 1000, 1),
        )

    def _meters_of(self, operation: str, status: int) -> tuple[Counter, Histogram]:
        current = self._meters.get((operation, status))
        if current is None:
            current = (
                self._metrics.requests.labels(operation, str(status)),
                self._metrics.seconds.labels(operation),
            )
            self._meters[operation, status] = current
        return current


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            text: str = value.decode("latin-1")
            if ID.fullmatch(text):
                return text
    return f"{_PROCESS}-{next(_NUMBERS):08x}"


def _headers(given: list[tuple[bytes, bytes]], request_id: str) -> list[tuple[bytes, bytes]]:
    current = {name for name, _ in given}
    added = [pair for pair in HEADERS if pair[0] not in current]
    return [*given, *added, (b"x-request-id", request_id.encode("ascii"))]


def _leaving(scope: Scope) -> list[tuple[bytes, bytes]]:
    """Return the headers of deprecated routes (RFC 9745, RFC 8594)."""
    rule = RULES.get(getattr(scope.get("route"), "operation_id", None) or _UNKNOWN)
    send_response = []
    if rule is not None and rule.deprecated is not None:
        send_response.append((b"deprecation", b"@%d" % rule.deprecated))
    if rule is not None and rule.sunset is not None:
        send_response.append((b"sunset", formatdate(rule.sunset, usegmt=True).encode("ascii")))
    return send_response


_ABSOLUTE = re.compile(rb"https?://[^/?#]*", re.IGNORECASE)


def _origin_form(scope: Scope) -> Scope:
    """Convert a request target in absolute form to its path (RFC 9112, section 3.2.2)."""
    raw: bytes = scope.get("raw_path") or b"/"
    found = _ABSOLUTE.match(raw)
    if found is None:
        return scope
    rest = raw[found.end() :] or b"/"
    return {**scope, "raw_path": rest, "path": unquote(rest.decode("latin-1"))}


def _frames_twice(scope: Scope) -> bool:
    """Return whether a request has both Content-Length and Transfer-Encoding (RFC 9112, 6.1)."""
    names = [name for name, _ in scope["headers"]]
    return b"transfer-encoding" in names and b"content-length" in names


def _unfit(scope: Scope) -> RequestInvalidError | None:
    """Return the error of an unacceptable head, None if it is acceptable."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    if len(raw) + len(scope["query_string"]) > MAX_PATH_BYTES:
        return RequestInvalidError(f"path and query have more than {MAX_PATH_BYTES} bytes")
    if len(scope["headers"]) > MAX_HEADERS:
        return RequestInvalidError(f"the request has more than {MAX_HEADERS} headers")
    if _frames_twice(scope):
        return RequestInvalidError("the request has both Content-Length and Transfer-Encoding")
    if b"%2f" in raw.lower() or b"\x00" in scope["path"].encode():
        return RequestInvalidError("the path has an encoded slash or a zero byte")
    return None


def request_id_of(request: Request) -> str | None:
    """Return the request's id."""
    found: str | None = request.scope.get("state", {}).get("request_id")
    return found
