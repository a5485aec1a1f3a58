"""Supervision over HTTP: a revocation makes a case, in the list and in the feed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
from standardwebhooks.webhooks import Webhook

from certledger.ledger.core.book_values import StoredEdition
from certledger.ledger.core.service_values import Role
from certledger.ledger.reform.cases import CaseFinder
from certledger.ledger.webhooks.events import EventDispatcher
from certledger.verifier.vocabulary import Status
from tests.api.routes.test_book import edition
from tests.api.routes.test_decisions import ask
from tests.api.routes.test_webhooks import (
    Clock,
    Ear,
    client,
    clock,
    ear,
    lenient,
    make_hook,
    teller,
)
from tests.api.world import Running, World

__all__ = ["clock", "ear", "edition", "lenient", "teller"]


def test_a_decision_on_a_certificate_that_is_revoked_later_is_a_case_until_it_is_closed(
    edition: StoredEdition,
    world: World,
    counter: httpx.Client,
    partner: httpx.Client,
    auditor: httpx.Client,
) -> None:
    world.issuer.submit(1)
    world.ledger.run_until_idle()
    batch = len(world.issuer.sealed) - 1
    evidence = world.evidence(0, batch)
    reference = ask(counter, [{"evidence": evidence.to_json()}]).json()["reference"]
    finder = CaseFinder(store=world.ledger.store, clock=world.service.clock)
    finder.step()
    assert reference not in str(counter.get("/v1/cases").json())

    world.issuer.change([evidence.record.index], Status.REVOKED, "R01")
    world.ledger.run_until_idle()
    finder.step()
    (case,) = [
        one for one in counter.get("/v1/cases").json()["cases"] if one["reference"] == reference
    ]
    events = counter.get("/v1/events").json()["events"]
    told = [one["data"] for one in events if one["kind"] == "decision.case"]

    assert (case["cause"], case["leaf"]) == ("revoked", evidence.record.leaf().hex())
    assert case in told
    assert reference in str(auditor.get("/v1/cases").json())
    assert reference not in str(partner.get("/v1/cases").json())

    path = f"/v1/cases/{reference}/close"
    closing = {"leaf": case["leaf"], "cause": "revoked", "reason": "looked at", "by": "clerk 1"}
    with ThreadPoolExecutor(2) as pool:
        answers = list(
            pool.map(lambda name: counter.post(path, json=closing | {"by": name}), ("a", "b"))
        )
    assert sorted(one.status_code for one in answers) == [200, 409]
    lost = next(one for one in answers if one.status_code == 409)
    assert lost.json()["code"] == "case.closed"
    assert reference not in str(counter.get("/v1/cases").json())
    assert reference in str(counter.get("/v1/cases?closed=true").json())
    assert partner.post(path, json=closing).status_code == 404


def test_an_auditor_of_a_region_sees_and_closes_its_regions_cases_alone(
    edition: StoredEdition, world: World, running: Running
) -> None:
    def client_of(role: Role, region: int, counter: str | None = None) -> httpx.Client:
        _, key = world.service.keys.create(
            name=f"{role} {region}", role=role, counter=counter, region=region
        )
        opened = running.client(None)
        opened.headers["authorization"] = f"Bearer {key}"
        return opened

    world.issuer.submit(1)
    world.ledger.run_until_idle()
    evidence = world.evidence(0, len(world.issuer.sealed) - 1)
    with (
        client_of(Role.COUNTER, 31, "window-9") as window,
        client_of(Role.AUDITOR, 31) as own,
        client_of(Role.AUDITOR, 32) as other,
    ):
        reference = ask(window, [{"evidence": evidence.to_json()}]).json()["reference"]
        world.issuer.change([evidence.record.index], Status.REVOKED, "R01")
        world.ledger.run_until_idle()
        CaseFinder(store=world.ledger.store, clock=world.service.clock).step()
        leaf = evidence.record.leaf().hex()
        closing = {"leaf": leaf, "cause": "revoked", "reason": "looked at", "by": "Li"}
        path = f"/v1/cases/{reference}/close"

        assert reference in str(own.get("/v1/cases").json())
        assert reference not in str(other.get("/v1/cases").json())
        assert other.post(path, json=closing).status_code == 404
        for name in ("rule", " ", "a\u202eb"):
            refused = own.post(path, json=closing | {"by": name})
            assert (refused.status_code, refused.json()["code"]) == (422, "case.reason")
        assert own.post(path, json=closing).json()["closed_by"] == "Li"


def test_a_revocation_is_at_the_webhook_in_the_list_and_counted_within_a_block(
    edition: StoredEdition,
    world: World,
    lenient: str,
    ear: Ear,
    teller: EventDispatcher,
    clock: Clock,
) -> None:
    teller.step()
    world.issuer.submit(1)
    world.ledger.run_until_idle()
    evidence = world.evidence(0, len(world.issuer.sealed) - 1)
    with client(world, lenient, Role.COUNTER) as counter:
        hook = make_hook(counter, ear, "decision.case")
        answer = ask(counter, [{"evidence": evidence.to_json()}]).json()
        world.issuer.change([evidence.record.index], Status.REVOKED, "R01")
        world.ledger.run_until_idle()
        CaseFinder(store=world.ledger.store, clock=world.service.clock).step()
        clock.now = world.service.clock() + 1  # The case was opened after the clock was made.
        teller.step()
        teller.step()
        listed = counter.get("/v1/cases").json()["cases"]
        metrics = counter.get("/metrics").text
        counter.delete(f"/v1/hooks/{hook['id']}")

    (heard,) = ear.heard
    told = Webhook(hook["secret"]).verify(heard[1], heard[0])
    with world.ledger.store.begin(write=False) as unit:
        revoked = unit.status_changes(world.issuer.issuer)[-1].block
        waiting = unit.open_case_count()
    assert told["type"] == "decision.case"
    assert told["data"]["reference"] == answer["reference"]
    assert 0 <= told["data"]["block"] - revoked <= 1
    assert told["data"] in listed
    assert f"certledger_open_cases {float(waiting)}" in metrics
