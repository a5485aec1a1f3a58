"""How often callers may call: as often as a rate says, whenever they start."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.app import app_of
from api.gate import Rates
from api.refusals import TooMany
from api.service import Options, Service
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
    with pytest.raises(TooMany) as refused:
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
        except TooMany:
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
            service.gate.rates.hit("30/minute", "misses", f"key:{key[:12]}")
        answer = client.post("/v1/lookups", json={"digest": "6" * 64})
    assert answer.status_code == 429
