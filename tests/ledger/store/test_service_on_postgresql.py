"""The service on PostgreSQL: connections are cut, one key comes at once, texts hold a NUL."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from hashlib import sha256

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from certledger.api.app import app_of
from certledger.api.service import Service
from certledger.ledger.core.service_values import Role
from certledger.ledger.issuer.signed_acts import packed_keys, sign_statement
from certledger.ledger.store.engine import make_engine
from certledger.verifier.formats.canonical_json import format_canonical
from certledger.verifier.formats.statements import Register
from tests.api.world import Running, World, listening, make_world, serve
from tests.ledger.live import DAY, EVERY, LiveIssuer
from tests.ledger.store.test_engine_errors import cut_all

_ROUNDS = 40
_AT_ONCE = 16
_TURNS = 4


@pytest.fixture(scope="module")
def url(postgresql_server: str) -> str:
    """Return the address of a database of its own."""
    return _database(postgresql_server, "served")


@pytest.fixture(scope="module")
def world(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Return a world whose store is that database."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CERTLEDGER_DATABASE_URL", url)
        with make_world(tmp_path_factory.mktemp("served") / "home") as made:
            yield made


def test_one_key_at_once_at_several_processes_while_the_first_is_refused(world: World) -> None:
    """Each service has claims of its own, as each process has: only the database is shared."""
    batch = world.issuer.seal(1)
    broken = batch.submission().replace(b'"signature":"', b'"signature":"A')
    headers = {
        "authorization": f"Bearer {world.keys[Role.ISSUER]}",
        "content-type": "application/json",
    }
    with ExitStack() as stack:
        services = [Service(ledger=world.ledger, options=world.service.options) for _ in range(4)]
        urls = [stack.enter_context(listening(app_of(service))) for service in services]
        pool = stack.enter_context(ThreadPoolExecutor(_AT_ONCE))
        for turn in range(_TURNS):
            start = threading.Barrier(_AT_ONCE)

            def post(number: int, key: str, start: threading.Barrier) -> httpx.Response:
                start.wait()
                return httpx.post(
                    f"{urls[number % len(urls)]}/v1/batches",
                    content=broken,
                    headers=headers | {"idempotency-key": key},
                    timeout=60,
                )

            told = {
                (one.status_code, one.json()["code"])
                for one in pool.map(partial(post, key=f"key-{turn}", start=start), range(_AT_ONCE))
            }
            assert (422, "schema.invalid") in told
            assert told <= {(422, "schema.invalid"), (409, "idempotency.in_flight")}
        done = httpx.post(
            f"{urls[0]}/v1/batches",
            content=batch.submission(),
            headers=headers | {"idempotency-key": "key-0"},
        )
        assert done.status_code == 202


def test_a_service_whose_connections_are_cut_says_to_come_again(world: World, url: str) -> None:
    with serve(world) as running:
        _check_nul(running)
        end = threading.Event()
        cutter = threading.Thread(target=_cut, args=(url, end))
        cutter.start()
        try:
            answers = list(_ask(running))
        finally:
            end.set()
            cutter.join()

        statuses = Counter(answer.status_code for answer in answers)
        assert set(statuses) <= {200, 503}, statuses
        assert statuses[200]
        assert all("retry-after" in one.headers for one in answers if one.status_code == 503)


def _cut(url: str, end: threading.Event) -> None:
    while not end.wait(0.05):
        cut_all(url)


def _ask(running: Running) -> list[httpx.Response]:
    """Ask for verdicts, keys and batches, which read and write."""
    found = []
    with running.client(Role.COUNTER) as counter, running.client(Role.AUDITOR) as auditor:
        issuer = running.world.issuer.issuer
        for _ in range(_ROUNDS):
            question = {"lookup": {"digest": "3" * 64}}
            found.append(counter.post("/v1/verifications", json=question))
            found.append(auditor.get(f"/v1/batches/{issuer}/1"))
            running.world.service.keys._seen.clear()
    return found


def _check_nul(running: Running) -> None:
    """Check that texts with a NUL are refused, whether they are to be kept or looked up."""
    issuer = LiveIssuer(
        running.world.ledger, issuer=running.world.issuer.issuer, name="A name\0with a NUL"
    )
    said = Register(
        issuer=issuer.issuer.encode(),
        kind=issuer.kind.number,
        name=sha256(issuer.name.encode()).digest(),
        keys=packed_keys({issuer.key.address: EVERY}),
        not_after=issuer.now() + DAY,
    )
    act = sign_statement(said, [issuer.registrar, issuer.key], running.world.ledger.pin.identity)
    value = {"type": "certledger/registration/1", "act": act.to_json(), "name": issuer.name}
    with running.client(Role.ADMINISTRATOR) as administrator:
        key = administrator.post("/v1/api-keys", json={"name": "a\0b", "role": "auditor"})
        path = administrator.delete("/v1/api-keys/clk_%00")
    with running.client(Role.ISSUER) as caller:
        refused = caller.post("/v1/acts", content=format_canonical(value))
    assert (refused.status_code, refused.json()["code"]) == (422, "name.unusable"), refused.text
    assert (key.status_code, key.json()["code"]) == (422, "schema.invalid"), key.text
    assert (path.status_code, path.json()["code"]) == (400, "request.invalid"), path.text


def _database(url: str, name: str) -> str:
    engine = make_engine(url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template"))
    engine.dispose()
    return make_url(url).set(database=name).render_as_string(hide_password=False)
