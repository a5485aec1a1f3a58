"""`Idempotency-Key` (IETF draft): a request under a caller's key is done once."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from api.answers import raw
from api.callers import Caller
from api.refusals import KeyInFlight, KeyReused, RequestInvalid
from api.service import Service
from ledger.service.values import Answered
from verifier.hashing import sha256

HEADER = "idempotency-key"
KEPT_SECONDS = 7 * 86_400
"""How long an answer is kept: as long as a statement may live."""
STALE_SECONDS = 120
"""After which a request that was never answered may be done again: its process died."""
_KEY = re.compile(r'"?[\x21-\x7e]{1,253}"?')

Work = Callable[[], tuple[int, bytes]]


async def once(
    request: Request, service: Service, caller: Caller, body: bytes, work: Work
) -> Response:
    """Return the answer to a request, done now or before under the same key.

    `body` is the SHA-256 of the request's body.
    `work` runs in a thread and gives status and body; where it refuses, the key is free again.

    Raises:
        KeyReused: the key came with another request.
        KeyInFlight: the same request is being worked on.
    """
    key = request.headers.get(HEADER)
    if key is None:
        status, answer = await asyncio.to_thread(work)
        return raw(answer, status)
    if not _KEY.fullmatch(key):
        raise RequestInvalid("an idempotency key is 1 to 255 printable characters")
    digest = sha256(request.url.path.encode() + b"\n" + body)
    status, answer = await asyncio.to_thread(_under_key, service, caller, key, digest, work)
    return raw(answer, status)


def _under_key(
    service: Service, caller: Caller, key: str, digest: bytes, work: Work
) -> tuple[int, bytes]:
    now = int(service.clock())
    with service.store.begin() as unit:
        unit.drop_requests(now - KEPT_SECONDS)
        held = unit.begin_request(caller.party, key, digest, now)
        if held is not None and _stale(held, digest, now):
            held = None
    if held is not None:
        return _known(held, digest)
    try:
        status, answer = work()
    except BaseException:
        with service.store.begin() as unit:
            unit.drop_request(caller.party, key)
        raise
    with service.store.begin() as unit:
        unit.end_request(caller.party, key, status, answer)
    return status, answer


def _stale(held: Answered, digest: bytes, now: int) -> bool:
    same = held.request == digest
    return same and held.status == 0 and now - held.created > STALE_SECONDS


def _known(held: Answered, digest: bytes) -> tuple[int, bytes]:
    if held.request != digest:
        raise KeyReused("this idempotency key came with another request before")
    if held.status == 0:
        raise KeyInFlight
    return held.status, held.answer
