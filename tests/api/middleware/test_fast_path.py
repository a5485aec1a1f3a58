"""The straight road answers as the application would."""

from __future__ import annotations

import httpx
from fastapi import FastAPI

from certledger.api.app import app_of, operations
from certledger.api.metrics import Metrics
from certledger.api.middleware.fast_path import straight
from certledger.api.middleware.request_context import Door
from certledger.api.service import Service
from tests.api.world import Running, World, listening

ROADS = sorted(straight(operations().values()))


def test_routes_with_one_path_and_nothing_else_to_read_are_on_it() -> None:
    assert ("POST", "/v1/verifications") in ROADS
    assert ("POST", "/v1/lookups") in ROADS
    assert ("GET", "/v1/verifications") not in ROADS  # Which has parameters.
    assert not any("{" in path for _, path in ROADS)


def test_it_answers_as_the_application_does(world: World, running: Running) -> None:
    asked = [
        (method, path, headers, body)
        for method, path in ROADS
        for headers in ({}, {"authorization": "Bearer clk_no"}, {"content-type": "text/csv"})
        for body in (b"", b"{}")
    ]
    plain = app_of(Service(ledger=world.ledger))
    plain.middleware_stack = Door(FastAPI.build_middleware_stack(plain), metrics=Metrics())
    with listening(plain) as url, httpx.Client(verify=False) as client:
        for method, path, headers, body in asked:
            told = [
                client.request(method, base + path, headers=headers, content=body)
                for base in (running.url, url)
            ]
            assert _known(told[0]) == _known(told[1]), (method, path, headers)


def test_another_method_on_its_path_is_told_what_is_allowed(running: Running) -> None:
    with running.client(None) as client:
        told = client.delete("/v1/verifications")
    assert (told.status_code, told.json()["code"]) == (405, "request.method")
    assert told.headers["allow"]


def _known(told: httpx.Response) -> tuple[object, ...]:
    """Return of an answer what does not change with each request."""
    problem = told.headers["content-type"] == "application/problem+json"
    names = sorted(name for name in told.headers if name not in ("date", "content-length"))
    return told.status_code, told.json()["code"] if problem else None, names
