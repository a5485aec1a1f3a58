"""The book over HTTP: today's edition, exemptions, and the anchored record of an edition."""

from __future__ import annotations

from datetime import date

import httpx
import pytest

from certledger.ledger.core.book_values import StoredEdition
from certledger.ledger.core.service_values import Role
from certledger.ledger.reform.book_files import read_book
from certledger.ledger.verification.receipt_log import Logbook
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.reform.book_edition import BookEdition
from certledger.verifier.reform.operator_record import OperatorRecord
from certledger.verifier.verify.receipt import show
from tests.api.world import Running, World
from tests.ledger.reform.books import domain_folder


@pytest.fixture(scope="session")
def edition(world: World, tmp_path_factory: pytest.TempPathFactory) -> StoredEdition:
    """Import the domain book into the world, unless another module did."""
    if stored := world.service.bookshelf.editions():
        return stored[0]
    files = read_book(domain_folder(tmp_path_factory.mktemp("book")))
    return world.service.bookshelf.add(
        files.tables,
        holds_from=date(2026, 1, 1),
        region="310000",
        operator=world.ledger.operator,
    )


def test_the_edition_of_today_is_described_and_its_file_has_its_digest(
    edition: StoredEdition, public: httpx.Client
) -> None:
    found = public.get("/v1/book").json()
    file = public.get(f"/v1/book/editions/{found['book']}")

    assert (found["edition"], found["book"]) == (1, edition.digest.hex())
    assert found["rows"]["bundles"] == 2
    assert BookEdition.parse(file.content).digest == edition.digest


def test_coverage_counts_the_counter_that_asked(
    edition: StoredEdition, world: World, counter: httpx.Client
) -> None:
    before = counter.get("/v1/coverage").json()
    counter.post("/v1/verifications", json={"lookup": {"digest": "4" * 64}})
    after = counter.get("/v1/coverage").json()
    world.service.figures.step()
    world.service.figures.step()
    days = counter.get("/v1/coverage/days").json()["days"]

    assert before["edition"] == after["edition"] == 1
    assert "pudong-7" not in after["counters"]["missing"]
    assert (after["counters"]["part"], after["counters"]["whole"]) == (1, 4)
    assert after["counters"]["by"]["district"]["310115"]["percent"] == "100.0"
    assert len(days) == 1
    assert days[0]["counters"]["part"] == 1
    assert counter.get("/v1/coverage?days=0").status_code == 400


def test_a_counter_whose_key_has_a_region_is_counted_too(
    edition: StoredEdition, world: World, running: Running
) -> None:
    _, key = world.service.keys.create(
        name="hotel", role=Role.COUNTER, counter="HOTEL-1", region=31
    )
    with running.client(None) as client:
        client.headers["authorization"] = f"Bearer {key}"
        client.post("/v1/verifications", json={"lookup": {"digest": "5" * 64}})
        missing = client.get("/v1/coverage").json()["counters"]["missing"]

    assert "HOTEL-1" not in missing
    assert "SZ-WINDOW-1" in missing


def test_exemptions_are_told_to_everybody(edition: StoredEdition, public: httpx.Client) -> None:
    found = public.get("/v1/items/ONE-RESTAURANT/exemptions", params={"applicant": "company"})
    body = found.json()

    assert found.status_code == 200
    assert body["items"] == ["FOOD-LICENCE", "BIZ-OPEN"]
    assert sum(body["counts"].values()) == len(body["lines"])
    assert body["book"] == edition.digest.hex()


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/items/NO-SUCH-ITEM/exemptions", 422, "item.unknown"),
        ("/v1/items/BIZ-OPEN/exemptions?applicant=cat", 400, "request.invalid"),
        ("/v1/items/biz%2e/exemptions", 400, "request.invalid"),
        (f"/v1/book/editions/{'0' * 64}", 404, "book.absent"),
    ],
)
def test_what_is_not_in_the_book_is_refused(
    edition: StoredEdition, public: httpx.Client, path: str, status: int, code: str
) -> None:
    found = public.get(path)

    assert (found.status_code, found.json()["code"]) == (status, code)


def test_the_record_of_an_edition_is_anchored_and_proved(
    edition: StoredEdition, world: World, running: Running, logbook: Logbook
) -> None:
    with running.client(Role.PARTNER) as client:
        logbook.step()
        world.ledger.run_until_idle()
        answer = client.get(f"/v1/records/{edition.reference}").json()
        evidence = client.get(f"/v1/records/{edition.reference}/evidence")
        other = client.get(f"/v1/verifications/{edition.reference}")
    with world.ledger.store.begin(write=False) as unit:
        stored = unit.verification(edition.reference)
        listed = unit.verifications_of("operator:book", limit=9)
    assert stored is not None
    record = OperatorRecord.parse(stored.receipt)
    record.check(world.ledger.operator.address)
    shown = show(Evidence.parse(evidence.content), stored.receipt, edition.reference)

    assert answer["record"]["receipt"]["details"]["book"] == edition.digest.hex()
    assert answer["batch"] == stored.sequence
    assert shown.disclosures[0].value == edition.reference
    assert (other.status_code, other.json()["code"]) == (404, "resource.unknown")
    assert listed == []
