"""Access tokens of an OIDC provider: signed by its keys, for this audience, with a role in them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

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
"""Algorithms that a token may be signed by; none of them takes a shared secret."""
LEEWAY = 60
FRESH_SECONDS = 600
"""How long the provider's keys are believed before they are fetched again."""
SOONEST_SECONDS = 30
"""How soon they are fetched again where a token names one that is not among them."""
AWAY_SECONDS = 5
"""How soon a provider is asked again that did not answer and whose keys are not known."""
STALE_SECONDS = 86_400
"""How long keys are believed of a provider that does not answer any more."""
_TIMEOUT = 10.0
WAIT_SECONDS = 2.0
"""How long a token waits whose key is not known, while keys are fetched."""
_MAX_RESPONSE_BYTES = 262_144


@dataclass(frozen=True, kw_only=True, slots=True)
class Provider:
    """An OIDC provider, and how its tokens say who somebody is here.

    `issuer` is its address, `audience` what tokens for this service name; the other members are
    names of claims.  Where a token has no claim of a name, the name's dots lead into its objects,
    as in `realm_access.roles`.
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
    _tried: float = 0.0
    _fetching: asyncio.Task[None] | None = field(default=None, repr=False)

    async def authenticate(self, text: str) -> Caller:
        """Return the caller of a token.

        Raises:
            CredentialsInvalidError: not signed by the provider, over, for others, or without a
                role.
            ProviderUnreachableError: the provider's keys are not to be had.
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
        except (JoseError, ValueError, TypeError) as error:
            raise CredentialsInvalidError(f"the token is no good: {_reason(error)}") from error
        return caller_of(token.claims, self.provider)

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
        """Return the provider's keys, fetched again where they were not within `fresh` seconds.

        Keys that are known are good while newer ones are fetched: a token that one of them signed
        does not wait for a provider that hangs.  Others wait `WAIT_SECONDS` at most.

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
            raise ProviderUnreachableError("the identity provider does not answer")
        return self._keys

    async def _refresh(self) -> None:
        """Fetch the keys once, for all that wait for them."""
        try:
            self._keys = await self._fetch()
            self._fetched = self.clock()
        except _UNREADABLE as error:
            log.warning("oidc_keys_unavailable", reason=type(error).__name__)
        finally:
            self._tried = self.clock()
            self._fetching = None

    async def _fetch(self) -> KeySet:
        """Return the provider's keys, from where its metadata says they are."""
        where = self.provider.issuer.rstrip("/") + "/.well-known/openid-configuration"
        async with (
            asyncio.timeout(_TIMEOUT),
            httpx.AsyncClient(timeout=None, follow_redirects=False) as client,
        ):
            metadata = await _json(client, where)
            if metadata["issuer"] != self.provider.issuer:
                raise ValueError("the metadata are another issuer's")
            keys = await _json(client, str(metadata["jwks_uri"]))
        return KeySet(list(usable(keys["keys"])))


_UNREADABLE = (
    httpx.HTTPError, httpx.InvalidURL, CertledgerError, TimeoutError, ValueError, KeyError,
    TypeError,
)  # fmt: skip


async def _json(client: httpx.AsyncClient, url: str) -> Mapping[str, Any]:
    data = bytearray()
    require_secure(url, "server")
    async with client.stream("GET", url) as answer:
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
    """Yield the keys that are understood; others are passed over (RFC 7517, section 5)."""
    for key in keys:
        try:
            yield from KeySet.import_key_set({"keys": [key]}).keys
        except (JoseError, ValueError, KeyError, TypeError) as error:
            log.info("oidc_key_passed_over", reason=type(error).__name__)


def _reason(error: Exception) -> str:
    """Return why a token is no good; the library's words may repeat it, so they are not told."""
    if isinstance(error, ExpiredTokenError):
        return "it has ended"
    if isinstance(error, ClaimError):
        return f"its {error.claim} is missing, or not what it must be here"
    return "it is not signed by a key of the provider, in a way that is taken"


def caller_of(claims: Mapping[str, Any], provider: Provider) -> Caller:
    """Return the caller that the claims of a good token make.

    It is named by a hash of the provider and its subject: what stands in logs and receipts
    names no person.

    Raises:
        CredentialsInvalidError: not exactly one role, or not bound to what the role needs.
    """
    listed = claim_of(claims, provider.roles)
    named = listed if isinstance(listed, list) else [listed]
    roles = [Role(name) for name in named if isinstance(name, str) and name in BINDINGS]
    if len(roles) != 1:
        raise CredentialsInvalidError(
            f"the token names no one role of this service in {provider.roles}"
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
    subject = sha256(f"{provider.issuer}\n{claims['sub']}".encode()).hex()
    name = f"oidc:{subject[:NAMED]}"
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


def claim_of(claims: Mapping[str, Any], name: str) -> Any:
    """Return the claim of this name, or the one its dots lead to; None where there is none."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


NAMED = 32
"""Hexadecimal digits of the hash that names whom a token is of."""


def _bound(claims: Mapping[str, Any], name: str, pattern: re.Pattern[str]) -> str | None:
    value = claim_of(claims, name)
    if value is None:
        return None
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise CredentialsInvalidError(f"the claim {name} is not text like {pattern.pattern}")
    return value
