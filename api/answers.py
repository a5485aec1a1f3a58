"""Answers of the routes: bytes that are ready, with what caches may do with them."""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from functools import lru_cache

import orjson
from starlette.requests import Request
from starlette.responses import Response

from verifier.encoding import Json
from verifier.hashing import sha256

JSON = "application/json"
NO_STORE = "no-store"
IMMUTABLE = "public, max-age=31536000, immutable"
_SMALLEST_PACKED = 1_024


def fresh_for(seconds: int) -> str:
    """Return the Cache-Control of what may be older by so many seconds.

    It is `public`: the data stand on a chain that anybody may read, and a web cache before the
    service asks for keys itself.
    """
    return f"public, max-age={seconds}"


def told(value: Json, status: int = 200, **headers: str) -> Response:
    """Return a JSON answer that nobody keeps."""
    return raw(orjson.dumps(value), status, **headers)


def raw(data: bytes, status: int = 200, *, media: str = JSON, **headers: str) -> Response:
    """Return ready bytes that nobody keeps; names of headers with `_` for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(data, status, {"cache-control": NO_STORE, **named}, media)


def cached(
    request: Request, data: bytes, *, media: str = JSON, control: str, tag: str | None = None
) -> Response:
    """Return ready bytes with an entity tag: 304 where the caller has them, packed if it likes."""
    etag = f'"{tag or tag_of(data)}"'
    headers = {"cache-control": control, "etag": etag, "vary": "accept-encoding"}
    if matches(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers=headers)
    if len(data) >= _SMALLEST_PACKED and takes_gzip(request.headers.get("accept-encoding", "")):
        headers["content-encoding"] = "gzip"
        headers["etag"] = f"W/{etag}"
        data = pack(data)
    return Response(data, 200, headers, media)


@lru_cache(maxsize=256)
def accepted(header: str) -> Mapping[str, bool]:
    """Return what an Accept or Accept-Encoding header names, and whether it is taken at all."""
    found = {}
    for part in header.lower().split(","):
        name, _, quality = (piece.strip() for piece in part.partition(";"))
        found[name] = not _NEVER.fullmatch(quality)
    return found


_NEVER = re.compile(r"q\s*=\s*0(\.0{0,3})?")


def takes_gzip(header: str) -> bool:
    """Return whether an Accept-Encoding header takes gzip (RFC 9110, section 12.5.3)."""
    named = accepted(header)
    return named.get("gzip", named.get("x-gzip", named.get("*", False)))


def matches(header: str, etag: str) -> bool:
    """Return whether an If-None-Match header names a tag, weak or strong (RFC 9110, 13.1.2)."""
    named = {one.strip().removeprefix("W/") for one in header.split(",")}
    return "*" in named or etag in named


@lru_cache(maxsize=256)
def tag_of(data: bytes) -> str:
    """Return the tag of some bytes."""
    return sha256(data).hex()[:32]


@lru_cache(maxsize=64)
def pack(data: bytes) -> bytes:
    """Return bytes packed by gzip, the same each time."""
    return gzip.compress(data, 6, mtime=0)
