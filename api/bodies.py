"""Reading a request's body within its route's limits: bytes, packed or not, in time."""

from __future__ import annotations

import asyncio
import zlib

from starlette.requests import ClientDisconnect, Request

from api.refusals import MediaUnknown, TooLarge, TooSlow
from api.rules import RULES, Rule

JSON = "application/json"
JSON_LINES = "application/jsonl"
_LINES = frozenset({JSON_LINES, "application/x-ndjson"})


async def read_body(request: Request, *media: str) -> bytes:
    """Return the body, unpacked, of one of the `media` types; by default JSON.

    Raises:
        MediaUnknown: another media type, or an encoding that the route does not take.
        TooLarge: more bytes than the route takes; what is packed is unpacked no further.
        TooSlow: it did not come in time.
    """
    rule = RULES[request.scope["route"].operation_id]
    check_media(request, media or (JSON,))
    unpack = _unpacker(request, rule)
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > rule.longest:
        raise TooLarge(f"{declared} bytes where at most {rule.longest} are taken")
    try:
        async with asyncio.timeout(rule.seconds):
            return await _collect(request, rule, unpack)
    except TimeoutError as error:
        raise TooSlow(f"the body did not come within {rule.seconds:g} seconds") from error
    except ClientDisconnect as error:
        raise TooSlow("the caller went away before the body had come") from error


def check_media(request: Request, media: tuple[str, ...]) -> str:
    """Return the media type of a request's body; none given counts as the first of `media`.

    Raises:
        MediaUnknown: it is none of `media`.
    """
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    given = JSON_LINES if given in _LINES else given
    if given and given not in media:
        raise MediaUnknown(f"{given[:80]!r} is none of {', '.join(media)}")
    return given or media[0]


class _Inflate:
    """Unpacks gzip, never more than is allowed."""

    def __init__(self, longest: int) -> None:
        self._stream = zlib.decompressobj(31)
        self._longest, self._size = longest, 0

    def __call__(self, piece: bytes) -> bytes:
        try:
            found = self._stream.decompress(piece, self._longest - self._size + 1)
        except zlib.error as error:
            raise MediaUnknown("the body is not packed by gzip") from error
        self._size += len(found)
        return found

    def done(self) -> None:
        if not self._stream.eof or self._stream.unused_data:
            raise MediaUnknown("the packed body is cut short, or bytes follow it")


def _unpacker(request: Request, rule: Rule) -> _Inflate | None:
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding == "identity":
        return None
    if encoding != "gzip" or not rule.packed:
        raise MediaUnknown(f"the encoding {encoding[:40]!r} is not taken here")
    return _Inflate(rule.longest)


async def _collect(request: Request, rule: Rule, unpack: _Inflate | None) -> bytes:
    body, taken = bytearray(), 0
    async for piece in request.stream():
        taken += len(piece)
        body += piece if unpack is None else unpack(piece)
        if len(body) > rule.longest or taken > rule.longest:
            raise TooLarge(f"more than {rule.longest} bytes, which is the most that is taken")
    if unpack is not None:
        unpack.done()
    return bytes(body)
