"""Sessions of the pages, so that each can be ended alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from certledger.ledger.store.tables import BIG

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "page_sessions",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("caller", sa.String(80), nullable=False),
        sa.Column("began", BIG, nullable=False),
        sa.Column("ends", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_page_sessions"),
    )
    op.create_index("ix_page_sessions_caller", "page_sessions", ["caller"])
