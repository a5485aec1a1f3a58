"""The reform office's page: figures, exemptions, cases, tables."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Any

import httpx
import pytest

from certledger.api.pages.office import unfinished
from certledger.api.pages.plots import HEIGHT, trend_lines
from certledger.ledger.core.book_values import DecisionLeaf, StoredDecision
from certledger.ledger.core.service_values import Role
from certledger.ledger.reform.book_files import read_book
from certledger.ledger.reform.bookshelf import BookAbsentError
from certledger.ledger.reform.cases import CaseFinder
from certledger.ledger.reform.coverage import CoverageGroup
from tests.ledger.reform.books import domain_folder
from tests.pages.conftest import REVERSED, PageWorld
from tests.pages.hands import WAYS, Hand, Way
from tests.pages.institutions import csrf_of, is_too_wide, key_of, open_signed_in, signed_in

BUNDLE = "ONE-RESTAURANT"


@pytest.fixture(scope="session")
def office(pages: PageWorld, tmp_path_factory: pytest.TempPathFactory) -> PageWorld:
    """Return the served ledger with an edition of the book."""
    world = pages.running.world
    try:
        world.service.bookshelf.current()
    except BookAbsentError:
        files = read_book(domain_folder(tmp_path_factory.mktemp("book")))
        world.service.bookshelf.add(
            files.tables,
            holds_from=date(2026, 1, 1),
            region="310000",
            operator=world.ledger.operator,
        )
    world.service.figures.step()
    return pages


def add_case(office: PageWorld, reference: str) -> None:
    """Open a case: a decision that rested on the revoked certificate."""
    world = office.running.world
    leaf = world.issuer.sealed[0].sealed.leaves[1]
    decision = StoredDecision(
        reference=reference,
        item="XX-0000-0001",
        outcome="granted",
        party=f"counter:{REVERSED}",
        checked=int(world.service.clock()),
    )
    with world.service.store.begin() as unit:
        unit.add_decision(decision, [DecisionLeaf(leaf=leaf, issuer=world.issuer.issuer, index=1)])
    CaseFinder(store=world.service.store, clock=world.service.clock).step()


def rows_of(answer: httpx.Response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_the_office_needs_a_key_and_says_so(office: PageWorld) -> None:
    answer = httpx.get(f"{office.url}/office")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=/office"


def test_the_page_and_its_table_say_what_the_api_says(office: PageWorld) -> None:
    with signed_in(office, key_of(office, Role.AUDITOR)) as client:
        page = client.get(f"/office?item={BUNDLE}&applicant=company")
        token = {"x-csrf-token": csrf_of(page.text)}
        told = client.get("/v1/coverage", headers=token).json()
        exempt = client.get(f"/v1/items/{BUNDLE}/exemptions?applicant=company").json()
        table = rows_of(client.get("/office/coverage.csv"))
        lines = rows_of(client.get(f"/office/exemptions.csv?item={BUNDLE}&applicant=company"))
    assert page.status_code == 200
    for name in ("items", "categories", "counters"):
        share = told[name]
        assert f"{share['part']} of {share['whole']}" in page.text
        assert f">{share['percent']}<" in page.text
        total = next(row for row in table if row["figure"] == name and not row["dimension"])
        assert (int(total["part"]), int(total["whole"])) == (share["part"], share["whole"])
        missing = [
            row["code"] for row in table if (row["figure"], row["dimension"]) == (name, "missing")
        ]
        assert missing == share["missing"]
    assert f"Exempt {exempt['exempt_percent']} %" in page.text
    assert [row["material_zh"] for row in lines] == [one["name_zh"] for one in exempt["lines"]]


def test_an_unknown_item_is_said_and_its_html_stays_text(office: PageWorld) -> None:
    with signed_in(office, key_of(office, Role.ADMINISTRATOR)) as client:
        page = client.get('/office?item="><b id=bad>')
        assert page.status_code == 200
        assert "The book has no such item" in page.text
        assert "<b id=bad>" not in page.text
        assert client.get("/office/passwords.csv").status_code == 404


def test_a_case_is_closed_once_with_reason_and_name(office: PageWorld) -> None:
    add_case(office, "2222-2222-2222")
    with signed_in(office, key_of(office, Role.AUDITOR)) as client:
        page = client.get("/office")
        assert "2222-2222-2222" in page.text
        assert "\u202e" not in page.text
        assert "⟨U+202E⟩" in page.text
        form = {"csrf": csrf_of(page.text), "reference": "2222-2222-2222"}
        form |= {"by": "Li", "reason": ""}
        assert client.post("/office/cases", data=form).status_code == 409
        forged = form | {"reason": "seen", "csrf": "x" * 32}
        assert client.post("/office/cases", data=forged).status_code == 400
        done = client.post("/office/cases", data=form | {"reason": "=seen"})
        assert (done.status_code, done.headers["location"]) == (303, "/office#cases")
        again = client.post("/office/cases", data=form | {"reason": "too late"})
        assert "Somebody else closed this case before" in again.text
        assert "2222-2222-2222" not in client.get("/office").text
    with office.running.world.service.store.begin(write=False) as unit:
        (closed,) = unit.cases_of("2222-2222-2222")
    assert (closed.closed_by, closed.reason) == ("Li", "=seen")


def test_a_counter_does_not_see_the_cases_of_another(office: PageWorld) -> None:
    add_case(office, "3333-3333-3333")
    with signed_in(office, office.counter_key) as client:
        assert "3333-3333-3333" not in client.get("/office").text
        assert "3333-3333-3333" not in client.get("/office/cases.csv").text
    with signed_in(office, key_of(office, Role.ISSUER)) as client:
        page = client.get("/office")
        assert page.status_code == 200
        assert "Open cases" not in page.text


def test_scenarios_are_run_and_a_sample_is_opened_by_auditors(office: PageWorld) -> None:
    with signed_in(office, key_of(office, Role.AUDITOR)) as client:
        page = client.get("/office").text
        token = csrf_of(page)
        told = client.get("/v1/scenarios", headers={"x-csrf-token": token}).json()["scenarios"]
        works = sum(one["works"] for one in told)
        assert f"Delta scenarios: {works} of {len(told)} work" in page
        rows = rows_of(client.get("/office/scenarios.csv"))
        assert {row["code"] for row in rows} == {one["code"] for one in told}
        wrong = client.post("/office/samples", data={"csrf": token, "size": "0"})
        assert (wrong.status_code, "must be 1 to" in wrong.text) == (409, True)
        with office.running.world.service.store.begin(write=False) as unit:
            is_empty = not unit.decision_records(unit.last_sampled() + 1, limit=1)
        answer = client.post("/office/samples", data={"csrf": token, "size": "3"})
        assert answer.status_code == (409 if is_empty else 303)
        assert ("no decision since the last sample" in answer.text) is is_empty
    with signed_in(office, office.counter_key) as client:
        token = csrf_of(client.get("/office").text)
        refused = client.post("/office/samples", data={"csrf": token, "size": "3"})
        assert refused.status_code == 403


@pytest.mark.browser
def test_a_reason_typed_into_an_ended_session_is_sent_after_signing_in(
    office: PageWorld, visit: Any
) -> None:
    add_case(office, "5555-5555-5555")
    key = key_of(office, Role.AUDITOR)
    page = open_signed_in(visit("en", 390), key, "/office")
    form = page.locator(
        "form[action='/office/cases']", has=page.locator("[value='5555-5555-5555']")
    )
    form.locator("[name=reason]").fill("the holder was told")
    form.locator("[name=by]").fill("Li <b>")
    page.context.clear_cookies(name="certledger_session")
    form.locator("[name=by]").press("Enter")
    page.wait_for_selector("text=What you typed is kept")
    page.focus("#key")
    page.keyboard.type(key)
    page.keyboard.press("Enter")
    page.wait_for_selector("text=has not been sent yet")
    assert page.evaluate("document.activeElement.tagName") == "BUTTON"
    assert not is_too_wide(page, 390)
    assert "the holder was told" in page.inner_text("main")
    page.keyboard.press("Enter")
    page.wait_for_url("**/office#cases")
    with office.running.world.service.store.begin(write=False) as unit:
        (closed,) = unit.cases_of("5555-5555-5555")
    assert (closed.reason, closed.closed_by) == ("the holder was told", "Li <b>")
    visit.forgive("401")


def test_groups_that_lack_most_come_first_and_whole_ones_are_counted() -> None:
    counts = {"whole": (3, 3), "half": (1, 2), "none": (0, 9), "most": (8, 9)}
    parts = {
        name: CoverageGroup(part=part, whole=whole, missing=[])
        for name, (part, whole) in counts.items()
    }
    assert [name for name, _ in unfinished(parts)] == ["none", "half", "most"]


def test_lines_of_a_plot_end_apart_and_in_the_frame() -> None:
    days = [{"a": 0.0, "b": 100.0}, {"a": 100.0, "b": 100.0}]
    lines = trend_lines(days, ("a", "b"))
    assert [line.points for line in lines] == [
        f"0.0,{HEIGHT:.1f} 600.0,0.0",
        "0.0,0.0 600.0,0.0",
    ]
    assert lines[1].end - lines[0].end >= 16
    assert trend_lines(days[:1], ("a", "b")) == []


@pytest.mark.browser
@pytest.mark.parametrize(("language", "width", "way"), WAYS)
def test_the_office_reads_its_figures_and_asks_for_an_item(
    office: PageWorld, visit: Any, language: str, width: int, way: Way
) -> None:
    page = open_signed_in(visit(language, width), key_of(office, Role.AUDITOR), "/office")
    hand = Hand(page, way)
    assert page.locator(".figures .figure").count() == 3
    assert not is_too_wide(page, width)
    groups = page.locator(".group > summary")
    counts = [int(text.split()[1]) for text in groups.locator(".tag").all_inner_texts()]
    assert sum(counts) == page.locator(".group li").count()
    assert page.locator(".group li:visible").count() == 0, "counts first, scenarios when opened"
    hand.press(".group > summary >> nth=0")
    assert page.locator(".group li:visible").count() == counts[0]
    hand.press(".group > summary >> nth=0")
    hand.type("#item", BUNDLE)
    hand.press("form:has(#item) button")
    page.wait_for_selector(".tag")
    assert page.locator(".tag.bring").count() > 0
    assert page.locator("rect.part").first.bounding_box()["width"] > 0
    assert not is_too_wide(page, width)
