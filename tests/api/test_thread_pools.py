"""Bounded pools: a caller may have much open at once, and delays itself alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx
import orjson
import pytest
from starlette.requests import Request

from bench.load import hammer, request
from certledger.api.app import app_of
from certledger.api.auth.api_keys import RateLimitSubject
from certledger.api.errors import ServiceBusyError
from certledger.api.service import Options, Service
from certledger.api.thread_pools import MIN_JOB_BYTES, FairPool, Pools
from certledger.ledger.core.service_values import Role
from tests.api.world import World, listening

OPEN = 256
"""Connections of one caller, as of a counters' network or a partner's batch job."""


@dataclass(frozen=True, kw_only=True)
class Asking:
    """A service of its own."""

    world: World
    service: Service
    url: str

    def headers(self, role: Role) -> dict[str, str]:
        """Return the headers of a caller's requests."""
        return {
            "authorization": f"Bearer {self.world.keys[role]}",
            "content-type": "application/json",
        }


@pytest.fixture
def asking(world: World) -> Iterator[Asking]:
    service = Service(ledger=world.ledger, options=Options(lookup_floor=0))
    with listening(app_of(service)) as url:
        yield Asking(world=world, service=service, url=url)


@pytest.mark.parametrize("path", ["/v1/verifications", "/v1/lookups"])
def test_a_caller_with_hundreds_of_connections_gets_through_and_others_in_turn(
    asking: Asking, path: str
) -> None:
    world = asking.world
    questions = {
        "/v1/verifications": b'{"evidence":%b}' % world.evidence(0).format(),
        "/v1/lookups": orjson.dumps({"digest": world.lookup(0).hex()}),
    }
    many = request("POST", path, questions[path], asking.headers(Role.PARTNER))
    port = int(asking.url.rpartition(":")[2])
    question = {"evidence": orjson.loads(world.evidence(2).format())}
    with ThreadPoolExecutor(1) as pool, httpx.Client(base_url=asking.url, timeout=60) as other:
        # It fails at the first answer that is not 200.
        load = pool.submit(hammer, port, [many], connections=OPEN, count=3 * OPEN)
        served = 0
        while not load.done() or not served:
            answer = other.post(
                "/v1/verifications", json=question, headers=asking.headers(Role.COUNTER)
            )
            assert answer.status_code == 200
            served += 1
        assert len(load.result().times) == 3 * OPEN


def test_many_requests_with_one_new_key_look_it_up_once(asking: Asking) -> None:
    gate, asked = threading.Event(), list[str]()
    authenticate = asking.service.keys.authenticate

    def slow(text: str) -> object:
        asked.append(text)
        gate.wait()
        return authenticate(text)

    asking.service.keys.authenticate = slow  # type: ignore[method-assign,assignment]
    head = request("GET", "/v1/issuers", b"", asking.headers(Role.COUNTER))
    port = int(asking.url.rpartition(":")[2])
    with ThreadPoolExecutor(1) as pool:
        load = pool.submit(hammer, port, [head], connections=32, count=32)
        with httpx.Client(base_url=asking.url, timeout=60) as other:
            while not asked:
                assert other.get("/healthz").status_code == 200
        gate.set()
        assert len(load.result().times) == 32
    assert len(asked) == 1


def test_a_refused_request_says_when_to_come_again(asking: Asking) -> None:
    asking.service.pools.known = FairPool("full", 1, max_waiting_bytes=0)
    question = {"evidence": orjson.loads(asking.world.evidence(0).format())}
    answer = httpx.post(
        f"{asking.url}/v1/verifications", json=question, headers=asking.headers(Role.PARTNER)
    )
    assert (answer.status_code, answer.json()["code"]) == (503, "service.busy")
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize("public", [True, False])
def test_a_picture_that_takes_long_keeps_nobody_waiting_for_a_verdict(public: bool) -> None:
    async def run() -> int:
        pools, gate = Pools(), threading.Event()
        request = Request({"type": "http", "headers": [], "state": {}})
        request.state.asker = RateLimitSubject(name="a", public=public)
        pictures = [asyncio.create_task(pools.read_picture(request, gate.wait)) for _ in range(4)]
        await asyncio.sleep(0)
        verdict = await pools.prove(request, int)
        gate.set()
        await asyncio.gather(*pictures)
        return verdict

    assert asyncio.run(run()) == 0


def test_without_room_the_newest_request_of_who_has_most_waiting_is_refused() -> None:
    async def run() -> tuple[list[str], list[bool]]:
        pool = FairPool("test", 1, max_waiting_bytes=4 * MIN_JOB_BYTES)
        order, gate = list[str](), threading.Event()
        first = asyncio.create_task(pool.run("first", gate.wait))
        await asyncio.sleep(0)
        much = [
            asyncio.create_task(pool.run("much", order.append, f"much {number}"))
            for number in range(5)
        ]
        begun = asyncio.create_task(pool.run("much", order.append, "begun", begun=True))
        little = asyncio.create_task(pool.run("little", order.append, "little"))
        await asyncio.sleep(0)
        gate.set()
        told = await asyncio.gather(first, *much, begun, little, return_exceptions=True)
        return order, [isinstance(one, ServiceBusyError) for one in told]

    order, refused = asyncio.run(run())
    # The fifth found no room.  What a request that had begun and the other caller put in took the
    # place of two more; none of them had to go that came before.
    assert refused == [False, False, False, True, True, True, False, False]
    assert order == ["much 0", "little", "much 1", "begun"]


def test_whoever_has_little_is_refused_only_where_nobody_has_more() -> None:
    async def run() -> list[bool]:
        pool = FairPool("test", 1, max_waiting_bytes=2 * MIN_JOB_BYTES)
        gate = threading.Event()
        first = asyncio.create_task(pool.run("first", gate.wait))
        await asyncio.sleep(0)
        others = [asyncio.create_task(pool.run(f"other {n}", int)) for n in range(3)]
        await asyncio.sleep(0)
        gate.set()
        told = await asyncio.gather(first, *others, return_exceptions=True)
        return [isinstance(one, ServiceBusyError) for one in told]

    assert asyncio.run(run()) == [False, False, False, True]


def test_work_of_many_callers_is_done_in_turn() -> None:
    async def run() -> list[str]:
        pool, order, gate = FairPool("test", 1), list[str](), threading.Event()
        first = asyncio.create_task(pool.run("much", gate.wait))
        await asyncio.sleep(0)
        much = [asyncio.create_task(pool.run("much", order.append, "much")) for _ in range(10)]
        await asyncio.sleep(0)
        little = asyncio.create_task(pool.run("little", order.append, "little"))
        await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(first, little, *much)
        return order

    assert "little" in asyncio.run(run())[:2]
