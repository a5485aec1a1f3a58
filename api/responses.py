"""Response builders: cache headers, entity tags, compression."""

from __future__ import annotations

import asyncio
import gzip
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from functools import lru_cache
from typing import TypeVar

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.formats.canonical_json import Json

JSON = "application/json"
NO_STORE = "no-store"
IMMUTABLE = "public, max-age=31536000, immutable"
_MIN_COMPRESSED_BYTES = 1_024
_SMALL = 2**15
"""Bytes that are hashed and compressed in well under a millisecond."""
PIECE_BYTES = 2**16
MAX_PACKED_BYTES = 16 * 2**20
"""Bytes of cached compressed responses."""
_Found = TypeVar("_Found")


def fresh_for(seconds: int) -> str:
    """Return the Cache-Control value for data that may be `seconds` old.

    It is `public`: the data are on a public chain, and the service itself checks keys.
    """
    return f"public, max-age={seconds}"


def json_response(value: Json, status: int = 200, **headers: str) -> Response:
    """Return a JSON response that must not be cached."""
    return raw(orjson.dumps(value), status, **headers)


def raw(data: bytes, status: int = 200, *, media: str = JSON, **headers: str) -> Response:
    """Return bytes that must not be cached; `headers` have `_` for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = in_pieces(data, {"cache-control": NO_STORE, **named}, media)
    answer.status_code = status
    return answer


async def cached(
    request: Request, data: bytes, *, media: str = JSON, control: str, tag: str | None = None
) -> Response:
    """Return bytes with an entity tag; 304 if the caller has them, gzip if accepted."""
    found = f'"{tag or await _in_thread(tag_of, data)}"'
    headers = {"cache-control": control, "etag": found, "vary": "accept-encoding"}
    if matches(request.headers.get("if-none-match", ""), found):
        return Response(status_code=304, headers=headers)
    if len(data) >= _MIN_COMPRESSED_BYTES and takes_gzip(
        request.headers.get("accept-encoding", "")
    ):
        headers["content-encoding"] = "gzip"
        headers["etag"] = f"W/{found}"
        data = await _in_thread(pack, data)
    return in_pieces(data, headers, media)


async def _in_thread(work: Callable[[bytes], _Found], data: bytes) -> _Found:
    """Run `work` on bytes, in a thread if they are large."""
    return work(data) if len(data) <= _SMALL else await asyncio.to_thread(work, data)


class Pieces(Response):
    """Response sent in pieces, at the caller's reading speed."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response."""
        head = {"type": "http.response.start", "status": self.status_code}
        await send({**head, "headers": self.raw_headers})
        view = memoryview(self.body)
        for at in range(0, len(view), PIECE_BYTES):
            piece, more = bytes(view[at : at + PIECE_BYTES]), at + PIECE_BYTES < len(view)
            await send({"type": "http.response.body", "body": piece, "more_body": more})


def in_pieces(data: bytes, headers: Mapping[str, str], media: str) -> Response:
    """Return bytes as a response; large ones are never buffered whole by the connection."""
    kind = Response if len(data) <= PIECE_BYTES else Pieces
    return kind(data, 200, dict(headers), media)


class ByteCache:
    """LRU cache of bytes by key, bounded by its total size; thread-safe."""

    def __init__(self, most: int) -> None:
        """`most` limits the bytes in total; an entry over a quarter of it is not cached."""
        self._most, self.size = most, 0
        self._entries: OrderedDict[Hashable, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> bytes | None:
        """Return the cached bytes of a key, or None."""
        with self._lock:
            found = self._entries.get(key)
            if found is not None:
                self._entries.move_to_end(key)
            return found

    def put(self, key: Hashable, data: bytes) -> None:
        """Cache bytes under a key."""
        if len(data) > self._most // 4:
            return
        with self._lock:
            self.size += len(data) - len(self._entries.pop(key, b""))
            self._entries[key] = data
            while self.size > self._most:
                self.size -= len(self._entries.popitem(last=False)[1])


@lru_cache(maxsize=256)
def accepted(header: str) -> Mapping[str, bool]:
    """Parse an Accept or Accept-Encoding header to names and whether each is acceptable."""
    found = {}
    for part in header.lower().split(","):
        name, _, quality = (piece.strip() for piece in part.partition(";"))
        found[name] = not _NEVER.fullmatch(quality)
    return found


_NEVER = re.compile(r"q\s*=\s*0(\.0{0,3})?")


def takes_gzip(header: str) -> bool:
    """Return whether an Accept-Encoding header accepts gzip (RFC 9110, section 12.5.3)."""
    named = accepted(header)
    return named.get("gzip", named.get("x-gzip", named.get("*", False)))


def matches(header: str, etag: str) -> bool:
    """Return whether an If-None-Match header lists a tag, weak or strong (RFC 9110, 13.1.2)."""
    named = {one.strip().removeprefix("W/") for one in header.split(",")}
    return "*" in named or etag in named


def tag_of(data: bytes) -> str:
    """Return the entity tag of bytes."""
    return sha256(data).hex()[:32]


def pack(data: bytes) -> bytes:
    """Compress bytes by gzip, reproducibly; cached by their SHA-256."""
    key = sha256(data)
    packed = _PACKED.get(key)
    if packed is None:
        packed = gzip.compress(data, 6, mtime=0)
        _PACKED.put(key, packed)
    return packed


_PACKED = ByteCache(MAX_PACKED_BYTES)
