"""A verification names its party; accepted presentations are stored, once each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Set the party of old rows: the issuer or counter of the API key, else the credential."""
    party = sa.Column("party", sa.String(80), nullable=False, server_default="")
    op.add_column("verifications", party)
    op.execute(
        sa.text(
            "UPDATE verifications SET party = COALESCE((SELECT CASE"
            " WHEN k.role = 'issuer' THEN 'body:' || k.issuer"
            " WHEN k.counter IS NOT NULL THEN 'counter:' || k.counter END"
            " FROM api_keys k WHERE verifications.caller = 'key:' || k.prefix), caller)"
        )
    )
    op.create_table(
        "presentations",
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("until", BIG, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_presentations"),
    )
    op.create_index("ix_presentations_until", "presentations", ["until"], unique=False)


def downgrade() -> None:
    """Drop both."""
    op.drop_table("presentations")
    op.drop_column("verifications", "party")
