"""`serve` starts, and stays, while its node is away or its database is damaged, and says which."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from certledger.api.app import app_of
from certledger.api.auth.api_keys import KeyRing
from certledger.api.readiness import (
    INTAKE,
    MAX_AHEAD_SECONDS,
    PARTS,
    STOPS,
    parts_of,
)
from certledger.api.service import Options, Service
from certledger.ledger.core.service_values import Role
from certledger.ledger.devchain.node import open_node
from certledger.ledger.node import POLICY, operator_of
from certledger.ledger.settings import load_settings
from certledger.ledger.store.pepper import load_pepper
from certledger.verifier.files import write_atomically
from tests.api.test_server import serving
from tests.api.world import World, listening, policy_of
from tests.ledger.live import LiveIssuer, open_live

RICH = 10**24
PATIENCE = 60.0


def until(client: httpx.Client, path: str, good: Any) -> httpx.Response:
    """Ask again and again until an answer is as wanted; fail after a while."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        answer = client.get(path)
        if good(answer):
            return answer
    raise AssertionError(f"{path} never answered as wanted: {answer.text}")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "home"
    made.mkdir()
    return made


def test_with_the_node_away_it_starts_takes_in_and_anchors_once_the_node_is_back(
    home: Path, tmp_path: Path
) -> None:
    operator = operator_of(load_settings(home=home)).address
    with open_node(tmp_path / "node", funded={operator: RICH}) as node:
        url, port = node.url, urlsplit(node.url).port
        with open_live(home, chain_url=url) as ledger:
            write_atomically(home / POLICY, policy_of(ledger.pin, int(time.time())).format())
            issuer = LiveIssuer(ledger)
            issuer.register()
            batch = issuer.seal(3)
            ring = KeyRing(
                store=ledger.store, pepper=load_pepper(home, ledger.store), clock=time.time
            )
            _, key = ring.create(name="body", role=Role.ISSUER, issuer=issuer.issuer)
    headers = {"authorization": f"Bearer {key}"}
    with (
        serving(home, "--chain", url) as (_, address),
        httpx.Client(base_url=address, headers=headers, verify=False, timeout=60) as client,
    ):
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["faults"]) == (503, ["chain.unreachable"])
        assert client.get(f"/readyz?part={INTAKE}").status_code == 200
        taken = client.post(
            "/v1/batches",
            content=batch.submission(),
            headers={"content-type": "application/json"},
        )
        assert taken.status_code == 202, taken.text
        assert client.get("/healthz").json() == {"alive": True}

        assert port is not None
        with open_node(tmp_path / "node", port=port):
            path = f"/v1/batches/{issuer.issuer}/1"
            until(client, f"{path}?wait=5", lambda found: found.json()["state"] == "final")


def test_with_its_database_damaged_it_stays_says_so_and_goes_on_once_it_is_mended(
    home: Path,
) -> None:
    with open_live(home) as ledger:
        write_atomically(home / POLICY, policy_of(ledger.pin, int(time.time())).format())
        ledger.run_until_idle()
    database, copy = home / "ledger.db", home / "copy.db"
    shutil.copy(database, copy)
    database.write_bytes(b"\xff" * database.stat().st_size)
    with (
        serving(home) as (process, address),
        httpx.Client(base_url=address, verify=False, timeout=60) as client,
    ):
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["faults"]) == (503, ["store.damaged"])
        assert int(ready.headers["retry-after"]) > 0
        assert client.get("/healthz").status_code == 200
        refused = client.post("/v1/lookups", json={"digest": "0" * 64})
        assert (refused.status_code, refused.json()["code"]) == (503, "service.not_open")
        copy.replace(database)

        until(client, "/readyz", lambda answer: answer.status_code == 200)

        process.terminate()
        assert process.wait(30) == 0
    assert "Traceback" not in (home / "serve.log").read_text()


@pytest.fixture
def later(world: World) -> Iterator[tuple[httpx.Client, list[float]]]:
    """Return a client of a service whose clock a test moves."""
    world.ledger.mine_heartbeat_block()
    moved = [0.0]
    service = Service(
        ledger=world.ledger,
        options=Options(lookup_floor=0.0),
        clock=lambda: time.time() + moved[0],
    )
    with listening(app_of(service)) as url, httpx.Client(base_url=url, verify=False) as client:
        yield client, moved


def test_it_is_not_ready_while_no_block_has_come_for_minutes_but_takes_in(
    world: World, later: tuple[httpx.Client, list[float]]
) -> None:
    client, moved = later
    assert client.get("/readyz").status_code == 200
    moved[0] = world.ledger.settings.longest_block + 60

    ready = client.get("/readyz")

    assert (ready.status_code, ready.json()["faults"]) == (503, ["chain.no_new_block"])
    assert client.get(f"/readyz?part={INTAKE}").status_code == 200


def test_it_says_when_the_chain_runs_ahead_of_its_clock(
    later: tuple[httpx.Client, list[float]],
) -> None:
    client, moved = later
    moved[0] = -MAX_AHEAD_SECONDS - 60

    ready = client.get("/readyz")

    assert (ready.status_code, ready.json()["faults"]) == (503, ["chain.ahead_of_clock"])


def test_an_unknown_fault_stops_every_part_and_none_stops_nothing() -> None:
    assert parts_of([]) == dict.fromkeys(PARTS, True)
    assert parts_of(["store.full"]) == dict.fromkeys(PARTS, False)


def test_the_manual_s_table_of_faults_is_the_service_s() -> None:
    lines = Path("docs/api.md").read_text().splitlines()
    (start,) = [number for number, line in enumerate(lines) if line.startswith("| fault |")]
    head = [cell.strip() for cell in lines[start].strip("|").split("|")]
    told = {}
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        fault, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        marked = zip(head[1:], cells, strict=True)
        told[fault.split("`")[1]] = {part for part, cell in marked if cell}
    assert told.pop("store.…") == set(PARTS)
    assert told == STOPS
