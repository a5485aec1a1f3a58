"""Editions of the reform's book."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from certledger.ledger.store.tables import BIG

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "book_editions",
        sa.Column("number", BIG, autoincrement=False, nullable=False),
        sa.Column("holds_from", sa.String(10), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("created", BIG, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_book_editions"),
        sa.UniqueConstraint("holds_from", name="uq_book_editions_holds_from"),
        sa.UniqueConstraint("digest", name="uq_book_editions_digest"),
    )
