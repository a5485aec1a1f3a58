"""WCAG 2.2 AA by axe-core (`make tools` brings it), on each page and on each kind of answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from certledger.ledger.core.service_values import Role
from tests.pages.conftest import PageWorld
from tests.pages.institutions import key_of, open_signed_in
from tests.pages.test_holder import open_files
from tests.pages.test_office import BUNDLE, office
from tests.pages.test_public import drop, link, ready

__all__ = ["office"]
pytestmark = pytest.mark.browser
AXE = Path(__file__).parents[2] / ".tools" / "npm" / "node_modules" / "axe-core" / "axe.min.js"
RUN = """
async () => {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const found = await axe.run(document, { runOnly: { type: "tag", values: tags } });
  const where = (one) => one.nodes.map((node) => node.html).join(" | ");
  return found.violations.map((one) => `${one.impact} ${one.id}: ${where(one)}`);
}
"""


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


STEPS: Mapping[str, tuple[str, Callable[[Any, PageWorld], None]]] = {
    "front": ("/", _nothing),
    "sign in": ("/sign-in", _nothing),
    "good": ("/v", _evidence("good")),
    "revoked": ("/v", _evidence("revoked")),
    "compare": ("/v", _compare),
    "desk": ("/desk", _desk),
    "holder": ("/holder", _holder),
    "offline": ("/offline", _nothing),
}


def _review(page: Any, pages: PageWorld) -> None:
    page.fill("#indexes", "0")
    page.select_option("#status", "suspended")
    page.click("form[data-act=status] button")
    page.wait_for_selector("#review:not([hidden])")


def _trace(page: Any, pages: PageWorld) -> None:
    page.fill("#find", f"{pages.running.world.issuer.issuer}#0")
    page.keyboard.press("Enter")
    page.wait_for_selector(".steps > li")


def _operation(page: Any, pages: PageWorld) -> None:
    page.locator("#getCheckpoint summary").click()
    page.locator("#getCheckpoint button").click()
    page.wait_for_selector("#getCheckpoint .answer:not([hidden])")


SIGNED_IN: Mapping[str, tuple[Role, str, Callable[[Any, PageWorld], None]]] = {
    "issuer": (Role.ISSUER, "/issuer", _review),
    "registrar": (Role.ADMINISTRATOR, "/registrar?region=31", _nothing),
    "audit": (Role.AUDITOR, "/audit", _nothing),
    "trace": (Role.AUDITOR, "/audit", _trace),
    "explorer": (Role.AUDITOR, "/explorer", _nothing),
    "office": (Role.AUDITOR, f"/office?item={BUNDLE}&applicant=company", _nothing),
    "API": (Role.AUDITOR, "/docs", _operation),
}
SCHEMES = pytest.mark.parametrize(
    ("language", "width", "scheme"), [("zh", 390, "light"), ("en", 1280, "dark")]
)


def faults_of(page: Any) -> list[str]:
    """Return what axe finds, each with its elements."""
    if not AXE.is_file():
        pytest.skip("axe-core is not here: `make tools` brings it")
    page.evaluate(AXE.read_text("utf-8"))
    return list(page.evaluate(RUN))


@SCHEMES
def test_no_page_keeps_anybody_out(
    pages: PageWorld, visit: Any, language: str, width: int, scheme: str
) -> None:
    faults = {}
    for name, (path, step) in STEPS.items():
        page = visit(language, width, color_scheme=scheme, bypass_csp=True).open(path)
        if path not in ("/", "/sign-in", "/desk"):
            ready(page)
        step(page, pages)
        if found := faults_of(page):
            faults[name] = found
    assert faults == {}


@SCHEMES
def test_no_page_of_an_institution_keeps_anybody_out(
    office: PageWorld, visit: Any, language: str, width: int, scheme: str
) -> None:
    faults = {}
    for name, (role, path, step) in SIGNED_IN.items():
        tab = visit(language, width, color_scheme=scheme, bypass_csp=True)
        page = open_signed_in(tab, key_of(office, role), path)
        step(page, office)
        if found := faults_of(page):
            faults[name] = found
    assert faults == {}
