"""The holder's page in a real browser, and the codes and presentations that JavaScript makes."""

from __future__ import annotations

import base64
import io
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from certledger.api.pages.code_reader import decode
from certledger.ledger.pdf.writer import DocumentWriter
from certledger.verifier.formats.canonical_json import format_canonical
from certledger.verifier.formats.evidence import Evidence
from tests.ledger.pdf.test_writer import documents
from tests.pages.conftest import HTML, Certificate, PageWorld
from tests.pages.hands import WAYS, Hand, Way
from tests.pages.test_desk import choose_item, desk, scan
from tests.pages.test_office import office
from tests.pages.test_public import compact, ready

__all__ = ["desk", "office"]
STATIC = Path(__file__).parents[2] / "api" / "web" / "static"
VECTORS = Path(__file__).parents[1] / "vectors"
NODE = shutil.which("node")


def files_of(one: Certificate, *, key: bool = False) -> list[dict[str, Any]]:
    """Return a holder's files as a file dialog gives them."""
    files = [("evidence.json", one.evidence), ("holder.json", one.holding)]
    if key:
        assert one.key is not None
        files.append(("key.pem", one.key))
    return [{"name": name, "mimeType": "text/plain", "buffer": data} for name, data in files]


def open_files(page: Any, one: Certificate, *, key: bool = False) -> None:
    page.set_input_files("#file", files_of(one, key=key))
    page.wait_for_selector("#form:not([hidden])")


def code_on(page: Any) -> str:
    """Return the text of the code that the page shows, read from its picture."""
    page.wait_for_selector("#code svg")
    picture = Image.open(io.BytesIO(page.locator("#code svg").screenshot())).convert("L")
    (text,) = decode(picture.tobytes(), *picture.size)
    return text


def code_for(page: Any, counter: Any) -> str:
    """Return the code that the holder's page makes for a counter's desk and its nonce."""
    named = counter.locator("#audience")  # A desk that is signed in shows it, another is told.
    page.fill("#audience", named.evaluate("(one) => one.value ?? one.textContent"))
    page.fill("#nonce", counter.text_content("#nonce"))
    page.click("button[value=code]")
    return code_on(page)


@pytest.mark.browser
@pytest.mark.parametrize(("language", "width", "way"), WAYS)
def test_chosen_fields_become_a_code_and_nothing_is_sent(
    pages: PageWorld, visit: Any, language: str, width: int, way: Way
) -> None:
    tab, good = visit(language, width), pages.certificates["good"]
    page = ready(tab.open("/holder"))
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    hand = Hand(page, way)
    hand.open_files("#file", files_of(good))
    page.wait_for_selector("#form:not([hidden])")
    hand.tick("input[name=place]:not(:checked)")
    hand.press("button[value=code]")
    assert code_on(page) == compact(good, "id_number")
    assert [url for url in sent if not url.startswith("blob:")] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.browser
def test_a_file_has_only_what_was_chosen(pages: PageWorld, visit: Any) -> None:
    page, good = ready(visit("en").open("/holder")), pages.certificates["good"]
    open_files(page, good)
    page.click("button[value=file]")
    with page.expect_download() as download:
        page.click("#save")
    shown = Evidence.parse(Path(download.value.path()).read_bytes())
    assert [part.name for part in shown.disclosures] == ["certificate_number", "holder_name"]


@pytest.mark.browser
def test_a_bound_certificate_is_signed_for_one_counter_once(
    pages: PageWorld, visit: Any, desk: Any
) -> None:
    counter, bound = desk("en"), pages.certificates["bound"]
    page = ready(visit("en").open("/holder"))
    open_files(page, bound)
    page.click("button[value=file]")
    assert "open the key file" in page.inner_text("#notice")
    open_files(page, bound, key=True)
    code = code_for(page, counter)
    counter.bring_to_front()
    scan(counter, code)
    counter.wait_for_selector("#verdict.valid")
    scan(counter, code)
    counter.wait_for_selector("#verdict.cannot_tell")
    assert "used already" in counter.inner_text("#verdict")


@pytest.mark.browser
def test_a_bound_certificate_counts_for_the_materials_with_those_shown_after_it(
    pages: PageWorld, visit: Any, desk: Any, office: PageWorld
) -> None:
    counter, bound = desk("en"), pages.certificates["bound"]
    choose_item(pages, counter)
    page = ready(visit("en").open("/holder"))
    open_files(page, bound, key=True)
    code = code_for(page, counter)
    counter.bring_to_front()
    counter.focus("#box")
    for text in (code, compact(pages.certificates["good"])):
        with counter.expect_response("**/v1/applications") as answered:
            scan(counter, text)
        results = answered.value.json()["results"]
        assert {one["verdict"] for one in results} == {"valid"}
    assert len(results) == 2


@pytest.mark.browser
def test_other_files_are_named_as_they_are_and_large_ones_are_not_read(
    visit: Any, tmp_path: Path
) -> None:
    page, large = ready(visit("zh", 390).open("/holder")), tmp_path / "甲\u202e乙.json"
    with large.open("wb") as file:
        file.truncate(200 * 2**20)
    page.set_input_files("#file", str(large))
    page.wait_for_selector("#notice:not([hidden])")
    assert "⟨U+202E⟩" in page.inner_text("#notice")
    page.set_input_files("#file", {"name": HTML, "mimeType": "text/plain", "buffer": b"neither"})
    page.wait_for_selector("#notice:has-text('<b>')")
    assert page.locator("#notice b").count() == 0


@pytest.mark.browser
def test_files_of_two_certificates_do_not_mix(pages: PageWorld, visit: Any) -> None:
    page = ready(visit("en").open("/holder"))
    mixed = pages.certificates["good"], pages.certificates["revoked"]
    page.set_input_files(
        "#file",
        [
            {"name": "a.json", "mimeType": "text/plain", "buffer": mixed[0].evidence},
            {"name": "b.json", "mimeType": "text/plain", "buffer": mixed[1].holding},
        ],
    )
    page.wait_for_selector("#notice:not([hidden])")
    assert "different certificates" in page.inner_text("#notice")


def node(script: str, value: Any) -> Any:
    if NODE is None:
        pytest.skip("node is not here")
    text = f"import * as v from {json.dumps(str(STATIC / 'certledger-verifier.mjs'))};\n" + (
        f"import {{ qrCode }} from {json.dumps(str(STATIC / 'qr_code.mjs'))};\n"
        f"const given = {json.dumps(value)};\n{script}"
    )
    run = subprocess.run(
        [NODE, "--input-type=module", "-"], input=text, capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_JavaScript_makes_the_published_code_and_message() -> None:
    vectors = json.loads((VECTORS / "compact.json").read_bytes())
    evidence = json.loads((VECTORS / "evidence.json").read_bytes())
    script = """
    const bytes = (text) => new TextEncoder().encode(text);
    const holding = v.openHolding(bytes(given.file), bytes(given.holding));
    const names = holding.fields.map(({ disclosure }) => disclosure.name);
    const shown = v.showFields(holding, new Set(holding.fields.map(({ place }) => place)), false);
    const { record } = v.parseCompactEvidence(v.codeOf(shown, null));
    const file = new TextDecoder().decode(v.fileOf(shown, null));
    console.log(JSON.stringify({ names, index: record.index, file }));
    """
    holding = evidence["holding"]
    given = {
        "file": evidence["file"],
        "holding": holding if isinstance(holding, str) else format_canonical(holding).decode(),
    }
    made = node(script, given)
    shown = Evidence.parse(made["file"].encode())
    assert [part.name for part in shown.disclosures] == made["names"]
    assert shown.record.index == made["index"]
    assert vectors["text"].startswith("CL1:")


@pytest.mark.parametrize("length", [1, 25, 90, 330, 795, 1400, 2500, 4296])
def test_codes_of_every_size_are_read(length: int) -> None:
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
    text = "".join(letters[(7 * at + length) % 45] for at in range(length))
    modules = node("console.log(JSON.stringify(qrCode(given)))", text)
    scale, side = 3, len(modules) + 8
    grey = Image.new("L", (side, side), 255)
    for y, row in enumerate(modules):
        for x, dark in enumerate(row):
            grey.putpixel((x + 4, y + 4), 0 if dark else 255)
    large = grey.resize((side * scale, side * scale), Image.Resampling.NEAREST)
    assert decode(large.tobytes(), *large.size) == [text]


def test_a_printed_certificate_carries_its_link_for_whoever_drops_it() -> None:
    (document,) = documents(1)
    script = f"""
    const {{ scanPdf }} = await import({json.dumps(str(STATIC / "pdf_scan.mjs"))});
    const bytes = Uint8Array.from(atob(given), (letter) => letter.charCodeAt(0));
    console.log(JSON.stringify(await scanPdf(bytes)));
    """
    printed = base64.b64encode(DocumentWriter((document,)).render(document)).decode()
    assert node(script, printed) == {"texts": [document.link], "isPrinted": True}
