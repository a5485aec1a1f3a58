"""Schemas come from migrations, and are what the tables say."""

import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from certledger.ledger.store import open_store
from certledger.ledger.store.engine import DatabaseUnknownError, make_engine
from certledger.ledger.store.schema_migration import SchemaNewerError, migrate, version_of
from certledger.ledger.store.tables import METADATA


def drift(connection: Connection) -> list[object]:
    """Return where the schema differs from the tables; empty where they agree."""
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, METADATA))


def test_a_migrated_schema_is_what_the_tables_say(database_url: str) -> None:
    store = open_store(database_url)
    with store.engine.connect() as connection:
        assert drift(connection) == []
        assert version_of(connection) is not None
        tables = set(inspect(connection).get_table_names())
    assert tables == set(METADATA.tables) | {"alembic_version"}
    store.close()


def test_opening_a_database_again_changes_nothing(database_url: str) -> None:
    open_store(database_url).close()
    store = open_store(database_url)
    with store.engine.connect() as connection:
        assert drift(connection) == []
    store.close()


def test_two_processes_may_migrate_at_once(database_url: str) -> None:
    failed: list[BaseException] = []

    def open_and_close() -> None:
        try:
            open_store(database_url).close()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=open_and_close) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_a_schema_of_a_later_release_is_refused(database_url: str) -> None:
    store = open_store(database_url)
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaNewerError, match="9999"):
        migrate(store.engine)
    store.close()


def test_a_store_is_durable_and_keeps_its_foreign_keys(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path}/ledger.db")
    with engine.connect() as connection:
        asked = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert asked == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    engine.dispose()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://host/database"])
def test_a_store_that_would_not_last_or_is_unknown_is_refused(url: str) -> None:
    with pytest.raises(DatabaseUnknownError):
        make_engine(url)
