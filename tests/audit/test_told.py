"""An operator that tells callers something and does not anchor it is found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from certledger.ledger.core.receipt_chain import ReceiptChain
from certledger.ledger.core.service_values import Verification
from certledger.ledger.keys import Signer
from certledger.ledger.node import Ledger
from certledger.ledger.verification.receipt_log import logbook_of
from certledger.ledger.verification.verification_receipt import (
    VerificationReceipt,
    content_of,
    draw_reference,
)
from certledger.verifier.audit.report import AuditVerdict
from tests.api.operator_issuer import operator_issuer
from tests.audit.conftest import Auditor
from tests.audit.crimes import assert_told, codes, sql
from tests.audit.little import DAY, now, opened, person

LEAF = bytes(31) + b"\x07"


def tell(ledger: Ledger, signer: Signer | None = None) -> str:
    """Let the operator tell a caller something, as the service keeps it; return the reference."""
    signer, checked = signer or ledger.operator, now()
    content = content_of(
        identity=ledger.pin.identity,
        operator=signer.address,
        reference=draw_reference(),
        caller="key:clk_AAAAAAAA",
        checked=checked,
        results=[b"{}"],
        leaves=LEAF,
        verdicts={"valid": 1},
    )
    with ledger.store.begin() as unit:
        last, previous = unit.receipt_chain(ReceiptChain.VERIFICATIONS)
        receipt = VerificationReceipt.sign(content, signer, number=last + 1, previous=previous)
        given = Verification(
            reference=receipt.reference,
            caller="key:clk_AAAAAAAA",
            checked=checked,
            verdict="valid",
            leaves=LEAF,
            receipt=receipt.format(),
            number=last + 1,
            party="counter:desk-7",
        )
        unit.add_verifications([given])
        unit.extend_receipt_chain(ReceiptChain.VERIFICATIONS, last + 1, receipt.digest)
    return receipt.reference


@pytest.fixture
def told(home: Path) -> str:
    """Return what a registered operator told and anchored in `home`."""
    with opened(home) as ledger:
        operator_issuer(ledger).register()
        reference = tell(ledger)
        assert replace(logbook_of(ledger, bytes(32)), every=0).step() == 1
        ledger.run_until_idle()
    return reference


def test_what_is_anchored_in_time_is_clean(home: Path, told: str, auditor: Auditor) -> None:
    report = auditor.home(home, later=3 * DAY)
    assert codes(report.faults) == set()
    assert report.counts["database_verifications"] == 1


def test_what_was_told_and_not_anchored_is_a_fault_after_two_days(
    home: Path, told: str, auditor: Auditor
) -> None:
    with opened(home) as ledger:
        hidden = tell(ledger)
    assert auditor.home(home, later=DAY).verdict is AuditVerdict.CLEAN
    report = auditor.home(home, later=3 * DAY)
    assert_told(report, "receipt.unanchored", f"database/verifications/{hidden}")


def test_what_is_said_to_stand_in_a_batch_and_does_not_is_found(
    home: Path, told: str, auditor: Auditor
) -> None:
    with opened(home) as ledger:
        hidden = tell(ledger)
    sql(home, "UPDATE verifications SET sequence = 1 WHERE reference = ?", hidden)
    report = auditor.home(home, later=3 * DAY)
    assert_told(report, "receipt.unanchored", f"database/verifications/{hidden}")


def test_a_receipt_that_was_changed_afterwards_is_found(
    home: Path, told: str, auditor: Auditor
) -> None:
    with opened(home) as ledger:
        forged = tell(ledger, person("a thief"))
    sql(home, "UPDATE verifications SET reference = 'AAAA-BBBB-CCCC' WHERE reference = ?", told)
    report = auditor.home(home)
    assert_told(report, "receipt.unusable", f"database/verifications/{forged}")
    assert_told(report, "receipt.unusable", "database/verifications/AAAA-BBBB-CCCC")


def test_an_operator_that_is_no_issuer_is_told_and_is_no_fault(
    home: Path, auditor: Auditor
) -> None:
    with opened(home) as ledger:
        tell(ledger)
    report = auditor.home(home, later=3 * DAY)
    assert report.verdict is AuditVerdict.CLEAN
    assert "receipt.unregistered" in codes(report.findings)
