"""Reading of request bodies within their route's limits: bytes, encoding, time."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Self

from starlette.requests import Request
from starlette.types import Message, Receive

from certledger.api.auth.api_keys import asker_of
from certledger.api.auth.permissions import ALL_RULES, Rule
from certledger.api.errors import (
    MediaUnknownError,
    RequestTimeoutError,
    RequestTooLargeError,
    ServiceStoppingError,
    TooManyValuesError,
)
from certledger.api.h11_protocol import WHOLE
from certledger.api.request.body_budget import hold
from certledger.api.service import Service, service_of

JSON = "application/json"
JSON_LINES = "application/jsonl"
IN_MEMORY = 2**20
"""Bytes of a spooled body in memory; a larger one goes to a temporary file."""
_LINES = frozenset({JSON_LINES, "application/x-ndjson"})
STILL_SECONDS = 1.0
"""Seconds without data after which a stopping service gives up a body."""
LAST_SECONDS = 15.0
"""Seconds that a stopping service waits for a body at most; less than its grace period."""
_PIECE = 2**14
"""Bytes decompressed or counted per step."""
_WRITTEN = 2**18
"""Bytes per write to a file."""
MAX_VALUES = 400_000
"""JSON values in one body; a thousand evidence files have a third of them."""
PUBLIC_VALUES = 20_000
"""JSON values in a body without a key."""
Take = Callable[[bytes], Awaitable[None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Spool:
    """A body in a temporary file or memory, and its SHA-256."""

    file: IO[bytes]
    digest: bytes


@asynccontextmanager
async def spooled(request: Request, folder: Path, *media: str) -> AsyncIterator[Spool]:
    """Spool the decompressed body, of one of the `media` types, for the duration of the block.

    A large body goes to an unnamed file in `folder`, which disappears with the process.

    Raises:
        CertledgerError: as `read_body`.
    """
    service, asker, hashed = service_of(request), asker_of(request), sha256()
    share = service.spool.share(asker.name, public=asker.public)
    try:
        with SpooledTemporaryFile(IN_MEMORY, buffering=_WRITTEN, dir=str(folder)) as file:
            waiting = bytearray()

            async def take(piece: bytes) -> None:
                share.grow(len(piece))
                hashed.update(piece)
                waiting.extend(piece)
                if len(waiting) >= _WRITTEN:
                    await write()

            async def write() -> None:
                # In a thread, since a disk write may block.
                await service.pools.spool.run(asker.name, file.write, bytes(waiting))
                waiting.clear()

            await receive_body(request, media, take)
            await write()
            yield Spool(file=file, digest=hashed.digest())
    finally:
        share.release()


async def read_body(request: Request, *media: str) -> bytes:
    """Read the decompressed body, of one of the `media` types; by default JSON.

    Raises:
        MediaUnknownError: another media type, or an encoding that the route does not support.
        RequestTooLargeError: more bytes than the route allows; decompression stops there.
        RequestTimeoutError: it did not arrive in time.
        ServiceStoppingError: it stalled while the service was stopping.
    """
    service, asker = service_of(request), asker_of(request)
    share = service.memory.share(asker.name, public=asker.public)
    # The share is released after the response.
    hold(request.scope, share)
    body, values = bytearray(), Values(limits_of(request).values)

    async def take(piece: bytes) -> None:
        share.grow(len(piece))
        values.count(piece)
        body.extend(piece)

    await receive_body(request, media or (JSON,), take)
    return bytes(body)


class Values:
    """Counts JSON values during reception: few bytes can contain very many.

    Commas and brackets in strings count too, so the count is never too low.
    """

    def __init__(self, most: int) -> None:
        self._left, self._most = most, most

    def count(self, piece: bytes) -> None:
        """Count the values that begin or end in a piece.

        Raises:
            TooManyValuesError: more than allowed.
        """
        for at in range(0, len(piece), _PIECE):
            self._left -= sum(map(piece[at : at + _PIECE].count, _MARKS))
            if self._left < 0:
                raise TooManyValuesError(f"the body has more than the {self._most} values allowed")


_MARKS = (b",", b"[", b"{")


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestLimits:
    """Limits of a caller's body: decompressed bytes, and JSON values."""

    longest: int
    values: int


def limits_of(request: Request) -> RequestLimits:
    """Return the limits of a request's body."""
    rule = ALL_RULES[request.scope["route"].operation_id]
    if asker_of(request).public and rule.public_longest is not None:
        return RequestLimits(longest=rule.public_longest, values=PUBLIC_VALUES)
    return RequestLimits(longest=rule.longest, values=MAX_VALUES)


async def receive_body(request: Request, media: tuple[str, ...], take: Take) -> None:
    """Pass the decompressed body to `take` in pieces.

    Raises:
        CertledgerError: as `read_body`.
    """
    rule, longest = ALL_RULES[request.scope["route"].operation_id], limits_of(request).longest
    check_media(request, media)
    unpack = _unpacker(request, rule)
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > longest:
        raise RequestTooLargeError(f"the body has {declared} bytes, at most {longest} are allowed")
    collect = partial(_collect, longest=longest, unpack=unpack, take=take)
    if WHOLE in request.scope.get("extensions", ()):
        await collect(request.receive)  # It has arrived: no timeout is needed.
    else:
        await _wait_for(request, rule, collect)


async def _wait_for(
    request: Request, rule: Rule, collect: Callable[[Receive], Awaitable[None]]
) -> None:
    service = service_of(request)
    try:
        async with asyncio.timeout(rule.seconds) as limit:
            with _Watch(service, limit, request.receive) as watch:
                await collect(watch.receive)
    except TimeoutError as error:
        if service.stopping:
            raise ServiceStoppingError from error
        raise RequestTimeoutError(
            f"the body did not come within {rule.seconds:g} seconds"
        ) from error


def check_media(request: Request, media: tuple[str, ...]) -> str:
    """Return the media type of a request's body; without one, the first of `media`.

    Raises:
        MediaUnknownError: it is none of `media`.
    """
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    given = JSON_LINES if given in _LINES else given
    if given and given not in media:
        raise MediaUnknownError(f"the media type {given[:80]!r} is none of {', '.join(media)}")
    return given or media[0]


class _Watch:
    """Ends the reception of a stalled body while the service is stopping."""

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
        """Return the next message of the body, counted."""
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
    """Decompresses gzip in steps, so that a limit can stop it."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(31)

    def __call__(self, packed: bytes) -> Iterator[bytes]:
        more = True
        while more:
            try:
                found = self._stream.decompress(packed, _PIECE)
            except zlib.error as error:
                raise MediaUnknownError("the body is not gzip") from error
            yield found
            packed = self._stream.unconsumed_tail
            # At the end of the stream, later bytes may remain in the tail.
            more = not self._stream.eof and (bool(packed) or len(found) == _PIECE)
        if self._stream.unused_data:
            raise MediaUnknownError("bytes follow the gzip stream")

    def done(self) -> None:
        if not self._stream.eof:
            raise MediaUnknownError("the gzip stream is truncated")


def _unpacker(request: Request, rule: Rule) -> _Inflate | None:
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding == "identity":
        return None
    if encoding != "gzip" or not rule.packed:
        raise MediaUnknownError(f"the encoding {encoding[:40]!r} is not supported")
    return _Inflate()


async def _collect(receive: Receive, *, longest: int, unpack: _Inflate | None, take: Take) -> None:
    came, size, more = 0, 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestTimeoutError("the caller disconnected before the body was complete")
        piece, more = message.get("body", b""), message.get("more_body", False)
        came += len(piece)
        for part in (piece,) if unpack is None else unpack(piece):
            size += len(part)
            if max(came, size) > longest:
                raise RequestTooLargeError(
                    f"more than {longest} bytes, which is the most that is taken"
                )
            await take(part)
            if unpack is not None:
                await asyncio.sleep(0)  # Decompression may take long.
    if unpack is not None:
        unpack.done()
