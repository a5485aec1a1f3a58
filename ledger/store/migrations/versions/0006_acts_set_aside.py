"""Acts that are set aside or rejected have a reason."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_NAME = "ux_acts_living"
_COLUMNS = ["subject", "lane", "counter"]


def _living(dead: str) -> None:
    alive = sa.text(f"state NOT IN ({dead})")
    op.drop_index(_NAME, table_name="acts")
    op.create_index(
        _NAME, "acts", _COLUMNS, unique=True, sqlite_where=alive, postgresql_where=alive
    )


def upgrade() -> None:
    """Add the reason; a rejected act no longer occupies its counter."""
    op.add_column("acts", sa.Column("reason", sa.String(64), nullable=True))
    _living("'displaced', 'expired', 'rejected'")


def downgrade() -> None:
    """Count rejected acts as expired."""
    op.execute(sa.text("UPDATE acts SET state = 'expired' WHERE state = 'rejected'"))
    _living("'displaced', 'expired'")
    op.drop_column("acts", "reason")
