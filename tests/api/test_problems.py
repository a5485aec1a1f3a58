"""Refusals over HTTP: each has a status, a stable code, and says nothing it should not."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType
from typing import cast

import httpx
import pytest

from certledger.api import errors as api_refusals
from certledger.api.app import app_of
from certledger.api.auth.permissions import RULES, Rule
from certledger.api.openapi.operation import operation
from certledger.api.problems import STATUSES, problem, status_of
from certledger.api.service import Options, Service
from certledger.ledger.core import errors as core_refusals
from certledger.ledger.intake import errors as intake_refusals
from certledger.ledger.issuer import signed_acts, status_changes
from certledger.ledger.publish import evidence
from certledger.verifier import errors
from certledger.verifier.errors import CertledgerError, MalformedError
from tests.api.world import World, listening

MODULES: tuple[ModuleType, ...] = (
    api_refusals,
    intake_refusals,
    evidence,
    core_refusals,
    signed_acts,
    status_changes,
    errors,
)


def refusals() -> Iterator[type[CertledgerError]]:
    """Yield every class of refusal that intake, evidence, acts, store, chain and API have."""
    for module in MODULES:
        for _, found in inspect.getmembers(module, inspect.isclass):
            if issubclass(found, CertledgerError) and found is not CertledgerError:
                yield found


@pytest.mark.parametrize("kind", sorted(set(refusals()), key=str))
def test_every_refusal_has_a_status(kind: type[CertledgerError]) -> None:
    assert any(parent in STATUSES for parent in kind.__mro__ if parent is not CertledgerError), kind


def test_what_is_no_json_is_400_and_what_breaks_a_schema_422() -> None:
    assert status_of(MalformedError("json.syntax", "no")) == 400
    assert status_of(MalformedError("json.size", "no")) == 413
    assert status_of(MalformedError("schema.invalid", "no")) == 422


def test_a_fault_of_ours_tells_nothing_of_itself() -> None:
    told = problem(evidence.EvidenceInconsistentError("secret of the house"), "abc")
    assert "secret" not in str(told)
    assert told["code"] == "evidence.inconsistent"


def test_pages_of_other_origins_are_let_in_only_where_they_are_named(world: World) -> None:
    named, other = "https://counter.example", "https://other.example"
    service = Service(ledger=world.ledger, options=Options(origins=(named,)))
    with listening(app_of(service)) as url, httpx.Client(base_url=url, verify=False) as client:
        for origin in (named, other):
            asks = {"origin": origin, "access-control-request-method": "POST"}
            before = client.options("/v1/verifications", headers=asks)
            told = client.post("/v1/verifications", headers={"origin": origin}, content=b"{}")
            let_in = [one.headers.get("access-control-allow-origin") for one in (before, told)]
            assert let_in == ([origin] * 2 if origin == named else [None] * 2)
            assert told.status_code == 422
    with listening(app_of(Service(ledger=world.ledger))) as url:
        answer = httpx.get(f"{url}/healthz", headers={"origin": named}, verify=False)
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("broken", "method", "path", "body"),
    [
        (
            "certledger.api.guess_limit._find",
            "POST",
            "/v1/lookups",
            b'{"digest":"%b"}' % (b"0" * 64),
        ),
        ("certledger.api.routes.registry._newest", "GET", "/v1/issuers/11310000XX00000196", b""),
    ],
)
def test_what_nobody_foresaw_is_a_problem_like_every_other(
    auditor: httpx.Client,
    monkeypatch: pytest.MonkeyPatch,
    broken: str,
    method: str,
    path: str,
    body: bytes,
) -> None:
    def fail(*given: object) -> None:
        raise ZeroDivisionError("secret of the house")

    monkeypatch.setattr(broken, fail)
    answer = auditor.request(method, path, content=body)
    assert (answer.status_code, answer.json()["code"]) == (500, "service.broken")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/nothing", 404, "resource.unknown"),
        ("/v1/issuers/short", 400, "request.invalid"),
        ("/v1/issuers/11310000XX00000196%2f..", 400, "request.invalid"),
        ("/v1/issuers/../issuers", 200, None),
        ("/v1/evidence/" + "z" * 64, 400, "request.invalid"),
        ("/v1/" + "x" * 3000, 400, "request.invalid"),
    ],
)
def test_paths_that_lead_nowhere(
    auditor: httpx.Client, path: str, status: int, code: str | None
) -> None:
    answer = auditor.get(path)
    assert answer.status_code == status
    if code is not None:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == code
        assert answer.json()["instance"].endswith(answer.headers["x-request-id"])


def test_another_method_is_405_and_says_which_are_taken(auditor: httpx.Client) -> None:
    answer = auditor.put("/v1/issuers")
    assert (answer.status_code, answer.json()["code"]) == (405, "request.method")
    assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "json.syntax"),
        (b"{", 400, "json.syntax"),
        (b"{} {}", 400, "json.trailing"),
        (b'{"digest": 1.5}', 400, "json.number"),
        (b'{"digest": "a", "digest": "b"}', 400, "json.duplicate_name"),
        (b'{"digest": "\\ud800"}', 400, None),
        (b"[" * 500 + b"]" * 500, 400, "json.depth"),
        (b"\xff\xfe", 400, "json.syntax"),
        (b'{"digest": "' + b"0" * 64 + b'", "more": true}', 422, "schema.invalid"),
        (b'{"digest": "' + b"0" * 2000 + b'"}', 413, "request.too_large"),
        (b"null", 400, None),
    ],
)
def test_bodies_that_are_none(
    counter: httpx.Client, body: bytes, status: int, code: str | None
) -> None:
    answer = counter.post("/v1/lookups", content=body)
    assert answer.status_code == status, answer.text
    assert code is None or answer.json()["code"] == code


def test_media_types_and_encodings_that_are_not_taken(
    counter: httpx.Client, issuer: httpx.Client
) -> None:
    for headers, client, path in (
        ({"content-type": "text/xml"}, counter, "/v1/lookups"),
        ({"content-encoding": "gzip"}, counter, "/v1/lookups"),
        ({"content-encoding": "br"}, issuer, "/v1/batches"),
        ({"content-encoding": "gzip"}, issuer, "/v1/batches"),
    ):
        answer = client.post(path, content=b"{}", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (415, "request.media_type")


def test_a_small_body_that_unpacks_without_end_is_stopped(issuer: httpx.Client) -> None:
    import gzip

    bomb = gzip.compress(bytes(9 * 2**20))
    answer = issuer.post("/v1/status-updates", content=bomb, headers={"content-encoding": "gzip"})
    assert (answer.status_code, answer.json()["code"]) == (413, "request.too_large")


def test_every_answer_has_the_headers_that_protect(public: httpx.Client) -> None:
    for path in ("/healthz", "/v1/issuers", "/openapi.json", "/nothing"):
        headers = public.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["x-request-id"]
        assert "access-control-allow-origin" not in headers


def test_a_request_id_is_taken_over_only_if_it_is_one(public: httpx.Client) -> None:
    taken = public.get("/healthz", headers={"x-request-id": "abcdef-123456"})
    assert taken.headers["x-request-id"] == "abcdef-123456"
    drawn = public.get("/healthz", headers={"x-request-id": "<script>alert(1)</script>"})
    assert "script" not in drawn.headers["x-request-id"]


def test_intake_refuses_over_http_with_the_codes_of_the_command_line(
    world: World, issuer: httpx.Client
) -> None:
    batch = world.issuer.seal(1)
    world.issuer.sealed.pop()
    data = batch.submission().replace(b'"index":', b'"indeks":')
    answer = issuer.post("/v1/batches", content=data)
    assert answer.status_code == 422
    world.issuer.head = type(batch.head)(
        sequence=batch.statement.sequence,
        previous=batch.statement.previous,
        first=batch.statement.first,
    )


def test_head_is_get_without_the_content(auditor: httpx.Client) -> None:
    for path in ("/v1/issuers", "/v1/snapshots/latest", "/healthz", "/v1/nothing"):
        whole, head = auditor.get(path), auditor.head(path)
        assert (head.status_code, head.content) == (whole.status_code, b"")
        for name in ("content-type", "content-length", "etag", "cache-control"):
            if path != "/v1/nothing" or name != "content-length":
                assert head.headers.get(name) == whole.headers.get(name), (path, name)
    assert auditor.head("/v1/lookups").status_code == 405


def test_what_will_not_stay_says_so(public: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not {"deprecation", "sunset"} & set(public.get("/healthz").headers)
    leaving = replace(RULES["isAlive"], deprecated=1_795_500_000, sunset=1_827_036_000)
    monkeypatch.setitem(cast(dict[str, Rule], RULES), "isAlive", leaving)
    answer = public.get("/healthz")
    assert answer.headers["deprecation"] == "@1795500000"
    assert answer.headers["sunset"] == "Wed, 24 Nov 2027 06:00:00 GMT"
    assert operation("isAlive", summary="", tag="", good={200: {"description": ""}})["deprecated"]
