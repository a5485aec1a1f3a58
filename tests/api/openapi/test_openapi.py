"""The OpenAPI document: valid, with examples that fit, and fit to generate a client from."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate
from referencing import Registry, Resource

from certledger.api.auth.permissions import RULES
from certledger.api.openapi import operation as route_operation
from certledger.ledger.core.book_values import DecisionLeaf, StoredDecision
from certledger.ledger.core.service_values import EVENT_KINDS, RETRACTIONS, Role, Watch
from certledger.ledger.reform.cases import CaseFinder
from certledger.ledger.webhooks.delivery import message
from certledger.ledger.webhooks.events import EventDispatcher
from tests.api.openapi_coverage import Answers
from tests.api.world import Running, World

OVERRIDES = {
    "content_type_overrides": {
        "application/jsonl": "application/octet-stream",
        "application/statuslist+jwt": "application/octet-stream",
        "application/vc+jwt": "application/octet-stream",
        "application/vnd.certledger.snapshot.v1": "application/octet-stream",
        "application/vnd.certledger.delta.v1": "application/octet-stream",
        "application/vnd.certledger.evidence.v1+json": "application/json",
    }
}


@pytest.fixture(scope="module")
def document(running: Running) -> dict[str, Any]:
    """Return the document as it is served."""
    with running.client(None) as client:
        found: dict[str, Any] = client.get("/openapi.json").json()
        return found


def operations_of(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every operation."""
    for path in document["paths"].values():
        yield from path.values()


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    validate(document)


def test_the_document_has_what_linters_ask_for(document: dict[str, Any]) -> None:
    assert document["servers"]
    assert document["info"]["license"]["identifier"] == "Apache-2.0"
    assert document["info"]["contact"]
    named = {tag["name"] for tag in document["tags"] if tag["description"]}
    assert named == {tag for operation in operations_of(document) for tag in operation["tags"]}
    spelled = json.dumps(document)
    for name in document["components"]["schemas"]:
        assert f'"#/components/schemas/{name}"' in spelled, name


def test_linters_find_nothing(document: dict[str, Any], tmp_path: Path) -> None:
    folder = os.environ.get("CERTLEDGER_NODE_BIN", ".tools/npm/node_modules/.bin")
    linter = Path(folder).absolute() / "redocly"
    if not linter.exists() or subprocess.run([linter, "--version"]).returncode:
        pytest.skip("the linter is one of node's: make tools brings it")
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    silent = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    linted = subprocess.run(
        [linter, "lint", "openapi.json", "--format=json"],
        cwd=tmp_path,
        env=os.environ | silent,
        capture_output=True,
        text=True,
    )
    assert linted.returncode == 0, linted.stdout
    totals = json.loads(linted.stdout)["totals"]
    assert (totals["errors"], totals["warnings"]) == (0, 0), linted.stdout


def test_every_operation_reads_well_and_is_described(document: dict[str, Any]) -> None:
    for operation in operations_of(document):
        assert re.fullmatch(r"[a-z]+([A-Z][a-z]+)+", operation["operationId"])
        assert operation["summary"]
        assert operation["description"]
        assert len(operation["tags"]) == 1
        for status, answer in operation["responses"].items():
            assert answer["description"], (operation["operationId"], status)


def test_every_body_has_examples_that_fit_its_schema(document: dict[str, Any]) -> None:
    hooks = (path["post"] for path in document["webhooks"].values())
    bodies = [one["requestBody"] for one in (*operations_of(document), *hooks) if _takes_body(one)]
    assert len(bodies) > 10
    for body in bodies:
        for media, content in body["content"].items():
            assert content["examples"], media
            for example in content["examples"].values():
                fits(document, content["schema"], example["value"])


def _takes_body(operation: dict[str, Any]) -> bool:
    return "requestBody" in operation


def fits(document: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    """Check that a value is as a schema of the document has it."""
    registry: Registry[Any] = Registry().with_resource("urn:document", Resource.opaque(document))
    absolute = json.loads(json.dumps(schema).replace('"#/', '"urn:document#/'))
    OAS31Validator(absolute, registry=registry).validate(value)


def test_every_operation_tells_how_it_refuses(document: dict[str, Any]) -> None:
    problem = {"$ref": "#/components/schemas/Problem"}
    for operation in operations_of(document):
        assert {"400", "429", "500", "503"} <= set(operation["responses"])
        for status, answer in operation["responses"].items():
            if status[0] in "45" and operation["operationId"] != "isReady":
                assert answer["content"] == {"application/problem+json": {"schema": problem}}
                headers = {"401": {"WWW-Authenticate"}, "429": {"Retry-After"}}
                headers["503"] = headers["429"]
                if "idempotency.in_flight" in answer["x-codes"]:
                    headers["409"] = headers["429"]
                always = {"Cache-Control", "X-Request-Id"}
                assert set(answer["headers"]) == always | headers.get(status, set())
                assert answer["x-codes"]
                assert all(f"`{code}`" in answer["description"] for code in answer["x-codes"])


def test_every_answer_has_one_media_type(document: dict[str, Any]) -> None:
    for operation in operations_of(document):
        for status, answer in operation["responses"].items():
            assert len(answer.get("content", {})) <= 1, (operation["operationId"], status)


def test_what_the_document_does_not_have_is_found(answers: Answers, counter: httpx.Client) -> None:
    assert counter.get("/v1/events?after=x").status_code == 400
    assert ("listEvents", 400) in answers.checked
    assert not answers.unknown
    problem = {"content-type": "application/problem+json"}
    answers.check("listEvents", 400, problem, b'{"code":"other"}')
    answers.check("listEvents", 418, {}, b"")
    answers.check("listEvents", 200, {"content-type": "text/html"}, b"")
    answers.check("listEvents", 200, {"etag": "x"}, b"")
    assert len(answers.unknown) == 4
    answers.unknown.clear()


def test_what_leaves_says_so_in_the_document(monkeypatch: pytest.MonkeyPatch) -> None:
    leaving = replace(RULES["getHead"], deprecated=1_800_000_000, sunset=1_900_000_000)
    monkeypatch.setitem(RULES, "getHead", leaving)
    good = {200: route_operation.schema("Head", what="x")}
    told = route_operation.operation("getHead", summary="x", tag="x", good=good)
    assert told["deprecated"]
    for answer in told["responses"].values():
        assert {"Deprecation", "Sunset"} <= set(answer["headers"])


def test_hooks_are_sent_what_the_document_says(document: dict[str, Any], world: World) -> None:
    now = int(world.service.clock())
    watch = Watch(
        caller="counter:document",
        issuer=world.issuer.issuer,
        index=1,
        leaf=world.issuer.sealed[0].sealed.leaves[1],
        status="valid",
        created=now,
    )
    with world.ledger.store.begin() as unit:
        unit.add_watch(watch)
        unit.add_decision(
            StoredDecision(
                reference="AAAA-BBBB-CCCC",
                item="NOCRIME-APPLY",
                outcome="granted",
                party="counter:document",
                checked=now,
            ),
            [DecisionLeaf(leaf=watch.leaf, issuer=watch.issuer, index=watch.index)],
        )
    CaseFinder(store=world.ledger.store, clock=world.service.clock).step()
    teller = EventDispatcher(store=world.ledger.store, pepper=bytes(32), clock=world.service.clock)
    teller.step()
    teller.release()
    with world.ledger.store.begin() as unit:
        unit.remove_watch("counter:document", watch.issuer, watch.index)
        events = [
            *unit.events_of("counter:document", after=0, limit=10),
            *unit.events_of(f"body:{world.issuer.issuer}", after=0, limit=10),
        ]
    # A retraction has the body of the event that it takes back.
    for kind, retracted in RETRACTIONS.items():
        events += [replace(event, kind=kind) for event in events if event.kind == retracted]
    assert {event.kind for event in events} == set(document["webhooks"]) == set(EVENT_KINDS)
    for event in events:
        told = document["webhooks"][event.kind]["post"]["requestBody"]["content"]
        fits(document, told["application/json"]["schema"], orjson.loads(message(event)))


@pytest.fixture(scope="module")
def generated(document: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the name of a client package generated from the document."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "openapi.json").write_text(json.dumps(document))
    (folder / "config.json").write_text(json.dumps(OVERRIDES))
    tools = Path(sys.executable).parent
    made = subprocess.run(
        [
            tools / "openapi-python-client",
            "generate",
            "--path=openapi.json",
            "--config=config.json",
            "--output-path=generated_certledger",
            "--meta=none",
            "--fail-on-warning",
        ],
        cwd=folder,
        env={**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    sys.path.insert(0, str(folder))
    try:
        yield "generated_certledger"
    finally:
        sys.path.remove(str(folder))


def test_a_generated_client_submits_and_verifies(
    world: World, running: Running, generated: str
) -> None:
    load = importlib.import_module
    clients = load(f"{generated}.client")
    submit = load(f"{generated}.api.submissions.submit_batch")
    verify = load(f"{generated}.api.verifications.create_verification")
    models = load(f"{generated}.models")

    def client_of(role: Role) -> Any:
        return clients.AuthenticatedClient(base_url=running.url, token=world.keys[role])

    batch = world.issuer.seal(2)
    body = models.Submission.from_dict(orjson.loads(batch.submission()))
    receipt = submit.sync(client=client_of(Role.ISSUER), body=body)
    assert receipt.receipt["sequence"] == batch.statement.sequence
    world.ledger.run_until_idle()
    question = models.Question.from_dict({"evidence": orjson.loads(world.evidence(0).format())})
    answer = verify.sync(client=client_of(Role.COUNTER), body=question)
    assert str(answer.result.verdict) == "valid"


def test_the_document_and_our_own_page_of_it_are_served_to_everybody(public: httpx.Client) -> None:
    assert public.get("/openapi.json").status_code == 200
    page = public.get("/docs")
    assert (page.status_code, "getCheckpoint" in page.text) == (200, True)
    assert "cdn." not in page.text, "the framework's own page loads scripts of another host"
    assert public.get("/redoc").status_code == 404
