"""Sign-in to the pages at an OIDC provider: authorization code with PKCE (OIDC Core 3.1, RFC 7636).

What has to survive the visit to the provider lies sealed in a cookie of ten minutes, so that any
process of the service can end what another began.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import orjson
from starlette.requests import HTTPConnection
from starlette.responses import Response

from certledger.api.auth.api_keys import Caller
from certledger.api.auth.oidc import OidcTokens, caller_of, read_json
from certledger.api.auth.sessions import Sessions
from certledger.api.errors import CredentialsInvalidError, ProviderUnreachableError
from certledger.verifier.formats.canonical_json import to_base64url

FLOW_COOKIE = "certledger_sign_in"
FLOW_SECONDS = 600
CALLBACK = "/sign-in/callback"
MAX_CODE_CHARACTERS = 2_048
MAX_CARRIED_BYTES = 2_000
_TIMEOUT = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class SignInFlow:
    """A visit to the provider: what its answer is compared with, and where to go afterwards.

    `carried` are the fields of a form that waits to be sent to `next_path`.
    """

    state: str
    nonce: str
    verifier: str
    next_path: str
    ends: int
    carried: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedIn:
    """Who signed in, and the provider's ID token, which its sign-out wants back."""

    caller: Caller
    id_token: str


@dataclass(kw_only=True)
class OidcSignIn:
    """Sends visitors to the provider of `tokens`, and takes them back as callers.

    `public_url` is the service's address, at which the provider has its callback registered.
    """

    tokens: OidcTokens
    sessions: Sessions
    public_url: str

    @property
    def name(self) -> str:
        """The provider's host, for people."""
        return urlsplit(self.tokens.provider.issuer).hostname or self.tokens.provider.issuer

    @property
    def redirect_uri(self) -> str:
        """The address that the provider sends visitors back to."""
        return self.public_url + CALLBACK

    async def address(
        self, response: Response, next_path: str, carried: Mapping[str, str] | None = None
    ) -> str:
        """Return the provider's address for a visitor, whose flow `response` stores.

        Of a form that is too long for a cookie nothing is carried.

        Raises:
            ProviderUnreachableError: its metadata are not known.
        """
        endpoints = await self.tokens.endpoints()
        flow = SignInFlow(
            state=secrets.token_urlsafe(24),
            nonce=secrets.token_urlsafe(24),
            verifier=secrets.token_urlsafe(48),
            next_path=next_path,
            ends=int(self.tokens.clock()) + FLOW_SECONDS,
            carried=carried if carried and _size(carried) <= MAX_CARRIED_BYTES else {},
        )
        content = {name: getattr(flow, name) for name in SignInFlow.__slots__}
        self.sessions.set_cookie(
            response,
            FLOW_COOKIE,
            self.sessions.seal(content, FLOW_COOKIE),
            seconds=FLOW_SECONDS,
            is_sent_on_links=True,  # The provider's page is another site, whose link leads back.
        )
        challenge = to_base64url(sha256(flow.verifier.encode()).digest())
        query = {
            "response_type": "code",
            "client_id": self.tokens.provider.client,
            "redirect_uri": self.redirect_uri,
            "scope": self.tokens.provider.scope,
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        join = "&" if urlsplit(endpoints.authorization).query else "?"
        return f"{endpoints.authorization}{join}{urlencode(query)}"

    def flow_of(self, request: HTTPConnection) -> SignInFlow:
        """Return the flow that the answer of the provider belongs to.

        Raises:
            CredentialsInvalidError: none is under way in this browser, or another one is.
        """
        cookie = self.sessions.read_cookie(request, FLOW_COOKIE)
        content = self.sessions.open(cookie, FLOW_COOKIE)
        if content is None:
            raise CredentialsInvalidError("no sign-in is under way in this browser")
        flow = SignInFlow(**content)
        state = request.query_params.get("state", "")
        issuer = request.query_params.get("iss", self.tokens.provider.issuer)  # RFC 9207
        same = hmac.compare_digest(flow.state.encode(), state.encode("utf-8", "replace"))
        if not same or flow.ends <= self.tokens.clock() or issuer != self.tokens.provider.issuer:
            raise CredentialsInvalidError("the answer is not of the sign-in under way here")
        return flow

    async def complete(self, flow: SignInFlow, code: str) -> SignedIn:
        """Return who signed in, by the code that the provider gave.

        Raises:
            CredentialsInvalidError: the provider refuses the code, its token is not good or is of
                another flow, or it has no role here.
            ProviderUnreachableError: the provider does not answer.
        """
        if not 0 < len(code) <= MAX_CODE_CHARACTERS:
            raise CredentialsInvalidError("the provider gave no code")
        answer = await self._exchange(flow, code)
        provider = self.tokens.provider
        id_token = str(answer.get("id_token", ""))
        claims = await self.tokens.verify(id_token, str(provider.client))
        nonce = str(claims.get("nonce", ""))
        if not hmac.compare_digest(nonce.encode("utf-8", "replace"), flow.nonce.encode()):
            raise CredentialsInvalidError("the token is of another sign-in")
        if claims.get("azp", provider.client) != provider.client:
            raise CredentialsInvalidError("the token is for another client")
        try:
            caller = caller_of(claims, provider)
        except CredentialsInvalidError:
            caller = await self._caller_of_access(claims, answer)
        return SignedIn(caller=caller, id_token=id_token)

    async def _caller_of_access(
        self, claims: Mapping[str, Any], answer: Mapping[str, Any]
    ) -> Caller:
        """Return the caller of the access token, where roles stand in that one alone."""
        token = str(answer.get("access_token", ""))
        found = await self.tokens.verify(token, self.tokens.provider.audience)
        if found["sub"] != claims["sub"]:
            raise CredentialsInvalidError("the two tokens are of two people")
        return caller_of(found, self.tokens.provider)

    async def _exchange(self, flow: SignInFlow, code: str) -> Mapping[str, Any]:
        provider, endpoints = self.tokens.provider, await self.tokens.endpoints()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": flow.verifier,
        }
        auth = None
        if provider.client_secret is None:
            form["client_id"] = str(provider.client)
        else:
            auth = (str(provider.client), provider.client_secret)
        try:
            async with (
                asyncio.timeout(_TIMEOUT),
                httpx.AsyncClient(timeout=None, follow_redirects=False, auth=auth) as client,
            ):
                return await read_json(client, endpoints.token, form=form)
        except httpx.HTTPStatusError as error:
            if error.response.is_server_error:
                raise ProviderUnreachableError("the identity provider fails") from error
            raise CredentialsInvalidError("the provider refuses the code") from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise ProviderUnreachableError("the identity provider is unreachable") from error
        except (ValueError, orjson.JSONDecodeError) as error:
            raise CredentialsInvalidError("the provider's answer is no token") from error


def _size(fields: Mapping[str, str]) -> int:
    return sum(len(name.encode()) + len(text.encode()) for name, text in fields.items())
