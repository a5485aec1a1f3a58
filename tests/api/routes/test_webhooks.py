"""Web hooks and watches: signed, tried again, and never to private places."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import orjson
import pytest
from standardwebhooks.webhooks import Webhook

from certledger.api.app import app_of
from certledger.api.routes import webhooks
from certledger.api.service import Options, Service
from certledger.ledger.core.service_values import Hook, Role
from certledger.ledger.webhooks.address_guard import (
    Resolver,
    Target,
    TargetForbiddenError,
    check_target,
)
from certledger.ledger.webhooks.events import EventDispatcher
from certledger.verifier.formats.canonical_json import format_time
from certledger.verifier.name_resolver import NameResolver
from certledger.verifier.vocabulary import Status
from tests.api.world import World, listening


class Ear:
    """A receiver of web hooks that answers with one status after another."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        self.url = ""


@contextmanager
def listen() -> Iterator[Ear]:
    ear = Ear()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["content-length"]))
            ear.heard.append(({k.lower(): v for k, v in self.headers.items()}, data))
            self.send_response(ear.answers.pop(0) if ear.answers else 204)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    ear.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    try:
        yield ear
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Clock:
    """Time that tests move."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ear() -> Iterator[Ear]:
    with listen() as made:
        yield made


@pytest.fixture
def clock(world: World) -> Clock:
    return Clock(world.service.clock())


@pytest.fixture
def teller(world: World, clock: Clock) -> Iterator[EventDispatcher]:
    made = EventDispatcher(
        store=world.ledger.store,
        pepper=world.service.pepper,
        clock=clock,
        private=True,
        pauses=(10, 100),
    )
    yield made
    made.release()


@pytest.fixture(scope="module")
def lenient(world: World) -> Iterator[str]:
    """Return the address of a service whose web hooks may go to loopback."""
    service = Service(ledger=world.ledger, options=Options(private_targets=True, lookup_floor=0))
    with listening(app_of(service)) as url:
        yield url


def client(world: World, url: str, role: Role) -> httpx.Client:
    headers = {"authorization": f"Bearer {world.keys[role]}"}
    return httpx.Client(base_url=url, headers=headers, verify=False, timeout=30)


def make_hook(opened: httpx.Client, ear: Ear, kind: str) -> dict[str, Any]:
    answer = opened.post("/v1/hooks", json={"url": ear.url, "kinds": [kind]})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_an_issuer_hears_once_that_its_batch_is_final(
    world: World, lenient: str, ear: Ear, teller: EventDispatcher
) -> None:
    teller.step()
    with client(world, lenient, Role.ISSUER) as issuer:
        hook = make_hook(issuer, ear, "batch.final")
        batch = world.issuer.submit(1)
        world.ledger.run_until_idle()
        teller.step()
        teller.step()
        assert len(ear.heard) == 1
        headers, data = ear.heard[0]
        told = Webhook(hook["secret"]).verify(data, headers)
        assert told["type"] == "batch.final"
        assert told["data"]["sequence"] == batch.statement.sequence
        feed = issuer.get("/v1/events").json()
        assert feed["events"][-1]["data"] == told["data"]
        assert issuer.get("/v1/events", params={"after": feed["next"]}).json()["events"] == []
        assert "secret" not in issuer.get("/v1/hooks").json()["hooks"][0]
        assert issuer.delete(f"/v1/hooks/{hook['id']}").status_code == 204


def test_a_counter_hears_when_what_it_relied_on_is_revoked_later(
    world: World, lenient: str, ear: Ear, teller: EventDispatcher
) -> None:
    batch = world.issuer.submit(1)
    world.ledger.run_until_idle()
    with client(world, lenient, Role.COUNTER) as counter:
        hook = make_hook(counter, ear, "certificate.status")
        leaf = batch.sealed.leaves[0].hex()
        watch = counter.post("/v1/watches", json={"leaf": leaf})
        assert (watch.status_code, watch.json()["status"]) == (201, "valid")
        teller.step()
        assert ear.heard == []
        world.issuer.change([batch.statement.first], Status.REVOKED, "R01")
        world.ledger.run_until_idle()
        teller.step()
        teller.step()
        assert [orjson.loads(data)["data"]["status"] for _, data in ear.heard] == ["revoked"]
        assert counter.get("/v1/watches").json()["watches"][-1]["leaf"]
        assert counter.delete(f"/v1/watches/{leaf}").status_code == 204
        assert counter.delete(f"/v1/watches/{leaf}").status_code == 404
        counter.delete(f"/v1/hooks/{hook['id']}")


def test_a_delivery_is_tried_again_given_up_listed_and_replayed(
    world: World, lenient: str, ear: Ear, teller: EventDispatcher, clock: Clock
) -> None:
    teller.step()
    ear.answers = [500, 503, 404, 200]
    with client(world, lenient, Role.ISSUER) as issuer:
        hook = make_hook(issuer, ear, "batch.final")
        world.issuer.submit(1)
        world.ledger.run_until_idle()
        teller.step()
        [retried] = issuer.get("/v1/deliveries/failed").json()["deliveries"]
        assert (retried["state"], retried["tries"]) == ("waiting", 1)
        assert retried["fault"] == "it answers 500"
        assert retried["due"] == format_time(int(clock.now) + teller.pauses[0])
        assert "certledger_deliveries_retried 1.0" in issuer.get("/metrics").text
        for pause in (5, 10, 100, 1_000, 10_000):
            clock.now += pause
            teller.step()
        assert len(ear.heard) == 3
        failed = issuer.get("/v1/deliveries/failed").json()["deliveries"]
        assert [(one["hook"], one["fault"]) for one in failed] == [(hook["id"], "it answers 404")]
        assert failed[0]["state"] == "failed"
        assert "due" not in failed[0]
        metrics = issuer.get("/metrics").text
        assert "certledger_deliveries_retried 0.0" in metrics
        assert "certledger_deliveries_failed 1.0" in metrics
        event = failed[0]["event"]["number"]
        replayed = issuer.post(f"/v1/deliveries/{event}/{hook['id']}/replay")
        assert replayed.status_code == 202
        clock.now += 10_000
        teller.step()
        assert len(ear.heard) == 4
        assert len({headers["webhook-id"] for headers, _ in ear.heard}) == 1
        assert issuer.get("/v1/deliveries/failed").json()["deliveries"] == []
        assert issuer.post(f"/v1/deliveries/{event}/{hook['id']}/replay").status_code == 404
        issuer.delete(f"/v1/hooks/{hook['id']}")


def test_a_name_that_does_not_resolve_holds_no_other_hook_up(
    world: World, lenient: str, ear: Ear, teller: EventDispatcher
) -> None:
    teller.step()
    gate = threading.Event()

    def look_up(host: str, port: int) -> list[str]:
        if host == "hangs.example":
            gate.wait()
        return ["127.0.0.1"]

    teller.resolver, teller.seconds = NameResolver(look_up), 2.0
    with client(world, lenient, Role.ISSUER) as issuer:
        hook = make_hook(issuer, ear, "batch.final")
        with world.ledger.store.begin() as unit:
            hanging = Hook(
                id="hook_0000000000000000",
                caller=f"body:{world.issuer.issuer}",
                url="http://hangs.example/",
                kinds=frozenset({"batch.final"}),
                created=0,
            )
            unit.add_hook(hanging)
        world.issuer.submit(1)
        world.ledger.run_until_idle()
        try:
            teller.step()  # It comes back although the name is still being looked up.
        finally:
            gate.set()
        assert len(ear.heard) == 1
        [failed] = issuer.get("/v1/deliveries/failed").json()["deliveries"]
        assert (failed["hook"], failed["fault"]) == (
            hanging.id,
            "it does not answer within 2 seconds",
        )
        for one in (hook["id"], hanging.id):
            assert issuer.delete(f"/v1/hooks/{one}").status_code == 204


def test_who_is_well_again_need_not_wait_for_the_next_try(
    world: World, lenient: str, ear: Ear, teller: EventDispatcher, clock: Clock
) -> None:
    teller.step()
    ear.answers = [500, 200]
    with client(world, lenient, Role.ISSUER) as issuer:
        hook = make_hook(issuer, ear, "batch.final")
        world.issuer.submit(1)
        world.ledger.run_until_idle()
        teller.step()
        [retried] = issuer.get("/v1/deliveries/failed").json()["deliveries"]
        again = f"/v1/deliveries/{retried['event']['number']}/{hook['id']}/replay"
        assert issuer.post(again).status_code == 202
        assert issuer.get("/v1/deliveries/failed").json()["deliveries"] == []
        clock.now += teller.pauses[0] // 2
        teller.step()
        assert len(ear.heard) == 2
        issuer.delete(f"/v1/hooks/{hook['id']}")


@contextmanager
def mumble(head: bytes, more: bytes) -> Iterator[str]:
    """Accept connections, say `head` to each, and then `more` and more until they are closed."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def talk(taken: socket.socket) -> None:
            with taken, suppress(OSError):
                taken.sendall(head)
                while more and not ended.wait(0.01):
                    taken.sendall(more)
                ended.wait()

        def accept() -> None:
            with suppress(OSError):
                while True:
                    taken, _ = server.accept()
                    threading.Thread(target=talk, args=(taken,), daemon=True).start()

        ended = threading.Event()
        threading.Thread(target=accept, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        finally:
            ended.set()
            server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("head", "more", "fault"),
    [
        (b"", b"", "it does not answer within 0.5 seconds"),
        (b"HTTP/1.1 200 OK\r\nx: ", b"y", "it does not answer within 0.5 seconds"),
        (b"HTTP/1.1 200 OK\r\n\r\n", bytes(65_536), None),
    ],
    ids=["silent", "a head without end", "an issuer without end"],
)
def test_a_hook_that_holds_the_line_holds_nobody_else_up(
    world: World,
    lenient: str,
    ear: Ear,
    teller: EventDispatcher,
    head: bytes,
    more: bytes,
    fault: str | None,
) -> None:
    teller.seconds = 0.5
    teller.step()
    with mumble(head, more) as url, client(world, lenient, Role.ISSUER) as issuer:
        made = issuer.post("/v1/hooks", json={"url": url, "kinds": ["batch.final"]})
        hook = make_hook(issuer, ear, "batch.final")
        for _ in range(3):
            world.issuer.submit(1)
        world.ledger.run_until_idle()
        teller.step()
        assert len(ear.heard) == 3
        with world.ledger.store.begin(write=False) as unit:
            waiting = unit.due_deliveries(int(teller.clock()) + 10_000, 100)
        mine = [one for one in waiting if one.hook == made.json()["id"]]
        # One is tried; the others wait until it is tried again, without a try of their own.
        assert sorted(one.tries for one in mine) == ([] if fault is None else [0, 0, 1])
        assert {one.fault for one in mine} == (set() if fault is None else {"", fault})
        for one in (made.json()["id"], hook["id"]):
            issuer.delete(f"/v1/hooks/{one}")


def test_a_caller_has_so_many_hooks_and_watches_and_no_more(
    world: World, lenient: str, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "MAX_WEBHOOKS", 2)
    monkeypatch.setattr(webhooks, "MAX_SUBSCRIPTIONS", 1)
    asked = {"url": ear.url, "kinds": ["certificate.status"]}
    leaves = [leaf.hex() for leaf in world.issuer.sealed[0].sealed.leaves[:2]]
    with client(world, lenient, Role.PARTNER) as partner:
        made = [partner.post("/v1/hooks", json=asked) for _ in range(3)]
        assert [one.status_code for one in made] == [201, 201, 409]
        assert made[2].json()["code"] == "quota.full"
        watched = [partner.post("/v1/watches", json={"leaf": leaf}) for leaf in leaves]
        assert [one.status_code for one in watched] == [201, 409]
        assert partner.post("/v1/watches", json={"leaf": leaves[0]}).status_code == 201
        for one in made[:2]:
            partner.delete(f"/v1/hooks/{one.json()['id']}")
        partner.delete(f"/v1/watches/{leaves[0]}")


def test_a_hook_is_its_callers_alone(world: World, lenient: str, ear: Ear) -> None:
    with (
        client(world, lenient, Role.ISSUER) as issuer,
        client(world, lenient, Role.PARTNER) as other,
    ):
        hook = make_hook(issuer, ear, "batch.final")
        assert other.get("/v1/hooks").json() == {"hooks": []}
        assert other.delete(f"/v1/hooks/{hook['id']}").status_code == 404
        assert issuer.delete(f"/v1/hooks/{hook['id']}").status_code == 204


def found_target(url: str, addresses: list[str]) -> Target:
    """Return where a hook goes whose host has these addresses."""
    resolver: Resolver = NameResolver(lambda host, port: addresses)
    return asyncio.run(check_target(url, private=False, caller="body:x", resolver=resolver))


@pytest.mark.parametrize(
    ("url", "addresses"),
    [
        ("http://body.example/hook", ["93.184.216.34"]),
        ("https://127.0.0.1/", ["127.0.0.1"]),
        ("https://inner.example/", ["10.0.0.7"]),
        ("https://two.example/", ["93.184.216.34", "192.168.1.1"]),
        ("https://meta.example/", ["169.254.169.254"]),
        ("https://six.example/", ["::1"]),
        ("https://six.example/", ["fe80::1%eth0"]),
        ("https://mapped.example/", ["::ffff:127.0.0.1"]),
        ("https://tunnel.example/", ["2002:7f00:1::"]),
        ("https://nat.example/", ["64:ff9b::7f00:1"]),
        ("https://nat.example/", ["64:ff9b:1::a00:1"]),
        ("https://compatible.example/", ["::7f00:1"]),
        ("https://site.example/", ["fec0::1"]),
        ("https://body.example/a b", ["93.184.216.34"]),
        ("https://body.example/\\@inner.example", ["93.184.216.34"]),
        ("https://zero.example/", ["0.0.0.0"]),
        ("https://many.example/", ["224.0.0.1"]),
        ("https://user:secret@body.example/", ["93.184.216.34"]),
        ("https://body.example/#part", ["93.184.216.34"]),
        ("https://body.example/\r\nx: y", ["93.184.216.34"]),
        ("ftp://body.example/", ["93.184.216.34"]),
        ("https://[broken", []),
        ("https://body.example:99999/", []),
        ("https://gone.example/", []),
        ("https://body.example/" + "x" * 3_000, ["93.184.216.34"]),
    ],
)
def test_a_hook_goes_only_to_where_anybody_could_call(url: str, addresses: list[str]) -> None:
    with pytest.raises(TargetForbiddenError):
        found_target(url, addresses)


def test_a_public_target_is_called_at_the_address_that_was_checked() -> None:
    target = found_target("https://body.example/hook?x=1", ["93.184.216.34"])
    assert target.url == "https://93.184.216.34:443/hook?x=1"
    assert (target.host, target.name) == ("body.example", "body.example")


def test_a_private_target_is_refused_over_http(issuer: httpx.Client) -> None:
    asked = {"url": "https://127.0.0.1/hook", "kinds": ["batch.final"]}
    answer = issuer.post("/v1/hooks", json=asked)
    assert (answer.status_code, answer.json()["code"]) == (422, "hook.target")
