"""The counter desk in a real browser: scanner, keyboard, applicant, materials, an ended session."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.pages.conftest import LANGUAGES, WIDTHS, PageWorld
from tests.pages.test_office import office
from tests.pages.test_public import BANNERS, compact, drop, link, ready, verdict

__all__ = ["office"]
pytestmark = pytest.mark.browser
GERMAN = str.maketrans(":/-*+YZ", "Ö-ß(`ZY")
FRENCH = str.maketrans(":0123456789$%*-/.AQZWM", "Mà&é\"'(-è_ç458)!:QAWZ?")


@pytest.fixture
def desk(pages: PageWorld, visit: Any) -> Callable[..., Any]:
    """Return a function that opens the desk by typing the counter's key."""

    def begin(language: str = "zh", width: int = 1280) -> Any:
        page = visit(language, width).open("/desk")
        page.wait_for_selector("#key:focus")
        page.keyboard.type(pages.counter_key)
        page.keyboard.press("Enter")
        return ready(page)

    return begin


def scan(page: Any, text: str, *, enter: bool = True) -> None:
    page.keyboard.insert_text(text)
    if enter:
        page.keyboard.press("Enter")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_scanned_code_gets_one_verdict_by_keyboard_alone(
    pages: PageWorld, desk: Any, language: str, width: int
) -> None:
    page = desk(language, width)
    assert page.evaluate("document.activeElement.id") == "box"
    scan(page, compact(pages.certificates["good"]))
    page.wait_for_selector("#verdict.valid")
    assert BANNERS["valid"][language] in page.inner_text("#verdict .banner")
    assert "张三" in page.inner_text(".facts.shown")
    assert not page.is_visible(".checks li"), "the checks are folded"
    assert page.evaluate("document.activeElement.id") == "box", "the next scan may come"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    scan(page, compact(pages.certificates["revoked"]))
    page.wait_for_selector("#verdict.not_in_force")
    assert page.locator("#certificates li").count() == 2
    page.focus("#next")
    page.keyboard.press("Enter")
    assert page.locator("#certificates li").count() == 0


@pytest.mark.parametrize(
    "way", ["pieces", "german", "french", "no enter", "lower case", "elsewhere"]
)
def test_whatever_a_scanner_does_to_a_code_it_is_read(
    pages: PageWorld, desk: Any, way: str
) -> None:
    page, code = desk("en"), compact(pages.certificates["good"])
    if way == "pieces":
        for at in range(0, len(code), 300):
            scan(page, code[at : at + 300])
    elif way == "elsewhere":
        page.focus("#print", timeout=1) if page.is_visible("#print") else page.focus("#camera")
        page.keyboard.type(code[:4])
        scan(page, code[4:])
    else:
        text = {
            "german": code.translate(GERMAN),
            "french": code.translate(FRENCH),
            "no enter": code,
            "lower case": code.lower(),
        }[way]
        scan(page, text, enter=way != "no enter")
    page.wait_for_selector("#verdict.valid")


def test_links_numbers_and_files_are_taken_too(pages: PageWorld, desk: Any) -> None:
    page, good = desk("en"), pages.certificates["good"]
    for text in (link(pages, good), f"{good.number} {good.code}"):
        scan(page, text)
        assert verdict(page) == "compare"
        page.keyboard.type("张三")
        page.keyboard.press("Enter")
        page.wait_for_selector("#verdict.valid")
        page.click("#next")
    drop(page, "evidence.json", pages.certificates["html"].evidence)
    page.wait_for_selector("#verdict.valid")
    assert page.query_selector("#answer img") is None
    scan(page, "HC1:NCFOXN%TS3DH3ZSUZK+.V0ETD%65NL-AH")
    page.wait_for_selector("#notice:not([hidden])")
    assert "EU digital COVID" in page.inner_text("#notice")


def choose_item(pages: PageWorld, page: Any) -> None:
    """Choose an item at the desk that asks for an identity card."""
    found = httpx.get(f"{pages.url}/desk/items", params={"q": ""}).json()["found"]
    book = pages.running.world.service.bookshelf.current().book
    code = next(
        code
        for code in book.items
        if any("ID-RESIDENT" in line.categories for line in book.lines[code])
    )
    assert found[0]["kind"] == "bundle"
    page.fill("#item", code)
    page.wait_for_selector("#items option", state="attached")
    page.fill("#item", page.get_attribute("#items option", "value"))
    page.wait_for_selector("#lines li")


def test_the_materials_tick_themselves_off(pages: PageWorld, desk: Any, office: PageWorld) -> None:
    page = desk("zh")
    choose_item(pages, page)
    assert page.locator("#lines li.valid").count() == 0
    page.focus("#box")
    scan(page, compact(pages.certificates["good"]))
    page.wait_for_selector("#verdict.valid")
    page.wait_for_selector("#outcome:not(:empty)")
    assert page.locator("#lines li.valid").count() == 0, "whose it is, it does not show"
    page.click("#next")
    scan(page, compact(pages.certificates["good"], "id_number"))
    page.wait_for_selector("#lines li.valid")
    assert page.inner_text("#outcome")


def test_an_ended_session_loses_nothing(pages: PageWorld, desk: Any, visit: Any) -> None:
    page = desk("en")
    scan(page, compact(pages.certificates["good"]))
    page.wait_for_selector("#verdict.valid")
    page.click("#by-number >> xpath=ancestor::details/summary")
    page.fill("#number", "half typed")
    page.context.clear_cookies(name="certledger_session")
    page.focus("#box")
    scan(page, compact(pages.certificates["revoked"]))
    page.wait_for_selector("#sign-in[open]")
    page.wait_for_selector("#key:focus")
    page.keyboard.type("clk_WRONG000_x")
    page.keyboard.press("Enter")
    page.wait_for_selector("#sign-in-trouble:not([hidden])")
    page.wait_for_selector("#key:focus")
    page.keyboard.type(pages.counter_key)
    page.keyboard.press("Enter")
    page.wait_for_selector("#verdict.not_in_force")
    assert page.locator("#certificates li").count() == 2
    assert page.input_value("#number") == "half typed"
    visit.forgive("401")


def test_a_lost_network_is_never_held_against_a_certificate(
    pages: PageWorld, desk: Any, visit: Any
) -> None:
    page = desk("en")
    page.context.set_offline(True)
    scan(page, compact(pages.certificates["good"]))
    page.wait_for_selector("#verdict.cannot_tell")
    assert "do not refuse" in page.inner_text("#verdict")
    page.context.set_offline(False)
    visit.forgive("ERR_INTERNET_DISCONNECTED")


def test_a_printed_report_leads_to_the_signed_receipt(pages: PageWorld, desk: Any) -> None:
    page = desk("en")
    scan(page, compact(pages.certificates["good"]))
    page.wait_for_selector("#verdict.valid")
    reference = page.inner_text("#verdict .reference")
    page.emulate_media(media="print")
    assert page.is_visible("#receipt-code")
    assert not page.is_visible("#box")
    assert reference in page.inner_text("#receipt-text")
    page.emulate_media(media="screen")
    page.goto(f"{pages.url}/receipt/{reference}")
    assert "Genuine and in force" in page.inner_text("main")
    anonymous = httpx.get(f"{pages.url}/receipt/{reference}")
    assert re.match("/sign-in", anonymous.headers["location"])
