"""Sessions of the pages: a sealed cookie, and tokens against cross-site request forgery (CSRF).

The cookie is encrypted under a key derived from the pepper, which all processes of one database
share, so no table is needed.  It has the API key itself, which every request authenticates again:
a revoked key ends its sessions at once.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from starlette.requests import HTTPConnection
from starlette.responses import Response

from certledger.api.auth.api_keys import Caller
from certledger.ledger.core.service_values import Role
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.canonical_json import from_base64url, to_base64url

SESSION_COOKIE = "certledger_session"
VISITOR_COOKIE = "certledger_visitor"
CSRF_HEADER = "x-csrf-token"
SESSION_HEADER = "x-session"
"""With the value `required`, a request is refused where nobody is signed in any more."""
SESSION_SECONDS = 10 * 3_600
"""Seconds until a session ends: one working day."""
MAX_COOKIE_CHARACTERS = 3_800
_NONCE_BYTES = 12
_MAX_VISITOR_CHARACTERS = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """Who is signed in: by an API key, which is authenticated again, or as a caller of OIDC.

    `ends` is in seconds since 1970.
    """

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
        text = request.cookies.get(SESSION_COOKIE)
        if text is None or len(text) > MAX_COOKIE_CHARACTERS:
            return None
        session = self._open(text)
        return None if session is None or session.ends <= self.clock() else session

    def begin(
        self, response: Response, *, key: str | None = None, caller: Caller | None = None
    ) -> None:
        """Begin a session, with a new visitor so that earlier CSRF tokens are void."""
        ends = int(self.clock()) + SESSION_SECONDS
        content = {"ends": ends, "key": key, "caller": _packed(caller)}
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, orjson.dumps(content), None)
        self.set_cookie(response, SESSION_COOKIE, to_base64url(sealed), seconds=SESSION_SECONDS)
        self.begin_visit(response)

    def end(self, response: Response) -> None:
        """Remove the session's cookie."""
        self.set_cookie(response, SESSION_COOKIE, "", seconds=0)

    def begin_visit(self, response: Response) -> str:
        """Draw a visitor, to whom CSRF tokens are bound, and return it."""
        visitor = secrets.token_urlsafe(18)
        self.set_cookie(response, VISITOR_COOKIE, visitor, seconds=SESSION_SECONDS)
        return visitor

    def set_cookie(self, response: Response, name: str, value: str, *, seconds: int) -> None:
        """Set a cookie that no script reads, that other sites do not send, and https where it is.

        A public address with https means a proxy in front, which the request does not show.
        """
        secure = urlsplit(self.public_url or "").scheme == "https"
        response.set_cookie(
            name, value, max_age=seconds, secure=secure, httponly=True, samesite="strict"
        )

    def csrf_token(self, visitor: str) -> str:
        """Return the token that a visitor's forms carry."""
        return to_base64url(hmac.digest(self._csrf_key, visitor.encode(), "sha256")[:24])

    def is_genuine(self, request: HTTPConnection, token: str | None) -> bool:
        """Return whether a token is the visitor's, so that a page of ours sent the request."""
        visitor = request.cookies.get(VISITOR_COOKIE, "")
        if not token or not 0 < len(visitor) <= _MAX_VISITOR_CHARACTERS:
            return False
        return hmac.compare_digest(self.csrf_token(visitor).encode(), token.encode())

    def _open(self, text: str) -> Session | None:
        try:
            sealed = from_base64url(text)
            plain = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
        except (MalformedError, InvalidTag, ValueError):
            return None
        content = orjson.loads(plain)
        return Session(
            ends=content["ends"], key=content["key"], caller=_unpacked(content["caller"])
        )


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
