"""A node of the chain that hangs keeps nobody waiting who does not need it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from queue import Queue
from typing import Any

import httpx
import orjson
import pytest

from certledger.api.app import app_of
from certledger.api.routes import health
from certledger.api.service import Options, Service
from certledger.ledger.core.errors import ChainUnreachableError
from certledger.ledger.core.service_values import Role
from certledger.ledger.verification.bounded_executor import BoundedExecutor
from certledger.ledger.webhooks.address_guard import Resolver, TargetForbiddenError, check_target
from certledger.verifier.name_resolver import NameResolver
from tests.api.world import World, listening


class Stuck:
    """A real part whose calls by some names do not come back until it is let go."""

    def __init__(self, part: Any, gate: threading.Event, *names: str) -> None:
        self._part, self._gate, self._names = part, gate, names

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._part, name)
        if name not in self._names:
            return found

        def late(*arguments: Any) -> Any:
            self._gate.wait()
            return found(*arguments)

        return late


class StuckLedger:
    """A ledger whose node hangs."""

    def __init__(self, world: World, gate: threading.Event) -> None:
        self._ledger = world.ledger
        self.chain = Stuck(world.ledger.chain, gate, "head", "block")
        self.node = Stuck(world.ledger.node, gate, "call")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)


@pytest.fixture
def stuck(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Return the address of a service whose node hangs until the test is over."""
    gate = threading.Event()
    monkeypatch.setattr(health, "_PROBING", BoundedExecutor(most=2, seconds=0.1))
    monkeypatch.setattr(health, "RELAY_SECONDS", 60.0)
    ledger: Any = StuckLedger(world, gate)
    service = Service(ledger=ledger, options=Options(lookup_floor=0.0))
    service.mirror.asking = BoundedExecutor(most=2, seconds=0.1, rest=1000.0)
    with listening(app_of(service)) as url:
        try:
            yield url
        finally:
            gate.set()


def of_an_unknown_block(world: World) -> bytes:
    """Return evidence that speaks of a block which the service would have to ask the node for."""
    value = orjson.loads(world.evidence(0).format())
    lines = value["checkpoint"].split("\n")
    with world.ledger.store.begin(write=False) as unit:
        unknown = next(n for n in range(1, int(lines[1])) if unit.checkpoint(n) is None)
    value["checkpoint"] = "\n".join([lines[0], str(unknown), *lines[2:]])
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def test_while_the_node_hangs_all_else_is_answered_and_operators_are_told(
    world: World, stuck: str
) -> None:
    world.ledger.mine_heartbeat_block()

    def relay() -> None:
        call = {"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []}
        httpx.post(f"{stuck}/rpc", json=call, timeout=60)

    waiting = [threading.Thread(target=relay, daemon=True) for _ in range(20)]
    for one in waiting:
        one.start()
    headers = {"authorization": f"Bearer {world.keys[Role.COUNTER]}"}
    with httpx.Client(base_url=stuck, headers=headers, timeout=30) as counter:
        evidence = of_an_unknown_block(world)
        for _ in range(3):
            told = counter.post(
                "/v1/verifications",
                content=b'{"evidence":%b}' % evidence,
                headers={"content-type": "application/json"},
            ).json()
            assert told["result"]["verdict"] == "cannot_tell"
            assert told["result"]["checks"][5]["code"] == "block.node_unreachable"
            assert counter.get("/healthz").status_code == 200
            assert counter.post("/v1/lookups", json={"digest": "0" * 64}).status_code == 200
            ready = counter.get("/readyz")
            assert (ready.status_code, ready.json()["faults"]) == (503, ["chain.unreachable"])
            assert int(ready.headers["retry-after"]) > 0
            for part in ("intake", "lookups", "evidence", "verification"):
                assert counter.get(f"/readyz?part={part}").status_code == 200
            assert counter.get("/readyz?part=anchoring").status_code == 503
            assert "certledger_chain_lag_blocks +Inf" in counter.get("/metrics").text


def test_few_ask_what_hangs_and_after_it_was_late_nobody_for_a_while() -> None:
    gate, now = threading.Event(), [0.0]
    asking = BoundedExecutor(most=2, seconds=0.05, rest=10.0, clock=lambda: now[0])
    with pytest.raises(ChainUnreachableError, match="within"):
        asking.ask(gate.wait)
    with pytest.raises(ChainUnreachableError, match="earlier calls"):
        asking.ask(lambda: 1)
    now[0] = 11.0
    assert asking.ask(lambda: 1) == 1
    held = asking.begin(gate.wait)
    with pytest.raises(ChainUnreachableError, match="earlier calls"):
        asking.begin(lambda: 1)
    gate.set()
    assert held.result(10)
    with pytest.raises(ZeroDivisionError):
        asking.ask(lambda: 1 // 0)


def test_names_that_do_not_resolve_keep_nobody_else_waiting(world: World) -> None:
    gate, asked = threading.Event(), threading.Semaphore(0)

    def look_up(host: str, port: int) -> list[str]:
        if host.startswith("hangs"):
            asked.release()
            gate.wait()
        return ["93.184.216.34"]

    resolver: Resolver = NameResolver(look_up, total=64, each=2)
    service = Service(ledger=world.ledger, resolver=resolver)
    bearer = {role: {"authorization": f"Bearer {world.keys[role]}"} for role in world.keys}
    _, text = service.keys.create(name="hooks", role=Role.ISSUER, issuer="9" * 18)
    headers = {"authorization": f"Bearer {text}"}
    answers = Queue[int]()
    with listening(app_of(service)) as url:

        def create(name: str, headers: dict[str, str]) -> httpx.Response:
            hook = {"url": f"https://{name}.example/", "kinds": ["batch.final"]}
            return httpx.post(f"{url}/v1/hooks", json=hook, headers=headers, timeout=60)

        def hang(number: int) -> None:
            answers.put(create(f"hangs{number}", headers).status_code)

        waiting = [threading.Thread(target=hang, args=(at,), daemon=True) for at in range(32)]
        for one in waiting:
            one.start()
        try:
            # All but two are refused at once: their caller may have no more open.
            assert [answers.get(timeout=60) for _ in range(30)] == [422] * 30
            asked.acquire()
            with httpx.Client(base_url=url, timeout=30) as client:
                assert "parts" in client.get("/readyz").json()
                assert client.get("/metrics").status_code == 200
                keys = client.get("/v1/api-keys", headers=bearer[Role.ADMINISTRATOR])
                assert keys.status_code == 200
            made = create("other", bearer[Role.ISSUER])
            assert made.status_code == 201, made.text
            gone = httpx.delete(f"{url}/v1/hooks/{made.json()['id']}", headers=bearer[Role.ISSUER])
            assert gone.status_code == 204
        finally:
            gate.set()
            for one in waiting:
                one.join()


def test_a_name_that_does_not_resolve_is_given_up_in_time() -> None:
    gate = threading.Event()
    resolver: Resolver = NameResolver(lambda host, port: [str(gate.wait())])
    with pytest.raises(TargetForbiddenError, match=r"no address within 0\.05 seconds"):
        asyncio.run(
            check_target(
                "https://hangs.example/",
                private=False,
                caller="body:x",
                resolver=resolver,
                seconds=0.05,
            )
        )
    gate.set()
