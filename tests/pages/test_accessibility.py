"""WCAG 2.2 AA by axe-core (`make tools` brings it), on each page and on each kind of answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.pages.conftest import PageWorld
from tests.pages.test_holder import open_files
from tests.pages.test_public import drop, link, ready

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


@pytest.mark.parametrize(
    ("language", "width", "scheme"), [("zh", 390, "light"), ("en", 1280, "dark")]
)
def test_no_page_keeps_anybody_out(
    pages: PageWorld, visit: Any, language: str, width: int, scheme: str
) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not here: `make tools` brings it")
    faults = {}
    for name, (path, step) in STEPS.items():
        page = visit(language, width, color_scheme=scheme, bypass_csp=True).open(path)
        if path not in ("/", "/sign-in", "/desk"):
            ready(page)
        step(page, pages)
        page.evaluate(AXE.read_text("utf-8"))
        if found := page.evaluate(RUN):
            faults[name] = found
    assert faults == {}
