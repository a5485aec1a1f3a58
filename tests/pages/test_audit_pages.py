"""The auditor's page and the explorer: numbers, checkpoints, the last audit, traces."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from certledger.api.pages.audit import KINDS
from certledger.ledger.audit.home import NOTES
from certledger.ledger.core.service_values import Role
from certledger.verifier.audit.findings import SENTENCE, AuditFault, fault
from certledger.verifier.audit.last_audit import AuditMemory
from certledger.verifier.audit.report import AuditReport
from tests.pages.conftest import HTML, REVERSED, PageWorld
from tests.pages.hands import WAYS, Hand, Way
from tests.pages.institutions import is_too_wide, key_of, open_signed_in, signed_in


def memory_of(pages: PageWorld) -> AuditMemory:
    ledger = pages.running.world.ledger
    return AuditMemory(ledger.settings.home / NOTES, ledger.pin.identity)


def report_with(pages: PageWorld, *faults: AuditFault) -> None:
    """Store a report as an audit does."""
    pin = pages.running.world.ledger.pin
    report = AuditReport(
        pin=pin,
        block=None,
        faults=faults,
        findings=(),
        gaps=(),
        counts={"records": 5},
        found={},
    )
    memory_of(pages).write_report(report.to_json(), 1_790_000_000)


def test_everybody_may_read_the_numbers(pages: PageWorld) -> None:
    page = httpx.get(f"{pages.url}/explorer", headers={"accept-language": "en"})
    ledger = pages.running.world.ledger
    with ledger.store.begin(write=False) as unit:
        certificates = sum(one.state.certificates for one in unit.issuers())
    assert page.status_code == 200
    assert f'<p class="figure">{certificates}</p>' in page.text
    assert ledger.pin.identity.hex() in page.text
    found = re.search(r"Per certificate</dt><dd>([\d,]+) gas", page.text)
    assert found is not None
    assert 1_000 < int(found[1].replace(",", "")) < 500_000


def test_the_audit_is_for_auditors(pages: PageWorld) -> None:
    assert httpx.get(f"{pages.url}/audit").status_code == 303
    with signed_in(pages, pages.counter_key) as client:
        assert client.get("/audit").status_code == 403


def test_a_certificate_is_traced_to_its_block_and_a_wrong_place_is_said(pages: PageWorld) -> None:
    world = pages.running.world
    issuer, batch = world.issuer.issuer, world.issuer.sealed[0]
    leaf = batch.sealed.leaves[1].hex()
    with ledger_row(pages) as anchored, signed_in(pages, key_of(pages, Role.AUDITOR)) as client:
        by_index = client.get("/audit", params={"find": f"{issuer}#1"}).text
        by_leaf = client.get("/audit", params={"find": leaf}).text
        by_batch = client.get("/audit", params={"find": f"{issuer}/1"}).text
        for text in (by_index, by_leaf):
            assert "Every step was checked, and every step holds" in text
            assert leaf in text
            assert ">Revoked<" in text
            assert anchored.tx.hex() in text
        assert "The stored records lead to the signed root" in by_batch
        assert "✖" not in by_batch
        assert anchored.digest.hex() in by_batch
        for asked, words in (
            (f"{issuer}#999999", "The ledger has no such thing"),
            (f"{issuer}/999", "The ledger has no such thing"),
            ("<b>x</b>\u202e", "Write the issuer"),
        ):
            text = client.get("/audit", params={"find": asked}).text
            assert words in text
            assert "<b>x" not in text


def ledger_row(pages: PageWorld) -> Any:
    """Return the first batch of the issuer as the chain has it, as a context."""
    from contextlib import nullcontext

    world = pages.running.world
    with world.ledger.store.begin(write=False) as unit:
        return nullcontext(unit.anchored(world.issuer.issuer, 1))


def test_faults_are_shown_with_evidence_and_consequence_as_text(pages: PageWorld) -> None:
    report_with(pages, fault("record.malformed", HTML, REVERSED, record=HTML, words={7: 1}))
    with signed_in(pages, key_of(pages, Role.AUDITOR)) as client:
        text = client.get("/audit").text
    assert "✖ Faults were found" in text
    assert "record.malformed" in text
    assert "The record breaks the rules" in text
    assert "<img" not in text.partition("<main")[2]
    assert "\u202e" not in text
    assert "⟨U+202E⟩" in text
    public = httpx.get(f"{pages.url}/explorer", headers={"accept-language": "en"}).text
    assert "✖ Faults were found" in public
    assert "record.malformed" not in public


def test_every_kind_of_finding_has_a_consequence() -> None:
    assert {code.partition(".")[0] for code in SENTENCE} == set(KINDS)


def test_an_audit_leaves_its_report(pages: PageWorld, tmp_path: Any) -> None:
    from certledger.verifier.audit.runner import Job, audit
    from certledger.verifier.audit.sources import Nothing
    from certledger.verifier.node_rpc import RpcClient

    ledger = pages.running.world.ledger
    memory = AuditMemory(tmp_path, ledger.pin.identity)
    assert memory.read_report() is None
    job = Job(pin=ledger.pin, policy=None, published=Nothing(), now=1_790_000_000, memory=memory)
    with ThreadPoolExecutor(1) as executor:
        report = audit(RpcClient("http://127.0.0.1:9"), job, executor)
    stored = memory.read_report()
    assert stored == {**report.to_json(), "audited": 1_790_000_000}
    assert stored["verdict"] == "incomplete"
    memory.report_path.write_text("{")
    assert memory.read_report() is None


@pytest.mark.browser
@pytest.mark.parametrize(("language", "width", "way"), WAYS)
def test_a_certificate_is_traced_and_the_numbers_are_read(
    pages: PageWorld, visit: Any, language: str, width: int, way: Way
) -> None:
    page = open_signed_in(visit(language, width), key_of(pages, Role.AUDITOR), "/audit")
    hand = Hand(page, way)
    hand.type("#find", f"{pages.running.world.issuer.issuer}#0")
    hand.press("form:has(#find) button")
    page.wait_for_selector(".steps > li")
    assert page.locator(".steps > li").count() == 10
    assert not is_too_wide(page, width)
    hand.press("nav a[href='/explorer']")
    page.wait_for_url("**/explorer")
    assert pages.running.world.ledger.pin.identity.hex() in page.inner_text("main")
    assert not is_too_wide(page, width)
