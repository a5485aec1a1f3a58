"""How fast the pages are in a headless Chromium: first visit, scans, pictures, the offline desk."""

from __future__ import annotations

import logging
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import structlog
from playwright.sync_api import sync_playwright

from bench.bench_snapshot import BATCHES, CERTIFICATES, ISSUERS, large_world
from bench.report import Row, at_most
from certledger.verifier.vocabulary import Status
from tests.chromium import FLAGS, find_chromium
from tests.pages.conftest import PageWorld, serve_pages
from tests.pages.test_offline import code_of
from tests.pages.test_public import compact, picture, ready
from tests.world import NOW, World, WorldIssuer, signed_policy

VISITS, SCANS = 7, 40
FEW_BATCHES = 10
"""Batches of each issuer where a million certificates come as issuers usually seal them."""
READ = """async (data) => {
    const { src } = document.querySelector("script[type=module]");
    const { readPicture } = await import(src.replace(/[^/]+$/, "code_reader.mjs"));
    const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
    const began = performance.now();
    await readPicture(new Blob([bytes], { type: "image/png" }));
    return performance.now() - began;
}"""
PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
EARLY = f"""() => {{
    const pages = performance.getEntriesByType("navigation");
    const parts = performance.getEntriesByType("resource");
    const early = [...pages, ...parts].filter(({{ responseStart }}) => responseStart < {PAINT});
    return early.reduce((sum, {{ transferSize }}) => sum + transferSize, 0);
}}"""
"""Bytes of what had begun to come before something was shown."""
FIXED = f"""
const Clock = Date;
globalThis.Date = class extends Clock {{
    constructor(...given) {{ super(...(given.length ? given : [{1000 * NOW}])); }}
    static now() {{ return {1000 * NOW}; }}
}};
"""
"""Another date, and nothing else: Playwright's clock replaces the timers of a page too."""
JUDGE = """async ([text, expected]) => {
    const [box, answer] = ["box", "answer"].map((id) => document.getElementById(id));
    const shown = new Promise((done) => {
        const look = () => answer.querySelector(`#verdict.${expected}`) && done();
        new MutationObserver(look).observe(answer, { childList: true });
    });
    box.value = text;
    const began = performance.now();
    const enter = { key: "Enter", bubbles: true, cancelable: true };
    box.dispatchEvent(new KeyboardEvent("keydown", enter));
    await shown;
    const judged = performance.now() - began;
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    return [judged, performance.now() - began];
}"""
"""Milliseconds from Enter to the verdict in the page, and until it is painted."""


def rows(quick: bool) -> list[Row]:
    """Return the rows; none where there is no Chromium."""
    if (browser := find_chromium()) is None:
        print("chromium is not here: the pages are not measured", file=sys.stderr)
        return []
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with (
        tempfile.TemporaryDirectory(prefix="certledger-bench-") as folder,
        serve_pages(Path(folder) / "home") as pages,
        sync_playwright() as playwright,
    ):
        chromium = playwright.chromium.launch(executable_path=browser, args=FLAGS)
        visits, scans = (1, 4) if quick else (VISITS, SCANS)
        desk = _signed_in(chromium, pages)
        found = [
            *_first_visits(chromium, pages, desk, visits),
            *_scans(desk, pages, scans),
            *_pictures(desk, pages, scans),
            *_offline(chromium, pages, quick),
        ]
        chromium.close()
        return found


def _signed_in(chromium: Any, pages: PageWorld) -> Any:
    """Return the desk of a counter that has typed its key."""
    page = chromium.new_context(locale="zh-CN").new_page()
    page.goto(f"{pages.url}/desk")
    page.fill("#key", pages.counter_key)
    page.press("#key", "Enter")
    return ready(page)


def _first_visits(chromium: Any, pages: PageWorld, desk: Any, visits: int) -> Iterator[Row]:
    """Yield what a first visit of the desk transfers, and when it shows something."""
    cookies = desk.context.cookies()

    def visit(path: str) -> tuple[float, ...]:
        context = chromium.new_context(locale="zh-CN")
        context.add_cookies(cookies)
        page, sizes = context.new_page(), list[float]()
        wire = context.new_cdp_session(page)
        wire.on("Network.loadingFinished", lambda one: sizes.append(one["encodedDataLength"]))
        wire.send("Network.enable")
        page.goto(pages.url + path, wait_until="networkidle")
        page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
        paint, early = float(page.evaluate(PAINT)), float(page.evaluate(EARLY))
        context.close()
        return sum(sizes), early, paint

    taken = [(visit("/desk"), visit("/")) for _ in range(visits)]
    for at, name, unit, most in (
        (0, "bytes", "B", 100 * 1024),
        (1, "bytes before first paint", "B", 100 * 1024),
        (2, "first paint", "ms", 1_000),
    ):
        mine, front = (median(each[page][at] for each in taken) for page in (0, 1))
        yield Row(f"desk: {name} of a first visit", mine, unit, front, mine / front, at_most(most))


def _scans(desk: Any, pages: PageWorld, count: int) -> Iterator[Row]:
    """Yield the time from a scanned code to its verdict."""
    codes = {
        "valid": compact(pages.certificates["good"]),
        "not_in_force": compact(pages.certificates["revoked"]),
    }

    def scan(at: int) -> float:
        expected, code = list(codes.items())[at % 2]
        began = time.perf_counter()
        desk.keyboard.insert_text(code)
        desk.keyboard.press("Enter")
        desk.wait_for_selector(f"#verdict.{expected}")
        return 1_000 * (time.perf_counter() - began)

    bare = median(_timed(lambda: desk.evaluate("1")) for _ in range(count))
    slow = _slowest(scan(at) for at in range(count))
    yield Row("desk: scan to verdict, p95", slow, "ms", bare, slow / bare, at_most(300))


def _pictures(desk: Any, pages: PageWorld, count: int) -> Iterator[Row]:
    """Yield the time in which a picture of a dense code is read here, and by the service."""
    data = b64encode(picture(compact(pages.certificates["good"]), scale=8)).decode()
    desk.evaluate(READ, data)  # The reader is loaded once.
    alone = _slowest(desk.evaluate(READ, data) for _ in range(count))
    desk.evaluate("delete document.documentElement.dataset.reader")
    asking = _slowest(desk.evaluate(READ, data) for _ in range(count))
    yield Row("picture: read here, p95", alone, "ms", asking, alone / asking, at_most(300))
    yield Row(
        "picture: read by the service, p95", asking, "ms", alone, asking / alone, at_most(600)
    )


def _offline(chromium: Any, pages: PageWorld, quick: bool) -> Iterator[Row]:
    """Yield how long a day's snapshot takes, and then a verdict."""
    issuers, batches, few = (2, 50, 5) if quick else (ISSUERS, BATCHES, FEW_BATCHES)
    issuer = WorldIssuer.of()
    issued = [issuer.issue(f"SH{at}", index=at) for at in range(2)]
    issuer.anchor(issued)
    issuer.change([1], Status.REVOKED)
    worlds = [World(issuers=[issuer])]
    for each in (few, batches):
        large = large_world(issuers, each, CERTIFICATES * batches // (ISSUERS * BATCHES * each))
        worlds.append(World(issuers=[*large.issuers, issuer], accounts=300))
    codes = {
        expected: code_of(worlds[-1].evidence(issuer, one))
        for expected, one in zip(("valid", "not_in_force"), issued, strict=True)
    }
    page = chromium.new_context(locale="zh-CN").new_page()
    page.add_init_script(FIXED)
    page.goto(f"{pages.url}/offline")
    ready(page)
    small, *wholes = (_timed(partial(_load, page, given.snapshot().format())) for given in worlds)
    for whole, form in zip(wholes, ("large", "small"), strict=True):
        name = f"offline desk: snapshot of {form} batches loaded"
        yield Row(name, whole, "ms", small, whole / small, at_most(5_000))

    def judge(at: int) -> list[float]:
        expected, code = list(codes.items())[at % 2]
        return list(page.evaluate(JUDGE, [code, expected]))

    taken = [judge(at) for at in range(4 if quick else SCANS)]
    bare, slow = (_slowest(one[at] for one in taken) for at in (0, 1))
    yield Row("offline desk: verdict, p95", slow, "ms", bare, slow / bare, at_most(50))


def _load(page: Any, snapshot: bytes) -> None:
    """Give the desk a policy and a snapshot, and wait until it knows them."""
    files = [("policy.json", signed_policy().format()), ("snapshot.bin", snapshot)]
    page.evaluate("document.getElementById('ready').className = ''")
    page.set_input_files(
        "#file",
        [
            {"name": name, "mimeType": "application/octet-stream", "buffer": data}
            for name, data in files
        ],
    )
    page.wait_for_selector("#ready.ready", timeout=120_000)


def _timed(work: Callable[[], object]) -> float:
    """Return the milliseconds of one call."""
    began = time.perf_counter()
    work()
    return 1_000 * (time.perf_counter() - began)


def _slowest(times: Iterator[float]) -> float:
    """Return what nineteen in twenty do not exceed."""
    return quantiles(times, n=20, method="inclusive")[-1]
