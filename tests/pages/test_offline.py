"""The offline desk in a real browser: served and then without a network, and as one file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from playwright.sync_api import expect

from certledger.verifier.cli.main import main
from certledger.verifier.formats.checkpoint import parse_note
from certledger.verifier.formats.compact_evidence import Compact
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.formats.policy import Roots
from certledger.verifier.formats.presentation import format_holder_key
from certledger.verifier.formats.signed_policy import sign
from certledger.verifier.vocabulary import Status
from tests.pages.conftest import HOLDER, Visits
from tests.pages.hands import OTHER_WAYS, WAYS, Hand, Way
from tests.pages.test_holder import code_for
from tests.pages.test_public import BANNERS, ready
from tests.world import NOW, World, WorldIssuer, policy, signed_policy

pytestmark = pytest.mark.browser
DAY = 86_400


class Day:
    """A day's policy and snapshot, and certificates that are good, revoked and bound."""

    def __init__(self) -> None:
        issuer = WorldIssuer.of()
        issued = [issuer.issue(f"SH{at}", index=at) for at in range(2)]
        bound = issuer.issue("SH2", index=2, holder_key=format_holder_key(HOLDER.public_key()))
        issued.append(bound)
        issuer.anchor(issued)
        self.earlier = World(issuers=[issuer], number=900, time=NOW - 7200).snapshot().format()
        issuer.change([1], Status.REVOKED)
        world = World(issuers=[issuer])
        self.policy = signed_policy().format()
        self.snapshot = world.snapshot().format()
        self.good, self.revoked = (world.evidence(issuer, one) for one in issued[:2])
        self.bound = world.evidence(
            issuer, bound, show=("certificate_number", "holder_name", "holder_key")
        )

    @property
    def files(self) -> list[dict[str, Any]]:
        """The files of the USB stick, as a file dialog gives them."""
        return [
            {"name": "policy.json", "mimeType": "application/json", "buffer": self.policy},
            {
                "name": "snapshot.bin",
                "mimeType": "application/octet-stream",
                "buffer": self.snapshot,
            },
        ]


def code_of(evidence: Evidence) -> str:
    identity = parse_note(evidence.checkpoint).checkpoint.identity
    return Compact.of(identity, evidence.record, evidence.path, evidence.disclosures).format()


@pytest.fixture(scope="module")
def day() -> Day:
    return Day()


def scan(page: Any, text: str) -> None:
    page.fill("#box", text)
    page.press("#box", "Enter")


def check_all(page: Any, day: Day, language: str, way: Way) -> None:
    """Load policy and snapshot, and check codes and files."""
    hand = Hand(page, way)
    hand.open_files("#file", day.files)
    page.wait_for_selector("#ready.ready")
    hand.type("#box", code_of(day.good))
    hand.press("#check")
    page.wait_for_selector("#verdict.valid")
    assert BANNERS["valid"][language] in page.inner_text("#verdict .banner")
    scan(page, code_of(day.revoked))
    page.wait_for_selector("#verdict.not_in_force")
    assert BANNERS["not_in_force"][language] in page.inner_text("#verdict .banner")
    expect(page.locator("#verdict .banner")).to_be_in_viewport()
    evidence = {"name": "e.json", "mimeType": "application/json", "buffer": day.good.format()}
    page.set_input_files("#file", evidence)
    page.wait_for_selector("#verdict.valid")
    forged = day.good.format().replace(b'"edition":0', b'"edition":1', 1)
    page.set_input_files("#file", {**evidence, "buffer": forged})
    page.wait_for_selector("#verdict:not(.valid)")
    scan(page, "https://certledger.example/v#SH1.D8FDPAK8TTWW28XM")
    page.wait_for_selector("#notice:not([hidden])")


@pytest.mark.parametrize(("language", "width", "way"), WAYS)
def test_the_desk_goes_on_without_a_network(
    visit: Any, day: Day, language: str, width: int, way: Way
) -> None:
    tab = visit(language, width)
    tab.page.clock.set_fixed_time(NOW)
    page = ready(tab.open("/offline"))
    assert page.is_disabled("#box"), "nothing is checked without policy and snapshot"
    check_all(page, day, language, way)
    page.wait_for_selector("html[data-stored]")
    page.context.set_offline(True)
    page.reload()
    ready(page)
    page.wait_for_selector("#ready.ready")
    scan(page, code_of(day.good))
    page.wait_for_selector("#verdict.valid")
    later = {"zh": "此后的注销本机并不知道", "en": "does not know of later revocations"}
    assert later[language] in page.inner_text("#knowledge")
    page.context.set_offline(False)
    page.goto(f"{page.url}?{'x' * 2_100}")
    ready(page)
    page.wait_for_selector("#ready.ready", timeout=5_000)  # A service that refuses stops no desk.
    visit.forgive("ERR_INTERNET_DISCONNECTED")


def shown_by_its_holder(visit: Any, day: Day, desk: Any) -> str:
    """Return the code that the holder's page makes of the bound certificate for a desk."""
    tab = visit("en")
    tab.page.clock.set_fixed_time(NOW)
    page = ready(tab.open("/holder"))
    pem = HOLDER.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    files = {"evidence.json": day.bound.format(), "key.pem": pem}
    page.set_input_files(
        "#file",
        [{"name": name, "mimeType": "text/plain", "buffer": data} for name, data in files.items()],
    )
    page.wait_for_selector("#form:not([hidden])")
    return code_for(page, desk)


def test_a_bound_certificate_is_signed_for_this_desk_once(visit: Any, day: Day) -> None:
    tab = visit("en")
    tab.page.clock.set_fixed_time(NOW)
    desk = ready(tab.open("/offline"))
    desk.set_input_files("#file", day.files)
    desk.wait_for_selector("#ready.ready")
    desk.context.set_offline(True)
    desk.fill("#audience", "pudong-3")
    code = shown_by_its_holder(visit, day, desk)

    def judged(audience: str, verdict: str) -> str:
        desk.evaluate("document.getElementById('answer').replaceChildren()")
        desk.fill("#audience", audience)
        scan(desk, code)
        desk.wait_for_selector(f"#verdict.{verdict}")
        return str(desk.inner_text("#verdict"))

    judged("", "cannot_tell")
    assert "counter's name first" in desk.inner_text("#notice")
    assert "another counter" in judged("pudong-4", "cannot_tell")
    assert BANNERS["valid"]["en"] in judged("pudong-3", "valid")
    assert "used already" in judged("pudong-3", "cannot_tell")
    nonce = desk.text_content("#nonce")
    desk.click("#next")
    assert desk.text_content("#nonce") != nonce
    assert "does not answer" in judged("pudong-3", "cannot_tell")
    desk.context.set_offline(False)


def test_old_knowledge_is_said_and_refused(visit: Any, day: Day) -> None:
    tab = visit("en")
    tab.page.clock.set_fixed_time(NOW + 30 * DAY)
    page = ready(tab.open("/offline"))
    page.set_input_files("#file", day.files)
    page.wait_for_selector("#ready.old")
    assert "older than the policy allows" in page.inner_text("#knowledge")
    scan(page, code_of(day.good))
    page.wait_for_selector("#verdict.cannot_tell")


def test_a_snapshot_that_does_not_prove_is_not_used(visit: Any, day: Day) -> None:
    page = ready(visit("en").open("/offline"))
    policy, snapshot = day.files
    changed = bytearray(snapshot["buffer"])
    changed[len(changed) // 2] ^= 1
    page.set_input_files("#file", [policy, {**snapshot, "buffer": bytes(changed)}])
    page.wait_for_selector("#notice:not([hidden])")
    assert page.is_disabled("#box")


def test_an_applicants_file_does_not_change_whom_the_desk_believes(visit: Any, day: Day) -> None:
    tab = visit("en")
    tab.page.clock.set_fixed_time(NOW + 30 * DAY)
    page = ready(tab.open("/offline"))
    page.set_input_files("#file", day.files)
    page.wait_for_selector("#ready.old")
    believed = page.inner_text("#policy-facts")
    stranger = Ed25519PrivateKey.from_private_bytes(bytes(32))
    roots = Roots(keys=(stranger.public_key().public_bytes_raw(),), threshold=1)
    others = sign(policy(roots=roots, default_age=3_650 * DAY, version=2), [stranger])
    dropped = {"name": "policy.json", "mimeType": "application/json", "buffer": others.format()}
    evidence = {**dropped, "name": "evidence.json", "buffer": day.good.format()}
    page.set_input_files("#file", [dropped, evidence])
    page.wait_for_selector("#other-policy:not([hidden])")
    page.wait_for_selector("#verdict.cannot_tell")
    assert page.inner_text("#policy-facts") == believed
    other = page.inner_text("#other-policy code")
    assert other not in believed
    page.click("#keep-policy")
    assert page.is_hidden("#other-policy")
    page.set_input_files("#file", dropped)
    page.click("#use-policy")
    page.wait_for_selector("#ready.ready")
    assert other in page.inner_text("#policy-facts"), "a person may change it"


def test_an_older_snapshot_does_not_replace_a_newer_one(visit: Any, day: Day) -> None:
    tab = visit("en")
    tab.page.clock.set_fixed_time(NOW)
    page = ready(tab.open("/offline"))
    page.set_input_files("#file", day.files)
    page.wait_for_selector("#ready.ready")
    older = {"name": "s.bin", "mimeType": "application/octet-stream", "buffer": day.earlier}
    page.set_input_files("#file", older)
    page.wait_for_selector("#notice:not([hidden])")
    scan(page, code_of(day.revoked))
    page.wait_for_selector("#verdict.not_in_force")


@pytest.fixture
def usb(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """Return a function that opens the file of a USB stick, with the network off."""
    visits = Visits(browser, "file://")

    def begin(language: str, width: int) -> Any:
        file = tmp_path / f"desk-{language}.html"
        made = CliRunner().invoke(main, ["desk", "--out", str(file), "--language", language])
        assert made.exit_code == 0, made.output
        tab = visits(language, width, offline=True)
        tab.page.clock.set_fixed_time(NOW)
        return ready(tab.open(str(file)))

    yield begin
    assert visits.close() == []


@pytest.mark.parametrize(("language", "width", "way"), OTHER_WAYS)
def test_one_file_on_a_usb_stick_is_a_desk(
    usb: Any, day: Day, language: str, width: int, way: Way
) -> None:
    page = usb(language, width)
    check_all(page, day, language, way)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    text = Path(page.url.removeprefix("file://")).read_text("utf-8")
    assert re.findall(r"(?:src|href)=\"(?!#)", text) == [], "it loads nothing"
