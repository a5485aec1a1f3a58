"""Access control of every route: authentication, permission, rate limits."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from starlette.requests import Request

from certledger.api.auth.api_keys import MARK, PUBLIC, Caller, KeyRing, RateLimitSubject, network_of
from certledger.api.auth.oidc import OidcTokens
from certledger.api.auth.permissions import ALL_RULES, PAGE_RULES, Rule
from certledger.api.auth.session_registry import SessionRegistry
from certledger.api.auth.sessions import CSRF_HEADER, SESSION_HEADER, Sessions
from certledger.api.errors import (
    CredentialsInvalidError,
    ForbiddenError,
    RateLimitError,
    UnauthenticatedError,
)
from certledger.api.thread_pools import FairPool
from certledger.ledger.core.service_values import Role

_MAX_CREDENTIAL_CHARACTERS = 8_192
_SECONDS = {"second": 1.0, "minute": 60.0, "hour": 3_600.0, "day": 86_400.0}


def _span(rate: str) -> tuple[int, float]:
    """Parse a rate, as `60/minute`, to (calls, seconds)."""
    amount, _, unit = rate.partition("/")
    return int(amount), _SECONDS[unit]


_MAX_COUNTED_KEYS = 100_000


@dataclass(kw_only=True)
class Rates:
    """Rate limits per caller, in this process.  `clock` gives seconds.

    Uses the generic cell rate algorithm (GCRA, as in ATM networks): each call books its share of
    the span.  It stores one number per caller, has no window edge that lets through twice the rate,
    and needs no timer.
    """

    clock: Callable[[], float]
    _booked: dict[tuple[str, ...], float] = field(default_factory=dict, repr=False)

    def hit(self, rate: str, *who: str) -> None:
        """Count a call.

        Raises:
            RateLimitError: more calls than `rate` allows.
        """
        amount, span = _span(rate)
        now = self.clock()
        booked = max(self._booked.get(who, 0.0), now) + span / amount
        if booked - now > span:
            raise RateLimitError(max(1, math.ceil(booked - now - span)))
        if len(self._booked) >= _MAX_COUNTED_KEYS:
            self._booked = {name: until for name, until in self._booked.items() if until > now}
        self._booked[who] = booked

    def open(self, rate: str, *who: str) -> bool:
        """Return whether one more call would be allowed, without counting it."""
        amount, span = _span(rate)
        now = self.clock()
        return max(self._booked.get(who, 0.0), now) + span / amount - now <= span

    def used(self, rate: str, *who: str) -> int:
        """Return the number of calls that are booked now."""
        amount, span = _span(rate)
        return math.ceil(max(self._booked.get(who, 0.0) - self.clock(), 0.0) * amount / span)


@dataclass(kw_only=True)
class Gate:
    """Authenticates and authorizes callers; `tokens` is None without an identity provider.

    A page's session counts as credentials.  Beyond pages it needs the CSRF token in a header too,
    so that another site cannot call the API in a visitor's name.
    """

    keys: KeyRing
    rates: Rates
    pool: FairPool
    sessions: Sessions
    registry: SessionRegistry
    tokens: OidcTokens | None = None
    public_rate: str = "60/minute"
    address_rate: str = "600000/minute"
    _checking: dict[str, asyncio.Future[Caller]] = field(default_factory=dict, repr=False)

    async def admit(self, request: Request) -> Caller:
        """Return the caller of a route, counted against the rate limits.

        Raises:
            UnauthenticatedError: no credentials, and the route is not public.
            CredentialsInvalidError: the key or token is invalid.
            ForbiddenError: the caller's role or scopes do not include the operation.
            RateLimitError: too many calls.
        """
        operation: str = request.scope["route"].operation_id
        rule = ALL_RULES[operation]
        address = network_of((request.scope.get("client") or "?")[0])
        request.state.asker = RateLimitSubject(name=address, public=True)
        self.rates.hit(self.address_rate, address)
        text = credential_of(request)
        if rule.roles is None:
            self.rates.hit(rule.rate, operation, address)
            return PUBLIC
        if text is None:
            caller = await self._signed_in(request, operation, address)
        else:
            caller = await self.authenticate(text, address)
        request.state.caller = caller.id
        if caller is not PUBLIC:
            request.state.asker = RateLimitSubject(name=caller.party, public=False)
        _check(rule, operation, caller)
        if caller is PUBLIC:
            self.rates.hit(self.public_rate, operation, address)
        else:
            self.rates.hit(rule.rate, operation, caller.id)
            self.rates.hit(rule.rate, operation, "party", caller.party)
        return caller

    async def _signed_in(self, request: Request, operation: str, address: str) -> Caller:
        """Return the caller of a request's session, else the public.

        Raises:
            CredentialsInvalidError: its key was revoked or has expired, or it has ended and the
                request asks for one.
        """
        session = self.sessions.session_of(request)
        genuine = operation in PAGE_RULES or self.sessions.is_genuine(
            request, request.headers.get(CSRF_HEADER)
        )
        if session is None or not genuine or not await self._is_open(session.id, address):
            if request.headers.get(SESSION_HEADER) == "required":
                raise CredentialsInvalidError("the session has ended")
            return PUBLIC
        if session.key is None:
            return session.caller or PUBLIC
        return await self.authenticate(session.key, address)

    async def _is_open(self, session: bytes, address: str) -> bool:
        """Return whether a session was not ended, here or in another process."""
        if self.registry.is_remembered(session):
            return True
        return await self.pool.run(address, self.registry.is_open, session)

    async def check_key(self, address: str, text: str) -> Caller:
        """Return the caller of a key; callers at different addresses take turns.

        Concurrent requests with the same key share one database lookup.
        """
        checking = self._checking.get(text)
        if checking is None:
            work = self.pool.run(address, self.keys.authenticate, text)
            checking = self._checking[text] = asyncio.ensure_future(work)
            checking.add_done_callback(partial(self._checked, text))
        # A request that is cancelled must not cancel the lookup for the others.
        return await asyncio.shield(checking)

    def _checked(self, text: str, checking: asyncio.Future[Caller]) -> None:
        del self._checking[text]
        if not checking.cancelled():
            checking.exception()  # Marked as retrieved, else asyncio logs a warning.

    async def authenticate(self, text: str, address: str) -> Caller:
        """Return the caller of a key or token that came from an address.

        Raises:
            CredentialsInvalidError: it is invalid, which counts against the address.
        """
        cached = self.keys.remembered(text)
        if cached is not None:
            return cached
        try:
            if text.startswith(MARK):
                return await self.check_key(address, text)
            if self.tokens is not None:
                return await self.tokens.authenticate(text)
            raise CredentialsInvalidError(
                "the credentials are not an API key, and no identity provider is configured"
            )
        except CredentialsInvalidError:
            # Only failures count, so a guesser does not lock out others behind the same address.
            self.rates.hit(_WRONG, "wrong", address)
            raise


_WRONG = "100/minute"
"""Failed authentications per address."""


def credential_of(request: Request) -> str | None:
    """Return the key or token of a request, None without one.

    Raises:
        CredentialsInvalidError: another scheme than Bearer, or too long.
    """
    header = request.headers.get("authorization")
    if header is None:
        return None
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "bearer" or not 0 < len(text) <= _MAX_CREDENTIAL_CHARACTERS:
        raise CredentialsInvalidError("credentials are not of the form `Authorization: Bearer ...`")
    return text.strip()


def _check(rule: Rule, operation: str, caller: Caller) -> None:
    assert rule.roles is not None
    if caller.role not in rule.roles:
        if caller.role is Role.PUBLIC:
            raise UnauthenticatedError("the operation needs a key or a token")
        raise ForbiddenError(f"role {caller.role} may not call {operation}")
    if caller.scopes and operation not in caller.scopes and operation not in PAGE_RULES:
        raise ForbiddenError(f"the scopes of the key do not include {operation}")
