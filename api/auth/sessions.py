"""Sessions of the pages: a sealed cookie, and tokens against cross-site request forgery (CSRF).

The cookie is encrypted under a key derived from the pepper, which all processes of one database
share.  It has the API key itself, which every request authenticates again: a revoked key ends its
sessions at once.  Its id is in the registry of open sessions, so that each can be ended alone.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from starlette.requests import HTTPConnection
from starlette.responses import Response

from certledger.api.auth.api_keys import Caller
from certledger.ledger.core.service_values import PageSession, Role
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.canonical_json import from_base64url, to_base64url

SESSION_COOKIE = "certledger_session"
VISITOR_COOKIE = "certledger_visitor"
CSRF_HEADER = "x-csrf-token"
SESSION_HEADER = "x-session"
"""With the value `required`, a request is refused where the session has ended."""
SESSION_SECONDS = 10 * 3_600
"""Seconds until a session ends: one working day."""
OIDC_SESSION_SECONDS = 4 * 3_600
"""The same for an identity provider, which need not say when it removes someone."""
VISITOR_SECONDS = 2 * SESSION_SECONDS
"""Seconds of a visitor's cookie: longer than a session, so that its forms are known afterwards."""
MAX_COOKIE_CHARACTERS = 3_800
_NONCE_BYTES = 12
_MAX_VISITOR_CHARACTERS = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """Who is signed in: by an API key, which is authenticated again, or as a caller of OIDC.

    `id` is in the registry of open sessions; `ends` is in seconds since 1970.
    """

    id: bytes
    ends: int
    key: str | None = None
    caller: Caller | None = None


@dataclass(kw_only=True)
class Sessions:
    """Seals and opens the cookies of sessions.  `public_url` decides whether they are Secure."""

    pepper: bytes
    clock: Callable[[], float]
    public_url: str | None = None

    def __post_init__(self) -> None:
        self._cipher = AESGCM(hmac.digest(self.pepper, b"certledger/session/1", "sha256"))
        self._csrf_key = hmac.digest(self.pepper, b"certledger/csrf/1", "sha256")

    def session_of(self, request: HTTPConnection) -> Session | None:
        """Return the session of a request's cookie; None without one, or if it has ended."""
        content = self.open(self.read_cookie(request, SESSION_COOKIE), SESSION_COOKIE)
        if content is None or content["ends"] <= self.clock():
            return None
        return Session(
            id=bytes.fromhex(content["id"]),
            ends=content["ends"],
            key=content["key"],
            caller=_unpacked(content["caller"]),
        )

    def begin(
        self,
        response: Response,
        opened: PageSession,
        *,
        key: str | None = None,
        caller: Caller | None = None,
        visitor: str | None = None,
    ) -> None:
        """Begin a session, with a new visitor so that earlier CSRF tokens are void."""
        seconds = opened.ends - opened.began
        content = {
            "id": opened.id.hex(),
            "ends": opened.ends,
            "key": key,
            "caller": _packed(caller),
        }
        self.set_cookie(
            response, SESSION_COOKIE, self.seal(content, SESSION_COOKIE), seconds=seconds
        )
        self.begin_visit(response, visitor)

    def seal(self, content: Mapping[str, object], purpose: str) -> str:
        """Return a JSON object encrypted for a cookie; it opens for the same purpose only."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, orjson.dumps(content), purpose.encode())
        return to_base64url(nonce + sealed)

    def open(self, text: str | None, purpose: str) -> dict[str, Any] | None:
        """Return what was sealed for a purpose, None where it was not."""
        if text is None or len(text) > MAX_COOKIE_CHARACTERS:
            return None
        try:
            sealed = from_base64url(text)
            nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
            plain = self._cipher.decrypt(nonce, rest, purpose.encode())
        except (MalformedError, InvalidTag, ValueError):
            return None
        content: dict[str, Any] = orjson.loads(plain)
        return content

    def end(self, response: Response) -> None:
        """Remove the session's cookie."""
        self.set_cookie(response, SESSION_COOKIE, "", seconds=0)

    def begin_visit(self, response: Response, visitor: str | None = None) -> str:
        """Store a visitor, by default a new one, to whom CSRF tokens are bound, and return it."""
        visitor = visitor or new_visitor()
        self.set_cookie(response, VISITOR_COOKIE, visitor, seconds=VISITOR_SECONDS)
        return visitor

    def set_cookie(
        self,
        response: Response,
        name: str,
        value: str,
        *,
        seconds: int,
        path: str = "/",
        is_sent_on_links: bool = False,
    ) -> None:
        """Set a cookie that no script reads, that other sites do not send, and https where it is.

        With `is_sent_on_links`, a link from another site sends it. A public address with https
        means a proxy in front, which the request does not show.
        """
        response.set_cookie(
            self.cookie_name(name, path),
            value,
            max_age=seconds,
            path=path,
            secure=self._is_secure,
            httponly=True,
            samesite="lax" if is_sent_on_links else "strict",
        )

    @property
    def _is_secure(self) -> bool:
        return urlsplit(self.public_url or "").scheme == "https"

    def cookie_name(self, name: str, path: str = "/") -> str:
        """Return a cookie's name as browsers have it.

        With https it has a prefix, so that browsers take it from this very host alone: a
        neighbouring subdomain could else put its own session or visitor in place of ours.
        """
        if not self._is_secure:
            return name
        return f"__Host-{name}" if path == "/" else f"__Secure-{name}"

    def read_cookie(self, request: HTTPConnection, name: str, path: str = "/") -> str | None:
        """Return a cookie of `set_cookie`, None where there is none."""
        return request.cookies.get(self.cookie_name(name, path))

    def visitor_of(self, request: HTTPConnection) -> str:
        """Return the visitor of a request, empty where there is none."""
        return self.read_cookie(request, VISITOR_COOKIE) or ""

    def csrf_token(self, visitor: str) -> str:
        """Return the token that a visitor's forms carry."""
        return to_base64url(hmac.digest(self._csrf_key, visitor.encode(), "sha256")[:24])

    def is_genuine(self, request: HTTPConnection, token: str | None) -> bool:
        """Return whether a token is the visitor's, so that a page of ours sent the request."""
        visitor = self.visitor_of(request)
        if not token or not 0 < len(visitor) <= _MAX_VISITOR_CHARACTERS:
            return False
        return hmac.compare_digest(self.csrf_token(visitor).encode(), token.encode())


def new_visitor() -> str:
    """Draw a visitor."""
    return secrets.token_urlsafe(18)


def _packed(caller: Caller | None) -> dict[str, object] | None:
    if caller is None:
        return None
    return {
        "id": caller.id,
        "party": caller.party,
        "role": str(caller.role),
        "issuer": caller.issuer,
        "counter": caller.counter,
        "region": caller.region,
        "scopes": sorted(caller.scopes),
        "expires": caller.expires,
    }


def _unpacked(value: dict[str, object] | None) -> Caller | None:
    if value is None:
        return None
    scopes = value.pop("scopes")
    assert isinstance(scopes, list)
    made: Any = {**value, "role": Role(str(value["role"])), "scopes": frozenset(scopes)}
    return Caller(**made)
