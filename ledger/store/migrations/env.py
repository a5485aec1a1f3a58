"""Run the migrations on the connection that `schema_migration` passes in."""

from alembic import context

from certledger.ledger.store.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    # SQLite changes a table by copying it.
    render_as_batch=True,
)
context.run_migrations()
