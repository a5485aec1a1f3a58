"""How often callers may call: as often as a rate says, whenever they start."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from certledger.api.app import app_of
from certledger.api.auth.access import Rates
from certledger.api.auth.api_keys import RateLimitSubject, network_of
from certledger.api.errors import RateLimitError
from certledger.api.guess_limit import MAX_MISSES, find_leaves
from certledger.api.service import Options, Service
from certledger.ledger.core.service_values import Role
from tests.api.world import World, listening


class Clock:
    """Time that tests move."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_rate_lets_through_what_it_says_and_says_when_to_come_again() -> None:
    clock = Clock()
    rates = Rates(clock=clock)
    for _ in range(60):
        rates.hit("60/minute", "a")
    assert not rates.open("60/minute", "a")
    with pytest.raises(RateLimitError) as refused:
        rates.hit("60/minute", "a")
    rates.hit("60/minute", "b")
    clock.now += refused.value.retry_after
    rates.hit("60/minute", "a")


@given(st.lists(st.floats(0, 5), max_size=200))
def test_no_minute_lets_through_more_than_two_spans_worth(pauses: list[float]) -> None:
    clock = Clock()
    rates = Rates(clock=clock)
    through: list[float] = []
    for pause in pauses:
        clock.now += pause
        try:
            rates.hit("10/minute", "a")
            through.append(clock.now)
        except RateLimitError:
            continue
    for start in through:
        assert sum(start <= at < start + 60 for at in through) <= 20


def test_the_public_is_bounded_by_address_and_told_when_to_come_again(world: World) -> None:
    options = Options(public_rate="3/minute", lookup_floor=0)
    service = Service(ledger=world.ledger, options=options)
    question = {"lookup": {"digest": "5" * 64}}
    with listening(app_of(service)) as url:
        answers = [httpx.post(f"{url}/v1/verifications", json=question) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert answers[-1].json()["code"] == "rate.exceeded"
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60


def test_whoever_guesses_has_to_wait(world: World) -> None:
    service = Service(ledger=world.ledger, options=Options(lookup_floor=0))
    _, key = service.keys.create(name="guesser", role=next(iter(world.keys)), issuer="1" * 18)
    with (
        listening(app_of(service)) as url,
        httpx.Client(base_url=url, headers={"authorization": f"Bearer {key}"}) as client,
    ):
        for _ in range(30):
            service.gate.rates.hit(MAX_MISSES, "misses", f"body:{'1' * 18}")
        answer = client.post("/v1/lookups", json={"digest": "6" * 64})
    assert answer.status_code == 429


@pytest.mark.parametrize("role", [None, Role.COUNTER])
def test_a_guess_costs_the_same_by_whatever_route_it_comes(world: World, role: Role | None) -> None:
    service = Service(ledger=world.ledger, options=Options(lookup_floor=0))
    headers = {} if role is None else {"authorization": f"Bearer {world.keys[role]}"}
    guesses = [{"lookup": {"digest": f"{number:064x}"}} for number in range(1_000)]
    with (
        listening(app_of(service)) as url,
        httpx.Client(base_url=url, headers=headers, timeout=60) as client,
    ):
        assert client.post("/v1/verifications", json=guesses[:30]).status_code == 200
        refused = client.post("/v1/verifications", json=guesses[0])
        assert (refused.status_code, refused.json()["code"]) == (429, "rate.exceeded")
        if role is not None:
            assert client.post("/v1/lookups", json={"digest": "7" * 64}).status_code == 429
        evidence = {"evidence": orjson.loads(world.evidence(0).format())}
        assert client.post("/v1/verifications", json=evidence).status_code == 200


def test_a_list_of_guesses_is_refused_whole(world: World) -> None:
    service = Service(ledger=world.ledger, options=Options(lookup_floor=0))
    found = {"lookup": {"digest": world.lookup(0).hex()}}
    guesses = [{"lookup": {"digest": f"{number:064x}"}} for number in range(999)]
    with listening(app_of(service)) as url, httpx.Client(base_url=url, timeout=60) as client:
        refused = client.post("/v1/verifications", json=[*guesses, found])
        assert (refused.status_code, refused.json()["code"]) == (429, "rate.exceeded")
        many = [found] * 100
        later = Service(ledger=world.ledger, options=Options(lookup_floor=0))
        with listening(app_of(later)) as other:
            told = httpx.post(f"{other}/v1/verifications", json=many, timeout=60)
    assert [one["result"]["verdict"] for one in told.json()["results"]] != []


def test_guesses_that_come_at_once_are_no_more_than_those_that_come_in_turn(world: World) -> None:
    service = Service(ledger=world.ledger, options=Options(lookup_floor=0))
    app = SimpleNamespace(service=service)
    digests = [bytes([number]) * 32 for number in range(40)] + [world.lookup(0)]

    def guess(digest: bytes) -> Coroutine[Any, Any, list[bytes | None]]:
        request = Request({"type": "http", "headers": [], "state": {}, "app": app})
        request.state.asker = RateLimitSubject(name="hasty", public=True)
        return find_leaves(request, [digest])

    async def run() -> list[object]:
        return list(await asyncio.gather(*map(guess, digests), return_exceptions=True))

    told = asyncio.run(run())
    assert told[:30] == [[None]] * 30
    assert all(isinstance(one, RateLimitError) for one in told[31:]), "the right one, too"


def test_good_keys_are_let_through_where_others_guess(world: World) -> None:
    now = world.service.clock()
    service = Service(ledger=world.ledger, options=Options(lookup_floor=0), clock=lambda: now)
    with listening(app_of(service)) as url, httpx.Client(base_url=url, timeout=60) as client:

        def ask(key: str) -> int:
            headers = {"authorization": f"Bearer {key}"}
            return client.get("/v1/policy", headers=headers).status_code

        wrong = [ask("clk_ABCDEFGH_" + f"{number:032d}") for number in range(102)]
        assert wrong == [401] * 100 + [429] * 2
        assert ask(world.keys[Role.COUNTER]) == 200


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("testclient", "testclient"),
    ],
)
def test_a_line_is_counted_once_however_many_addresses_it_has(address: str, network: str) -> None:
    assert network_of(address) == network
