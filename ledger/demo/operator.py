"""The demo's operator: a registered issuer whose batches contain its verification receipts."""

from __future__ import annotations

from dataclasses import replace

from certledger.ledger.demo.issuers import file_catalog, register_issuer, state_of
from certledger.ledger.demo.participants import Cast
from certledger.ledger.node import Ledger
from certledger.ledger.reference_data import IssuerProfile
from certledger.ledger.store.pepper import load_pepper
from certledger.ledger.verification.receipt_log import logbook_of
from certledger.verifier.formats.catalog import Catalog
from certledger.verifier.verify.receipt import RECEIPT_ENTRY
from certledger.verifier.vocabulary import IssuerKind

OPERATOR = IssuerProfile(
    uscc="91310000XX0001361J",
    name_zh="上海市示例证照账本运营有限公司",
    name_en="Shanghai Example Certificate Ledger Operations Co., Ltd.",
    kind=IssuerKind.OPERATOR,
    region_code="310000",
)


def register_operator(ledger: Ledger, cast: Cast) -> None:
    """Register the operator with its own key and file its catalog, unless done before."""
    if state_of(ledger, OPERATOR) is None:
        register_issuer(ledger, cast, OPERATOR, ledger.operator)
        ledger.run_until_included()
    state = state_of(ledger, OPERATOR)
    if state is not None and state.catalog_version == 0:
        file_catalog(ledger, cast, OPERATOR, ledger.operator, Catalog.of([RECEIPT_ENTRY]))
        ledger.run_until_included()


def anchor_receipts(ledger: Ledger) -> None:
    """Anchor all verification receipts that were signed while the home was served."""
    logbook = replace(logbook_of(ledger, load_pepper(ledger.settings.home, ledger.store)), every=0)
    while logbook.step():
        ledger.run_until_included()
    logbook.release()
