"""`Idempotency-Key` (IETF draft): a request under a caller's key is done once."""

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
"""How long an answer is kept: as long as a statement may live."""
_MAX_KEY_CHARACTERS = 255
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
"""A string of structured fields (RFC 9651, section 3.3.3), as the draft has it."""
_BARE = re.compile("[!#-~]+")
"""What clients send that leave the quotes out."""

Work = Callable[[], tuple[int, bytes]]


async def once(
    request: Request, service: Service, caller: Caller, body: bytes, work: Work
) -> Response:
    """Return the answer to a request, done now or before under the same key.

    `body` is the SHA-256 of the request's body.
    `work` runs in a thread and gives status and body; where it refuses, the key is free again.

    Raises:
        RequestInvalidError: what the header holds is no key.
        KeyReusedError: the key came with another request.
        KeyInFlightError: the same request is being worked on.
    """
    given = request.headers.getlist(HEADER)
    if given:
        key = parse_key(", ".join(given))
        digest = request_digest(request.scope["path"], body)
        work = partial(under_key, service, caller, key, digest, work)
    status, answer = await service.pools.large.run(caller.party, work)
    return raw(answer, status)


def parse_key(text: str) -> str:
    """Return the key that the header's text holds, without its quotes.

    Raises:
        RequestInvalidError: it is no string of structured fields, or not 1 to 255 characters.
    """
    quoted = _QUOTED.fullmatch(text)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else text
    if not 0 < len(key) <= _MAX_KEY_CHARACTERS or not (quoted or _BARE.fullmatch(text)):
        raise RequestInvalidError(
            f"an idempotency key is a string of 1 to {_MAX_KEY_CHARACTERS} characters"
        )
    return key


def request_digest(path: str, body: bytes) -> bytes:
    """Return what tells one request from another; `body` is the SHA-256 of its body."""
    return sha256(path.encode() + b"\n" + body)


def under_key(
    service: Service, caller: Caller, key: str, digest: bytes, work: Work
) -> tuple[int, bytes]:
    """Return status and body of what `work` gives, or gave before under the same key.

    Raises:
        KeyReusedError, KeyInFlightError: as `once`.
    """
    with service.claims.claim(caller.party, key, digest):
        return _under_claim(service, caller, key, digest, work)


def _under_claim(
    service: Service, caller: Caller, key: str, digest: bytes, work: Work
) -> tuple[int, bytes]:
    """Return status and body, for a key that no other request in this process holds.

    A row without an answer was left by another process.  Whether that died or is at work still,
    doing it again is safe: intake stores a statement once and gives it the same receipt.
    """
    now = int(service.clock())
    with service.store.begin() as unit:
        unit.drop_requests(now - RETENTION_SECONDS)
        current = unit.begin_request(caller.party, key, digest, now)
    if current is not None and current.request != digest:
        raise KeyReusedError("this idempotency key came with another request before")
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
