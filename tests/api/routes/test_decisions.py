"""Decisions over HTTP: signed, chained, and made again from what the answer holds."""

from __future__ import annotations

from typing import Any

import httpx
import orjson
import pytest

from certledger.ledger.core.book_values import StoredEdition
from certledger.ledger.core.service_values import Role
from certledger.verifier.reform.decision_replay import DecisionFile, replay
from tests.api.routes.test_book import edition
from tests.api.world import Running, World

__all__ = ["edition"]


def ask(client: httpx.Client, evidence: list[Any], item: str = "NOCRIME-APPLY") -> httpx.Response:
    issuer = {"item": item, "applicant": "person", "evidence": evidence}
    return client.post("/v1/decisions", content=orjson.dumps(issuer))


def test_a_decision_is_signed_stored_and_replayed(
    edition: StoredEdition, world: World, counter: httpx.Client, partner: httpx.Client
) -> None:
    given = world.evidence(0).to_json()
    issuer = ask(counter, [{"evidence": given}])
    kept = DecisionFile.parse(issuer.content)
    kept.record.check(world.ledger.operator.address)
    question = world.service.verdicts.question()
    book = world.service.bookshelf.edition(1)
    again = replay(kept, book, question)
    path = f"/v1/records/{kept.record.reference}"
    stored = counter.get(path)

    assert issuer.status_code == 200
    assert again.differences == {}
    assert stored.json()["record"] == issuer.json()["record"]
    assert stored.json()["outcome"] == issuer.json()["decision"]["outcome"]
    assert partner.get(path).status_code == 404
    assert kept.record.details["book"] == edition.digest.hex()
    assert len(kept.bundle) == 1
    assert counter.get("/v1/coverage").json()["decisions"][again.outcome] >= 1


def test_a_revoked_certificate_refuses_and_nothing_shown_goes_to_a_person(
    edition: StoredEdition, world: World, counter: httpx.Client
) -> None:
    nothing = ask(counter, []).json()["decision"]
    revoked = ask(counter, [{"evidence": world.evidence(1).to_json()}]).json()["decision"]

    assert (nothing["outcome"], nothing["code"]) == ("person", "material.to_fetch")
    assert (revoked["outcome"], revoked["code"]) == ("refused", "status.revoked")


@pytest.mark.parametrize(
    ("evidence", "item", "status", "code"),
    [
        ([{"code": "CL1:F.G5796F08NS2Q8B"}], "NOCRIME-APPLY", 422, "evidence.form"),
        ([{"odd": 1}], "NOCRIME-APPLY", 422, "schema.invalid"),
        (
            [{"evidence": {}, "documents": [{"sha256": "00" * 32, "size": 1}]}],
            *("NOCRIME-APPLY", 422, "evidence.form"),
        ),
        (
            [{"lookup": {"digest": "00" * 32}, "nonce": "n-12345678"}],
            *("NOCRIME-APPLY", 422, "evidence.form"),
        ),
        ([], "NO-SUCH-ITEM", 422, "item.unknown"),
        ([], "ONE-RESTAURANT", 422, "item.unknown"),
    ],
)
def test_what_cannot_be_decided_is_refused(
    edition: StoredEdition,
    counter: httpx.Client,
    evidence: list[Any],
    item: str,
    status: int,
    code: str,
) -> None:
    found = ask(counter, evidence, item)

    assert (found.status_code, found.json()["code"]) == (status, code)


def test_a_counter_of_another_region_gets_no_decision(
    edition: StoredEdition, world: World, running: Running
) -> None:
    _, key = world.service.keys.create(name="sz", role=Role.COUNTER, counter="SZ-WINDOW-1")
    with running.client(None) as client:
        client.headers["authorization"] = f"Bearer {key}"
        found = ask(client, [])

    assert (found.status_code, found.json()["code"]) == (422, "counter.region")
