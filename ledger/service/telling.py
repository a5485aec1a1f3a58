"""Telling callers: final batches to their bodies, changed statuses to those who relied on them."""

from __future__ import annotations

import base64
import hmac
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import httpx
import orjson
import structlog
from standardwebhooks.webhooks import Webhook

from ledger.ports import Act, Checkpoint
from ledger.service.ports import ServiceStore, ServiceUnit
from ledger.service.targets import Resolve, TargetForbidden, check_target, resolve
from ledger.service.values import Delivery, DeliveryState, Event, Watch
from verifier.encoding import Json, format_canonical, format_time
from verifier.statements import Batch
from verifier.status import CELLS, read_cell
from verifier.vocabulary import Status

log = structlog.get_logger(__name__)
LEASE = "telling"
BATCH_FINAL = "batch.final"
STATUS_CHANGED = "certificate.status"
PAUSES = (5, 60, 300, 1_800, 7_200, 18_000, 36_000, 36_000)
"""Seconds before each further try; after the last of them a delivery is given up."""
_LEASE_SECONDS = 60
_MOST = 200
_TIMEOUT = 10.0
_TAG = b"certledger/hook/1/"


def secret_of(pepper: bytes, hook: str) -> str:
    """Return the secret of a hook, as Standard Webhooks writes it; it is derived and not kept."""
    made = hmac.digest(pepper, _TAG + hook.encode(), "sha256")[:24]
    return "whsec_" + base64.b64encode(made).decode()


@dataclass(kw_only=True)
class Teller:
    """Finds what is to be told, and calls hooks.  Any number may stand by; one works at a time."""

    store: ServiceStore
    pepper: bytes
    clock: Callable[[], float]
    private: bool = False
    resolving: Resolve = resolve
    pauses: tuple[int, ...] = PAUSES
    holder: str = field(default_factory=lambda: f"{socket.gethostname()}-{os.getpid()}")

    def step(self) -> None:
        """Find what is new, and call the hooks that are due."""
        now = int(self.clock())
        with self.store.begin() as unit:
            token = unit.acquire(LEASE, self.holder, now=now, seconds=_LEASE_SECONDS)
            if token is None:
                return
            self._find_batches(unit, now)
            checkpoint = unit.checkpoint()
            if checkpoint is not None:
                self._find_statuses(unit, checkpoint, now)
        self._deliver(now)

    def release(self) -> None:
        """Let another worker take over at once."""
        with self.store.begin() as unit:
            unit.release(LEASE, self.holder)

    # What is new ------------------------------------------------------------------------------

    def _find_batches(self, unit: ServiceUnit, now: int) -> None:
        for act in unit.untold_batches(_MOST):
            about = f"batch/{act.subject}/{act.counter}"
            unit.add_event(
                f"body:{act.subject}", BATCH_FINAL, about, format_canonical(_batch(act)), now
            )

    def _find_statuses(self, unit: ServiceUnit, checkpoint: Checkpoint, now: int) -> None:
        for issuer in unit.watched_issuers():
            words = unit.words(issuer, at=checkpoint.number)
            for watch in unit.watches_on(issuer):
                word = words.get(watch.index // CELLS)
                status = Status.VALID if word is None else read_cell(word, watch.index)
                if str(status) != watch.status:
                    self._tell_status(unit, watch, status, checkpoint, now)

    def _tell_status(
        self, unit: ServiceUnit, watch: Watch, status: Status, checkpoint: Checkpoint, now: int
    ) -> None:
        value: dict[str, Json] = {
            "issuer": watch.issuer,
            "index": watch.index,
            "leaf": watch.leaf.hex(),
            "before": watch.status,
            "status": str(status),
            "as_of": format_time(checkpoint.time),
            "block": checkpoint.number,
        }
        about = f"status/{watch.issuer}/{watch.index}/{checkpoint.number}"
        unit.add_event(watch.caller, STATUS_CHANGED, about, format_canonical(value), now)
        unit.set_watch_status(watch, str(status))

    # Calling hooks ----------------------------------------------------------------------------

    def _deliver(self, now: int) -> None:
        with self.store.begin(write=False) as unit:
            due = list(unit.due_deliveries(now, _MOST))
            parts = [(one, unit.event(one.event), unit.hook(one.hook)) for one in due]
        for delivery, event, hook in parts:
            if event is None or hook is None:
                gone = "the hook was removed"
                ended = replace(delivery, state=DeliveryState.FAILED, fault=gone)
            else:
                ended = self._after(delivery, self._call(hook.id, hook.url, event), now)
            with self.store.begin() as unit:
                unit.set_delivery(ended)

    def _after(self, delivery: Delivery, fault: str | None, now: int) -> Delivery:
        tries = delivery.tries + 1
        if fault is None:
            return replace(delivery, state=DeliveryState.DONE, tries=tries, fault="")
        if tries > len(self.pauses):
            return replace(delivery, state=DeliveryState.FAILED, tries=tries, fault=fault[:200])
        due = now + self.pauses[tries - 1]
        return replace(delivery, tries=tries, due=due, fault=fault[:200])

    def _call(self, hook: str, url: str, event: Event) -> str | None:
        """Call a hook once; return what went wrong, None where nothing did."""
        body = message(event)
        try:
            target = check_target(url, private=self.private, resolving=self.resolving)
            with httpx.Client(timeout=_TIMEOUT, follow_redirects=False, trust_env=False) as client:
                answer = client.post(
                    target.url,
                    content=body,
                    headers={**self._headers(hook, event, body), "host": target.host},
                    extensions={"sni_hostname": target.name},
                )
        except (httpx.HTTPError, TargetForbidden) as error:
            log.info("hook_failed", hook=hook, event_number=event.number, fault=str(error)[:200])
            return str(error) or type(error).__name__
        return None if answer.is_success else f"it answers {answer.status_code}"

    def _headers(self, hook: str, event: Event, body: bytes) -> dict[str, str]:
        at = datetime.fromtimestamp(int(self.clock()), UTC)
        name = f"msg_{event.number}"
        signature = Webhook(secret_of(self.pepper, hook)).sign(name, at, body.decode())
        return {
            "content-type": "application/json",
            "user-agent": "certledger",
            "webhook-id": name,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": signature,
        }


def message(event: Event) -> bytes:
    """Return what a hook is sent: type, time and data, as Standard Webhooks advises."""
    value = {
        "type": event.kind,
        "timestamp": format_time(event.created),
        "data": orjson.loads(event.body),
    }
    return orjson.dumps(value)


def _batch(act: Act) -> Json:
    assert isinstance(act.statement, Batch)
    return {
        "issuer": act.subject,
        "sequence": act.counter,
        "digest": act.digest.hex(),
        "root": act.statement.root.hex(),
        "certificates": act.certificates,
        "block": act.block or 0,
    }
