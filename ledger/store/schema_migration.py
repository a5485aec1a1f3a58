"""Migrate a database's schema from any earlier version (Alembic)."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, text

from certledger.ledger.store.tables import METADATA
from certledger.verifier.errors import CertledgerError

_SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 4_711_006
"""PostgreSQL advisory lock of migrations: one process migrates at a time."""


class SchemaNewerError(CertledgerError):
    """The database was written by a later release than this one."""

    code = "store.schema_newer"


def config_for(connection: Connection) -> Config:
    """Return the Alembic configuration for `connection`."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    return config


def migrate(engine: Engine) -> None:
    """Migrate the schema in one transaction; processes may do so at the same time.

    Raises:
        SchemaNewerError: the database has a version that this release does not know.
    """
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        current = version_of(connection)
        config = config_for(connection)
        known = ScriptDirectory.from_config(config)
        try:
            if current is not None:
                known.get_revision(current)
        except CommandError as error:
            raise SchemaNewerError(
                f"the database has schema version {current}, unknown here"
            ) from error
        if current is None:
            METADATA.create_all(connection)
            command.stamp(config, "head")
        elif current != known.get_current_head():
            command.upgrade(config, "head")


def version_of(connection: Connection) -> str | None:
    """Return the version of the schema, None for an empty database."""
    return MigrationContext.configure(connection).get_current_revision()
