"""Reading a request's body within its route's limits: bytes, packed or not, in time."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Self

from starlette.requests import Request
from starlette.types import Message, Receive

from api.connections import WHOLE
from api.refusals import MediaUnknown, Stopping, TooLarge, TooSlow
from api.rules import RULES, Rule
from api.service import Service, service_of

JSON = "application/json"
JSON_LINES = "application/jsonl"
IN_MEMORY = 2**20
"""Bytes of a spooled body that are held in memory; a larger one lies in a file."""
_LINES = frozenset({JSON_LINES, "application/x-ndjson"})
STILL_SECONDS = 1.0
"""Once the service is to end, a body of which nothing comes for so long is given up."""
LAST_SECONDS = 15.0
"""How much longer a body may come then: less than what requests at hand are given to end."""
_PIECE = 2**16
"""Bytes that are unpacked, written or read at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spool:
    """A body that is not held in memory, and its SHA-256."""

    file: IO[bytes]
    digest: bytes


@asynccontextmanager
async def spooled(request: Request, folder: Path, *media: str) -> AsyncIterator[Spool]:
    """Give the body, unpacked, of one of the `media` types, until the block is left.

    Where it is large it lies in a file in `folder` that has no name: nothing is left of it,
    however the process ends.

    Raises:
        Refused: as `read_body`.
    """
    hashed = sha256()
    with SpooledTemporaryFile(IN_MEMORY, buffering=_PIECE, dir=str(folder)) as file:

        def take(piece: bytes) -> None:
            hashed.update(piece)
            file.write(piece)

        await _receive(request, media, take)
        yield Spool(file=file, digest=hashed.digest())


async def read_body(request: Request, *media: str) -> bytes:
    """Return the body, unpacked, of one of the `media` types; by default JSON.

    Raises:
        MediaUnknown: another media type, or an encoding that the route does not take.
        TooLarge: more bytes than the route takes; what is packed is unpacked no further.
        TooSlow: it did not come in time.
        Stopping: it stood still while the service was to end.
    """
    body = bytearray()
    await _receive(request, media or (JSON,), body.extend)
    return bytes(body)


async def _receive(
    request: Request, media: tuple[str, ...], take: Callable[[bytes], object]
) -> None:
    """Hand the pieces of the body to `take` as they come, unpacked."""
    rule = RULES[request.scope["route"].operation_id]
    check_media(request, media)
    unpack = _unpacker(request, rule)
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > rule.longest:
        raise TooLarge(f"{declared} bytes where at most {rule.longest} are taken")
    if WHOLE in request.scope.get("extensions", ()):
        await _collect(request.receive, rule, unpack, take)  # There is nothing to wait for.
    else:
        await _wait_for(request, rule, unpack, take)


async def _wait_for(
    request: Request, rule: Rule, unpack: _Inflate | None, take: Callable[[bytes], object]
) -> None:
    service = service_of(request)
    try:
        async with asyncio.timeout(rule.seconds) as limit:
            with _Watch(service, limit, request.receive) as watch:
                await _collect(watch.receive, rule, unpack, take)
    except TimeoutError as error:
        if service.stopping:
            raise Stopping from error
        raise TooSlow(f"the body did not come within {rule.seconds:g} seconds") from error


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


class _Watch:
    """Sees to it that no body holds up a service that is to end."""

    def __init__(self, service: Service, limit: asyncio.Timeout, receive: Receive) -> None:
        self._service, self._limit, self._receive = service, limit, receive
        self._loop = asyncio.get_running_loop()
        self._came = self._seen = 0
        self._left = int(LAST_SECONDS / STILL_SECONDS)

    def __enter__(self) -> Self:
        self._timer = self._loop.call_later(STILL_SECONDS, self._look)
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    async def receive(self) -> Message:
        """Return what comes next of the body, counted."""
        message = await self._receive()
        self._came += len(message.get("body", b""))
        return message

    def _look(self) -> None:
        if self._service.stopping:
            self._left -= 1
            if (self._came == self._seen or not self._left) and not self._limit.expired():
                self._limit.reschedule(self._loop.time())
        self._seen = self._came
        self._timer = self._loop.call_later(STILL_SECONDS, self._look)


class _Inflate:
    """Unpacks gzip, a little at a time, so that whoever counts can stop it."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(31)

    def __call__(self, packed: bytes) -> Iterator[bytes]:
        more = True
        while more:
            try:
                found = self._stream.decompress(packed, _PIECE)
            except zlib.error as error:
                raise MediaUnknown("the body is not packed by gzip") from error
            yield found
            packed = self._stream.unconsumed_tail
            # At the end what follows may stay in the tail, though nothing will come of it.
            more = not self._stream.eof and (bool(packed) or len(found) == _PIECE)
        if self._stream.unused_data:
            raise MediaUnknown("bytes follow the packed body")

    def done(self) -> None:
        if not self._stream.eof:
            raise MediaUnknown("the packed body is cut short")


def _unpacker(request: Request, rule: Rule) -> _Inflate | None:
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding == "identity":
        return None
    if encoding != "gzip" or not rule.packed:
        raise MediaUnknown(f"the encoding {encoding[:40]!r} is not taken here")
    return _Inflate()


async def _collect(
    receive: Receive, rule: Rule, unpack: _Inflate | None, take: Callable[[bytes], object]
) -> None:
    came, size, more = 0, 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise TooSlow("the caller went away before the body had come")
        piece, more = message.get("body", b""), message.get("more_body", False)
        came += len(piece)
        for part in (piece,) if unpack is None else unpack(piece):
            size += len(part)
            if max(came, size) > rule.longest:
                raise TooLarge(f"more than {rule.longest} bytes, which is the most that is taken")
            take(part)
    if unpack is not None:
        unpack.done()
