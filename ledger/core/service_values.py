"""Values of the HTTP service: API keys, verifications, webhooks, watches and events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

BATCH_FINAL = "batch.final"
BATCH_REORGANISED = "batch.reorganised"
STATUS_CHANGED = "certificate.status"
DECISION_CASE = "decision.case"
EVENT_KINDS = (BATCH_FINAL, BATCH_REORGANISED, STATUS_CHANGED, DECISION_CASE)
RETRACTIONS: Mapping[str, str] = {BATCH_REORGANISED: BATCH_FINAL}
"""Kinds of events that retract another kind; a webhook for that kind gets both."""
REORGANISED = "/reorganised/"
"""Suffix of the `about` of an event that a reorganisation retracted, before its number."""
RETRACTED = "/retracted"
"""Suffix of the `about` of a retraction."""
CHECKPOINT_REPLACED = -1
"""`block` of a watch whose last event named a checkpoint that was replaced."""


class Role(StrEnum):
    """Role of a caller; `api.auth.permissions` has the permissions of each."""

    ISSUER = "issuer"
    COUNTER = "counter"
    PARTNER = "partner"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"
    HOTLINE = "hotline"
    PUBLIC = "public"


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKey:
    """An API key; `digest` is the keyed hash of its text, times in seconds.

    `issuer`, `counter` and `region` restrict it, None for no restriction; empty `scopes` allow
    everything that the role may do.
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
        """Return whether the key is neither revoked nor expired at `now`."""
        return self.revoked is None and (self.expires is None or now < self.expires)


@dataclass(frozen=True, kw_only=True, slots=True)
class PageSession:
    """A session of the pages: 16 random bytes, the id of its caller, times in seconds."""

    id: bytes
    caller: str
    began: int
    ends: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """A verification: its signed receipt (canonical bytes), and its search keys.

    `caller` names the credential that asked, `party` its owner.  `leaves` are those (32 bytes
    each, concatenated) of the certificates that could be read; `sequence` is that of the
    operator's batch that anchors the receipt, None until it is sealed.
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
class IdempotentRequest:
    """A request under an idempotency key; `status` is 0 while it is running."""

    request: bytes
    created: int
    status: int
    answer: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Hook:
    """A webhook: an address that gets a caller's events of some kinds."""

    id: str
    caller: str
    url: str
    kinds: frozenset[str]
    created: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Watch:
    """A watched certificate; `status` is what the last event reported.

    `block` is that of the checkpoint that the last event named, or `CHECKPOINT_REPLACED`.
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
    """An event for a caller; `body` is canonical JSON, `about` is unique among the caller's."""

    number: int
    caller: str
    kind: str
    about: str
    created: int
    body: bytes


class DeliveryState(StrEnum):
    """State of a delivery."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """Delivery of an event to a webhook; `due` is the next try, `fault` the last error."""

    event: int
    hook: str
    state: DeliveryState
    tries: int
    due: int
    fault: str
