"""Applications over HTTP: one request, an answer a line, one receipt for the whole."""

from __future__ import annotations

import httpx
import orjson
import pytest

from certledger.ledger.core.book_values import StoredEdition
from certledger.ledger.verification.verification_receipt import VerificationReceipt
from tests.api.routes.test_book import edition
from tests.api.world import World

__all__ = ["edition"]


def ask(world: World, client: httpx.Client, *places: int, **more: object) -> httpx.Response:
    evidence = [{"evidence": world.evidence(place).to_json()} for place in places]
    body = {"items": ["BIZ-OPEN"], "applicant": "person", "evidence": evidence} | more
    return client.post("/v1/applications", content=orjson.dumps(body))


def test_each_line_is_answered_and_one_receipt_is_for_all(
    edition: StoredEdition, world: World, counter: httpx.Client
) -> None:
    found = ask(world, counter, 0, 1)
    body = found.json()

    assert found.status_code == 200
    receipt = VerificationReceipt.from_json(body["receipt"])
    receipt.check_results(
        [orjson.dumps(one, option=orjson.OPT_SORT_KEYS) for one in body["results"]]
    )
    assert receipt.content["count"] == 2
    assert [one["verdict"] for one in body["results"]] == ["valid", "not_in_force"]
    assert body["application"]["book"] == edition.digest.hex()
    assert body["application"]["items"] == ["BIZ-OPEN"]
    assert {one["outcome"] for one in body["application"]["lines"]} <= {
        "met",
        "not_met",
        "cannot_tell",
    }


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"items": ["NO-SUCH-ITEM"]}, 422, "item.unknown"),
        ({"items": ["BIZ-OPEN"] * 1_000}, 422, "application.too_many"),
        ({"counter": "HOTEL-1"}, 422, "counter.other"),
        ({"evidence": []}, 422, "schema.invalid"),
    ],
)
def test_what_is_no_application_is_refused(
    edition: StoredEdition,
    world: World,
    counter: httpx.Client,
    more: dict[str, object],
    status: int,
    code: str,
) -> None:
    found = ask(world, counter, 0, **more)

    assert (found.status_code, found.json()["code"]) == (status, code)


def test_counters_of_other_regions_and_unknown_ones_are_refused(
    edition: StoredEdition, world: World, partner: httpx.Client
) -> None:
    codes = [
        ask(world, partner, 0, counter=counter).json()["code"]
        for counter in ("SZ-WINDOW-1", "NOBODY-1")
    ]

    assert codes == ["counter.region", "counter.unknown"]
