"""Protocols of the store that the HTTP service adds to those of `ledger.core.ports`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from certledger.ledger.core.book_values import BookUnit
from certledger.ledger.core.ports import SubmittedAct, Unit
from certledger.ledger.core.service_values import (
    Answered,
    ApiKey,
    Delivery,
    DeliveryState,
    Event,
    Hook,
    Verification,
    Watch,
)


class KeysUnit(Protocol):
    """API keys and idempotency keys."""

    def add_api_key(self, key: ApiKey) -> None:
        """Store a new key; its prefix must be free."""

    def api_key(self, prefix: str) -> ApiKey | None:
        """Return the key with this public prefix."""

    def api_keys(self) -> Sequence[ApiKey]:
        """Return all keys, oldest first."""

    def revoke_api_key(self, prefix: str, now: int) -> bool:
        """Revoke a key; return False if there is none or it was revoked before."""

    def revoke_api_keys(self, now: int) -> int:
        """Revoke every key; return how many were not revoked before."""

    def begin_request(self, caller: str, key: str, request: bytes, now: int) -> Answered | None:
        """Claim an idempotency key; return the stored request if it was claimed before."""

    def end_request(self, caller: str, key: str, status: int, answer: bytes) -> None:
        """Store the response to a claimed request."""

    def drop_request(self, caller: str, key: str) -> None:
        """Release an idempotency key: nothing was done under it."""

    def drop_requests(self, before: int) -> int:
        """Delete requests created before this second; return how many."""


class VerificationsUnit(Protocol):
    """Verifications, their batches of receipts, and accepted presentations."""

    def accept_presentation(self, digest: bytes, *, until: int, now: int) -> bool:
        """Record that a presentation is accepted; return False if it was accepted before.

        The record is deleted after `until` (seconds).
        """

    def presentation_accepted(self, digest: bytes) -> bool:
        """Return whether a presentation is recorded as accepted."""

    def add_verifications(self, given: Sequence[Verification]) -> None:
        """Store verifications with their receipts."""

    def verification(self, reference: str) -> Verification | None:
        """Return the verification with this reference."""

    def verifications_of(
        self, caller: str, *, since: int = 0, after: str | None = None, limit: int
    ) -> Sequence[Verification]:
        """Return a caller's verifications since a second and `after` a reference, oldest first."""

    def unsealed_verifications(self, limit: int) -> Sequence[Verification]:
        """Return verifications whose receipt is in no batch yet, oldest first."""

    def unsealed_count(self, most: int) -> int:
        """Return how many receipts are in no batch yet, counting to `most`."""

    def seal_verifications(
        self, references: Iterable[str], sequence: int, submission: bytes
    ) -> None:
        """Store a batch of the operator with these receipts."""

    def receipt_batch_waiting(self) -> tuple[int, bytes] | None:
        """Return sequence and submission of a sealed batch that was not submitted yet."""

    def receipt_batch_handed_in(self, sequence: int, digest: bytes) -> None:
        """Record that a sealed batch, whose statement has this digest, was submitted."""

    def receipt_batches_under_way(self) -> Sequence[tuple[int, bytes]]:
        """Return sequence and statement's digest of batches submitted and not final, in order."""

    def receipt_batch_final(self, sequence: int) -> None:
        """Record that a batch is final."""

    def unseal_verifications(self, sequence: int) -> None:
        """Delete a sealed batch that can no longer be included; its receipts are sealed again."""


class LookupsUnit(Protocol):
    """Certificate lookup for callers who may see nothing else."""

    def leaf_of_lookup(self, lookup: bytes) -> bytes | None:
        """Return the leaf hash of the newest certificate with this lookup digest.

        Found by the first 128 bits; evidence of the leaf then shows the whole digest.
        """


class HooksUnit(Protocol):
    """Webhooks, watches, events and deliveries."""

    def add_hook(self, hook: Hook) -> None:
        """Store a webhook."""

    def hook(self, hook_id: str) -> Hook | None:
        """Return a webhook that was not removed."""

    def hooks_of(self, caller: str) -> Sequence[Hook]:
        """Return a caller's webhooks, oldest first."""

    def remove_hook(self, hook_id: str, now: int) -> None:
        """Remove a webhook and its waiting deliveries."""

    def remove_hooks(self, now: int) -> int:
        """Remove every webhook; return how many."""

    def add_watch(self, watch: Watch) -> None:
        """Store a watch, unless the caller watches this certificate already."""

    def remove_watch(self, caller: str, issuer: str, index: int) -> bool:
        """Delete a watch; return whether there was one."""

    def watches_of(self, caller: str) -> Sequence[Watch]:
        """Return a caller's watches."""

    def watched_issuers(self) -> Sequence[str]:
        """Return the issuers with watched certificates."""

    def watches_on(self, issuer: str) -> Sequence[Watch]:
        """Return the watches of an issuer's certificates."""

    def set_watch_status(self, watch: Watch, status: str, block: int) -> None:
        """Set the status that the last event reported, and the block of its checkpoint."""

    def add_event(self, caller: str, kind: str, about: str, body: bytes, now: int) -> bool:
        """Store an event and its deliveries; return False if `about` is not new.

        A retraction also goes to webhooks for the kind of event that it retracts.
        """

    def events_of(self, caller: str, *, after: int, limit: int) -> Sequence[Event]:
        """Return a caller's events with a number above `after`, ascending."""

    def event(self, number: int) -> Event | None:
        """Return an event."""

    def due_deliveries(self, now: int, limit: int) -> Sequence[Delivery]:
        """Return waiting deliveries that are due, the most overdue first."""

    def failing_of(self, caller: str, limit: int) -> Sequence[tuple[Event, Delivery]]:
        """Return deliveries of a caller's events whose last try failed, newest first."""

    def set_delivery(self, delivery: Delivery) -> None:
        """Update a delivery."""

    def failing_count(self, state: DeliveryState) -> int:
        """Return how many deliveries whose last try failed are in `state`."""

    def unsent_batches(self, limit: int) -> Sequence[SubmittedAct]:
        """Return final batches without an event for their issuer, oldest first.

        The event of a batch belongs to the caller `body:CODE` and is about `batch/CODE/SEQUENCE`.
        """

    def unretracted_batches(self, limit: int) -> Sequence[Event]:
        """Return events of final batches that a reorganisation removed, without a retraction.

        The retraction is about the same as the event, followed by `/retracted`.
        """


class ServiceUnit(Unit, KeysUnit, VerificationsUnit, LookupsUnit, HooksUnit, BookUnit, Protocol):
    """One transaction of the store, with all queries of the service."""


class ServiceStore(Protocol):
    """The ledger's store with the tables of the service."""

    def begin(self, *, write: bool = True) -> AbstractContextManager[ServiceUnit]:
        """Begin one transaction; as `ledger.core.ports.Store.begin`."""

    def close(self) -> None:
        """Close every connection."""
