"""Write a picture of each page of a served demo, in both languages and widths.

`python -m tests.pages.screenshots ADDRESS FOLDER`
"""

from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from tests.pages.conftest import FLAGS, LANGUAGES, WIDTHS

Step = Callable[[Any, Mapping[str, Any]], None]


def _nothing(page: Any, one: Mapping[str, Any]) -> None:
    """Show the page as it opens."""


def _drop(kind: str) -> Step:
    def step(page: Any, tries: Mapping[str, Any]) -> None:
        page.wait_for_selector("html[data-ready]")
        page.set_input_files("#file", str(tries["home"] / tries[kind]["files"]["evidence"]))
        page.wait_for_selector("#verdict")

    return step


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
    page.click("form[data-act=status] button")
    page.wait_for_selector("#review:not([hidden])")


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


@cache
def _local_desk(home: Path, url: str) -> str:
    """Start the issuer's desk of the demo's example, and return the address of its pages."""
    folder = (home / "example" / "body").read_text("utf-8")
    started = subprocess.Popen(
        [sys.executable, "-m", "certledger", "issuer-desk", "--body", folder, "--server", url],
        env={**os.environ, "CERTLEDGER_TOKEN": _key(home, "issuer")},
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(started.terminate)
    assert started.stdout is not None
    link = [started.stdout.readline(), started.stdout.readline()][1].strip()
    went = httpx.get(link)
    return str(httpx.URL(link).join(went.headers["location"]))


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
    "v": ("/v", _nothing),
    "v-good": ("/v", _drop("good")),
    "v-revoked": ("/v", _drop("revoked")),
    "v-forged": ("/v", _drop("forged")),
    "v-compare": ("/v", _compare),
    "desk": ("/desk", _desk),
    "desk-checked": ("/desk", _desk_checked),
    "receipt": ("/desk", _receipt),
    "holder": ("/holder", _holder),
    "offline": ("/offline", _nothing),
    "absent": ("/demo/none", _nothing),
    "issuer": ("/issuer", _signed_in("issuer")),
    "issuer-review": ("/issuer", _signed_in("issuer", _review)),
    "issuer-desk": ("/", _at_desk(_nothing)),
    "issuer-desk-faults": ("/", _at_desk(_faults)),
    "issuer-desk-preview": ("/", _at_desk(_preview)),
    "sessions": ("/audit", _signed_in("auditor", _sessions)),
    "registrar": ("/registrar", _signed_in("administrator")),
    "audit": ("/audit", _signed_in("auditor")),
    "audit-trace": ("/audit", _signed_in("auditor", _trace)),
    "explorer": ("/explorer", _nothing),
    "office": ("/office", _signed_in("auditor")),
    "office-item": ("/office", _signed_in("auditor", _item)),
    "api": ("/docs", _operation),
}


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
            executable_path=shutil.which("chromium"), args=FLAGS, env=environment
        )
        wanted = sys.argv[3:] or list(SHOTS)
        for language in LANGUAGES:
            for width in WIDTHS:
                locale = "zh-CN" if language == "zh" else "en-GB"
                for name in wanted:
                    page = browser.new_page(locale=locale, viewport={"width": width, "height": 900})
                    path, step = SHOTS[name]
                    page.goto(url + path)
                    step(page, tries)
                    page.screenshot(path=folder / f"{name}-{language}-{width}.png", full_page=True)
                    page.close()
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"), Path(sys.argv[2]))
