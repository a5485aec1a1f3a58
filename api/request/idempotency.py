"""`Idempotency-Key` (IETF draft): a caller's request under one key is executed once."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from certledger.api.auth.api_keys import Caller
from certledger.api.errors import KeyReusedError, RequestInvalidError
from certledger.api.responses import raw
from certledger.api.service import Service
from certledger.verifier.crypto.hashing import sha256

HEADER = "idempotency-key"
RETENTION_SECONDS = 7 * 86_400
"""Seconds that a response is stored, the longest lifetime of a statement."""
_MAX_KEY_CHARACTERS = 255
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
"""A string of structured fields (RFC 9651, section 3.3.3), as the draft requires."""
_BARE = re.compile("[!#-~]+")
"""The same without quotes, as some clients send it."""

Work = Callable[[], tuple[int, bytes]]


async def once(
    request: Request, service: Service, caller: Caller, body: bytes, work: Work
) -> Response:
    """Return the response to a request, executed now or stored under the same key.

    `body` is the SHA-256 of the request's body.  `work` runs in a thread and returns status and
    body; if it raises, the key can be used again.

    Raises:
        RequestInvalidError: the header has no valid key.
        KeyReusedError: the key was used with another request.
        KeyInFlightError: the same request is in progress.
    """
    given = request.headers.getlist(HEADER)
    if given:
        key = parse_key(", ".join(given))
        digest = request_digest(request.scope["path"], body)
        work = partial(under_key, service, caller, key, digest, work)
    status, answer = await service.pools.large.run(caller.party, work)
    return raw(answer, status)


def parse_key(text: str) -> str:
    """Parse the header to the key without quotes.

    Raises:
        RequestInvalidError: not a string of structured fields, or not 1 to 255 characters.
    """
    quoted = _QUOTED.fullmatch(text)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else text
    if not 0 < len(key) <= _MAX_KEY_CHARACTERS or not (quoted or _BARE.fullmatch(text)):
        raise RequestInvalidError(
            f"an idempotency key is a string of 1 to {_MAX_KEY_CHARACTERS} characters"
        )
    return key


def request_digest(path: str, body: bytes) -> bytes:
    """Hash path and body digest to identify a request."""
    return sha256(path.encode() + b"\n" + body)


def under_key(
    service: Service, caller: Caller, key: str, digest: bytes, work: Work
) -> tuple[int, bytes]:
    """Return status and body of `work`, or the stored ones under the same key.

    Raises:
        KeyReusedError, KeyInFlightError: as `once`.
    """
    with service.claims.claim(caller.party, key, digest):
        return _under_claim(service, caller, key, digest, work)


def _under_claim(
    service: Service, caller: Caller, key: str, digest: bytes, work: Work
) -> tuple[int, bytes]:
    """Return status and body, for a key claimed in this process.

    Crash point: a row without a response is of a process that died or still works.  Both are safe
    to repeat, because intake stores a statement once and returns the same receipt.
    """
    now = int(service.clock())
    with service.store.begin() as unit:
        unit.drop_requests(now - RETENTION_SECONDS)
        current = unit.begin_request(caller.party, key, digest, now)
    if current is not None and current.request != digest:
        raise KeyReusedError("this idempotency key was used with another request")
    if current is not None and current.status:
        return current.status, current.answer
    try:
        status, answer = work()
    except BaseException:
        with service.store.begin() as unit:
            unit.drop_request(caller.party, key)
        raise
    with service.store.begin() as unit:
        unit.end_request(caller.party, key, status, answer)
    return status, answer
