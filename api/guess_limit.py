"""Limit of failed lookups over all routes, against guessing access codes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from starlette.requests import Request

from certledger.api.auth.access import Rates
from certledger.api.auth.api_keys import asker_of
from certledger.api.errors import RateLimitError
from certledger.api.service import Service, service_of

MAX_MISSES = "30/minute"
"""Failed lookups of one caller."""
SECONDS_A_MISS = 0.05
MAX_DELAY_SECONDS = 2.0


async def find_leaves(request: Request, digests: Sequence[bytes]) -> list[bytes | None]:
    """Return the leaf of each lookup digest, None for unknown ones.

    The response takes the same time for known and unknown digests, and longer after failed lookups.
    A request over the limit fails as a whole, so a list reveals no more than single requests.

    Raises:
        RateLimitError: too many failed lookups.
    """
    service, loop = service_of(request), asyncio.get_running_loop()
    started, who = loop.time(), ("misses", asker_of(request).name)
    rates = service.gate.rates
    if not rates.open(MAX_MISSES, *who):
        raise RateLimitError(60)
    leaves = await service.pools.prove(request, _find, service, digests)
    if not rates.open(MAX_MISSES, *who):  # By guesses of the same caller that ran meanwhile.
        raise RateLimitError(60)
    delay = service.options.lookup_floor + _delay(rates, who)
    for leaf in leaves:
        if leaf is None:
            rates.hit(MAX_MISSES, *who)
    await asyncio.sleep(max(0.0, started + delay - loop.time()))
    return leaves


def _delay(rates: Rates, who: tuple[str, str]) -> float:
    return min(rates.used(MAX_MISSES, *who) * SECONDS_A_MISS, MAX_DELAY_SECONDS)


def _find(service: Service, digests: Sequence[bytes]) -> list[bytes | None]:
    with service.store.begin(write=False) as unit:
        return [unit.leaf_of_lookup(digest) for digest in digests]
