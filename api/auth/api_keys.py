"""API keys: creation, authentication, and the caller that a credential stands for."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address, ip_network

from starlette.requests import Request

from certledger.api.errors import CredentialsInvalidError
from certledger.ledger.core.service_values import ApiKey, Role
from certledger.ledger.store.unit_of_work import Store
from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.formats.issuer_state import region_of

COUNTER = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""Pattern of a counter's name."""
MARK = "clk_"
PREFIX_SIZE = 8
SECRET_SIZE = 32
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_REMEMBERED_SECONDS = 1.0
"""Seconds that an authenticated key is cached; a revoked key works at most so long."""
_MAX_CACHED_TOKENS = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """An authenticated caller.

    Attributes:
        id: identifies the credential, without any secret.
        party: identifies the owner: all keys of one issuer are one party.
        scopes: operations that it may call, a subset of its role's; empty for all.
        expires: end of the credential (seconds), None without one.
    """

    id: str
    party: str
    role: Role
    issuer: str | None = None
    counter: str | None = None
    region: int | None = None
    scopes: frozenset[str] = frozenset()
    expires: int | None = None

    def speaks_for(self, issuer: str) -> bool:
        """Return whether the caller may access data that belong to this issuer."""
        if self.issuer is not None:
            return self.issuer == issuer
        if self.region is not None:
            return in_region(issuer, self.region)
        return self.role in (Role.AUDITOR, Role.ADMINISTRATOR, Role.PARTNER)


def in_region(issuer: str, region: int) -> bool:
    """Return whether an issuer's code is of a region."""
    return issuer[2:4].isdecimal() and region_of(issuer) == region


@dataclass(frozen=True, kw_only=True, slots=True)
class RateLimitSubject:
    """Owner of a rate and memory share: a party, or an address of the public."""

    name: str
    public: bool


def asker_of(request: Request) -> RateLimitSubject:
    """Return the subject of a request's limits, set by the gate."""
    asker: RateLimitSubject = request.state.asker
    return asker


@lru_cache(maxsize=4_096)
def network_of(address: str) -> str:
    """Return the address for rate limits: IPv6 by its /64 network, which one line gets."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((int(parsed) >> 64 << 64, 64)))


PUBLIC = Caller(id="public", party="public", role=Role.PUBLIC)


def party_of(
    role: Role, *, issuer: str | None, counter: str | None, region: int | None, name: str
) -> str:
    """Return the party of a credential called `name`.

    Counters of one name in two regions are two parties: the administrator of a region may name a
    counter freely, and must not get what another region's was given.
    """
    if role is Role.ISSUER:
        return f"body:{issuer}"
    if counter is None:
        return name
    return f"counter:{counter}" if region is None else f"counter:{region:02}:{counter}"


def _draw(size: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(size))


@dataclass(kw_only=True)
class KeyRing:
    """Store of API keys.  `clock` gives seconds; `pepper` is the secret of their hashes."""

    store: Store
    pepper: bytes
    clock: Callable[[], float]
    _seen: dict[bytes, tuple[float, Caller]] = field(default_factory=dict, repr=False)

    def create(
        self,
        *,
        name: str,
        role: Role,
        issuer: str | None = None,
        counter: str | None = None,
        region: int | None = None,
        scopes: frozenset[str] = frozenset(),
        expires: int | None = None,
        draw: Callable[[int], str] = _draw,
    ) -> tuple[ApiKey, str]:
        """Create a key; return it with its text, which is not stored."""
        prefix = MARK + draw(PREFIX_SIZE)
        text = f"{prefix}_{draw(SECRET_SIZE)}"
        key = ApiKey(
            prefix=prefix,
            digest=self._digest(text),
            name=name,
            role=role,
            issuer=issuer,
            counter=counter,
            region=region,
            scopes=scopes,
            created=int(self.clock()),
            expires=expires,
        )
        with self.store.begin() as unit:
            unit.add_api_key(key)
        return key, text

    def revoke(self, prefix: str) -> bool:
        """Revoke a key; return whether it was valid."""
        with self.store.begin() as unit:
            done = unit.revoke_api_key(prefix, int(self.clock()))
        self._seen.clear()
        return done

    def remembered(self, text: str) -> Caller | None:
        """Return the caller of a cached key, without a database query."""
        cached = self._seen.get(sha256(text.encode()))
        return cached[1] if cached is not None and self.clock() < cached[0] else None

    def authenticate(self, text: str) -> Caller:
        """Return the caller of a key.

        Raises:
            CredentialsInvalidError: it is unknown, expired or revoked; the error does not say
            which.
        """
        prefix, _, secret = text.rpartition("_")
        now = self.clock()
        with self.store.begin(write=False) as unit:
            key = unit.api_key(prefix[: len(MARK) + PREFIX_SIZE]) if secret else None
        # Hash in any case, so that unknown keys take as long as known ones.
        same = hmac.compare_digest(self._digest(text), key.digest if key else bytes(32))
        if key is None or not same or not key.good(int(now)):
            raise CredentialsInvalidError("the key is unknown, expired or revoked")
        caller = caller_of(key)
        if len(self._seen) >= _MAX_CACHED_TOKENS:
            self._seen.clear()
        self._seen[sha256(text.encode())] = (now + _REMEMBERED_SECONDS, caller)
        return caller

    def _digest(self, text: str) -> bytes:
        return hmac.digest(self.pepper, text.encode(), "sha256")


def caller_of(key: ApiKey) -> Caller:
    """Return the caller of a key."""
    return Caller(
        id=f"key:{key.prefix}",
        party=party_of(
            key.role,
            issuer=key.issuer,
            counter=key.counter,
            region=key.region,
            name=f"key:{key.prefix}",
        ),
        role=key.role,
        issuer=key.issuer,
        counter=key.counter,
        region=key.region,
        scopes=key.scopes,
        expires=key.expires,
    )


BINDINGS: Mapping[Role, str | None] = {
    Role.ISSUER: "issuer",
    Role.COUNTER: "counter",
    Role.PARTNER: None,
    Role.AUDITOR: None,
    Role.ADMINISTRATOR: None,
    Role.HOTLINE: None,
}
"""What a credential of a role must be bound to, None for nothing."""
