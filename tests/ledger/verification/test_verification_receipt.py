"""Receipts of verifications: read strictly, and not one byte of them is slack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certledger.ledger.verification.verification_receipt import (
    ReceiptInvalidError,
    VerificationReceipt,
)
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.canonical_json import format_canonical
from certledger.verifier.verify.receipt import disclosures_of, lookup_of

KNOWN = json.loads((Path(__file__).parents[2] / "vectors" / "receipts.json").read_bytes())
FILE = KNOWN["file"].encode()
OPERATOR = bytes.fromhex(json.loads(FILE)["receipt"]["operator"])
JSON = st.recursive(
    st.booleans() | st.integers(0, 2**53 - 1) | st.text(max_size=20),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text("abc", max_size=3), parts),
    max_leaves=6,
)


@given(place=st.integers(0, len(FILE) - 1), byte=st.integers(0, 255))
def test_one_changed_byte_is_never_the_operators_receipt(place: int, byte: int) -> None:
    changed = FILE[:place] + bytes([byte]) + FILE[place + 1 :]
    if changed == FILE:
        return
    try:
        receipt = VerificationReceipt.parse(changed)
        receipt.check(OPERATOR)
    except (MalformedError, ReceiptInvalidError):
        return
    pytest.fail(f"byte {place} may be {byte}")


@given(name=st.sampled_from([*json.loads(FILE)["receipt"], "signature", "more"]), value=JSON)
def test_whatever_stands_in_a_member_is_refused(name: str, value: Any) -> None:
    file = json.loads(FILE)
    (file if name == "signature" else file["receipt"])[name] = value
    try:
        VerificationReceipt.parse(format_canonical(file)).check(OPERATOR)
    except (MalformedError, ReceiptInvalidError):
        return
    assert format_canonical(file) == FILE


def test_results_in_another_order_or_number_are_others() -> None:
    receipt, results = VerificationReceipt.parse(FILE), [one.encode() for one in KNOWN["results"]]
    receipt.check_results(results)
    for others in (results[::-1], results[:1], [*results, results[0]]):
        with pytest.raises(ReceiptInvalidError):
            receipt.check_results(others)


def test_what_a_record_is_found_by_follows_from_the_file_alone() -> None:
    receipt = VerificationReceipt.parse(FILE)
    number, digest = disclosures_of(FILE, receipt.reference)
    assert receipt.format() == FILE
    assert receipt.lookup == lookup_of(FILE, receipt.reference) == number.digest
    other = lookup_of(FILE + b" ", receipt.reference)
    assert other not in (number.digest, digest.digest)
