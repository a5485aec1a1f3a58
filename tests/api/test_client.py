"""The client believes nothing: it checks receipts, evidence and snapshots, and waits when asked."""

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
from certledger.verifier.formats.canonical_json import format_canonical
from certledger.verifier.vocabulary import Status
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
def body(running: Running) -> Client:
    return client_of(running, Role.ISSUER)


@pytest.fixture
def desk(running: Running) -> Client:
    return client_of(running, Role.COUNTER)


def test_a_body_submits_waits_and_changes_a_status(world: World, body: Client) -> None:
    batch = world.body.seal(2)
    receipt = body.submit(batch.submission_lines(), batch.digest, lines=True)
    assert receipt["sequence"] == batch.statement.sequence
    world.ledger.settle()
    place = (world.body.issuer, batch.statement.sequence)
    assert body.wait_final(*place, batch.digest)["state"] == "final"
    with pytest.raises(AnswerInvalidError):
        body.wait_final(*place, bytes(32))
    act = world.body.status_acts([batch.statement.first], Status.REVOKED, "R01")[0]
    told = body.submit_act(format_canonical(act.to_json()), act.digest)
    assert told["act"] == "Status"
    world.ledger.settle()


def test_a_counter_verifies_looks_up_and_syncs(world: World, desk: Client) -> None:
    questions = [{"evidence": orjson.loads(world.evidence(place).format())} for place in (0, 1)]
    told = desk.verify(questions)
    assert [one.verdict for one in told] == ["valid", "not_in_force"]
    assert told[0].words["banner"] == "真实，有效"
    found = desk.look_up(world.lookup(0))
    assert found is not None
    assert found.record.index == 0
    assert desk.look_up(bytes(32)) is None
    first = desk.snapshot()
    world.body.submit(1)
    world.ledger.settle()
    assert desk.snapshot().digest() != first.digest()


def test_what_another_signed_is_not_believed(world: World, running: Running, desk: Client) -> None:
    question = {"evidence": orjson.loads(world.evidence(0).format())}
    wary = client_of(running, Role.COUNTER, operator=person("mallory").address)
    with pytest.raises(AnswerInvalidError):
        wary.verify([question])
    batch = world.body.seal(1)
    with pytest.raises(AnswerInvalidError):
        client_of(running, Role.ISSUER).submit(batch.submission(), bytes(32))
    world.ledger.settle()


def test_a_refusal_keeps_its_code_and_is_not_tried_again(desk: Client) -> None:
    with pytest.raises(ServerRefusedError) as refused:
        desk.submit(b"{}", bytes(32))
    assert (refused.value.status, refused.value.code) == (403, "auth.forbidden")


def test_a_service_that_is_busy_is_asked_again_when_it_says(world: World) -> None:
    asked: list[str] = []

    async def busy(request: Request) -> Response:
        asked.append(request.url.path)
        if len(asked) < 3:
            return Response(status_code=503, headers={"retry-after": "0"})
        return JSONResponse({"digest": "0" * 64, "found": False, "leaf": "0" * 64})

    notices: list[str] = []
    app = Starlette(routes=[Route("/v1/lookups", busy, methods=["POST"])])
    with listening(app) as url:
        client = Client(
            url=url,
            ledger=world.ledger.pin,
            operator=world.ledger.operator.address,
            notice=notices.append,
        )
        assert client.look_up(bytes(32)) is None
    assert len(asked) == 3
    assert len(notices) == 2


def test_changed_answers_are_not_believed(world: World, running: Running) -> None:
    with running.client(Role.COUNTER) as honest:
        question = [{"evidence": orjson.loads(world.evidence(1).format())}]
        told = honest.post("/v1/verifications", json=question).json()
        leaf = world.body.sealed[0].sealed.leaves[0].hex()
        evidence = honest.get(f"/v1/evidence/{leaf}").content
    told["results"][0]["result"]["verdict"] = "valid"

    async def lie(request: Request) -> Response:
        return JSONResponse(told)

    async def mix_up(request: Request) -> Response:
        return Response(evidence, media_type="application/json")

    routes = [
        Route("/v1/verifications", lie, methods=["POST"]),
        Route("/v1/evidence/{leaf}", mix_up),
    ]
    with listening(Starlette(routes=routes)) as url:
        client = Client(url=url, ledger=world.ledger.pin, operator=world.ledger.operator.address)
        with pytest.raises(AnswerInvalidError):
            client.verify(question)
        with pytest.raises(AnswerInvalidError):
            client.evidence(bytes(32))


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


def test_a_snapshot_never_goes_back(world: World, running: Running) -> None:
    desk = client_of(running, Role.COUNTER)
    old = desk.snapshot()
    world.body.submit(1)
    world.ledger.settle()
    new = desk.snapshot()

    async def old_one(request: Request) -> Response:
        return Response(old.format())

    async def none(request: Request) -> Response:
        return JSONResponse({"code": "resource.unknown", "detail": "gone"}, 404)

    routes = [
        Route("/v1/snapshots/latest", old_one),
        Route("/v1/snapshots/{digest}/delta", none),
    ]
    with listening(Starlette(routes=routes)) as url:
        ledger = world.ledger
        client = Client(url=url, ledger=ledger.pin, operator=ledger.operator.address)
        client._snapshot = new
        with pytest.raises(AnswerInvalidError):
            client.snapshot()


def test_a_service_that_is_away_is_given_up(world: World) -> None:
    client = Client(
        url="http://127.0.0.1:9",
        ledger=world.ledger.pin,
        operator=world.ledger.operator.address,
        patience=0.2,
    )
    with pytest.raises(ServerUnreachableError):
        client.look_up(bytes(32))
