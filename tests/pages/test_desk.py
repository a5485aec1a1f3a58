"""The counter desk in a real browser: scanner, keyboard, applicant, materials, an ended session."""

from __future__ import annotations

import io
import re
import string
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import expect

from certledger.api.pages.code_reader import decode
from tests.pages.conftest import PageWorld
from tests.pages.hands import CROSSED, OTHER_WAYS, Hand, Way
from tests.pages.test_office import BUNDLE, office
from tests.pages.test_public import BANNERS, GONE, compact, drop, link, picture, ready, verdict

__all__ = ["office"]
pytestmark = pytest.mark.browser
GERMAN = str.maketrans(":/-*+YZ", "Ö-ß(`ZY")
FRENCH = str.maketrans(":0123456789$%*-/.AQZWM", "Mà&é\"'(-è_ç458)!:QAWZ?")

CHINESE = str.maketrans(":.$", "：。￥")
FULL_WIDTH = {at: at + 0xFEE0 for at in range(0x21, 0x7F)} | {0x20: 0x3000}
PUNCTUATION = {
    "Backquote": "`~", "Minus": "-_", "Equal": "=+", "Semicolon": ";:", "Comma": ",<",
    "Period": ".>", "Slash": "/?", "Space": " ",
}  # fmt: skip
KEYS = PUNCTUATION | {f"Digit{at}": f"{at}{one}" for at, one in enumerate(")!@#$%^&*(")}
KEYS |= {f"Key{one}": one.lower() + one for one in string.ascii_uppercase}
AMERICAN = {
    letter: (code, bool(at)) for code, both in KEYS.items() for at, letter in enumerate(both)
}
"""Code of the key that types a character on an American keyboard, and whether with Shift."""
WAITING = "`([AEIOU])"
"""A grave accent for which German keys wait: it joins the next letter."""


@pytest.fixture
def desk(pages: PageWorld, visit: Any) -> Callable[..., Any]:
    """Return a function that opens the desk by typing the counter's key."""

    def begin(language: str = "zh", width: int = 1280) -> Any:
        tab = visit(language, width)
        tab.page.clock.install()
        page = tab.open("/desk")
        page.wait_for_selector("#key:focus")
        page.keyboard.type(pages.counter_key)
        page.keyboard.press("Enter")
        return ready(page)

    return begin


@contextmanager
def without_pause(page: Any) -> Iterator[None]:
    """Stop the page's clock: however slow this machine is, no key comes late for the page."""
    page.clock.pause_at(page.evaluate("Date.now()") / 1_000 + 1)
    yield
    page.clock.resume()


def scan(page: Any, text: str, *, enter: bool = True) -> None:
    page.wait_for_selector("#box:focus")
    page.keyboard.insert_text(text)
    if enter:
        page.keyboard.press("Enter")


@pytest.mark.parametrize(("language", "width"), CROSSED)
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
    expect(page.locator("#verdict .banner")).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    scan(page, compact(pages.certificates["revoked"]))
    page.wait_for_selector("#verdict.not_in_force")
    expect(page.locator("#verdict .banner")).to_be_in_viewport(ratio=1)
    assert page.locator("#certificates li").count() == 2
    page.focus("#next")
    page.keyboard.press("Enter")
    assert page.locator("#certificates li").count() == 0


def test_whatever_a_scanner_does_to_a_code_it_is_read(pages: PageWorld, desk: Any) -> None:
    page, code = desk("en"), compact(pages.certificates["good"])
    arrivals = {
        "in pieces": [code[at : at + 300] for at in range(0, len(code), 300)],
        "German keys": [code.translate(GERMAN)],
        "German keys that wait": [
            unicodedata.normalize("NFC", re.sub(WAITING, "\\1\u0300", code.translate(GERMAN)))
        ],
        "French keys": [code.translate(FRENCH)],
        "Chinese punctuation": [code.translate(CHINESE)],
        "full width": [code.translate(FULL_WIDTH)],
        "lower case": [code.lower()],
        "without Enter": [code],
    }
    for way, texts in arrivals.items():
        with without_pause(page):
            for text in texts:
                scan(page, text, enter=way != "without Enter")
        page.wait_for_selector("#verdict.valid")
        page.focus("#next")
        page.keyboard.press("Enter")
        page.wait_for_selector("#answer .empty")
    scan(page, f"您的证照：{link(pages, pages.certificates['good'])}。请查收")
    page.wait_for_selector("#verdict.compare")


def press_keys(page: Any, text: str, key: str | None = None) -> None:
    """Press the keys that type `text` on an American keyboard, as a scanner does.

    With `key` the computer understands each of them so: an input method does as `Process`.
    """
    session = page.context.new_cdp_session(page)
    for letter in text:
        code, shift = AMERICAN[letter]
        event: dict[str, Any] = {"code": code, "modifiers": 8 if shift else 0}
        event |= {"key": letter, "text": letter} if key is None else {"key": key}
        kind = "keyDown" if key is None else "rawKeyDown"
        session.send("Input.dispatchKeyEvent", {"type": kind, **event})
        event.pop("text", None)
        session.send("Input.dispatchKeyEvent", {"type": "keyUp", **event})


def test_keys_that_an_input_method_swallows_are_read(pages: PageWorld, desk: Any) -> None:
    page = desk("zh")
    for end in ("Enter", "Tab", None):
        with without_pause(page):
            press_keys(page, link(pages, pages.certificates["good"]), "Process")
            if end:
                page.keyboard.press(end)
        page.wait_for_selector("#verdict.compare")
        page.evaluate("document.getElementById('answer').replaceChildren()")
        page.focus("#box")


def test_a_scan_finds_the_box_from_every_place_and_leaves_it_as_it_was(
    pages: PageWorld, desk: Any
) -> None:
    page, code = desk("en"), link(pages, pages.certificates["revoked"])
    page.click("details:has(#number) summary")
    for field in ("#number", "#item", "#applicant", "#camera", "#verdict input"):
        is_text = field not in ("#applicant", "#camera")
        if is_text:
            page.fill(field, "half typed")
        page.focus(field)
        with page.expect_response("**/v1/verifications"), without_pause(page):
            press_keys(page, code[:20])
            assert not is_text or page.input_value(field) == "half typed"
            press_keys(page, code[20:])
            page.keyboard.press("Enter")
        page.wait_for_selector("#verdict.compare .notice")
    assert page.input_value("#number") == page.input_value("#item") == "half typed"
    assert page.input_value("#applicant") == "person"


def test_a_scan_into_the_dialog_is_checked_after_signing_in(
    pages: PageWorld, desk: Any, visit: Any
) -> None:
    page = desk("en")
    page.context.clear_cookies(name="certledger_session")
    scan(page, f"{pages.certificates['good'].number} {pages.certificates['good'].code}")
    page.wait_for_selector("#sign-in[open]")
    page.wait_for_selector("#key:focus")
    page.keyboard.type(pages.counter_key[:7])
    with without_pause(page):
        press_keys(page, link(pages, pages.certificates["revoked"]))
        page.keyboard.press("Enter")
    assert page.is_visible("#sign-in[open]")
    assert page.input_value("#key") == pages.counter_key[:7]
    page.keyboard.type(pages.counter_key[7:])
    page.keyboard.press("Enter")
    page.wait_for_selector("#verdict.compare .notice")
    visit.forgive("401")


def test_scans_in_quick_succession_are_each_answered_for_their_applicant(
    pages: PageWorld, desk: Any
) -> None:
    page, kinds = desk("en"), ("good", "revoked", "html", "reversed")
    for kind in kinds:
        scan(page, compact(pages.certificates[kind]))
    page.wait_for_selector("#certificates li >> nth=3")
    classes = [one.get_attribute("class") for one in page.locator("#certificates li").all()]
    assert [one.split()[1] for one in classes] == ["valid", "not_in_force", "valid", "valid"]
    scan(page, compact(pages.certificates["good"]))
    page.click("#next")
    scan(page, compact(pages.certificates["revoked"]))
    page.wait_for_selector("#verdict.not_in_force")
    assert page.locator("#certificates li").count() == 1


@pytest.mark.parametrize(("language", "width", "way"), OTHER_WAYS)
def test_number_and_code_are_typed_into_their_fields(
    pages: PageWorld, desk: Any, language: str, width: int, way: Way
) -> None:
    page, good = desk(language, width), pages.certificates["good"]
    hand = Hand(page, way)
    hand.press("details:has(#number) summary")
    hand.type("#number", good.number)
    hand.type("#access_code", good.code[:-1])
    hand.press("#by-number")
    page.wait_for_selector("#notice:not([hidden])")
    hand.type("#access_code", good.code)
    if way == "keyboard":
        page.keyboard.press("Enter")
    else:
        hand.press("#by-number")
    page.wait_for_selector("#verdict.compare")
    hand.type("#verdict input", "张三")
    hand.press("#verdict form button")
    page.wait_for_selector("#verdict.valid")
    hand.press("#next")
    assert page.input_value("#number") == ""


def test_what_was_typed_is_still_there_when_no_certificate_is_found(
    pages: PageWorld, desk: Any
) -> None:
    page, good = desk("en"), pages.certificates["good"]
    typed = f"{good.number} {good.code[:-1]}{'0' if good.code[-1] != '0' else '1'}"
    scan(page, typed)
    page.wait_for_selector("#notice:not([hidden])")
    assert page.input_value("#box") == typed
    scan(page, compact(good))
    page.wait_for_selector("#verdict.valid")
    assert page.input_value("#box") == "", "the scan took its place"


def test_a_picture_of_a_link_is_compared_and_a_large_file_is_not_read(
    pages: PageWorld, desk: Any, tmp_path: Path
) -> None:
    page = desk("en")
    sent: list[int] = []
    page.on("request", lambda request: sent.append(len(request.post_data_buffer or b"")))
    drop(page, "photo.png", picture(link(pages, pages.certificates["good"])), "image/png")
    assert verdict(page) == "compare"
    page.keyboard.type("张三")
    page.keyboard.press("Enter")
    page.wait_for_selector("#verdict.valid")
    large = tmp_path / "large.pdf"
    with large.open("wb") as file:
        file.truncate(200 * 2**20)
    page.set_input_files("#file", str(large))
    page.wait_for_selector("#notice:not([hidden])")
    assert "50 MB" in page.inner_text("#notice")
    assert max(sent) < 100_000, "nothing was uploaded"


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


def test_a_bundle_lists_the_materials_of_all_its_items_and_why_some_are_exempt(
    desk: Any, office: PageWorld
) -> None:
    page = desk("en")
    page.select_option("#applicant", "company")
    page.focus("#item")
    page.keyboard.type(BUNDLE)
    page.wait_for_selector("#items option", state="attached")
    page.fill("#item", page.get_attribute("#items option", "value"))
    page.wait_for_selector("#lines li:has-text('exempt')")
    exempt = page.locator("#lines li:has-text('exempt')")
    assert all(exempt.locator(".quiet").all_inner_texts())


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


def test_without_an_answer_no_certificate_is_called_bad(
    pages: PageWorld, desk: Any, visit: Any
) -> None:
    page, good = desk("en"), pages.certificates["good"]
    for gone in GONE.values():
        page.route("**/v1/verifications", gone)
        scan(page, compact(good))
        page.wait_for_selector("#verdict.cannot_tell")
        assert "do not refuse" in page.inner_text("#verdict")
        assert page.locator("#certificates li").count() == 0
        page.unroute("**/v1/verifications")
        scan(page, compact(good))
        page.wait_for_selector("#verdict.valid")
        page.click("#next")
    page.context.set_offline(True)
    typed = f"{good.number} {good.code}"
    scan(page, typed)
    page.wait_for_selector("#verdict.cannot_tell")
    assert page.input_value("#box") == typed
    page.context.set_offline(False)
    page.keyboard.press("Enter")
    page.wait_for_selector("#verdict.compare")
    visit.forgive("Failed to load resource")


def test_a_printed_report_leads_to_the_signed_receipt(pages: PageWorld, desk: Any) -> None:
    page = desk("en")
    scan(page, compact(pages.certificates["good"]))
    page.wait_for_selector("#verdict.valid")
    reference = page.inner_text("#verdict .reference")
    page.emulate_media(media="print")
    assert page.is_visible("#receipt-code")
    assert not page.is_visible("#box")
    assert reference in page.inner_text("#receipt-text")
    drawn = Image.open(io.BytesIO(page.locator("#receipt-code").screenshot())).convert("L")
    (address,) = decode(drawn.tobytes(), *drawn.size)
    page.emulate_media(media="screen")
    page.goto(address)
    assert address == f"{pages.url}/receipt/{reference}"
    assert "Genuine and in force" in page.inner_text("main")
    anonymous = httpx.get(f"{pages.url}/receipt/{reference}")
    assert re.match("/sign-in", anonymous.headers["location"])
