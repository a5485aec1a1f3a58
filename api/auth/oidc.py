"""OIDC access tokens: verification of signature, audience and role."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
import structlog
from joserfc import jwt
from joserfc.errors import ClaimError, ExpiredTokenError, JoseError
from joserfc.jwk import Key, KeySet

from certledger.api.auth.api_keys import BINDINGS, COUNTER, Caller, party_of
from certledger.api.errors import CredentialsInvalidError, ProviderUnreachableError
from certledger.ledger.core.service_values import Role
from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.issuer_state import ISSUER
from certledger.verifier.http_client import require_secure

log = structlog.get_logger(__name__)
ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "EdDSA")
"""Accepted signature algorithms; all are asymmetric."""
LEEWAY = 60
FRESH_SECONDS = 600
"""Seconds until the provider's keys are fetched again."""
SOONEST_SECONDS = 30
"""Least seconds between fetches because of a token with an unknown key."""
AWAY_SECONDS = 5
"""Least seconds between fetches while the provider is unreachable and no keys are known."""
STALE_SECONDS = 86_400
"""Seconds that fetched keys remain valid while the provider is unreachable."""
_TIMEOUT = 10.0
WAIT_SECONDS = 2.0
"""Seconds that a token with an unknown key waits for a fetch."""
_MAX_RESPONSE_BYTES = 262_144


@dataclass(frozen=True, kw_only=True, slots=True)
class Provider:
    """An OIDC provider, and the claims of its tokens.

    `issuer` is its address, `audience` that of this service; `client` is the service as a client,
    for sign-in to the pages, with its secret where it has one and the scope that it asks for.  The
    other members are names of claims.  Where a token has no such claim, dots in the name lead into
    objects, as in `realm_access.roles`.
    """

    issuer: str
    audience: str
    client: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    scope: str = "openid"
    roles: str = "roles"
    body: str = "certledger_issuer"
    counter: str = "certledger_counter"
    region: str = "certledger_region"
    algorithms: tuple[str, ...] = ALGORITHMS


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoints:
    """The provider's addresses for sign-in and sign-out; empty where its metadata name none."""

    authorization: str = ""
    token: str = ""
    end_session: str = ""


@dataclass(kw_only=True)
class OidcTokens:
    """Verifies tokens of one provider; its keys are fetched and cached."""

    provider: Provider
    clock: Callable[[], float]
    _keys: KeySet | None = None
    _endpoints: Endpoints = Endpoints()
    _fetched: float = 0.0
    _tried: float = 0.0
    _fetching: asyncio.Task[None] | None = field(default=None, repr=False)

    async def authenticate(self, text: str) -> Caller:
        """Return the caller of a token.

        Raises:
            CredentialsInvalidError: not signed by the provider, expired, for another audience, or
                without a role.
            ProviderUnreachableError: no keys of the provider are known.
        """
        return caller_of(await self.verify(text, self.provider.audience), self.provider)

    async def verify(self, text: str, audience: str) -> Mapping[str, Any]:
        """Return the claims of a token of the provider for an audience.

        Raises:
            CredentialsInvalidError, ProviderUnreachableError: as `authenticate`.
        """
        try:
            token = await self._decode(text)
            registry = jwt.JWTClaimsRegistry(
                now=int(self.clock()),
                leeway=LEEWAY,
                iss={"essential": True, "value": self.provider.issuer},
                aud={"essential": True, "value": audience},
                exp={"essential": True},
                sub={"essential": True},
            )
            registry.validate(token.claims)
        except (JoseError, ValueError, TypeError) as error:
            raise CredentialsInvalidError(f"the token is invalid: {_reason(error)}") from error
        claims: Mapping[str, Any] = token.claims
        return claims

    async def endpoints(self) -> Endpoints:
        """Return the provider's addresses for sign-in.

        Raises:
            ProviderUnreachableError: they are not known.
        """
        await self._key_set(FRESH_SECONDS)
        if not self._endpoints.authorization or not self._endpoints.token:
            raise ProviderUnreachableError("the identity provider names no addresses for sign-in")
        return self._endpoints

    async def _decode(self, text: str) -> jwt.Token:
        keys = await self._key_set(FRESH_SECONDS)
        try:
            return jwt.decode(text, keys, algorithms=self.provider.algorithms)
        except (JoseError, ValueError):
            # The key may be new.  Fetches are limited, since forged tokens have unknown keys too.
            again = await self._key_set(SOONEST_SECONDS)
            if again is keys:
                raise
            return jwt.decode(text, again, algorithms=self.provider.algorithms)

    async def _key_set(self, fresh: float) -> KeySet:
        """Return the provider's keys; fetch them if older than `fresh` seconds.

        Known keys remain usable during a fetch, so their tokens do not wait for a provider that
        hangs. Others wait at most `WAIT_SECONDS`.

        Raises:
            ProviderUnreachableError: no keys are known.
        """
        now = self.clock()
        if self._keys is not None and now >= self._fetched + STALE_SECONDS:
            self._keys = None
        due = now >= self._tried + (AWAY_SECONDS if self._keys is None else fresh)
        if self._fetching is None and due:
            self._fetching = asyncio.get_running_loop().create_task(self._refresh())
        if self._fetching is not None and (self._keys is None or fresh == SOONEST_SECONDS):
            await asyncio.wait({self._fetching}, timeout=WAIT_SECONDS)
        if self._keys is None:
            raise ProviderUnreachableError("the identity provider is unreachable")
        return self._keys

    async def _refresh(self) -> None:
        """Fetch the keys once, for all waiting requests."""
        try:
            self._keys = await self._fetch()
            self._fetched = self.clock()
        except _UNREADABLE as error:
            log.warning("oidc_keys_unavailable", reason=type(error).__name__)
        finally:
            self._tried = self.clock()
            self._fetching = None

    async def _fetch(self) -> KeySet:
        """Fetch the provider's metadata and the keys at its `jwks_uri`."""
        where = self.provider.issuer.rstrip("/") + "/.well-known/openid-configuration"
        async with (
            asyncio.timeout(_TIMEOUT),
            httpx.AsyncClient(timeout=None, follow_redirects=False) as client,
        ):
            metadata = await read_json(client, where)
            if metadata["issuer"] != self.provider.issuer:
                raise ValueError("the metadata are another issuer's")
            keys = await read_json(client, str(metadata["jwks_uri"]))
        self._endpoints = Endpoints(
            authorization=usable_endpoint(metadata.get("authorization_endpoint")),
            token=usable_endpoint(metadata.get("token_endpoint")),
            end_session=usable_endpoint(metadata.get("end_session_endpoint")),
        )
        return KeySet(list(usable(keys["keys"])))


_UNREADABLE = (
    httpx.HTTPError, httpx.InvalidURL, CertledgerError, TimeoutError, ValueError, KeyError,
    TypeError,
)  # fmt: skip


_ENDPOINT = re.compile(r"https?://[!$%&()*+,./0-9:;=?@A-Z\[\]_a-z~-]{1,2000}")


def usable_endpoint(value: object) -> str:
    """Return an endpoint's address, empty where there is none that a browser may be sent to.

    Tokens of the API are verified all the same, for which keys suffice.
    """
    if value is None:
        return ""
    try:
        if not isinstance(value, str) or not _ENDPOINT.fullmatch(value):
            raise ValueError("no address")
        if not urlsplit(value).hostname:
            raise ValueError("no host")
        return require_secure(value, "server")
    except (CertledgerError, ValueError) as error:
        log.warning("oidc_endpoint_unusable", reason=getattr(error, "code", str(error)))
        return ""


async def read_json(
    client: httpx.AsyncClient, url: str, form: Mapping[str, str] | None = None
) -> Mapping[str, Any]:
    """Return the JSON object at an address of the provider, given a form as the answer to it.

    Raises:
        httpx.HTTPError: no answer, or not a successful one.
        ValueError: no object, or too long.
        AddressInsecureError: plain http beyond this machine.
    """
    data = bytearray()
    require_secure(url, "server")
    method = "GET" if form is None else "POST"
    async with client.stream(method, url, data=form) as answer:
        answer.raise_for_status()
        async for piece in answer.aiter_bytes():
            data += piece
            if len(data) > _MAX_RESPONSE_BYTES:
                raise ValueError("longer than any metadata")
    value = orjson.loads(data)
    if not isinstance(value, dict):
        raise ValueError("no object")
    return value


def usable(keys: Iterable[Any]) -> Iterator[Key]:
    """Yield the supported keys; others are ignored (RFC 7517, section 5)."""
    for key in keys:
        try:
            yield from KeySet.import_key_set({"keys": [key]}).keys
        except (JoseError, ValueError, KeyError, TypeError) as error:
            log.info("oidc_key_passed_over", reason=type(error).__name__)


def _reason(error: Exception) -> str:
    """Return why a token is invalid, without the library's messages, which may quote it."""
    if isinstance(error, ExpiredTokenError):
        return "it has expired"
    if isinstance(error, ClaimError):
        return f"its claim {error.claim} is missing or wrong"
    return "no key of the provider signed it with an accepted algorithm"


def caller_of(claims: Mapping[str, Any], provider: Provider) -> Caller:
    """Return the caller of a verified token's claims.

    Raises:
        CredentialsInvalidError: not exactly one role, or without the role's binding.
    """
    listed = claim_of(claims, provider.roles)
    named = listed if isinstance(listed, list) else [listed]
    roles = [Role(name) for name in named if isinstance(name, str) and name in BINDINGS]
    if len(roles) != 1:
        raise CredentialsInvalidError(
            f"the claim {provider.roles} does not have exactly one role of this service"
        )
    role = roles[0]
    bound = {
        "issuer": _bound(claims, provider.body, ISSUER),
        "counter": _bound(claims, provider.counter, COUNTER),
    }
    needed = BINDINGS[role]
    if needed is not None and bound[needed] is None:
        raise CredentialsInvalidError(f"a token of role {role} is bound to its {needed}")
    region = claim_of(claims, provider.region)
    if region is not None and (type(region) is not int or not 0 <= region <= 99):
        raise CredentialsInvalidError(f"the claim {provider.region} is not a number from 0 to 99")
    subject = claims["sub"]
    if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
        raise CredentialsInvalidError("the claim sub is no subject")
    name = caller_id(provider, subject)
    issuer = bound["issuer"] if role is Role.ISSUER else None
    counter = bound["counter"] if role is Role.COUNTER else None
    return Caller(
        id=name,
        party=party_of(role, issuer=issuer, counter=counter, region=region, name=name),
        role=role,
        issuer=issuer,
        counter=counter,
        region=region,
    )


def caller_id(provider: Provider, subject: str) -> str:
    """Return the id of a subject's callers: a hash, so that logs and receipts name no person."""
    digest = sha256(f"{provider.issuer}\n{subject}".encode()).hex()
    return f"oidc:{digest[:NAMED]}"


def claim_of(claims: Mapping[str, Any], name: str) -> Any:
    """Return the claim of this name, or the one its dots lead to; None without one."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


_SUBJECT = re.compile(r"[^\ud800-\udfff]{1,2048}")
"""A subject; half of a surrogate pair is no text."""
NAMED = 32
"""Hexadecimal digits of the hash in a token's caller id."""


def _bound(claims: Mapping[str, Any], name: str, pattern: re.Pattern[str]) -> str | None:
    value = claim_of(claims, name)
    if value is None:
        return None
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise CredentialsInvalidError(f"the claim {name} does not match {pattern.pattern}")
    return value
