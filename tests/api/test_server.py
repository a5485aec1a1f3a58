"""`certledger serve` as a process: ready when it says so, killed, started again, stopped well."""

from __future__ import annotations

import re
import select
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import orjson
import pytest
from click.testing import CliRunner

from certledger.api.app import app_of
from certledger.api.auth.api_keys import KeyRing
from certledger.api.request import body as request_body
from certledger.api.service import Service
from certledger.ledger.core.service_values import Role
from certledger.ledger.node import POLICY
from certledger.ledger.sealing.batch import SealedBatch
from certledger.ledger.store.pepper import load_pepper
from certledger.verifier.cli.main import main
from certledger.verifier.files import write_atomically
from certledger.verifier.formats.canonical_json import format_canonical
from tests.api.oidc_login import SignIn
from tests.api.oidc_provider import running_provider
from tests.api.world import World, listening, policy_of
from tests.fork_server import Forked
from tests.ledger.live import LiveIssuer, open_live

BATCHES = 12


@contextmanager
def serving(home: Path, *more: str) -> Iterator[tuple[Forked, str]]:
    """Run `certledger serve` on a home; give the process and its address."""
    log = (home / "serve.log").open("ab")
    process = Forked(["serve", "--home", str(home), "--port", "0", *more], stderr=log)
    try:
        line = process.stdout.readline()
        found = re.fullmatch(r"certledger serves (http://127\.0\.0\.1:\d+)\n", line)
        assert found, line
        yield process, found[1]
    finally:
        process.kill()
        process.wait()
        log.close()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[SealedBatch], str]:
    """Return a home with one issuer, batches that it has sealed, and its key for the API."""
    home = tmp_path_factory.mktemp("serving") / "home"
    with open_live(home) as ledger:
        write_atomically(home / POLICY, policy_of(ledger.pin, int(time.time())).format())
        issuer = LiveIssuer(ledger)
        issuer.register()
        batches = [issuer.seal(20) for _ in range(BATCHES)]
        ring = KeyRing(store=ledger.store, pepper=load_pepper(home, ledger.store), clock=time.time)
        _, key = ring.create(name="body", role=Role.ISSUER, issuer=issuer.issuer)
    return home, batches, key


class Hand:
    """Clients that all hand in the same batches in turn, and what was accepted."""

    def __init__(self, url: str, key: str, batches: list[SealedBatch]) -> None:
        self._url, self._batches = url, batches
        self._headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        self.accepted: dict[int, bytes] = {}
        self.enough = threading.Event()

    def work(self, enough: int) -> None:
        with httpx.Client(base_url=self._url, headers=self._headers, verify=False) as client:
            for batch in self._batches:
                try:
                    answer = client.post("/v1/batches", content=batch.submission())
                except httpx.TransportError:
                    return
                if answer.status_code == 202:
                    self.accepted[batch.statement.sequence] = answer.content
                if len(self.accepted) >= enough:
                    self.enough.set()


def test_what_got_202_is_there_after_a_kill_and_becomes_final_once(
    prepared: tuple[Path, list[SealedBatch], str],
) -> None:
    home, batches, key = prepared
    issuer = batches[0].statement.issuer.decode()
    with serving(home) as (process, url):
        hand = Hand(url, key, batches)
        threads = [threading.Thread(target=hand.work, args=(BATCHES // 2,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        assert hand.enough.wait(60)
        process.send_signal(signal.SIGKILL)
        process.wait()
        for thread in threads:
            thread.join()
    assert hand.accepted
    headers = {"authorization": f"Bearer {key}"}
    with (
        serving(home) as (process, url),
        httpx.Client(base_url=url, headers=headers, verify=False, timeout=60) as client,
    ):
        for sequence, receipt in hand.accepted.items():
            found = client.get(f"/v1/batches/{issuer}/{sequence}?wait=60").json()
            assert found["state"] == "final"
            assert found["receipt"] == orjson.loads(receipt)
        rest = Hand(url, key, batches)
        rest.work(BATCHES)
        assert len(rest.accepted) == BATCHES
        last = client.get(f"/v1/batches/{issuer}/{BATCHES}?wait=60").json()
        assert last["state"] == "final"
        assert client.get("/readyz").status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    log = (home / "serve.log").read_text()
    assert key not in log
    assert "request" in log


def test_every_line_of_the_log_is_json_whatever_comes(
    prepared: tuple[Path, list[SealedBatch], str],
) -> None:
    home = prepared[0]
    (home / "serve.log").unlink(missing_ok=True)
    with serving(home) as (process, url):
        port = int(url.rpartition(":")[2])
        for nonsense in (b"\x16\x03\x01", b"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", port)) as plain:
                plain.sendall(nonsense + b"\r\n\r\n")
                assert b"400" in plain.recv(1_000)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    lines = [orjson.loads(line) for line in (home / "serve.log").read_bytes().splitlines()]
    assert [one["message"] for one in lines if one["event"] == "library"]


def head_of(key: str, length: int) -> bytes:
    """Return the head of a request that hands in a batch."""
    lines = [
        "POST /v1/batches HTTP/1.1",
        "host: a",
        f"authorization: Bearer {key}",
        "content-type: application/json",
        f"content-length: {length}",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def read_answer(plain: socket.socket) -> tuple[int, bytes]:
    """Return status and issuer of the answer that ends a connection."""
    with plain.makefile("rb") as answer:
        head, _, issuer = answer.read().partition(b"\r\n\r\n")
    return int(head.split()[1]), issuer


def test_at_the_end_an_issuer_that_stands_still_is_given_up_and_one_that_comes_is_taken(
    prepared: tuple[Path, list[SealedBatch], str],
) -> None:
    home, batches, key = prepared
    (home / "serve.log").unlink(missing_ok=True)
    data = batches[0].submission()
    head = head_of(key, len(data))
    with serving(home) as (process, url):
        address = ("127.0.0.1", int(url.rpartition(":")[2]))
        with (
            socket.create_connection(address) as still,
            socket.create_connection(address) as coming,
        ):
            for plain in (still, coming):
                plain.sendall(head + data[:100])
            assert httpx.get(f"{url}/healthz").status_code == 200
            process.send_signal(signal.SIGTERM)
            coming.sendall(data[100:])
            assert read_answer(coming)[0] == 202
            status, issuer = read_answer(still)
        assert (status, orjson.loads(issuer)["code"]) == (503, "service.stopping")
        assert process.wait(30) == 0
    assert b"Traceback" not in (home / "serve.log").read_bytes()


def test_at_the_end_an_issuer_that_drips_is_given_up_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_body, "STILL_SECONDS", 0.1)
    monkeypatch.setattr(request_body, "LAST_SECONDS", 0.5)
    service = Service(ledger=world.ledger, stopping=True)
    with (
        listening(app_of(service)) as url,
        socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as plain,
    ):
        plain.sendall(head_of(world.keys[Role.ISSUER], 2**20))
        while not select.select([plain], [], [], 0.01)[0]:
            plain.sendall(b" ")
        answer = b""
        while b"service.stopping" not in answer and (more := plain.recv(4_096)):
            answer += more
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"service.stopping" in answer


def test_an_issuer_nested_without_end_ends_nobody(
    prepared: tuple[Path, list[SealedBatch], str],
) -> None:
    home, _, key = prepared
    json = {"content-type": "application/json"}
    authorized = json | {"authorization": f"Bearer {key}"}
    deep = [b"[" * 100_000, b'{"statement":' + b'{"a":' * 100_000, b'[{"a":"\\ud800"},' * 100_000]
    with (
        serving(home) as (process, url),
        httpx.Client(base_url=url, headers=json, verify=False, timeout=60) as client,
    ):
        found = [client.post("/v1/verifications", content=data).status_code for data in deep]
        assert found == [413, 413, 413]  # More values than the public may send, before their depth.
        for data in deep:
            for path in ("/v1/batches", "/v1/acts", "/v1/catalogs"):
                answer = client.post(path, content=data, headers=authorized)
                assert answer.status_code in (400, 413, 422), answer.text
            assert client.post("/rpc", content=data).status_code in (200, 413)
        assert process.poll() is None


def test_a_provider_is_named_on_the_command_line_with_what_it_calls_its_claims(
    prepared: tuple[Path, list[SealedBatch], str],
) -> None:
    home, batches, _ = prepared
    issuer = batches[0].statement.issuer.decode()
    with running_provider() as server:
        sign_in = SignIn(server.url)
        told = {
            "issuer": sign_in.provider,
            "audience": sign_in.client,
            "roles": "realm_access.roles",
            "body": "office.code",
        }
        options = [part for name, value in told.items() for part in (f"--oidc-{name}", value)]
        claims = {"realm_access": {"roles": ["issuer"]}, "office": {"code": issuer}}
        with serving(home, *options) as (_, sign_in.url):
            path = f"/v1/issuers/{issuer}/head"
            assert sign_in.get(sign_in.token("anna", **claims), path).status_code == 200
            assert sign_in.get(sign_in.token("bo", roles="auditor"), path).status_code == 401
    for wrong in (options[:2], options[4:]):
        result = CliRunner().invoke(main, ["serve", "--home", str(home), *wrong])
        assert result.exit_code == 2


def test_keys_are_made_listed_and_revoked_on_the_command_line(
    prepared: tuple[Path, list[SealedBatch], str],
) -> None:
    home = ["--home", str(prepared[0])]
    run = CliRunner().invoke
    made = run(main, ["apikey", "create", *home, "--name", "desk", "--role", "auditor", "--json"])
    assert made.exit_code == 0, made.output
    key = orjson.loads(made.stdout)
    listed = run(main, ["apikey", "list", *home])
    assert key["prefix"] in listed.stdout
    assert key["key"] not in listed.stdout
    assert run(main, ["apikey", "revoke", *home, key["prefix"]]).exit_code == 0
    assert run(main, ["apikey", "revoke", *home, key["prefix"]]).exit_code == 2
    assert "revoked" in run(main, ["apikey", "list", *home]).stdout
    for wrong in (
        ["--name", "x", "--role", "counter"],
        ["--name", "x", "--role", "counter", "--counter", "no\nname"],
        ["--name", "x", "--role", "issuer", "--issuer", "nobody"],
        ["--name", "", "--role", "auditor"],
    ):
        assert run(main, ["apikey", "create", *home, *wrong]).exit_code == 2


def test_keys_of_a_home_without_a_ledger_are_refused_and_nothing_is_made(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["apikey", "list", "--home", str(tmp_path / "none")])
    assert result.exit_code == 2
    assert "ledger.absent" in result.output
    assert not (tmp_path / "none").exists()


def test_a_receipt_is_checked_offline(
    tmp_path: Path, world: object, running: object, counter: httpx.Client
) -> None:
    told = counter.post("/v1/verifications", json={"lookup": {"digest": "4" * 64}}).json()
    operator = "0x" + told["receipt"]["receipt"]["operator"]
    whole, receipt, other = (tmp_path / name for name in ("answer.json", "receipt.json", "x.json"))
    whole.write_bytes(orjson.dumps(told))
    receipt.write_bytes(format_canonical(told["receipt"]))
    told["result"]["verdict"] = "valid"
    other.write_bytes(orjson.dumps(told))
    run = CliRunner().invoke
    assert run(main, ["verify-receipt", str(whole), "--operator", operator]).exit_code == 0
    assert (
        run(main, ["verify-receipt", str(receipt), "--operator", operator, "--json"]).exit_code == 0
    )
    assert run(main, ["verify-receipt", str(receipt)]).exit_code == 3
    assert run(main, ["verify-receipt", str(other), "--operator", operator]).exit_code == 1
    assert run(main, ["verify-receipt", str(receipt), "--answer", str(other)]).exit_code == 1
    assert run(main, ["verify-receipt", str(receipt), "--operator", "0x" + "1" * 40]).exit_code == 1
    assert run(main, ["verify-receipt", str(receipt), "--operator", "me"]).exit_code == 2
    (tmp_path / "no.json").write_text("{}")
    assert run(main, ["verify-receipt", str(tmp_path / "no.json")]).exit_code == 2


def test_a_home_without_a_ledger_is_not_served(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["serve", "--home", str(tmp_path / "none"), "--port", "0"])
    assert result.exit_code == 2
    assert "ledger.absent" in result.output
    for way in ("certledger demo --home", "certledger found operator", "certledger join --policy"):
        assert way in result.output
    assert not (tmp_path / "none").exists()
