"""API keys, verifications, idempotency keys, webhooks, watches, events and deliveries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _api_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("prefix", sa.String(16), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("issuer", sa.String(18), nullable=True),
        sa.Column("counter", sa.String(64), nullable=True),
        sa.Column("region", sa.Integer(), nullable=True),
        sa.Column("scopes", sa.String(512), nullable=False),
        sa.Column("created", BIG, nullable=False),
        sa.Column("expires", BIG, nullable=True),
        sa.Column("revoked", BIG, nullable=True),
        sa.PrimaryKeyConstraint("prefix", name="pk_api_keys"),
    )


def _verifications() -> None:
    op.create_table(
        "verifications",
        sa.Column("number", BIG, nullable=False),
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("caller", sa.String(80), nullable=False),
        sa.Column("checked", BIG, nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=True),
        sa.Column("receipt", sa.LargeBinary(), nullable=False),
        sa.Column("sequence", BIG, nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_verifications"),
        sa.UniqueConstraint("reference", name="uq_verifications_reference"),
    )
    op.create_index(
        "ix_verifications_caller_checked", "verifications", ["caller", "checked"], unique=False
    )
    op.create_index("ix_verifications_sequence", "verifications", ["sequence"], unique=False)
    op.create_table(
        "receipt_batches",
        sa.Column("sequence", BIG, autoincrement=False, nullable=False),
        sa.Column("submission", sa.LargeBinary(), nullable=False),
        sa.Column("handed_in", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_receipt_batches"),
    )


def _idempotency() -> None:
    op.create_table(
        "idempotency",
        sa.Column("caller", sa.String(80), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("created", BIG, nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("caller", "key", name="pk_idempotency"),
    )
    op.create_index("ix_idempotency_created", "idempotency", ["created"], unique=False)


def _hooks() -> None:
    op.create_table(
        "hooks",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("caller", sa.String(80), nullable=False),
        sa.Column("url", sa.String(2048), nullable=False),
        sa.Column("kinds", sa.String(512), nullable=False),
        sa.Column("created", BIG, nullable=False),
        sa.Column("removed", BIG, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_hooks"),
    )
    op.create_index("ix_hooks_caller", "hooks", ["caller"], unique=False)
    op.create_table(
        "watches",
        sa.Column("caller", sa.String(80), nullable=False),
        sa.Column("issuer", sa.String(18), nullable=False),
        sa.Column("index", BIG, nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("created", BIG, nullable=False),
        sa.PrimaryKeyConstraint("caller", "issuer", "index", name="pk_watches"),
    )
    op.create_index("ix_watches_issuer_index", "watches", ["issuer", "index"], unique=False)


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("number", BIG, nullable=False),
        sa.Column("caller", sa.String(80), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("about", sa.String(128), nullable=False),
        sa.Column("created", BIG, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_events"),
    )
    op.create_index("ux_events_caller_about", "events", ["caller", "about"], unique=True)
    op.create_table(
        "deliveries",
        sa.Column("event", BIG, nullable=False),
        sa.Column("hook", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due", BIG, nullable=False),
        sa.Column("fault", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("event", "hook", name="pk_deliveries"),
        sa.ForeignKeyConstraint(
            ["event"], ["events.number"], ondelete="CASCADE", name="fk_deliveries_event"
        ),
        sa.ForeignKeyConstraint(
            ["hook"], ["hooks.id"], ondelete="CASCADE", name="fk_deliveries_hook"
        ),
    )
    op.create_index("ix_deliveries_hook", "deliveries", ["hook"], unique=False)
    op.create_index("ix_deliveries_state_due", "deliveries", ["state", "due"], unique=False)


def upgrade() -> None:
    _api_keys()
    _verifications()
    _idempotency()
    _hooks()
    _events()


def downgrade() -> None:
    for name in ("deliveries", "events", "watches", "hooks"):
        op.drop_table(name)
    for name in ("idempotency", "receipt_batches", "verifications", "api_keys"):
        op.drop_table(name)
