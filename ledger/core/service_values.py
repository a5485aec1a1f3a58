"""What the service remembers of its callers: values that are read, kept and handed on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

BATCH_FINAL = "batch.final"
BATCH_REORGANISED = "batch.reorganised"
STATUS_CHANGED = "certificate.status"
EVENT_KINDS = (BATCH_FINAL, BATCH_REORGANISED, STATUS_CHANGED)
RETRACTIONS: Mapping[str, str] = {BATCH_REORGANISED: BATCH_FINAL}
"""Kinds of events that take back an event of another kind; a hook for that kind gets both."""
REORGANISED = "/reorganised/"
"""Follows the `about` of an event that a reorganisation took back, before its number."""
RETRACTED = "/retracted"
"""Ends the `about` of the event that takes back another."""
CHECKPOINT_REPLACED = -1
"""The `block` of a watch whose last event named a checkpoint that was replaced."""


class Role(StrEnum):
    """What a caller is; what each may do stands in one table of the API."""

    ISSUER = "issuer"
    COUNTER = "counter"
    PARTNER = "partner"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"
    PUBLIC = "public"


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKey:
    """A caller's key; `digest` is the keyed hash of its text, times in seconds.

    `issuer`, `counter` and `region` are what it is bound to, None where to nothing; an empty
    `scopes` means everything that the role may.
    """

    prefix: str
    digest: bytes
    name: str
    role: Role
    issuer: str | None = None
    counter: str | None = None
    region: int | None = None
    scopes: frozenset[str] = frozenset()
    created: int
    expires: int | None = None
    revoked: int | None = None

    def good(self, now: int) -> bool:
        """Return whether the key may be used at `now`."""
        return self.revoked is None and (self.expires is None or now < self.expires)


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """What a caller was told: a signed receipt (canonical bytes), and what it is found by.

    `caller` names the credential that asked, `party` who is behind it.  `leaves` are those (32
    bytes each, one after another) of the certificates that were asked about and could be read;
    `sequence` is that of the operator's batch which anchors it, None until it is sealed.
    """

    reference: str
    caller: str
    party: str
    checked: int
    verdict: str
    leaves: bytes
    receipt: bytes
    number: int
    sequence: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """A request under an idempotency key; `status` is 0 while it is being worked on."""

    request: bytes
    created: int
    status: int
    answer: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Hook:
    """An address that a caller is told at of events of some kinds."""

    id: str
    caller: str
    url: str
    kinds: frozenset[str]
    created: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Watch:
    """A certificate that a caller relied on; `status` is what it was told last.

    `block` is the block of the checkpoint that the last event named, or `CHECKPOINT_REPLACED`.
    """

    caller: str
    issuer: str
    index: int
    leaf: bytes
    status: str
    created: int
    block: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Something a caller is to hear; `body` is canonical JSON, `about` names it among its own."""

    number: int
    caller: str
    kind: str
    about: str
    created: int
    body: bytes


class DeliveryState(StrEnum):
    """How far the delivery of an event has come."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """That an event goes to a hook; `due` is when it is tried next, `fault` what went wrong."""

    event: int
    hook: str
    state: DeliveryState
    tries: int
    due: int
    fault: str
