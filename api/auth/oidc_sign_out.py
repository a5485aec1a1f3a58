"""Sign-out at an OIDC provider: RP-Initiated Logout 1.0, and Back-Channel Logout 1.0.

The provider wants the ID token back as a hint whose session to end.  It names a person, so it is in
no database: it lies sealed in a cookie that the browser sends to `/sign-out` alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlencode, urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import Response

from certledger.api.auth.oidc import LEEWAY, OidcTokens, caller_id
from certledger.api.auth.sessions import MAX_COOKIE_CHARACTERS, Session, Sessions
from certledger.api.errors import CredentialsInvalidError, ProviderUnreachableError
from certledger.ledger.core.service_values import PageSession

ID_TOKEN_COOKIE = "certledger_id_token"
SIGN_OUT = "/sign-out"
SIGNED_OUT = "/signed-out"
RETURN_SECONDS = 600
"""Seconds in which the provider sends a visitor back."""
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_PURPOSE = "certledger_signed_out"


class SignOutScope(StrEnum):
    """What has ended: a session of a key, ours alone of the two, or the provider's too."""

    KEY = "key"
    HERE = "here"
    PROVIDER = "provider"


@dataclass(frozen=True, kw_only=True, slots=True)
class EndedSessions:
    """Whose sessions a provider has ended, and until which second they had begun."""

    caller: str
    began_until: int


@dataclass(kw_only=True)
class OidcSignOut:
    """Ends sessions at the provider of `tokens`, and ours when it says that one has ended."""

    tokens: OidcTokens
    sessions: Sessions
    public_url: str

    def store_token(self, response: Response, opened: PageSession, token: str) -> None:
        """Store the ID token of a session in the browser; one too long for a cookie is not."""
        content = {"session": opened.id.hex(), "token": token}
        sealed = self.sessions.seal(content, ID_TOKEN_COOKIE)
        if len(sealed) <= MAX_COOKIE_CHARACTERS:
            seconds = opened.ends - opened.began
            self.sessions.set_cookie(
                response, ID_TOKEN_COOKIE, sealed, seconds=seconds, path=SIGN_OUT
            )

    async def address(self, request: HTTPConnection, session: Session) -> str:
        """Return where a visitor ends the provider's session; empty where it offers no sign-out.

        Without the ID token the provider asks whose session is meant.
        """
        try:
            endpoint = (await self.tokens.endpoints()).end_session
        except ProviderUnreachableError:
            return ""
        if not endpoint:
            return ""
        query = {
            "client_id": str(self.tokens.provider.client),
            "post_logout_redirect_uri": self.public_url + SIGNED_OUT,
            "state": seal_scope(self.sessions, SignOutScope.PROVIDER),
        }
        cookie = self.sessions.read_cookie(request, ID_TOKEN_COOKIE, SIGN_OUT)
        content = self.sessions.open(cookie, ID_TOKEN_COOKIE)
        if content is not None and content["session"] == session.id.hex():
            query["id_token_hint"] = content["token"]
        join = "&" if urlsplit(endpoint).query else "?"
        return f"{endpoint}{join}{urlencode(query)}"

    async def read_logout_token(self, text: str) -> EndedSessions:
        """Return whose sessions a logout token of the provider ends.

        Sessions that begin after it stay, so that a token that is sent twice ends nothing more.

        Raises:
            CredentialsInvalidError: it is none, or names no subject.
            ProviderUnreachableError: no keys of the provider are known.
        """
        provider = self.tokens.provider
        claims = await self.tokens.verify(text, str(provider.client))
        events, issued = claims.get("events"), claims.get("iat")
        if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
            raise CredentialsInvalidError("the token is of another event than a logout")
        if "nonce" in claims or type(issued) is not int or not isinstance(claims.get("jti"), str):
            raise CredentialsInvalidError("the token is not a logout token")
        return EndedSessions(
            caller=caller_id(provider, str(claims["sub"])), began_until=issued + LEEWAY
        )


def seal_scope(sessions: Sessions, scope: SignOutScope) -> str:
    """Return the state in the address of the page that says what has ended."""
    ends = int(sessions.clock()) + RETURN_SECONDS
    content = {"scope": scope, "ends": ends}
    return sessions.seal(content, _PURPOSE)


def open_scope(sessions: Sessions, state: str) -> SignOutScope | None:
    """Return what has ended, None where the state is not ours or too old."""
    content = sessions.open(state, _PURPOSE)
    if content is None or content["ends"] <= sessions.clock():
        return None
    return SignOutScope(content["scope"])
