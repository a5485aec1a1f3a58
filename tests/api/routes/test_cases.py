"""Supervision over HTTP: a revocation makes a case, in the list and in the feed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx

from certledger.ledger.core.book_values import StoredEdition
from certledger.ledger.reform.cases import CaseFinder
from certledger.verifier.vocabulary import Status
from tests.api.routes.test_book import edition
from tests.api.routes.test_decisions import ask
from tests.api.world import World

__all__ = ["edition"]


def test_a_decision_on_a_certificate_that_is_revoked_later_is_a_case_until_it_is_closed(
    edition: StoredEdition,
    world: World,
    counter: httpx.Client,
    partner: httpx.Client,
    auditor: httpx.Client,
) -> None:
    world.issuer.submit(1)
    world.ledger.settle()
    batch = len(world.issuer.sealed) - 1
    evidence = world.evidence(0, batch)
    reference = ask(counter, [{"evidence": evidence.to_json()}]).json()["reference"]
    finder = CaseFinder(store=world.ledger.store, clock=world.service.clock)
    finder.step()
    assert reference not in str(counter.get("/v1/cases").json())

    world.issuer.change([evidence.record.index], Status.REVOKED, "R01")
    world.ledger.settle()
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
