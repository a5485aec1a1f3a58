"""One ledger on a real embedded chain, served over real HTTP, shared by the tests of the API."""

import socket
import threading
from collections.abc import Iterator

import httpx
import pytest
import uvicorn

from certledger.api.app import app_of
from certledger.api.h11_protocol import Connection
from certledger.api.service import Service
from certledger.ledger.core.service_values import Role
from certledger.ledger.verification.receipt_log import Logbook
from tests.api.openapi_coverage import Answers, recorded
from tests.api.operator_issuer import register_operator
from tests.api.world import Running, World, make_world, serve


@pytest.fixture(scope="session", autouse=True)
def answers() -> Iterator[Answers]:
    """Record what all services of this process answer."""
    with pytest.MonkeyPatch.context() as patch, recorded(patch) as made:
        yield made


@pytest.fixture(autouse=True)
def documented(answers: Answers) -> Iterator[None]:
    """Check that whatever the service answered meanwhile is in the OpenAPI document."""
    yield
    unknown, answers.unknown = sorted(answers.unknown), set()
    assert not unknown


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Return a ledger with two issuers, some certificates, and one of them revoked."""
    with make_world(tmp_path_factory.mktemp("api") / "home") as made:
        yield made


@pytest.fixture(scope="session")
def running(world: World) -> Iterator[Running]:
    """Return the world's service, listening on loopback."""
    with serve(world) as up:
        yield up


@pytest.fixture(scope="session")
def logbook(world: World) -> Iterator[Logbook]:
    """Return the logbook of the world's operator, which is registered and seals at once."""
    book = register_operator(world)
    yield book
    book.release()


@pytest.fixture
def public(running: Running) -> Iterator[httpx.Client]:
    """Return a client without a key."""
    with running.client(None) as client:
        yield client


class Hasty(Connection):
    """The same, in tests' time."""

    seconds = 0.3


@pytest.fixture
def port(world: World) -> Iterator[int]:
    """Return the port of a service on the protocol that `certledger serve` has."""
    app = app_of(Service(ledger=world.ledger))
    config = uvicorn.Config(app, http=Hasty, log_config=None, access_log=False)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join()


def _client_of(role: Role) -> object:
    @pytest.fixture(name=str(role))
    def client(running: Running) -> Iterator[httpx.Client]:
        with running.client(role) as opened:
            yield opened

    return client


issuer = _client_of(Role.ISSUER)
counter = _client_of(Role.COUNTER)
partner = _client_of(Role.PARTNER)
auditor = _client_of(Role.AUDITOR)
administrator = _client_of(Role.ADMINISTRATOR)
