"""Deliver webhooks: signed (Standard Webhooks), all targets at once, each with a timeout."""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import httpx
import orjson
import structlog
from standardwebhooks.webhooks import Webhook

from certledger.ledger.core.service_values import Delivery, DeliveryState, Event, Hook
from certledger.ledger.webhooks.address_guard import (
    RESOLVER,
    Resolver,
    TargetForbiddenError,
    check_target,
)
from certledger.verifier.formats.canonical_json import format_time

log = structlog.get_logger(__name__)
PAUSES = (5, 60, 300, 1_800, 7_200, 18_000, 36_000, 36_000)
"""Seconds before each retry; after the last one a delivery is given up."""
SECONDS = 10.0
"""Timeout of one call, from the name lookup to the response's status."""
TURN_SECONDS = 20.0
"""Seconds after which a webhook's further deliveries wait for the next step."""
_MAX_FAULT_CHARACTERS = 200
_TAG = b"certledger/hook/1/"
# No keep-alive: a pooled connection to an IP address would serve another host name there.
_LIMITS = httpx.Limits(max_keepalive_connections=0)


def secret_of(pepper: bytes, hook: str) -> str:
    """Return the secret of a webhook (Standard Webhooks); derived from the pepper, not stored."""
    made = hmac.digest(pepper, _TAG + hook.encode(), "sha256")[:24]
    return "whsec_" + base64.b64encode(made).decode()


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """A due delivery with its event and webhook."""

    delivery: Delivery
    event: Event
    hook: Hook


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookSender:
    """Sends deliveries.  `private` allows private addresses; `pauses` are in seconds."""

    pepper: bytes
    clock: Callable[[], float]
    private: bool = False
    resolver: Resolver = RESOLVER
    pauses: tuple[int, ...] = PAUSES
    seconds: float = SECONDS

    def deliver(self, due: Sequence[Due], keep: Callable[[Delivery], None]) -> None:
        """Send due deliveries, all webhooks at once; pass each updated delivery to `keep`."""
        by_hook: dict[str, list[Due]] = defaultdict(list)
        for one in due:
            by_hook[one.hook.id].append(one)
        asyncio.run(self._deliver(list(by_hook.values()), keep))

    async def _deliver(
        self, turns: Sequence[Sequence[Due]], keep: Callable[[Delivery], None]
    ) -> None:
        async with httpx.AsyncClient(
            timeout=None, follow_redirects=False, trust_env=False, limits=_LIMITS
        ) as client:
            await asyncio.gather(*(self._take_turn(client, turn, keep) for turn in turns))

    async def _take_turn(
        self, client: httpx.AsyncClient, due: Sequence[Due], keep: Callable[[Delivery], None]
    ) -> None:
        """Send one webhook's deliveries in order, until one fails or `TURN_SECONDS` are over."""
        loop = asyncio.get_running_loop()
        until = loop.time() + TURN_SECONDS
        for place, one in enumerate(due):
            if loop.time() >= until:
                return
            fault = await self._call(client, one)
            keep(self._after(one.delivery, fault))
            if fault is not None:
                later = int(self.clock()) + self.pauses[0]
                for other in due[place + 1 :]:
                    keep(replace(other.delivery, due=later))
                return

    def _after(self, delivery: Delivery, fault: str | None) -> Delivery:
        tries = delivery.tries + 1
        if fault is None:
            return replace(delivery, state=DeliveryState.DONE, tries=tries, fault="")
        fault = fault[:_MAX_FAULT_CHARACTERS]
        if tries > len(self.pauses):
            return replace(delivery, state=DeliveryState.FAILED, tries=tries, fault=fault)
        due = int(self.clock()) + self.pauses[tries - 1]
        return replace(delivery, tries=tries, due=due, fault=fault)

    async def _call(self, client: httpx.AsyncClient, one: Due) -> str | None:
        """Call a webhook once; return the error, None on success."""
        try:
            async with asyncio.timeout(self.seconds):
                status = await self._post(client, one)
        except TimeoutError:
            return f"it does not answer within {self.seconds:g} seconds"
        except (httpx.HTTPError, TargetForbiddenError) as error:
            return str(error) or type(error).__name__
        return None if 200 <= status < 300 else f"it answers {status}"

    async def _post(self, client: httpx.AsyncClient, one: Due) -> int:
        """Return the status of the response; its body is not read."""
        body, url = message(one.event), one.hook.url
        target = await check_target(
            url,
            private=self.private,
            caller=one.hook.caller,
            resolver=self.resolver,
        )
        async with client.stream(
            "POST",
            target.url,
            content=body,
            headers={**self._headers(one, body), "host": target.host},
            extensions={"sni_hostname": target.name},
        ) as answer:
            return answer.status_code

    def _headers(self, one: Due, body: bytes) -> dict[str, str]:
        at = datetime.fromtimestamp(int(self.clock()), UTC)
        name = f"msg_{one.event.number}"
        signature = Webhook(secret_of(self.pepper, one.hook.id)).sign(name, at, body.decode())
        return {
            "content-type": "application/json",
            "user-agent": "certledger",
            "webhook-id": name,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": signature,
        }


def message(event: Event) -> bytes:
    """Return the payload: type, timestamp and data, as Standard Webhooks recommends."""
    value = {
        "type": event.kind,
        "timestamp": format_time(event.created),
        "data": orjson.loads(event.body),
    }
    return orjson.dumps(value)
