"""WCAG 2.2 AA on each page and each kind of answer: axe-core looks at tabs as they are left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from certledger.ledger.core.service_values import Role
from tests.effort import effort
from tests.pages.axe import AXE
from tests.pages.conftest import PageWorld
from tests.pages.institutions import key_of, open_signed_in
from tests.pages.test_holder import open_files
from tests.pages.test_office import BUNDLE, office
from tests.pages.test_public import drop, link, ready

__all__ = ["office"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not here: `make tools` brings it"),
]


def _evidence(kind: str) -> Callable[[Any, PageWorld], None]:
    def step(page: Any, pages: PageWorld) -> None:
        drop(page, "evidence.json", pages.certificates[kind].evidence)
        page.wait_for_selector("#verdict")

    return step


def _compare(page: Any, pages: PageWorld) -> None:
    page.goto(link(pages, pages.certificates["good"]))
    page.wait_for_selector("#verdict")


def _desk(page: Any, pages: PageWorld) -> None:
    page.wait_for_selector("#key:focus")
    page.keyboard.type(pages.counter_key)
    page.keyboard.press("Enter")
    ready(page)
    for kind in ("revoked", "good"):
        page.evaluate("document.getElementById('answer').replaceChildren()")
        _evidence(kind)(page, pages)


def _holder(page: Any, pages: PageWorld) -> None:
    open_files(page, pages.certificates["good"])
    page.click("button[value=code]")
    page.wait_for_selector("#code svg")


def _nothing(page: Any, pages: PageWorld) -> None:
    """Look at the page as it opens."""


def _error(page: Any, pages: PageWorld) -> None:
    drop(page, "nothing", b"")
    page.wait_for_selector("#notice:not([hidden])")


STEPS: Sequence[tuple[str, Callable[[Any, PageWorld], None]]] = (
    ("/", _nothing),
    ("/sign-in", _nothing),
    ("/v", _evidence("good")),
    ("/v", _evidence("revoked")),
    ("/v", _compare),
    ("/v", _error),
    ("/desk", _desk),
    ("/holder", _holder),
    ("/holder", _error),
    ("/offline", _nothing),
    ("/offline", _error),
)


def _review(page: Any, pages: PageWorld) -> None:
    page.fill("#indexes", "0")
    page.select_option("#status", "suspended")
    page.select_option("#reason", "S01")
    page.click("form[data-act=status] button")
    page.wait_for_selector("#review:not([hidden])")


def _refusal(page: Any, pages: PageWorld) -> None:
    page.fill("#indexes", "none")
    page.select_option("#status", "suspended")
    page.select_option("#reason", "S01")
    page.click("form[data-act=status] button")
    page.wait_for_selector("#message.bad")


def _trace(page: Any, pages: PageWorld) -> None:
    page.fill("#find", f"{pages.running.world.issuer.issuer}#0")
    page.keyboard.press("Enter")
    page.wait_for_selector(".steps > li")


def _operation(page: Any, pages: PageWorld) -> None:
    page.locator("#getCheckpoint summary").click()
    page.locator("#getCheckpoint button").click()
    page.wait_for_selector("#getCheckpoint .answer:not([hidden])")


SIGNED_IN: Sequence[tuple[Role, str, Callable[[Any, PageWorld], None]]] = (
    (Role.ISSUER, "/issuer", _review),
    (Role.ISSUER, "/issuer", _refusal),
    (Role.ADMINISTRATOR, "/registrar?region=31", _nothing),
    (Role.AUDITOR, "/audit", _nothing),
    (Role.AUDITOR, "/audit", _trace),
    (Role.AUDITOR, "/explorer", _nothing),
    (Role.AUDITOR, f"/office?item={BUNDLE}&applicant=company", _nothing),
    (Role.AUDITOR, "/docs", _operation),
    (Role.AUDITOR, "/sessions", _nothing),
    (Role.AUDITOR, "/receipt/2222-2222-2222", _nothing),
    (Role.COUNTER, "/audit", _nothing),
)
DARK = [("en", 390, "dark")]
SCHEMES = pytest.mark.parametrize(
    ("language", "width", "scheme"), effort(DARK, [*DARK, ("zh", 1280, "light")])
)
"""Each page as few of the other tests leave it; of those every tab is looked at too."""


@SCHEMES
def test_no_page_keeps_anybody_out(
    pages: PageWorld, visit: Any, language: str, width: int, scheme: str
) -> None:
    for path, step in STEPS:
        page = visit(language, width, color_scheme=scheme).open(path)
        if path not in ("/", "/sign-in", "/desk"):
            ready(page)
        step(page, pages)
    assert visit.close() == []


@SCHEMES
def test_no_page_of_an_institution_keeps_anybody_out(
    office: PageWorld, visit: Any, language: str, width: int, scheme: str
) -> None:
    for role, path, step in SIGNED_IN:
        tab = visit(language, width, color_scheme=scheme)
        page = open_signed_in(tab, key_of(office, role), path)
        step(page, office)
    visit.forgive("Failed to load resource")  # What is refused, absent or forbidden.
    assert visit.close() == []
