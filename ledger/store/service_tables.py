"""Tables of the HTTP service: API keys, verifications, idempotency, webhooks and watches."""

from __future__ import annotations

from sqlalchemy import Index, LargeBinary
from sqlmodel import Field

from certledger.ledger.store.tables import Big, Row


class ApiKeyRow(Row, table=True):
    """An API key: `digest` is a keyed hash of it, `prefix` its public beginning."""

    __tablename__ = "api_keys"

    prefix: str = Field(max_length=16, primary_key=True)
    digest: bytes = Field(sa_type=LargeBinary)
    name: str = Field(max_length=128)
    role: str = Field(max_length=16)
    issuer: str | None = Field(max_length=18)
    counter: str | None = Field(max_length=64)
    region: int | None
    scopes: str = Field(max_length=512)
    created: int = Field(sa_type=Big)
    expires: int | None = Field(sa_type=Big)
    revoked: int | None = Field(sa_type=Big)


class VerificationRow(Row, table=True):
    """A verification: the signed receipt and its search keys, without personal data.

    `sequence` is that of the operator's batch that anchors the receipt, None until it is sealed.
    """

    __tablename__ = "verifications"
    __table_args__ = (
        Index("ix_verifications_caller_checked", "caller", "checked"),
        Index("ix_verifications_party_checked", "party", "checked"),
    )

    number: int | None = Field(default=None, sa_type=Big, primary_key=True)
    reference: str = Field(max_length=16, unique=True)
    caller: str = Field(max_length=80)
    party: str = Field(max_length=80)
    checked: int = Field(sa_type=Big)
    verdict: str = Field(max_length=16)
    leaves: bytes | None = Field(sa_type=LargeBinary)
    receipt: bytes = Field(sa_type=LargeBinary)
    sequence: int | None = Field(sa_type=Big, index=True)


class ReceiptBatchRow(Row, table=True):
    """A batch of receipts that the operator sealed, stored before it is submitted.

    `submission` is the submission, then the digest of its statement, and empty once it is final.
    """

    __tablename__ = "receipt_batches"

    sequence: int = Field(sa_type=Big, primary_key=True, sa_column_kwargs={"autoincrement": False})
    submission: bytes = Field(sa_type=LargeBinary)
    handed_in: bool


class PresentationRow(Row, table=True):
    """An accepted presentation of a holder, by the SHA-256 of its signature.

    It is accepted once until `until` (seconds), after which it is too old to be accepted at all.
    """

    __tablename__ = "presentations"

    digest: bytes = Field(sa_type=LargeBinary(32), primary_key=True)
    until: int = Field(sa_type=Big, index=True)


class IdempotencyRow(Row, table=True):
    """A request under a caller's idempotency key, with its response; `status` 0 while running."""

    __tablename__ = "idempotency"

    caller: str = Field(max_length=80, primary_key=True)
    key: str = Field(max_length=255, primary_key=True)
    request: bytes = Field(sa_type=LargeBinary)
    created: int = Field(sa_type=Big, index=True)
    status: int
    answer: bytes = Field(sa_type=LargeBinary)


class HookRow(Row, table=True):
    """A webhook; its secret is derived from the pepper, not stored."""

    __tablename__ = "hooks"

    id: str = Field(max_length=32, primary_key=True)
    caller: str = Field(max_length=80, index=True)
    url: str = Field(max_length=2048)
    kinds: str = Field(max_length=512)
    created: int = Field(sa_type=Big)
    removed: int | None = Field(sa_type=Big)


class WatchRow(Row, table=True):
    """A watched certificate; `status` is what the last event reported.

    `block` is the checkpoint that the last event named, -1 if that checkpoint was replaced.
    """

    __tablename__ = "watches"
    __table_args__ = (Index("ix_watches_issuer_index", "issuer", "index"),)

    caller: str = Field(max_length=80, primary_key=True)
    issuer: str = Field(max_length=18, primary_key=True)
    index: int = Field(sa_type=Big, primary_key=True)
    leaf: bytes = Field(sa_type=LargeBinary)
    status: str = Field(max_length=16)
    created: int = Field(sa_type=Big)
    block: int | None = Field(sa_type=Big, nullable=True)


class EventRow(Row, table=True):
    """An event for a caller; `about` is unique a caller, so that none is created twice."""

    __tablename__ = "events"
    __table_args__ = (Index("ux_events_caller_about", "caller", "about", unique=True),)

    number: int | None = Field(default=None, sa_type=Big, primary_key=True)
    caller: str = Field(max_length=80)
    kind: str = Field(max_length=32)
    about: str = Field(max_length=128)
    created: int = Field(sa_type=Big)
    body: bytes = Field(sa_type=LargeBinary)


class DeliveryRow(Row, table=True):
    """Delivery of an event to a webhook: tries so far, and when the next one is due."""

    __tablename__ = "deliveries"
    __table_args__ = (Index("ix_deliveries_state_due", "state", "due"),)

    event: int = Field(
        sa_type=Big, primary_key=True, foreign_key="events.number", ondelete="CASCADE"
    )
    hook: str = Field(
        max_length=32, primary_key=True, foreign_key="hooks.id", ondelete="CASCADE", index=True
    )
    state: str = Field(max_length=16)
    tries: int
    due: int = Field(sa_type=Big)
    fault: str = Field(max_length=200)
