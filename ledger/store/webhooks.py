"""Store queries of webhooks, watches, events and deliveries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from sqlalchemy import (
    String,
    and_,
    cast,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from certledger.ledger.core.acts import ActKind, ActState
from certledger.ledger.core.service_values import (
    BATCH_FINAL,
    REORGANISED,
    RETRACTED,
    RETRACTIONS,
    Delivery,
    DeliveryState,
    Event,
    Hook,
    Watch,
)
from certledger.ledger.core.values import SubmittedAct
from certledger.ledger.store import rows
from certledger.ledger.store.base import Base, value_of
from certledger.ledger.store.tables import ACTS, DELIVERIES, EVENTS, HOOKS, WATCHES

_FAILING = or_(
    DELIVERIES.c.state == str(DeliveryState.FAILED),
    and_(DELIVERIES.c.state == str(DeliveryState.WAITING), DELIVERIES.c.tries > 0),
)
"""The condition that a delivery was given up or is being retried."""


_AT_ONCE = 500
"""Values in one query."""


class HooksPart(Base):
    """Webhooks, watches, events and deliveries."""

    def add_hook(self, hook: Hook) -> None:
        """Store a webhook."""
        values = asdict(hook) | {"kinds": " ".join(sorted(hook.kinds)), "removed": None}
        self.connection.execute(insert(HOOKS).values(values))

    def hook(self, hook_id: str) -> Hook | None:
        """Return a webhook that was not removed."""
        query = select(HOOKS).where(HOOKS.c.id == hook_id, HOOKS.c.removed.is_(None))
        return self.find_one(query, _hook_of)

    def hooks_of(self, caller: str) -> Sequence[Hook]:
        """Return a caller's webhooks, oldest first."""
        query = (
            select(HOOKS)
            .where(HOOKS.c.caller == caller, HOOKS.c.removed.is_(None))
            .order_by(HOOKS.c.created, HOOKS.c.id)
        )
        return self.find_all(query, _hook_of)

    def remove_hook(self, hook_id: str, now: int) -> None:
        """Remove a webhook and its waiting deliveries."""
        self.connection.execute(update(HOOKS).where(HOOKS.c.id == hook_id).values(removed=now))
        self.connection.execute(
            delete(DELIVERIES).where(
                DELIVERIES.c.hook == hook_id, DELIVERIES.c.state == str(DeliveryState.WAITING)
            )
        )

    def remove_hooks(self, now: int) -> int:
        """Remove every webhook; return how many."""
        query = select(HOOKS.c.id).where(HOOKS.c.removed.is_(None))
        found = self.connection.execute(query).scalars().all()
        for hook_id in found:
            self.remove_hook(hook_id, now)
        return len(found)

    # Watches ----------------------------------------------------------------------------------

    def add_watch(self, watch: Watch) -> None:
        """Store a watch, unless the caller watches this certificate already."""
        self.insert_new(WATCHES, asdict(watch))

    def remove_watch(self, caller: str, issuer: str, index: int) -> bool:
        """Delete a watch; return whether there was one."""
        statement = delete(WATCHES).where(
            WATCHES.c.caller == caller, WATCHES.c.issuer == issuer, WATCHES.c.index == index
        )
        return bool(self.connection.execute(statement).rowcount)

    def watches_of(self, caller: str) -> Sequence[Watch]:
        """Return a caller's watches."""
        query = select(WATCHES).where(WATCHES.c.caller == caller)
        return self.find_all(
            query.order_by(WATCHES.c.issuer, WATCHES.c.index), partial(value_of, Watch)
        )

    def watched_issuers(self) -> Sequence[str]:
        """Return the issuers with watched certificates."""
        query = select(WATCHES.c.issuer).distinct().order_by(WATCHES.c.issuer)
        return list(self.connection.execute(query).scalars())

    def watches_on(self, issuer: str) -> Sequence[Watch]:
        """Return the watches of an issuer's certificates."""
        query = select(WATCHES).where(WATCHES.c.issuer == issuer)
        return self.find_all(
            query.order_by(WATCHES.c.index, WATCHES.c.caller), partial(value_of, Watch)
        )

    def set_watch_status(self, watch: Watch, status: str, block: int) -> None:
        """Set the status that the last event reported, and the block of its checkpoint."""
        self.connection.execute(
            update(WATCHES)
            .where(
                WATCHES.c.caller == watch.caller,
                WATCHES.c.issuer == watch.issuer,
                WATCHES.c.index == watch.index,
            )
            .values(status=status, block=block)
        )

    # Events and deliveries --------------------------------------------------------------------

    def add_event(self, caller: str, kind: str, about: str, body: bytes, now: int) -> bool:
        """Store an event and its deliveries; return False if `about` is not new.

        A retraction also goes to webhooks for the kind of event that it retracts.
        """
        return self.add_events(caller, kind, {about: body}, now) == 1

    def add_events(self, caller: str, kind: str, bodies: Mapping[str, bytes], now: int) -> int:
        """Store a caller's events of one kind by their `about`, as `add_event`; return how many."""
        known = self._known_events(caller, list(bodies))
        rows = [
            {"caller": caller, "kind": kind, "about": about, "created": now, "body": body}
            for about, body in bodies.items()
            if about not in known
        ]
        if not rows:
            return 0
        adding = insert(EVENTS).returning(EVENTS.c.number)
        numbers = self.connection.execute(adding, rows).scalars().all()
        covering = (kind, RETRACTIONS.get(kind, kind))
        hooks = [one.id for one in self.hooks_of(caller) if not one.kinds.isdisjoint(covering)]
        waiting = {"state": str(DeliveryState.WAITING), "tries": 0, "due": now, "fault": ""}
        deliveries = [
            waiting | {"event": number, "hook": hook} for number in numbers for hook in hooks
        ]
        if deliveries:
            self.connection.execute(insert(DELIVERIES), deliveries)
        return len(rows)

    def _known_events(self, caller: str, abouts: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for at in range(0, len(abouts), _AT_ONCE):
            query = select(EVENTS.c.about).where(
                EVENTS.c.caller == caller, EVENTS.c.about.in_(abouts[at : at + _AT_ONCE])
            )
            found |= set(self.connection.execute(query).scalars())
        return found

    def events_of(self, caller: str, *, after: int, limit: int) -> Sequence[Event]:
        """Return a caller's events with a number above `after`, ascending."""
        query = select(EVENTS).where(EVENTS.c.caller == caller, EVENTS.c.number > after)
        return self.find_all(query.order_by(EVENTS.c.number).limit(limit), partial(value_of, Event))

    def event(self, number: int) -> Event | None:
        """Return an event."""
        query = select(EVENTS).where(EVENTS.c.number == number)
        return self.find_one(query, partial(value_of, Event))

    def due_deliveries(self, now: int, limit: int) -> Sequence[Delivery]:
        """Return waiting deliveries that are due, the most overdue first."""
        query = (
            select(DELIVERIES)
            .where(DELIVERIES.c.state == str(DeliveryState.WAITING), DELIVERIES.c.due <= now)
            .order_by(DELIVERIES.c.due, DELIVERIES.c.event)
            .limit(limit)
        )
        return self.find_all(query, _delivery_of)

    def failing_of(self, caller: str, limit: int) -> Sequence[tuple[Event, Delivery]]:
        """Return deliveries of a caller's events whose last try failed, newest first."""
        query = (
            select(EVENTS, DELIVERIES)
            .join(DELIVERIES, DELIVERIES.c.event == EVENTS.c.number)
            .where(EVENTS.c.caller == caller, _FAILING)
            .order_by(EVENTS.c.number.desc())
            .limit(limit)
        )
        return [(value_of(Event, row), _delivery_of(row)) for row in self.connection.execute(query)]

    def set_delivery(self, delivery: Delivery) -> None:
        """Update a delivery."""
        self.put(DELIVERIES, [asdict(delivery) | {"state": str(delivery.state)}])

    def failing_count(self, state: DeliveryState) -> int:
        """Return how many deliveries whose last try failed are in `state`."""
        query = select(func.count()).where(DELIVERIES.c.state == str(state), _FAILING)
        return int(self.connection.execute(query).scalar_one())

    def unsent_batches(self, limit: int) -> Sequence[SubmittedAct]:
        """Return final batches without an event for their issuer, oldest first.

        The event of a batch belongs to the caller `body:CODE` and is about `batch/CODE/SEQUENCE`.
        """
        response = exists().where(
            EVENTS.c.caller == literal("body:") + ACTS.c.subject,
            EVENTS.c.about
            == literal("batch/") + ACTS.c.subject + literal("/") + cast(ACTS.c.counter, String),
        )
        query = (
            select(ACTS)
            .where(
                ACTS.c.kind == str(ActKind.BATCH), ACTS.c.state == str(ActState.FINAL), ~response
            )
            .order_by(ACTS.c.number)
            .limit(limit)
        )
        return self.find_all(query, rows.act_of)

    def unretracted_batches(self, limit: int) -> Sequence[Event]:
        """Return events of final batches that a reorganisation removed, without a retraction.

        The retraction is about the same as the event, followed by `/retracted`.
        """
        later = EVENTS.alias()
        retracted = exists().where(
            later.c.caller == EVENTS.c.caller, later.c.about == EVENTS.c.about + RETRACTED
        )
        query = (
            select(EVENTS)
            .where(
                EVENTS.c.kind == BATCH_FINAL,
                EVENTS.c.about.contains(REORGANISED, autoescape=True),
                ~retracted,
            )
            .order_by(EVENTS.c.number)
            .limit(limit)
        )
        return self.find_all(query, partial(value_of, Event))


def _hook_of(row: Any) -> Hook:
    return value_of(Hook, row, kinds=frozenset(row.kinds.split()))


def _delivery_of(row: Any) -> Delivery:
    return value_of(Delivery, row, state=DeliveryState(row.state))
