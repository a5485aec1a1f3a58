"""Create events: final batches for their issuers, changed statuses for callers who watch them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import structlog

from certledger.ledger.core.leases import lease_holder
from certledger.ledger.core.service_values import (
    BATCH_FINAL,
    BATCH_REORGANISED,
    CHECKPOINT_REPLACED,
    RETRACTED,
    STATUS_CHANGED,
    Delivery,
    DeliveryState,
    Watch,
)
from certledger.ledger.core.values import StoredCheckpoint, SubmittedAct
from certledger.ledger.store.unit_of_work import Store, Unit
from certledger.ledger.webhooks.address_guard import RESOLVER, Resolver
from certledger.ledger.webhooks.delivery import PAUSES, SECONDS, Due, WebhookSender
from certledger.verifier.formats.canonical_json import Json, format_canonical, format_time
from certledger.verifier.formats.statements import Batch
from certledger.verifier.formats.status_tree import CELLS, read_cell
from certledger.verifier.vocabulary import Status

log = structlog.get_logger(__name__)
LEASE = "telling"
_LEASE_SECONDS = 60
_MAX_ROUND = 200


@dataclass(kw_only=True)
class EventDispatcher:
    """Creates events and delivers them.  Any number may run; the one with the lease works.

    The attributes after `clock` are those of `WebhookSender`.
    """

    store: Store
    pepper: bytes
    clock: Callable[[], float]
    private: bool = False
    resolver: Resolver = RESOLVER
    pauses: tuple[int, ...] = PAUSES
    seconds: float = SECONDS
    holder: str = field(default_factory=lease_holder)

    def step(self) -> None:
        """Create new events, and send due deliveries."""
        now = int(self.clock())
        with self.store.begin() as unit:
            token = unit.acquire(LEASE, self.holder, seconds=_LEASE_SECONDS)
            if token is None:
                return
            taken_back = unit.reorganisations()
            # Retractions first: the event that a batch is final again must come after them.
            if not taken_back or self._find_reorganised(unit, now):
                self._find_batches(unit, now)
            checkpoint = unit.checkpoint()
            # A checkpoint at or below the fork says nothing of the blocks that replaced others.
            if checkpoint is not None and (
                not taken_back or checkpoint.number > taken_back[0].fork
            ):
                self._find_statuses(unit, checkpoint, now)
        self._deliver(now)

    def release(self) -> None:
        """Release the lease, so that another worker need not wait until it ends."""
        with self.store.begin() as unit:
            unit.release(LEASE, self.holder)

    # New events -------------------------------------------------------------------------------

    def _find_reorganised(self, unit: Unit, now: int) -> bool:
        """Retract events of final batches that a reorganisation removed; return whether all are."""
        found = unit.unretracted_batches(_MAX_ROUND)
        for event in found:
            about = f"{event.about}{RETRACTED}"
            unit.add_event(event.caller, BATCH_REORGANISED, about, event.body, now)
        return len(found) < _MAX_ROUND

    def _find_batches(self, unit: Unit, now: int) -> None:
        for act in unit.unsent_batches(_MAX_ROUND):
            about = f"batch/{act.subject}/{act.counter}"
            unit.add_event(
                f"body:{act.subject}", BATCH_FINAL, about, format_canonical(_batch(act)), now
            )

    def _find_statuses(self, unit: Unit, checkpoint: StoredCheckpoint, now: int) -> None:
        for issuer in unit.watched_issuers():
            words = unit.words(issuer, at=checkpoint.number)
            for watch in unit.watches_on(issuer):
                word = words.get(watch.index // CELLS)
                status = Status.VALID if word is None else read_cell(word, watch.index)
                if str(status) != watch.status or watch.block == CHECKPOINT_REPLACED:
                    self._tell_status(unit, watch, status, checkpoint, now)

    def _tell_status(
        self,
        unit: Unit,
        watch: Watch,
        status: Status,
        checkpoint: StoredCheckpoint,
        now: int,
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
        # 16 bytes of the hash: `about` has room for 128 characters.
        at = f"{checkpoint.number}/{checkpoint.hash[:16].hex()}"
        about = f"status/{watch.issuer}/{watch.index}/{at}"
        added = unit.add_event(watch.caller, STATUS_CHANGED, about, format_canonical(value), now)
        # If the event is not new (a checkpoint came back) and another status was sent in between,
        # the watch stays as it is and the next checkpoint creates the event.
        if added or str(status) == watch.status:
            unit.set_watch_status(watch, str(status), checkpoint.number)

    # Deliveries -------------------------------------------------------------------------------

    def _deliver(self, now: int) -> None:
        with self.store.begin(write=False) as unit:
            waiting = list(unit.due_deliveries(now, _MAX_ROUND))
            parts = [(one, unit.event(one.event), unit.hook(one.hook)) for one in waiting]
        due = []
        for delivery, event, hook in parts:
            if event is None or hook is None:
                gone = "the hook was removed"
                self._keep(replace(delivery, state=DeliveryState.FAILED, fault=gone))
            else:
                due.append(Due(delivery=delivery, event=event, hook=hook))
        if due:
            self._courier().deliver(due, self._keep)

    def _courier(self) -> WebhookSender:
        return WebhookSender(
            pepper=self.pepper,
            clock=self.clock,
            private=self.private,
            resolver=self.resolver,
            pauses=self.pauses,
            seconds=self.seconds,
        )

    def _keep(self, delivery: Delivery) -> None:
        if delivery.fault:
            log.info(
                "hook_failed",
                hook=delivery.hook,
                event_number=delivery.event,
                tries=delivery.tries,
                fault=delivery.fault,
            )
        with self.store.begin() as unit:
            unit.set_delivery(delivery)


def _batch(act: SubmittedAct) -> Json:
    assert isinstance(act.statement, Batch)
    return {
        "issuer": act.subject,
        "sequence": act.counter,
        "digest": act.digest.hex(),
        "root": act.statement.root.hex(),
        "certificates": act.certificates,
        "block": act.block or 0,
    }
