"""The hotline: what stands behind a short reference, in words, and nothing personal."""

from __future__ import annotations

import httpx
import pytest

from certledger.ledger.core.book_values import StoredEdition
from certledger.ledger.core.service_values import Role
from tests.api.routes.test_book import edition
from tests.api.routes.test_decisions import ask
from tests.api.world import Running, World

__all__ = ["edition"]


@pytest.fixture
def agent(running: Running) -> httpx.Client:
    return running.client(Role.HOTLINE)


def test_a_verification_is_told_in_words_with_the_counter_and_the_advice(
    edition: StoredEdition, world: World, counter: httpx.Client, agent: httpx.Client
) -> None:
    good, bad = ({"evidence": world.evidence(place).to_json()} for place in (0, 1))
    valid = counter.post("/v1/verifications", json=good).json()["reference"]
    revoked = counter.post("/v1/verifications", json=bad).json()["reference"]
    first, second = (agent.get(f"/v1/hotline/{one}").json() for one in (valid, revoked))

    assert first["counter"] == {
        "kind": "counter",
        "code": "pudong-7",
        "en": "Pudong window 7",
        "zh": "浦东7号窗口",
    }
    assert (first["kind"], first["checks"]) == ("verification", [])
    assert first["outcomes"][0]["en"] == "Genuine and in force"
    assert first["advice"]["en"] == "It may be accepted"
    assert [one["code"] for one in second["checks"]] == ["status.revoked"]
    assert second["checks"][0]["en"] == "it has been revoked"
    assert second["outcomes"][0]["outcome"] == "not_in_force"
    assert second["advice"]["en"].startswith("do not accept it")


def test_a_decision_is_told_with_its_item_and_nothing_personal(
    edition: StoredEdition, world: World, counter: httpx.Client, agent: httpx.Client
) -> None:
    evidence = world.evidence(0)
    answer = ask(counter, [{"evidence": evidence.to_json()}]).json()
    found = agent.get(f"/v1/hotline/{answer['reference']}")
    value = found.json()

    assert (value["kind"], value["item"]) == ("decision", "NOCRIME-APPLY")
    assert value["outcomes"][0]["outcome"] == answer["decision"]["outcome"]
    assert value["checks"][0]["code"] == answer["decision"]["code"]
    assert value["checks"][0]["zh"]
    shown = [part.value for part in evidence.disclosures if len(str(part.value)) > 2]
    leaves = [evidence.record.leaf().hex(), evidence.record.issuer]
    assert not [one for one in (*shown, *leaves) if str(one) in found.text]


def test_the_agents_role_sees_references_and_nothing_else(
    edition: StoredEdition, agent: httpx.Client, counter: httpx.Client
) -> None:
    assert agent.get(f"/v1/hotline/{edition.reference}").status_code == 404
    assert agent.get("/v1/hotline/AAAA-AAAA-AAAA").status_code == 404
    assert agent.get("/v1/cases").status_code == 403
    assert agent.get("/v1/issuers").status_code == 403
    assert counter.get("/v1/hotline/AAAA-AAAA-AAAA").status_code == 403
