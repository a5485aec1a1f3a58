"""Access tokens of an OIDC provider: signed by its keys, for this audience, with a role in them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import structlog
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from api.callers import BINDINGS, Caller, party_of
from api.refusals import CredentialsInvalid, NodeSilent
from ledger.service.values import Role
from verifier.state import ISSUER

log = structlog.get_logger(__name__)
ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "EdDSA")
"""Algorithms that a token may be signed by; none of them takes a shared secret."""
LEEWAY = 60
FRESH_SECONDS = 600
"""How long the provider's keys are believed."""
SOONEST_SECONDS = 30
"""How soon they are fetched again where a token names one that is not among them."""
_TIMEOUT = 10.0
_LONGEST = 262_144
_COUNTER = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Provider:
    """An OIDC provider, and how its tokens say who somebody is here.

    `issuer` is its address, `audience` what tokens for this service name; the other members are
    names of claims.
    """

    issuer: str
    audience: str
    roles: str = "roles"
    body: str = "certledger_issuer"
    counter: str = "certledger_counter"
    region: str = "certledger_region"
    algorithms: tuple[str, ...] = ALGORITHMS


@dataclass(kw_only=True)
class OidcTokens:
    """Reads tokens of one provider, whose keys are fetched and remembered."""

    provider: Provider
    clock: Callable[[], float]
    _keys: KeySet | None = None
    _fetched: float = 0.0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    async def authenticate(self, text: str) -> Caller:
        """Return the caller of a token.

        Raises:
            CredentialsInvalid: not signed by the provider, over, for others, or without a role.
            NodeSilent: the provider's keys are not to be had.
        """
        try:
            token = await self._decode(text)
            registry = jwt.JWTClaimsRegistry(
                now=int(self.clock()),
                leeway=LEEWAY,
                iss={"essential": True, "value": self.provider.issuer},
                aud={"essential": True, "value": self.provider.audience},
                exp={"essential": True},
                sub={"essential": True},
            )
            registry.validate(token.claims)
            return caller_of(token.claims, self.provider)
        except (JoseError, ValueError, TypeError) as error:
            # The library's words may repeat the token, so they are not told.
            raise CredentialsInvalid(f"the token is no good: {type(error).__name__}") from error

    async def _decode(self, text: str) -> jwt.Token:
        keys = await self._key_set(FRESH_SECONDS)
        try:
            return jwt.decode(text, keys, algorithms=self.provider.algorithms)
        except (JoseError, ValueError):
            # A key may have come since; one that is not there is not fetched for each forgery.
            again = await self._key_set(SOONEST_SECONDS)
            if again is keys:
                raise
            return jwt.decode(text, again, algorithms=self.provider.algorithms)

    async def _key_set(self, fresh: float) -> KeySet:
        async with self._lock:
            now = self.clock()
            if self._keys is None or now >= self._fetched + fresh:
                try:
                    self._keys = await self._fetch()
                except (httpx.HTTPError, JoseError, ValueError, KeyError, TypeError) as error:
                    log.warning("oidc_keys_unavailable", reason=type(error).__name__)
                    if self._keys is None:
                        raise NodeSilent("the identity provider does not answer") from error
                self._fetched = now
            return self._keys

    async def _fetch(self) -> KeySet:
        """Return the provider's keys, from where its metadata says they are."""
        where = self.provider.issuer.rstrip("/") + "/.well-known/openid-configuration"
        async with httpx.AsyncClient(timeout=_TIMEOUT, follow_redirects=False) as client:
            metadata = await _json(client, where)
            if metadata["issuer"] != self.provider.issuer:
                raise ValueError("the metadata are another issuer's")
            keys: Any = await _json(client, str(metadata["jwks_uri"]))
        return KeySet.import_key_set(keys)


async def _json(client: httpx.AsyncClient, url: str) -> Mapping[str, Any]:
    answer = await client.get(url)
    answer.raise_for_status()
    if len(answer.content) > _LONGEST:
        raise ValueError("longer than any metadata")
    value = answer.json()
    if not isinstance(value, dict):
        raise ValueError("no object")
    return value


def caller_of(claims: Mapping[str, Any], provider: Provider) -> Caller:
    """Return the caller that the claims of a good token make.

    Raises:
        ValueError: not exactly one role, or not bound to what the role needs.
    """
    listed = claims.get(provider.roles, [])
    named = [listed] if isinstance(listed, str) else listed
    roles = [Role(name) for name in named if name in BINDINGS]
    if len(roles) != 1:
        raise ValueError("a token names one role of this service")
    role = roles[0]
    bound = {
        "issuer": _bound(claims, provider.body, ISSUER),
        "counter": _bound(claims, provider.counter, _COUNTER),
    }
    needed = BINDINGS[role]
    if needed is not None and bound[needed] is None:
        raise ValueError(f"a token of role {role} is bound to its {needed}")
    region = claims.get(provider.region)
    if region is not None and (type(region) is not int or not 0 <= region <= 99):
        raise ValueError("a region is a number of two digits")
    name = f"oidc:{str(claims['sub'])[:64]}"
    issuer = bound["issuer"] if role is Role.ISSUER else None
    counter = bound["counter"] if role is Role.COUNTER else None
    return Caller(
        id=name,
        party=party_of(role, issuer=issuer, counter=counter, name=name),
        role=role,
        issuer=issuer,
        counter=counter,
        region=region,
    )


def _bound(claims: Mapping[str, Any], name: str, pattern: re.Pattern[str]) -> str | None:
    value = claims.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError(f"the claim {name} is not like {pattern.pattern}")
    return value
