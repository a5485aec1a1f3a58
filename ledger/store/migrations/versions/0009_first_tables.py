"""The first tables, before which nothing was released; `migrate` creates them at once."""

revision = "0009"
down_revision = None


def upgrade() -> None:
    """Change nothing: no database is older."""
