"""Write a picture of each page of a served demo, in both languages and widths.

`python -m tests.pages.screenshots ADDRESS FOLDER [NAME...]`; the main ones dark and printed too.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Error

from certledger.api.pages.offline import one_file
from certledger.ledger.node import POLICY
from tests.chromium import FLAGS, find_chromium
from tests.pages.conftest import LANGUAGES, WIDTHS

Step = Callable[[Any, Mapping[str, Any]], None]


def _nothing(page: Any, one: Mapping[str, Any]) -> None:
    """Show the page as it opens."""


def _drop(kind: str) -> Step:
    def step(page: Any, tries: Mapping[str, Any]) -> None:
        page.wait_for_selector("html[data-ready]")
        page.set_input_files("#file", str(tries["home"] / tries[kind]["files"]["evidence"]))
        page.wait_for_selector("#verdict")

    return step


def _document(page: Any, tries: Mapping[str, Any]) -> None:
    page.wait_for_selector("html[data-ready]")
    page.set_input_files("#file", str(tries["home"] / tries["good"]["files"]["document"]))
    page.wait_for_selector("#verdict, #notice:not([hidden])")


def _unknown(page: Any, tries: Mapping[str, Any]) -> None:
    page.wait_for_selector("html[data-ready]")
    page.fill("#number", tries["good"]["number"])
    page.fill("#access_code", tries["revoked"]["access_code"])
    page.click("#by-number button")
    page.wait_for_selector("#trouble, #notice:not([hidden])")


def _network_gone(page: Any, tries: Mapping[str, Any]) -> None:
    page.wait_for_selector("html[data-ready]")
    page.context.set_offline(True)
    page.set_input_files("#file", str(tries["home"] / tries["good"]["files"]["evidence"]))
    page.wait_for_selector("#verdict")


def _compare(page: Any, tries: Mapping[str, Any]) -> None:
    page.wait_for_selector("html[data-ready]")
    page.fill("#number", tries["good"]["number"])
    page.fill("#access_code", tries["good"]["access_code"])
    page.click("#by-number button")
    page.wait_for_selector("#verdict")


def _desk(page: Any, tries: Mapping[str, Any]) -> None:
    if "/sign-in" in page.url:
        page.goto(page.url.split("/sign-in")[0] + "/")
        page.click("button[name='page'][value='desk']")
    page.wait_for_selector("html[data-ready]")


def _desk_checked(page: Any, tries: Mapping[str, Any]) -> None:
    _desk(page, tries)
    for kind in ("revoked", "good"):
        page.evaluate("document.getElementById('answer').replaceChildren()")
        page.set_input_files("#file", str(tries["home"] / tries[kind]["files"]["evidence"]))
        page.wait_for_selector("#verdict")


def _desk_item(page: Any, tries: Mapping[str, Any]) -> None:
    _desk_checked(page, tries)
    page.fill("#item", "ONE-RESTAURANT")
    page.wait_for_selector("#items option", state="attached")
    page.fill("#item", page.get_attribute("#items option", "value"))
    page.wait_for_selector("#lines li")


def _desk_ended(page: Any, tries: Mapping[str, Any]) -> None:
    """Let the session end while an applicant waits."""
    _desk(page, tries)
    page.context.clear_cookies(name="certledger_session")
    page.set_input_files("#file", str(tries["home"] / tries["good"]["files"]["evidence"]))
    page.wait_for_selector("dialog[open]")


def _receipt(page: Any, tries: Mapping[str, Any]) -> None:
    _desk_checked(page, tries)
    page.goto(page.url.replace("/desk", "/receipt/" + page.inner_text("#verdict .reference")))


def _holder(page: Any, tries: Mapping[str, Any]) -> None:
    page.wait_for_selector("html[data-ready]")
    files = tries["good"]["files"]
    page.set_input_files(
        "#file", [str(tries["home"] / files[one]) for one in ("evidence", "holder")]
    )
    page.click("button[value=code]")
    page.wait_for_selector("#code svg")


def _fetched(page: Any, tries: Mapping[str, Any]) -> None:
    """Fetch policy and snapshot as a counter, and check a certificate."""
    _desk(page, tries)
    page.goto(page.url.replace("/desk", "/offline"))
    page.wait_for_selector("html[data-ready]")
    page.click("#fetch")
    page.wait_for_selector("#ready.ready")
    page.set_input_files("#file", str(tries["home"] / tries["good"]["files"]["evidence"]))
    page.wait_for_selector("#verdict")


def _usb(page: Any, tries: Mapping[str, Any]) -> None:
    """Open the desk for a USB stick, as a file beside its policy and snapshot."""
    _fetched(page, tries)
    csrf = page.get_attribute("meta[name=csrf]", "content")
    answer = page.request.get("/v1/snapshots/latest", headers={"x-csrf-token": csrf})
    language = page.get_attribute("html", "lang")[:2]
    with tempfile.TemporaryDirectory() as folder:
        stick = Path(folder)
        (stick / "desk.html").write_bytes(one_file(language))
        (stick / "snapshot.bin").write_bytes(answer.body())
        page.goto(f"file://{stick}/desk.html")
        page.wait_for_selector("html[data-ready]")
        page.set_input_files("#file", [str(tries["home"] / POLICY), str(stick / "snapshot.bin")])
        page.wait_for_selector("#ready.ready")
        page.set_input_files("#file", str(tries["home"] / tries["revoked"]["files"]["evidence"]))
        page.wait_for_selector("#verdict")


@cache
def _key(home: Path, role: str) -> str:
    """Make a key of a role for a day, as an administrator does."""
    issuer = Path((home / "example" / "body").read_text("utf-8")).name
    options = ["--issuer", issuer] if role == "issuer" else []
    command = [sys.executable, "-m", "certledger", "apikey", "create", "--home", str(home)]
    made = subprocess.run(
        [*command, "--name", "screenshots", "--role", role, *options, "--days", "1", "--json"],
        stdout=subprocess.PIPE,
        check=True,
    )
    return str(json.loads(made.stdout)["key"])


def _signed_in(role: str, then: Step = _nothing) -> Step:
    """Sign in with a key of the role, which opens the page, and go on."""

    def step(page: Any, tries: Mapping[str, Any]) -> None:
        page.fill("#key", _key(tries["home"], role))
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: "/sign-in" not in url)
        then(page, tries)

    return step


def _review(page: Any, tries: Mapping[str, Any]) -> None:
    page.fill("#indexes", "5")
    page.select_option("#status", "suspended")
    page.select_option("#reason", "S01")
    page.click("form[data-act=status] button")
    page.wait_for_selector("#review:not([hidden])")


def _catalog(page: Any, tries: Mapping[str, Any]) -> None:
    page.click("#catalog ~ details summary")
    page.click("#keys ~ details summary")


def _hold(page: Any, tries: Mapping[str, Any]) -> None:
    page.click("button[data-brake]")
    page.wait_for_selector("#review:not([hidden])")


def _opened(page: Any, tries: Mapping[str, Any]) -> None:
    """Open everything that is folded."""
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")


def _wrong_key(page: Any, tries: Mapping[str, Any]) -> None:
    page.fill("#key", "clk_WRONG000_x")
    page.keyboard.press("Enter")
    page.wait_for_selector("#trouble")


def _signed_out(page: Any, tries: Mapping[str, Any]) -> None:
    page.click("form[action='/sign-out'] button")
    page.wait_for_url("**/signed-out?**")


def _too_late(page: Any, tries: Mapping[str, Any]) -> None:
    """Send a form after the session has ended, and sign in again."""
    page.fill("#size", "10")
    page.context.clear_cookies(name="certledger_session")
    page.click("form[action='/office/samples'] button")
    page.wait_for_selector("#key")


def _resume(page: Any, tries: Mapping[str, Any]) -> None:
    _too_late(page, tries)
    page.fill("#key", _key(tries["home"], "auditor"))
    page.press("#key", "Enter")
    page.wait_for_selector("main form button:focus")


def _trace(page: Any, tries: Mapping[str, Any]) -> None:
    evidence = tries["home"] / tries["good"]["files"]["evidence"]
    record = json.loads(evidence.read_bytes())["record"]
    page.fill("#find", f"{record['issuer']}#{record['index']}")
    page.keyboard.press("Enter")
    page.wait_for_selector(".steps > li")


def _operation(page: Any, tries: Mapping[str, Any]) -> None:
    page.click("#getCheckpoint summary")


def _item(page: Any, tries: Mapping[str, Any]) -> None:
    page.fill("#item", "ONE-RESTAURANT")
    page.keyboard.press("Enter")
    page.wait_for_selector(".tag")


def _start_desk(folder: str, url: str, **more: str) -> str:
    """Start an issuer's desk, and return the address of its pages."""
    started = subprocess.Popen(
        [sys.executable, "-m", "certledger", "issuer-desk", "--body", folder, "--server", url],
        env={**os.environ, **more},
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(started.terminate)
    assert started.stdout is not None
    link = [started.stdout.readline(), started.stdout.readline()][1].strip()
    went = httpx.get(link)
    return str(httpx.URL(link).join(went.headers["location"]))


@cache
def _local_desk(home: Path, url: str) -> str:
    """Start the issuer's desk of the demo's example."""
    folder = (home / "example" / "body").read_text("utf-8")
    return _start_desk(folder, url, CERTLEDGER_TOKEN=_key(home, "issuer"))


def _first(steps: int) -> Step:
    """Show a new association's desk after so many of its first steps."""

    def step(page: Any, tries: Mapping[str, Any]) -> None:
        url = page.url.rstrip("/")
        page.goto(f"{url}/explorer")
        identity = re.search("[0-9a-f]{64}", page.inner_text("main"))
        assert identity is not None
        folder = tempfile.TemporaryDirectory()
        atexit.register(folder.cleanup)
        page.goto(_start_desk(f"{folder.name}/issuer", url))
        if steps > 0:
            page.fill("#server", url)
            page.fill("#identity", identity[0])
            page.click("form[action$='/first/ledger'] button")
            page.wait_for_selector("#again")
        if steps > 1:
            page.fill("#code", "51310000XX00009905")
            page.fill("#name", "上海市示例烹饪协会")
            page.fill("#passphrase", "four unrelated words here")
            page.fill("#again", "four unrelated words here")
            page.click("form[action$='/first/issuer'] button")
            page.wait_for_selector("#registration")

    return step


def _at_desk(then: Step) -> Step:
    def step(page: Any, tries: Mapping[str, Any]) -> None:
        page.goto(_local_desk(tries["home"], page.url.rstrip("/")))
        then(page, tries)

    return step


def _put(page: Any, tries: Mapping[str, Any], *, harmed: bool) -> None:
    """Put the example's sheet in, with an impossible day if it is to be harmed."""
    sheet = (tries["home"] / "example" / "sheet.csv").read_text("utf-8")
    if harmed:
        sheet = re.sub(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}", "2026-13-45", sheet, count=1)
    file = {"name": "sheet.csv", "mimeType": "text/csv", "buffer": sheet.encode()}
    page.set_input_files("#sheet", file)
    page.click("main form[action$='/sheets'] button")
    page.wait_for_selector("#findings, #preview")


def _desk_options(page: Any, tries: Mapping[str, Any]) -> None:
    _opened(page, tries)


def _no_job(page: Any, tries: Mapping[str, Any]) -> None:
    page.goto(page.url.rstrip("/") + "/sheets/" + "0" * 32)


def _faults(page: Any, tries: Mapping[str, Any]) -> None:
    _put(page, tries, harmed=True)


def _preview(page: Any, tries: Mapping[str, Any]) -> None:
    _put(page, tries, harmed=False)


def _sessions(page: Any, tries: Mapping[str, Any]) -> None:
    page.click("a[href='/sessions']")
    page.wait_for_selector("table")


SHOTS: Mapping[str, tuple[str, Step]] = {
    "front": ("/", _nothing),
    "sign-in": ("/sign-in", _nothing),
    "sign-in-wrong": ("/sign-in", _wrong_key),
    "signed-out": ("/audit", _signed_in("auditor", _signed_out)),
    "sessions": ("/audit", _signed_in("auditor", _sessions)),
    "v": ("/v", _nothing),
    "v-good": ("/v", _drop("good")),
    "v-revoked": ("/v", _drop("revoked")),
    "v-forged": ("/v", _drop("forged")),
    "v-document": ("/v", _document),
    "v-unknown": ("/v", _unknown),
    "v-network": ("/v", _network_gone),
    "v-compare": ("/v", _compare),
    "desk": ("/desk", _desk),
    "desk-checked": ("/desk", _desk_checked),
    "desk-item": ("/desk", _desk_item),
    "desk-ended": ("/desk", _desk_ended),
    "receipt": ("/desk", _receipt),
    "holder": ("/holder", _nothing),
    "holder-made": ("/holder", _holder),
    "offline": ("/offline", _nothing),
    "offline-checked": ("/desk", _fetched),
    "usb": ("/desk", _usb),
    "absent": ("/nowhere", _nothing),
    "forbidden": ("/registrar", _signed_in("auditor")),
    "issuer": ("/issuer", _signed_in("issuer")),
    "issuer-review": ("/issuer", _signed_in("issuer", _review)),
    "issuer-catalog": ("/issuer", _signed_in("issuer", _catalog)),
    "issuer-desk-ledger": ("/", _first(0)),
    "issuer-desk-key": ("/", _first(1)),
    "issuer-desk-registration": ("/", _first(2)),
    "issuer-desk": ("/", _at_desk(_opened)),
    "issuer-desk-faults": ("/", _at_desk(_faults)),
    "issuer-desk-preview": ("/", _at_desk(_preview)),
    "issuer-desk-trouble": ("/", _at_desk(_no_job)),
    "registrar": ("/registrar", _signed_in("administrator")),
    "registrar-hold": ("/registrar", _signed_in("administrator", _hold)),
    "audit": ("/audit", _signed_in("auditor")),
    "audit-trace": ("/audit", _signed_in("auditor", _trace)),
    "explorer": ("/explorer", _nothing),
    "office": ("/office", _signed_in("auditor")),
    "office-item": ("/office", _signed_in("auditor", _item)),
    "office-opened": ("/office", _signed_in("auditor", _opened)),
    "office-late": ("/office", _signed_in("auditor", _too_late)),
    "office-resume": ("/office", _signed_in("auditor", _resume)),
    "api": ("/docs", _operation),
}
MAIN = (
    "front", "v-good", "v-revoked", "v-forged", "v-compare", "desk-item", "holder-made",
    "offline-checked", "issuer-review", "issuer-desk-faults", "audit-trace", "office-item", "api",
)  # fmt: skip
"""The pages that are pictured dark too."""
PRINTED = ("v-good", "desk-item", "receipt", "holder-made", "audit-trace", "office-item")
A4_PIXELS = 794


@contextmanager
def fonts() -> Iterator[dict[str, Any]]:
    """Give an environment in which the browser finds Chinese fonts where none is installed."""
    import pylopdf_fonts_zh_cn

    folder = Path(pylopdf_fonts_zh_cn.__file__).parent
    with tempfile.TemporaryDirectory() as cache:
        config = Path(cache) / "fonts.conf"
        config.write_text(
            "<fontconfig><include ignore_missing='yes'>/etc/fonts/fonts.conf</include>"
            f"<dir>{folder}</dir><cachedir>{cache}</cachedir></fontconfig>"
        )
        yield {**os.environ, "FONTCONFIG_FILE": str(config)}


def main(url: str, folder: Path) -> None:
    from playwright.sync_api import sync_playwright

    folder.mkdir(parents=True, exist_ok=True)
    home = Path(os.environ["CERTLEDGER_HOME"]).absolute()
    listed = json.loads((home / "example" / "tries.json").read_bytes())["certificates"]
    tries = {"home": home, **{one["kind"]: one for one in listed}}
    with fonts() as environment, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=FLAGS, env=environment
        )
        for name in sys.argv[3:] or SHOTS:
            for language, width in product(LANGUAGES, WIDTHS):
                take(browser, url, tries, folder / f"{name}-{language}-{width}.png")
            for language in LANGUAGES:
                if name in MAIN:
                    width = WIDTHS[LANGUAGES.index(language)]
                    path = folder / f"{name}-dark-{language}-{width}.png"
                    take(browser, url, tries, path, dark=True)
                if name in PRINTED:
                    path = folder / f"{name}-print-{language}-{A4_PIXELS}.png"
                    take(browser, url, tries, path, printed=True)
        browser.close()


def take(
    browser: Any,
    url: str,
    tries: Mapping[str, Any],
    path: Path,
    *,
    dark: bool = False,
    printed: bool = False,
) -> None:
    """Write the picture whose file is called NAME-LANGUAGE-WIDTH, or NAME-MODE-LANGUAGE-WIDTH."""
    name, language, width = path.stem.rsplit("-", 2)
    address, step = SHOTS[name.removesuffix("-dark").removesuffix("-print")]
    context = browser.new_context(
        base_url=url,
        locale="zh-CN" if language == "zh" else "en-GB",
        viewport={"width": int(width), "height": 900},
        color_scheme="dark" if dark else "light",
    )
    page = context.new_page()
    page.goto(url + address)
    try:
        step(page, tries)
    except Error as error:  # The picture shows where it stopped, and the others are wanted too.
        print(f"{path.stem}: {str(error).splitlines()[0]}", file=sys.stderr)
    if printed:
        page.emulate_media(media="print")
    page.screenshot(path=path, full_page=True)
    context.close()


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"), Path(sys.argv[2]))
