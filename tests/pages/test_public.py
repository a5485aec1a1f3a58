"""The public page: by link, number and access code, file, picture and form, in a real browser."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import segno
from PIL import Image
from playwright.sync_api import expect

from certledger.api.pages.code_reader import decode
from certledger.verifier.formats.checkpoint import parse_note
from certledger.verifier.formats.compact_evidence import Compact
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.formats.holder_file import Holding
from certledger.verifier.formats.record import normal_code, normal_number
from certledger.verifier.formats.short_link import ShortLink
from tests.pages.conftest import LANGUAGES, Certificate, PageWorld
from tests.pages.hands import CROSSED, OTHER_WAYS, Hand, Way

BANNERS = {
    "valid": {"zh": "真实，有效", "en": "Genuine and in force"},
    "not_in_force": {"zh": "真实，但已注销", "en": "Genuine, but revoked"},
    "not_genuine": {"zh": "不真实", "en": "Not genuine"},
    "cannot_tell": {"zh": "暂时无法判断", "en": "Cannot tell at present"},
}


def link(pages: PageWorld, one: Certificate) -> str:
    parsed = ShortLink(number=normal_number(one.number), code=normal_code(one.code))
    return parsed.format(pages.url)


def compact(one: Certificate, *more: str) -> str:
    """Return the text of a code that shows what must be shown, and `more`."""
    evidence = Evidence.parse(one.evidence)
    names = {*more, *(part.name for part in evidence.disclosures)}
    parts = Holding.parse(one.holding).disclosures
    evidence = evidence.showing([part for part in parts if part.name in names])
    identity = parse_note(evidence.checkpoint).checkpoint.identity
    return Compact.of(identity, evidence.record, evidence.path, evidence.disclosures).format()


def picture(text: str, scale: int = 4) -> bytes:
    out = io.BytesIO()
    segno.make(text, error="l", boost_error=False).save(out, kind="png", scale=scale, border=4)
    return out.getvalue()


def white() -> bytes:
    """Return a picture without any code."""
    out = io.BytesIO()
    Image.new("L", (40, 30), 255).save(out, "PNG")
    return out.getvalue()


def verdict(page: Any) -> str:
    page.wait_for_selector("#verdict")
    return re.sub(r"^verdict ", "", page.get_attribute("#verdict", "class"))


def ready(page: Any) -> Any:
    page.wait_for_selector("html[data-ready]")
    return page


def upload(name: str, data: bytes, media: str = "application/json") -> Any:
    """Return a file as a file dialog gives it."""
    return {"name": name, "mimeType": media, "buffer": data}


def drop(page: Any, name: str, data: bytes, media: str = "application/json") -> None:
    page.set_input_files("#file", upload(name, data, media))


@pytest.mark.browser
@pytest.mark.parametrize(("language", "width"), CROSSED)
def test_a_printed_link_leads_to_a_verdict_by_keyboard_alone(
    pages: PageWorld, visit: Any, language: str, width: int
) -> None:
    good = pages.certificates["good"]
    page = ready(visit(language, width).open(link(pages, good).removeprefix(pages.url)))
    assert verdict(page) == "compare", "the paper is left to compare"
    page.keyboard.type(good.fields["holder_name"])
    page.keyboard.press("Enter")
    page.wait_for_selector("#verdict.valid")
    assert BANNERS["valid"][language] in page.inner_text("#verdict .banner")
    assert good.fields["holder_name"] in page.inner_text(".facts.shown")
    assert page.evaluate("document.activeElement.id") == "verdict"
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.browser
def test_another_name_than_was_certified_is_said_without_a_verdict_against_it(
    pages: PageWorld, visit: Any
) -> None:
    page = ready(visit("en").open(link(pages, pages.certificates["good"]).removeprefix(pages.url)))
    page.fill("#verdict input", "张四")
    page.keyboard.press("Enter")
    page.wait_for_selector("#verdict input[aria-invalid=true]")
    assert "not what was certified" in page.inner_text("#verdict .banner")
    page.fill("#verdict input", "张三")
    page.keyboard.press("Enter")
    page.wait_for_selector("#verdict.valid")


@pytest.mark.browser
def test_a_document_is_compared_and_never_uploaded(pages: PageWorld, visit: Any) -> None:
    good, tab = pages.certificates["good"], visit("zh")
    sent: list[bytes] = []
    tab.page.on("request", lambda request: sent.append(request.post_data_buffer or b""))
    page = ready(tab.open("/v"))
    page.fill("#number", good.number.lower())
    page.fill("#access_code", good.code.lower())
    page.click("#by-number button")
    assert verdict(page) == "compare"
    drop(page, "paper.pdf", good.document, "application/pdf")
    page.wait_for_selector("#verdict.valid")
    assert not any(good.document in one for one in sent)
    drop(page, "other.pdf", good.document + b" ", "application/pdf")
    page.wait_for_selector("#verdict.not_genuine")
    assert page.query_selector(".facts") is None, "of what is not genuine only the reason is shown"


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_printed_certificate_that_is_dropped_is_judged_by_its_own_link(
    pages: PageWorld, visit: Any, language: str
) -> None:
    printed, page = pages.certificates["printed"], ready(visit(language).open("/v"))
    for data, expected in (
        (printed.document, "valid"),
        (printed.document + b"\n% edited\n", "not_genuine"),
    ):
        page.evaluate("document.getElementById('answer').replaceChildren()")
        drop(page, "paper.pdf", data, "application/pdf")
        assert verdict(page) == expected
        assert BANNERS[expected][language] in page.inner_text("#verdict .banner")


@pytest.mark.browser
def test_files_pictures_and_codes_lead_to_the_same_verdict(pages: PageWorld, visit: Any) -> None:
    page = ready(visit("en").open("/v"))
    revoked, good = pages.certificates["revoked"], pages.certificates["good"]
    forged = good.evidence.replace(b'"issued":"2026-01-01"', b'"issued":"2026-01-02"')
    for name, data, expected in (
        ("evidence.json", good.evidence, "valid"),
        ("evidence.json", revoked.evidence, "not_in_force"),
        ("evidence.json", forged, "not_genuine"),
        ("code.png", picture(compact(good)), "valid"),
        ("code.txt", compact(revoked).encode(), "not_in_force"),
        ("link.png", picture(link(pages, good)), "compare"),
        ("cut.json", good.evidence[:400], "cannot_tell"),
    ):
        page.evaluate("document.getElementById('answer').replaceChildren()")
        drop(page, name, data)
        assert verdict(page) == expected, name


@pytest.mark.browser
def test_what_is_something_else_is_named(pages: PageWorld, visit: Any) -> None:
    page = ready(visit("en").open("/v"))
    blank = picture("nothing of ours")
    for name, data, words in (
        ("photo.png", blank, "cannot be read"),
        ("white.png", white(), "No code was found"),
        ("pay.png", picture("https://qr.alipay.com/fkx00000"), "payment code"),
        ("dcc.png", picture("HC1:NCFOXN%TS3DH3ZSUZK+.V0ETD%65NL-AH"), "EU digital COVID"),
        ("card.png", picture("https://blockcerts.example/abc"), "Blockcerts"),
        ("emv.png", picture("00020101021226310014A000000"), "payment code"),
        ("till.png", picture("134567890123456789"), "payment code"),
        ("person.txt", b"11010519491231002X", "identity number"),
        ("card.vcf", b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:A\r\nEND:VCARD", "contact's card"),
        ("wifi.png", picture("WIFI:T:WPA;S:a;P:b;;"), "wireless network"),
        ("friend.png", picture("https://u.wechat.com/abc"), "contact's card"),
        ("offer.png", picture("openid-credential-offer://?x=1"), "verifiable credential"),
        ("book.xlsx", b"PK\x03\x04" + bytes(100), "ZIP archive"),
        ("holder.zip", b"PK\x03\x04\x33\x00\x01\x00" + bytes(100), "access code"),
        ("nothing", b"", "empty"),
    ):
        page.evaluate("document.getElementById('notice').replaceChildren()")
        drop(page, name, data, "application/octet-stream")
        page.wait_for_selector("#notice:not([hidden]):not(:empty)")
        assert words in page.inner_text("#notice"), name
        assert page.query_selector("#verdict") is None


@pytest.mark.browser
def test_a_large_file_is_not_read(pages: PageWorld, visit: Any, tmp_path: Path) -> None:
    large = tmp_path / "large.pdf"
    with large.open("wb") as file:
        file.truncate(200 * 2**20)
    page = ready(visit("zh").open("/v"))
    page.set_input_files("#file", str(large))
    page.wait_for_selector("#notice:not([hidden])")
    assert "50 MB" in page.inner_text("#notice")


GONE: dict[str, Callable[[Any], None]] = {
    "no network": lambda route: route.abort("internetdisconnected"),
    "cut off": lambda route: route.abort("connectionreset"),
    "a portal's page": lambda route: route.fulfill(body="<html>", content_type="text/html"),
    "a gateway's error": lambda route: route.fulfill(status=502, body="<html>"),
    "half an answer": lambda route: route.fulfill(body='{"result":{"verd'),
}
"""What comes in place of an answer."""


@pytest.mark.browser
def test_without_an_answer_it_cannot_tell_and_nothing_typed_is_lost(
    pages: PageWorld, visit: Any
) -> None:
    page, good = ready(visit("en").open("/v")), pages.certificates["good"]
    drop(page, "link.txt", link(pages, good).encode())
    for gone in GONE.values():
        assert verdict(page) == "compare"
        page.route("**/v1/verifications", gone)
        page.fill("#verdict input", "张三")
        page.keyboard.press("Enter")
        page.wait_for_selector("#verdict.cannot_tell")
        assert "do not refuse" in page.inner_text("#verdict")
        page.unroute("**/v1/verifications")
        page.click("#by-number button")
        page.wait_for_selector("#verdict.compare")
        assert page.input_value("#verdict input") == "张三"
    page.press("#verdict input", "Enter")
    page.wait_for_selector("#verdict.valid")
    visit.forgive("Failed to load resource")


@pytest.mark.browser
@pytest.mark.parametrize(("language", "width", "way"), OTHER_WAYS)
def test_number_and_code_are_typed_and_compared(
    pages: PageWorld, visit: Any, language: str, width: int, way: Way
) -> None:
    page, good = ready(visit(language, width).open("/v")), pages.certificates["good"]
    hand = Hand(page, way)
    hand.type("#number", good.number)
    hand.type("#access_code", good.code)
    hand.press("#by-number button")
    page.wait_for_selector("#verdict.compare")
    hand.type("#verdict input", "张三")
    hand.press("#verdict form button")
    page.wait_for_selector("#verdict.valid")
    hand.open_files("#file", upload("e.json", pages.certificates["revoked"].evidence))
    page.wait_for_selector("#verdict.not_in_force")
    assert BANNERS["not_in_force"][language] in page.inner_text("#verdict .banner")


def scanned(code: bytes, form: str) -> bytes:
    """Return the PDF that a scanner makes of a paper: a picture and no text."""
    out = io.BytesIO()
    paper = Image.new("L", (900, 1200), 240)
    paper.paste(Image.open(io.BytesIO(code)).convert("L"), (80, 120))
    if form == "JPEG":
        paper.convert("RGB").save(out, "PDF")
        return out.getvalue()
    bits = form == "bits"
    pixels = zlib.compress((paper.convert("1") if bits else paper).tobytes())
    return (
        b"%%PDF-1.7\n1 0 obj\n<< /Type /XObject /Subtype /Image /Width 900 /Height 1200 "
        b"/BitsPerComponent %d /ColorSpace /DeviceGray /Filter /FlateDecode /Length %d >>\n"
        b"stream\n%b\nendstream\nendobj\n" % (1 if bits else 8, len(pixels), pixels)
    )


@pytest.mark.browser
def test_a_scanned_paper_is_read_by_its_code_and_is_not_the_document(
    pages: PageWorld, visit: Any
) -> None:
    page, printed = ready(visit("zh").open("/v")), pages.certificates["printed"]
    code = picture(link(pages, printed))
    for form in ("JPEG", "grey", "bits"):
        page.evaluate("document.getElementById('answer').replaceChildren()")
        drop(page, "scan.pdf", scanned(code, form), "application/pdf")
        assert verdict(page) == "compare", form
    page.fill("#verdict input", "赵六")
    page.keyboard.press("Enter")
    page.wait_for_selector("#verdict.valid")
    good = picture(compact(pages.certificates["good"]))
    for letters in (b"", b"/Font"):  # Also where somebody wrote other words around a genuine code.
        page.evaluate("document.getElementById('answer').replaceChildren()")
        drop(page, "wrapped.pdf", scanned(good, "JPEG") + letters, "application/pdf")
        assert verdict(page) == "valid"
        assert "没有核验文件本身" in page.inner_text("#verdict .notice")
    drop(page, "scan.pdf", scanned(code, "JPEG"), "application/pdf")
    page.wait_for_selector("#verdict.compare")
    drop(page, "other.pdf", scanned(white(), "JPEG") + b"/Font", "application/pdf")
    page.wait_for_selector("#verdict.not_genuine")
    unseen = b"<< /Font 1 0 R >>\nstream\nBT 3 Tr (recognised) Tj ET\nendstream\n"
    for letters in (b"", unseen):  # A scan without a code says nothing against the certificate.
        page.evaluate("document.getElementById('notice').replaceChildren()")
        drop(page, "blank.pdf", scanned(white(), "JPEG") + letters, "application/pdf")
        expect(page.locator("#notice")).to_contain_text("无法比对")
        assert page.query_selector("#verdict.not_genuine") is None


@pytest.mark.browser
@pytest.mark.parametrize("kind", ["html", "reversed"])
def test_hostile_names_are_shown_as_they_are(pages: PageWorld, visit: Any, kind: str) -> None:
    page = ready(visit("zh").open("/v"))
    title = page.title()
    drop(page, "evidence.json", pages.certificates[kind].evidence)
    assert verdict(page) == "valid"
    shown = page.inner_text(".facts.shown")
    assert ("<img src=x" in shown) if kind == "html" else ("⟨U+202E⟩" in shown)
    assert page.title() == title
    assert page.query_selector("#verdict img") is None


# Without scripts --------------------------------------------------------------------------------


class Reader:
    """A browser without scripts: it follows forms."""

    def __init__(self, url: str, language: str = "en") -> None:
        self.client = httpx.Client(base_url=url, headers={"accept-language": language})
        self.csrf = re.findall(r'name="csrf" content="([^"]+)"', self.client.get("/v").text)[0]

    def send(self, **fields: str) -> str:
        return self.client.post("/v", data={"csrf": self.csrf, **fields}).text


def test_number_and_code_are_checked_without_scripts(pages: PageWorld) -> None:
    good, reader = pages.certificates["good"], Reader(pages.url)
    named = {"number": good.number, "access_code": good.code}
    first = reader.send(**named)
    assert "One more step" in first
    place = re.findall(r'name="(field-\d+)"', first)[0]
    assert 'class="verdict valid"' in reader.send(**named, **{place: "张三"})
    assert "not what was certified" in reader.send(**named, **{place: "张四"})
    assert 'value="张四"' in reader.send(**named, **{place: "张四"})


def test_a_revoked_certificate_is_so_without_scripts(pages: PageWorld) -> None:
    one, reader = pages.certificates["revoked"], Reader(pages.url)
    named = {"number": one.number, "access_code": one.code}
    first = reader.send(**named)
    assert "it has been revoked" in first
    place = re.findall(r'name="(field-\d+)"', first)[0]
    second = reader.send(**named, **{place: one.fields["holder_name"]})
    assert 'class="verdict not_in_force"' in second
    assert "(R01)" in second, "why, and since when"
    assert re.search(r'class="reference">[A-Z0-9-]{6,}<', second)


def test_hostile_names_are_escaped_without_scripts(pages: PageWorld) -> None:
    one, reader = pages.certificates["html"], Reader(pages.url)
    named = {"number": one.number, "access_code": one.code}
    place = re.findall(r'name="(field-\d+)"', reader.send(**named))[0]
    text = reader.send(**named, **{place: one.fields["holder_name"]})
    assert 'class="verdict valid"' in text
    assert "<img src=x" not in text


@pytest.mark.parametrize(
    ("number", "code", "words"),
    [
        ("沪人〔2026〕999号", "D8FD-PAK8-TTWW-28XM", "No certificate has this number"),
        ("沪人〔2026〕1号", "D8FD", "16 digits and letters"),
        ("", "D8FD-PAK8-TTWW-28XM", "not a certificate number"),
    ],
)
def test_typing_errors_are_said_and_nothing_typed_is_lost(
    pages: PageWorld, number: str, code: str, words: str
) -> None:
    text = Reader(pages.url).send(number=number, access_code=code)
    assert words in text
    assert f'value="{code}"' in text


def test_a_form_that_was_open_too_long_keeps_what_was_typed(pages: PageWorld) -> None:
    reader = Reader(pages.url)
    reader.csrf = "x" * 32
    text = reader.send(number="沪人〔2026〕5号", access_code="D8FDPAK8TTWW28XM")
    assert "Press Check again" in text
    assert 'value="沪人〔2026〕5号"' in text


# Reading codes ----------------------------------------------------------------------------------


def test_grey_values_are_bounded_and_must_fit(pages: PageWorld) -> None:
    for query, size, status in (
        ("width=4&height=4", 16, 200),
        ("width=4&height=4", 15, 400),
        ("width=4&height=99999", 16, 400),
        ("width=1601&height=1", 1601, 400),
        ("width=04&height=4", 16, 400),
        ("height=4", 16, 400),
    ):
        answer = httpx.post(
            f"{pages.url}/codes?{query}",
            content=bytes(size),
            headers={"content-type": "application/octet-stream"},
        )
        assert answer.status_code == status, (query, answer.text)
    assert decode(bytes(16), 4, 4) == []
