"""A full disk, a hanging provider, a fault of ours: what is told, and what goes on."""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import orjson
import pytest
import structlog
from joserfc import jwt
from joserfc.jwk import RSAKey

from certledger.api.app import app_of
from certledger.api.auth.oidc import OidcTokens, Provider
from certledger.api.request.body import PUBLIC_VALUES
from certledger.api.responses import ByteCache
from certledger.api.service import Options, Service
from certledger.ledger.core.service_values import Role
from certledger.ledger.publish.evidence import EvidenceInconsistentError
from certledger.ledger.sealing.batch import SealedBatch
from tests.api.test_server import prepared as prepared
from tests.api.test_server import serving
from tests.api.world import World, listening

FULL = [(503, "store.full"), (503, "store.unavailable")]
"""What SQLite cannot write is an error of its disk, unless the system says that it is full."""


def test_while_the_disk_is_full_requests_are_503_and_afterwards_all_is_well(
    prepared: tuple[Path, list[SealedBatch], str],
) -> None:
    home, batches, key = prepared
    headers = {"authorization": f"Bearer {key}"}
    with (
        serving(home) as (process, url),
        httpx.Client(base_url=url, headers=headers, timeout=60) as client,
    ):

        def full(on: bool) -> None:
            soft = 0 if on else resource.RLIM_INFINITY
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (soft, resource.RLIM_INFINITY))

        question = {"lookup": {"digest": "1" * 64}}
        full(True)
        batch = batches[0].submission()
        for path, body, more in (
            ("/v1/verifications", orjson.dumps(question), {}),
            ("/v1/batches", batch, {}),
            ("/v1/batches", batch + b" " * 2**21, {"idempotency-key": "full"}),
        ):
            refused = client.post(path, content=body, headers=more)
            assert (refused.status_code, refused.json()["code"]) in FULL
            assert int(refused.headers["retry-after"]) > 0
        ready = client.get("/readyz")
        assert ready.status_code == 503
        assert {code for _, code in FULL} & set(ready.json()["faults"])
        assert client.get("/healthz").status_code == 200
        full(False)
        while {code for _, code in FULL} & set(client.get("/readyz").json()["faults"]):
            pass
        assert client.post("/v1/verifications", json=question).status_code == 200
        assert client.post("/v1/batches", content=batches[0].submission()).status_code == 202
    assert "request_failed" not in (home / "serve.log").read_text()


@pytest.fixture
def silent() -> Iterator[str]:
    """Return the address of a provider that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


class Known(OidcTokens):
    """One that knows a key from before."""

    def know(self, key: RSAKey) -> None:
        """Know a key, fetched so long ago that it is due again."""
        from joserfc.jwk import KeySet

        self._keys, self._fetched = KeySet([key]), self.clock() - 3_600


def test_good_tokens_do_not_wait_for_a_provider_that_hangs(world: World, silent: str) -> None:
    key = RSAKey.generate_key(2048, {"kid": "a"})
    tokens = Known(provider=Provider(issuer=silent, audience="x"), clock=world.service.clock)
    tokens.know(key)
    claims = {"iss": silent, "aud": "x", "exp": 2**40, "sub": "anna", "roles": "auditor"}
    good = jwt.encode({"alg": "RS256", "kid": "a"}, claims, key)
    other = jwt.encode({"alg": "RS256", "kid": "b"}, claims, RSAKey.generate_key(2048))
    with listening(app_of(Service(ledger=world.ledger, tokens=tokens))) as url:

        def ask(token: str) -> httpx.Response:
            headers = {"authorization": f"Bearer {token}"}
            return httpx.get(f"{url}/v1/policy", headers=headers, timeout=60)

        answers = [ask(good) for _ in range(20)]
        assert {answer.status_code for answer in answers} == {200}
        # Ten seconds is what the provider is given; no good token waited for any of it.
        assert sum(answer.elapsed.total_seconds() for answer in answers) < 5
        assert ask(other).status_code == 401


def test_a_500_that_says_so_is_in_the_log_under_its_id(
    world: World, auditor: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*given: object) -> None:
        raise EvidenceInconsistentError("leaf 7 does not lead to the root")

    monkeypatch.setattr("certledger.api.routes.verifications._evidence", fail)
    with structlog.testing.capture_logs() as lines:
        answer = auditor.get(f"/v1/evidence/{'0' * 64}")
    assert (answer.status_code, answer.json()["code"]) == (500, "evidence.inconsistent")
    (told,) = [line for line in lines if line["event"] == "request_broken"]
    assert answer.json()["instance"].endswith(told["request"])
    assert told["reason"] == "leaf 7 does not lead to the root"


def test_slow_uploads_hold_up_nobody_else(world: World) -> None:
    service = Service(ledger=world.ledger, options=Options(lookup_floor=0))
    batch = world.other.seal(1)
    _, text = service.keys.create(name="x", role=Role.ISSUER, issuer=world.other.issuer)
    with listening(app_of(service)) as url:
        host, _, port = url.removeprefix("http://").partition(":")
        head = (
            "POST /v1/batches HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n"
            f"authorization: Bearer {world.keys[Role.ISSUER]}\r\n\r\n{{"
        )
        slow = [socket.create_connection((host, int(port)), timeout=60) for _ in range(12)]
        for one in slow:
            one.sendall(head.encode())
        headers = {"authorization": f"Bearer {text}"}
        answer = httpx.post(f"{url}/v1/batches", content=batch.submission(), headers=headers)
        assert answer.status_code == 202
        for one in slow:
            one.close()
    world.ledger.run_until_idle()


def test_bodies_are_bounded_by_caller_and_in_all_and_given_back(world: World) -> None:
    service = Service(ledger=world.ledger, options=Options(lookup_floor=0))
    service.memory.total = service.memory.caller = 3 * 2**20
    head = (
        "POST /v1/verifications HTTP/1.1\r\nhost: a\r\ncontent-length: 4000000\r\n"
        f"authorization: Bearer {world.keys[Role.PARTNER]}\r\n\r\n"
    ).encode()
    with listening(app_of(service)) as url:
        host, _, port = url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=60) as large:
            large.sendall(head + b" " * 3_500_000)
            answer = b""
            while b'"code"' not in answer:
                answer += large.recv(65_536)
            assert b"service.busy" in answer
        question = {"evidence": orjson.loads(world.evidence(0).format())}
        assert httpx.post(f"{url}/v1/verifications", json=question).status_code == 200
        assert service.memory.reserved == 0


def test_few_bytes_with_many_values_are_refused_while_they_come(public: httpx.Client) -> None:
    body = b'{"evidence":[' + b"0," * PUBLIC_VALUES + b"0]}"
    answer = public.post("/v1/verifications", content=body)
    assert (answer.status_code, answer.json()["code"]) == (413, "request.too_many_values")


def test_what_is_remembered_is_bounded_in_bytes() -> None:
    cache = ByteCache(1_000)
    cache.put("too large", bytes(251))
    assert cache.get("too large") is None
    for number in range(100):
        cache.put(number, bytes(200))
        cache.put("again", bytes(100))
        assert cache.size <= 1_000
    assert cache.get(99) == bytes(200)
    assert cache.get(0) is None


def test_an_answer_of_the_node_has_a_bound_however_many_calls_it_answers(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("certledger.api.routes.health.MAX_ANSWER_BYTES", 10_000)
    service = Service(ledger=world.ledger)
    call = {"jsonrpc": "2.0", "method": "eth_getBlockByNumber", "params": ["0x1", False]}
    calls = [call | {"id": number} for number in range(100)]
    with listening(app_of(service)) as url:
        answer = httpx.post(f"{url}/rpc", json=calls, timeout=60)
        told = answer.json()
        assert [one["id"] for one in told] == list(range(100))
        assert "result" in told[0]
        assert told[-1]["error"]["code"] == -32005
        assert sum(len(orjson.dumps(one)) for one in told if "result" in one) <= 10_000
        rates = service.gate.rates
        assert rates.used("6000/minute", "callNode", "127.0.0.1") > 10
