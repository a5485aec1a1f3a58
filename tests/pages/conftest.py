"""One served ledger and one real browser for all tests of the pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from certledger.ledger.core.service_values import Role
from certledger.ledger.intake.batches import submit_batch
from certledger.ledger.pdf.writer import DocumentWriter
from certledger.ledger.sealing.attachments import Paper as PaperValue
from certledger.ledger.sealing.batch import SealedBatch, seal_issues
from certledger.ledger.sealing.issue import Issue
from certledger.verifier.formats.presentation import format_holder_key
from certledger.verifier.formats.record import describe_document, normal_number
from certledger.verifier.formats.short_link import ShortLink
from certledger.verifier.vocabulary import Status
from tests.api.world import Running, World, make_world, serve
from tests.chromium import FLAGS, find_chromium
from tests.ledger.live import LiveIssuer
from tests.ledger.pdf.test_writer import ADDRESS, documents
from tests.ledger.pdf.test_writer import CODE as PRINTED_CODE
from tests.pages.axe import faults_of_state

HTML = '<img src=x onerror="document.title=1"><b>甲</b>'
REVERSED = "甲\u202e公司乙"
WIDTHS = (390, 1280)
LANGUAGES = ("zh", "en")


@dataclass
class Certificate:
    """A certificate as its holder has it: number, access code, fields, files."""

    number: str
    code: str
    fields: dict[str, str]
    evidence: bytes
    holding: bytes
    document: bytes
    key: bytes | None = None


@dataclass
class PageWorld:
    """The served ledger, and certificates of it by what they are for."""

    running: Running
    certificates: dict[str, Certificate]

    @property
    def url(self) -> str:
        return self.running.url

    @property
    def counter_key(self) -> str:
        return self.running.world.keys[Role.COUNTER]


HOLDER = ec.derive_private_key(7, ec.SECP256R1())
KINDS: dict[str, dict[str, Any]] = {
    "good": {"holder_name": "张三", "id_number": "310101199001010018"},
    "revoked": {"holder_name": "李四"},
    "html": {"holder_name": HTML, "address": "</script><script>document.title=2</script>"},
    "reversed": {"holder_name": REVERSED},
    "bound": {"holder_name": "王五"},
    "printed": {"holder_name": "赵六"},
}
"""The certificates by name, with their fields."""


def seal(issuer: LiveIssuer) -> SealedBatch:
    """Seal one certificate of each kind, each with a document of its own."""
    entry, first = issuer.catalog.entries[-1], issuer.head.first
    issues = [
        Issue(
            entry=entry,
            number=number_of(first + at),
            fields=fields,
            issued=date(2026, 1, 1),
            expires=date(2036, 1, 1),
            holder_key=format_holder_key(HOLDER.public_key()) if kind == "bound" else None,
            papers=(
                PaperValue(name=f"{kind}.pdf", value=describe_document(document(kind, first + at))),
            ),
            access_code=PRINTED_CODE if kind == "printed" else None,
        )
        for at, (kind, fields) in enumerate(KINDS.items())
    ]
    batch = seal_issues(
        issues,
        catalog=issuer.catalog,
        head=issuer.head,
        issuer=issuer.issuer,
        secret=bytes(32),
        seed=bytes(31) + b"p",
        signer=issuer.key,
        now=issuer.now(),
        identity=issuer.ledger.pin.identity,
    )
    issuer.head = batch.head
    issuer.sealed.append(batch)
    return batch


def number_of(index: int) -> str:
    """Return the number of a certificate."""
    return f"沪人〔2026〕{index}号"


def document(kind: str, index: int) -> bytes:
    """Return the bytes of a certificate's document; the printed one carries its link."""
    if kind == "printed":
        (sample,) = documents(1)
        number = number_of(index)
        link = ShortLink(number=normal_number(number), code=PRINTED_CODE).format(ADDRESS)
        paper = replace(sample, number=number, access_code=PRINTED_CODE, link=link)
        return DocumentWriter((paper,)).render(paper)
    return b"%PDF-1.7\n% " + kind.encode() + b"\n1 0 obj\n<< >>\nendobj\ntrailer\n<< >>\n%%EOF\n"


def certificates_of(world: World, batch: SealedBatch) -> Iterator[tuple[str, Certificate]]:
    """Yield what each holder of a final batch has."""
    for place, (kind, holding) in enumerate(zip(KINDS, batch.holdings(), strict=True)):
        evidence = world.evidence(place, len(world.issuer.sealed) - 1)
        _, number, code = list(batch.access_codes())[place]
        yield (
            kind,
            Certificate(
                number=number,
                code=code,
                fields=KINDS[kind],
                evidence=evidence.format(),
                holding=holding,
                document=document(kind, batch.statement.first + place),
                key=HOLDER.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
                if kind == "bound"
                else None,
            ),
        )


@contextmanager
def serve_pages(home: Path) -> Iterator[PageWorld]:
    """Serve a ledger with certificates that are good, revoked, hostile and bound."""
    with make_world(home) as world:
        batch = seal(world.issuer)
        submit_batch(world.ledger.intake, batch.submission())
        world.ledger.run_until_idle()
        world.issuer.change([batch.statement.first + 1], Status.REVOKED, "R01")
        world.ledger.run_until_idle()
        with serve(world) as running:
            yield PageWorld(running, dict(certificates_of(world, batch)))


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageWorld]:
    """Return the served ledger of all tests of the pages."""
    with serve_pages(tmp_path_factory.mktemp("pages") / "home") as served:
        yield served


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Return the one browser of a module.

    Playwright's event loop runs while it is open; tests of other modules run loops of their own.
    """
    chromium = find_chromium()
    if chromium is None:
        pytest.skip("chromium is not here")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield launched
        launched.close()


class Visit:
    """A visitor's tab; it notes console errors, requests to other hosts and what axe finds."""

    def __init__(self, context: Any, url: str) -> None:
        self.page, self.url, self.faults = context.new_page(), url, list[str]()
        self.page.set_default_timeout(15_000)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        self.page.on("request", self._request)

    def open(self, path: str) -> Any:
        """Open a page of the service, and return the tab."""
        self.page.goto(self.url + path)
        return self.page

    def close(self) -> list[str]:
        """Close the tab, and return its faults; axe looks at it as it was left."""
        faults = self.faults + [
            f for page in self.page.context.pages for f in faults_of_state(page)
        ]
        self.page.context.close()
        return faults

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"{message.type}: {message.text}")

    def _request(self, request: Any) -> None:
        if not request.url.startswith((self.url, "data:", "blob:")):
            self.faults.append(f"request to {request.url}")


class Visits:
    """The tabs of a test: called, it opens one more."""

    def __init__(self, browser: Any, url: str) -> None:
        self._browser, self._url = browser, url
        self._visits = list[Visit]()

    def __call__(self, language: str = "zh", width: int = 1280, **options: Any) -> Visit:
        """Open a tab in a browser profile of its own; readers of English have it dark."""
        locale, scheme = ("zh-CN", "light") if language == "zh" else ("en-GB", "dark")
        options = {"color_scheme": scheme, "viewport": {"width": width, "height": 900}} | options
        context = self._browser.new_context(locale=locale, **options)
        self._visits.append(Visit(context, self._url))
        return self._visits[-1]

    def forgive(self, sign: str) -> None:
        """Drop the faults with this text, which a test causes on purpose."""
        for one in self._visits:
            one.faults = [fault for fault in one.faults if sign not in fault]

    def close(self) -> list[str]:
        """Close all tabs; return the faults that they had."""
        closed, self._visits = self._visits, []
        return [fault for one in closed for fault in one.close()]


@pytest.fixture
def visit(pages: PageWorld, browser: Any) -> Iterator[Visits]:
    """Return what opens tabs; afterwards no tab may have had a fault."""
    visits = Visits(browser, pages.url)
    yield visits
    assert visits.close() == []
