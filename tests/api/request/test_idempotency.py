"""`Idempotency-Key`: what is a key, and what is done once under it, by whom and for how long."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from certledger.api.app import app_of
from certledger.api.auth.api_keys import Caller
from certledger.api.errors import KeyInFlightError, RequestInvalidError
from certledger.api.request.idempotency import (
    RETENTION_SECONDS,
    parse_key,
    request_digest,
    under_key,
)
from certledger.api.service import Service
from certledger.ledger.core.acts import Lane
from certledger.ledger.core.service_values import Role
from certledger.verifier.crypto.hashing import sha256
from tests.api.world import World, listening

BATCHES = "/v1/batches"


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=255))
def test_any_string_of_structured_fields_is_a_key(key: str) -> None:
    quoted = key.replace("\\", "\\\\").replace('"', '\\"')
    assert parse_key(f'"{quoted}"') == key


@given(st.text(max_size=300))
def test_whatever_else_is_refused_or_is_a_key_as_it_stands(text: str) -> None:
    try:
        key = parse_key(text)
    except RequestInvalidError:
        return
    assert key == text or text.startswith('"')
    assert 1 <= len(key) <= 255


@pytest.mark.parametrize(
    "text",
    ["", '""', '"a', 'a"', "a b", "a, b", '"a" ', '"a";b', '"a", "b"', '"\\a"', "é", "x" * 256],
)
def test_what_is_no_key(text: str) -> None:
    with pytest.raises(RequestInvalidError):
        parse_key(text)


class Hand:
    """Hands in a batch under a key, at a service whose clock the test moves."""

    def __init__(self, world: World, url: str, now: list[float], service: Service) -> None:
        self.world, self.url, self.now, self.service = world, url, now, service

    def post(
        self, data: bytes, *keys: str, path: str = BATCHES, text: str | None = None
    ) -> httpx.Response:
        """Hand `data` in as the issuer, or as whose key for the service `text` is."""
        bearer = text or self.world.keys[Role.ISSUER]
        headers = [("authorization", f"Bearer {bearer}"), ("content-type", "application/json")]
        headers += [("idempotency-key", key) for key in keys]
        return httpx.post(self.url + path, content=data, headers=headers)

    def code(self, *args: Any, **more: Any) -> tuple[int, str]:
        """Return status and code of a refusal."""
        answer = self.post(*args, **more)
        return answer.status_code, answer.json().get("code", "")


@pytest.fixture(scope="module")
def hand(world: World) -> Iterator[Hand]:
    now = [world.service.clock()]
    service = Service(ledger=world.ledger, options=world.service.options, clock=lambda: now[0])
    with listening(app_of(service)) as url:
        yield Hand(world, url, now, service)
    world.ledger.run_until_idle()


def test_a_key_is_the_same_with_and_without_quotes_and_given_once(hand: Hand) -> None:
    data = hand.world.issuer.seal(1).submission()
    first = hand.post(data, '"one"')
    assert first.status_code == 202
    assert hand.post(data, "one").content == first.content
    assert hand.code(b"{}" + data, "one") == (422, "idempotency.reused")
    assert hand.code(data, "one", "one") == (400, "request.invalid")
    assert hand.code(data, '"one"', '"two"') == (400, "request.invalid")
    assert hand.post(data).content == first.content


def test_a_key_is_a_caller_s_own_and_a_route_s(hand: Hand) -> None:
    world = hand.world
    data = world.issuer.seal(1).submission()
    _, other = world.service.keys.create(name="x", role=Role.ISSUER, issuer=world.other.issuer)
    _, second = world.service.keys.create(name="y", role=Role.ISSUER, issuer=world.issuer.issuer)
    first = hand.post(data, "mine")
    assert first.status_code == 202
    assert hand.post(data, "mine", text=second).content == first.content
    theirs = world.other.seal(1).submission()
    assert hand.post(theirs, "mine", text=other).status_code == 202
    assert hand.code(data, "mine", text=other) == (403, "auth.forbidden")
    assert hand.code(data, "mine", path="/v1/acts") == (422, "idempotency.reused")


def test_after_a_refusal_the_same_key_takes_another_request(hand: Hand) -> None:
    batch = hand.world.issuer.seal(1)
    broken = batch.submission().replace(b'"signature":"', b'"signature":"A')
    assert hand.code(broken, "refused-then-done")[0] == 422
    with hand.world.ledger.store.begin(write=False) as unit:
        assert unit.acts_at(hand.world.issuer.issuer, Lane.SEQUENCE, batch.statement.sequence) == []
    assert hand.post(batch.submission(), "refused-then-done").status_code == 202


def test_a_request_that_a_dead_process_left_is_done_at_once(hand: Hand) -> None:
    world, now = hand.world, int(hand.now[0])
    data = world.issuer.seal(1).submission()
    party = f"body:{world.issuer.issuer}"
    with world.ledger.store.begin() as unit:
        unit.begin_request(party, "dead", request_digest(BATCHES, sha256(data)), now)
    assert hand.code(b"{}" + data, "dead") == (422, "idempotency.reused")
    first = hand.post(data, "dead")
    assert first.status_code == 202
    assert hand.post(data, "dead").content == first.content


def test_while_this_process_works_on_it_it_is_in_flight(hand: Hand) -> None:
    data = hand.world.issuer.seal(1).submission()
    party, digest = f"body:{hand.world.issuer.issuer}", request_digest(BATCHES, sha256(data))
    with hand.service.claims.claim(party, "slow", digest):
        answer = hand.post(data, "slow")
        assert (answer.status_code, answer.json()["code"]) == (409, "idempotency.in_flight")
        assert answer.headers["retry-after"] == "1"
        assert hand.code(b"{}" + data, "slow") == (422, "idempotency.reused")
    assert hand.post(data, "slow").status_code == 202


def test_many_at_once_under_one_key_are_done_once_and_told_the_same(hand: Hand) -> None:
    batch = hand.world.issuer.seal(50)
    data, start = batch.submission(), threading.Barrier(16)

    def post(_: int) -> httpx.Response:
        start.wait()
        return hand.post(data, '"at once"')

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(post, range(16)))
    told = {(one.status_code, one.json().get("code", one.content)) for one in answers}
    done = hand.post(data, '"at once"')
    assert done.status_code == 202
    assert (202, done.content) in told
    assert told <= {(202, done.content), (409, "idempotency.in_flight")}


def test_of_two_that_take_over_from_one_that_died_one_is_at_work(world: World) -> None:
    now, digest = int(world.service.clock()), bytes(32)
    caller = Caller(id="key:x", party="body:x", role=Role.ISSUER, issuer=world.issuer.issuer)
    with world.ledger.store.begin() as unit:
        unit.begin_request(caller.party, "dead", digest, now)

    def work() -> tuple[int, bytes]:
        with pytest.raises(KeyInFlightError):
            under_key(world.service, caller, "dead", digest, lambda: (202, b"two"))
        return 202, b"one"

    assert under_key(world.service, caller, "dead", digest, work) == (202, b"one")
    assert under_key(world.service, caller, "dead", digest, work) == (202, b"one")


def test_a_key_is_forgotten_after_a_week(hand: Hand) -> None:
    first, second = (hand.world.issuer.seal(1).submission() for _ in range(2))
    assert hand.post(first, "weekly").status_code == 202
    assert hand.code(second, "weekly") == (422, "idempotency.reused")
    hand.now[0] += RETENTION_SECONDS - 1
    assert hand.code(second, "weekly") == (422, "idempotency.reused")
    hand.world.ledger.run_until_idle()
    hand.now[0] += 2
    assert hand.post(second, "weekly").status_code == 202
