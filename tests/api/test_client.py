"""The client believes nothing: it checks receipts, and waits when asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from certledger.ledger.client.service_client import Client
from certledger.ledger.client.transport import (
    AnswerInvalidError,
    ServerRefusedError,
    ServerUnreachableError,
)
from certledger.ledger.core.service_values import Role
from tests.api.world import Running, World, listening
from tests.ledger.live import person


def client_of(running: Running, role: Role, **more: object) -> Client:
    ledger = running.world.ledger
    made = Client(
        url=running.url,
        key=running.world.keys[role],
        ledger=ledger.pin,
        operator=ledger.operator.address,
    )
    return replace(made, **more)  # type: ignore[arg-type]  # members by name


@pytest.fixture
def desk(running: Running) -> Client:
    return client_of(running, Role.COUNTER)


def test_a_counter_verifies(world: World, desk: Client) -> None:
    questions = [{"evidence": orjson.loads(world.evidence(place).format())} for place in (0, 1)]
    told = desk.verify(questions)
    assert [one.verdict for one in told] == ["valid", "not_in_force"]
    assert told[0].words["banner"] == "真实，有效"


def test_what_another_signed_is_not_believed(world: World, running: Running, desk: Client) -> None:
    question = {"evidence": orjson.loads(world.evidence(0).format())}
    wary = client_of(running, Role.COUNTER, operator=person("mallory").address)
    with pytest.raises(AnswerInvalidError):
        wary.verify([question])


def test_a_refusal_keeps_its_code_and_is_not_tried_again(running: Running) -> None:
    with pytest.raises(ServerRefusedError) as refused:
        client_of(running, Role.ISSUER).verify([])
    assert (refused.value.status, refused.value.code) == (422, "schema.invalid")


def test_a_service_that_is_busy_is_asked_again_when_it_says(world: World, running: Running) -> None:
    asked: list[str] = []

    async def busy(request: Request) -> Response:
        asked.append(request.url.path)
        if len(asked) < 3:
            return Response(status_code=503, headers={"retry-after": "0"})
        return JSONResponse(told)

    with running.client(Role.COUNTER) as honest:
        question = [{"evidence": orjson.loads(world.evidence(0).format())}]
        told = honest.post("/v1/verifications", json=question).json()
    notices: list[str] = []
    app = Starlette(routes=[Route("/v1/verifications", busy, methods=["POST"])])
    with listening(app) as url:
        client = Client(
            url=url,
            ledger=world.ledger.pin,
            operator=world.ledger.operator.address,
            notice=notices.append,
            clock=world.service.clock,
        )
        assert client.verify(question)[0].verdict == "valid"
    assert len(asked) == 3
    assert len(notices) == 2


def test_changed_answers_are_not_believed(world: World, running: Running) -> None:
    with running.client(Role.COUNTER) as honest:
        question = [{"evidence": orjson.loads(world.evidence(1).format())}]
        told = honest.post("/v1/verifications", json=question).json()
    told["results"][0]["result"]["verdict"] = "valid"

    async def lie(request: Request) -> Response:
        return JSONResponse(told)

    with listening(Starlette(routes=[Route("/v1/verifications", lie, methods=["POST"])])) as url:
        client = Client(url=url, ledger=world.ledger.pin, operator=world.ledger.operator.address)
        with pytest.raises(AnswerInvalidError):
            client.verify(question)


def test_an_answer_to_another_question_or_of_another_day_is_not_believed(
    world: World, running: Running
) -> None:
    def ask(place: int) -> list[dict[str, Any]]:
        return [{"evidence": orjson.loads(world.evidence(place).format())}]

    with running.client(Role.COUNTER) as honest:
        told = honest.post("/v1/verifications", json=ask(0)).json()

    async def replay(request: Request) -> Response:
        return JSONResponse(told)

    now = world.service.clock()
    with listening(Starlette(routes=[Route("/v1/verifications", replay, methods=["POST"])])) as url:
        ledger = world.ledger

        def verify(place: int, late: float) -> str:
            client = Client(
                url=url,
                ledger=ledger.pin,
                operator=ledger.operator.address,
                clock=lambda: now + late,
            )
            return client.verify(ask(place))[0].verdict

        assert verify(0, 0) == "valid"
        for place, late in ((1, 0), (0, 3_600), (0, -3_600)):
            with pytest.raises(AnswerInvalidError):
                verify(place, late)


def test_a_service_that_is_away_is_given_up(world: World) -> None:
    client = Client(
        url="http://127.0.0.1:9",
        ledger=world.ledger.pin,
        operator=world.ledger.operator.address,
        patience=0.2,
    )
    with pytest.raises(ServerUnreachableError):
        client.verify([{"evidence": {}}])
