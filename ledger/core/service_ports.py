"""The store as the service before the ledger sees it; `ledger.core.ports` says what a unit is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

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
    """Keys of callers, and what was answered under their idempotency keys."""

    def add_api_key(self, key: ApiKey) -> None:
        """Keep a new key; its prefix must be free."""

    def api_key(self, prefix: str) -> ApiKey | None:
        """Return the key with this visible prefix."""

    def api_keys(self) -> Sequence[ApiKey]:
        """Return all keys, oldest first."""

    def revoke_api_key(self, prefix: str, now: int) -> bool:
        """Revoke a key; return whether there was one that was not revoked."""

    def revoke_api_keys(self, now: int) -> int:
        """Revoke every key; return how many were not revoked before."""

    def begin_request(self, caller: str, key: str, request: bytes, now: int) -> Answered | None:
        """Claim an idempotency key; return what stands under it if it was claimed before."""

    def end_request(self, caller: str, key: str, status: int, answer: bytes) -> None:
        """Keep the answer to a claimed request."""

    def drop_request(self, caller: str, key: str) -> None:
        """Give an idempotency key free: nothing was done under it."""

    def drop_requests(self, before: int) -> int:
        """Forget requests created before this second; return how many."""


class VerificationsUnit(Protocol):
    """What callers were told."""

    def accept_presentation(self, digest: bytes, *, until: int, now: int) -> bool:
        """Record that a presentation is accepted; return False where it was before.

        One that is recorded is forgotten after `until` (seconds).
        """

    def presentation_accepted(self, digest: bytes) -> bool:
        """Return whether a presentation is recorded as accepted."""

    def add_verifications(self, given: Sequence[Verification]) -> None:
        """Keep what was told."""

    def verification(self, reference: str) -> Verification | None:
        """Return what was told under a reference."""

    def verifications_of(
        self, caller: str, *, since: int = 0, after: str | None = None, limit: int
    ) -> Sequence[Verification]:
        """Return what a caller was told since a second and `after` a reference, oldest first."""

    def unsealed_verifications(self, limit: int) -> Sequence[Verification]:
        """Return what stands in no batch of the operator's yet, oldest first."""

    def unsealed_count(self, most: int) -> int:
        """Return how many stand in no batch of the operator's yet, counting to `most`."""

    def seal_verifications(
        self, references: Iterable[str], sequence: int, submission: bytes
    ) -> None:
        """Record that a batch of the operator's holds these receipts."""

    def receipt_batch_waiting(self) -> tuple[int, bytes] | None:
        """Return sequence and submission of a sealed batch that was not handed in yet."""

    def receipt_batch_handed_in(self, sequence: int, digest: bytes) -> None:
        """Record that a sealed batch, whose statement has this digest, was handed in."""

    def receipt_batches_under_way(self) -> Sequence[tuple[int, bytes]]:
        """Return sequence and statement's digest of batches handed in and not final, in order."""

    def receipt_batch_final(self, sequence: int) -> None:
        """Record that a batch is final."""

    def unseal_verifications(self, sequence: int) -> None:
        """Forget a sealed batch that can no longer come; its receipts are sealed anew."""


class LookupsUnit(Protocol):
    """Finding a certificate, and nothing else of it."""

    def leaf_of_lookup(self, lookup: bytes) -> bytes | None:
        """Return the leaf hash of the newest certificate with this lookup digest.

        Found by the first 128 bits; evidence of the leaf then shows the whole digest.
        """


class HooksUnit(Protocol):
    """Whom to tell of what."""

    def add_hook(self, hook: Hook) -> None:
        """Keep a hook."""

    def hook(self, hook_id: str) -> Hook | None:
        """Return a hook that was not removed."""

    def hooks_of(self, caller: str) -> Sequence[Hook]:
        """Return a caller's hooks, oldest first."""

    def remove_hook(self, hook_id: str, now: int) -> None:
        """Tell a hook nothing any more."""

    def remove_hooks(self, now: int) -> int:
        """Remove every web hook; return how many."""

    def add_watch(self, watch: Watch) -> None:
        """Keep a watch; one of the same certificate by the same caller stays as it is."""

    def remove_watch(self, caller: str, issuer: str, index: int) -> bool:
        """Forget a watch; return whether there was one."""

    def watches_of(self, caller: str) -> Sequence[Watch]:
        """Return a caller's watches."""

    def watched_issuers(self) -> Sequence[str]:
        """Return the bodies of whom some certificate is watched."""

    def watches_on(self, issuer: str) -> Sequence[Watch]:
        """Return the watches of a body's certificates."""

    def set_watch_status(self, watch: Watch, status: str, block: int) -> None:
        """Record what a watch was told last, and the block of the checkpoint it was so at."""

    def add_event(self, caller: str, kind: str, about: str, body: bytes, now: int) -> bool:
        """Keep an event and what its hooks are to hear; return False if it was known.

        A retraction goes to the hooks of the kind that it takes back too.
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
        """Record how far a delivery has come."""

    def failing_count(self, state: DeliveryState) -> int:
        """Return how many deliveries whose last try failed wait for the next, or were given up."""

    def unsent_batches(self, limit: int) -> Sequence[SubmittedAct]:
        """Return final batches of which their bodies have no event yet, oldest first.

        The event of a batch is the body's (`body:CODE`), about `batch/CODE/SEQUENCE`.
        """

    def unretracted_batches(self, limit: int) -> Sequence[Event]:
        """Return events of final batches that a reorganisation took back, without a retraction.

        The retraction is about the same as the event, and `/retracted`.
        """


class ServiceUnit(Unit, KeysUnit, VerificationsUnit, LookupsUnit, HooksUnit, Protocol):
    """One transaction of the store, as the service sees it."""


class ServiceStore(Protocol):
    """The ledger's store with what the service keeps in it."""

    def begin(self, *, write: bool = True) -> AbstractContextManager[ServiceUnit]:
        """Open one transaction; as `ledger.core.ports.Store.begin`."""

    def close(self) -> None:
        """Let go of every connection."""
