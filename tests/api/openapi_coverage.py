"""Every answer that a test gets from the service is compared with the OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from certledger.api.app import operations
from certledger.api.middleware.request_context import Door

_SPECIAL = ("etag", "retry-after", "content-language", "location", "www-authenticate")
"""Headers that the document names where they are sent, and nowhere else."""
_NO_OPERATION = 405
"""The status of what no operation answers: the path is there, and takes other methods."""


class Answers:
    """What was answered, by operation, and what of it the document does not have."""

    def __init__(self) -> None:
        self.unknown: set[str] = set()
        self.checked: set[tuple[str, int]] = set()
        self.documented = {name: route.responses for name, route in operations().items()}

    def check(self, operation: str, status: int, headers: dict[str, str], body: bytes) -> None:
        """Compare an answer with what the document says of it."""
        self.checked.add((operation, status))
        told = self.documented[operation].get(status)
        media = headers.get("content-type", "").partition(";")[0]
        if told is None:
            self.unknown.add(f"{operation} {status} {body[:200]!r}")
            return
        if media == "application/problem+json":
            code = json.loads(body)["code"]
            if code not in told.get("x-codes", ()):
                self.unknown.add(f"{operation} {status} {code}")
        elif media and media not in told.get("content", ()):
            self.unknown.add(f"{operation} {status} {media}")
        named = {name.lower() for name in told["headers"]}
        missing = [name for name in _SPECIAL if name in headers and name not in named]
        if missing:
            self.unknown.add(f"{operation} {status} header {missing}")


@contextmanager
def recorded(patch: pytest.MonkeyPatch) -> Iterator[Answers]:
    """Give the answers of all services of this process while the block runs."""
    answers, serve = Answers(), Door.__call__

    async def record(self: Door, scope: Scope, receive: Receive, send: Send) -> None:
        start: dict[str, Any] = {}
        body = bytearray()

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            elif len(body) < 2**16:
                body.extend(message.get("body", b""))
            if message["type"] == "http.response.body" and not message.get("more_body"):
                check()  # Before the caller has the answer, so that it finds the record.
            await send(message)

        def check() -> None:
            operation = getattr(scope.get("route"), "operation_id", None)
            known = operation in answers.documented and scope["method"] != "HEAD"
            if operation is not None and known and start["status"] != _NO_OPERATION:
                headers = {k.decode().lower(): v.decode("latin-1") for k, v in start["headers"]}
                answers.check(operation, start["status"], headers, bytes(body))

        await serve(self, scope, receive, sent)

    patch.setattr(Door, "__call__", record)
    yield answers
