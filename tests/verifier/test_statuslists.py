"""An issuer's statuses as other people's software reads them."""

import gzip
import json
import os
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certledger.verifier.formats.canonical_json import from_base64url
from certledger.verifier.formats.status_list import (
    MIN_BITSTRING_ENTRIES,
    bitstring_status_list,
    token_status_list,
)
from certledger.verifier.vocabulary import Status
from tests.verifier.test_packing import statuses, words_of

VECTORS = Path(os.environ.get("CERTLEDGER_VECTORS", "../shared/vectors")) / "status-list"
COUNT = 5001


def read_token(value: Any, bits: int) -> list[int]:
    """Read a list as section 4.1 of the draft says, `bits` an entry."""
    assert value["bits"] == bits
    data = zlib.decompress(from_base64url(value["lst"]))
    mask = (1 << bits) - 1
    return [byte >> shift & mask for byte in data for shift in range(0, 8, bits)]


def read_bitstring(value: Any) -> list[int]:
    """Read a list as section 3.2 of the recommendation says: the leftmost bit is the first."""
    assert value["encodedList"][0] == "u"
    data = gzip.decompress(from_base64url(value["encodedList"][1:]))
    return [byte >> shift & 1 for byte in data for shift in range(7, -1, -1)]


@given(statuses)
def test_a_token_list_says_of_each_certificate_what_we_say(held: dict[int, Status]) -> None:
    found = read_token(token_status_list(words_of(held), COUNT), 2)
    # What is superseded is invalid there: the draft leaves the fourth value to applications.
    told = {Status.REVOKED: 1, Status.SUSPENDED: 2, Status.SUPERSEDED: 1}
    assert found[:COUNT] == [told.get(held.get(n, Status.VALID), 0) for n in range(COUNT)]
    assert len(found) - COUNT < 4
    assert not any(found[COUNT:])


@given(statuses, st.sampled_from(["revocation", "suspension"]))
def test_a_bitstring_says_of_each_certificate_what_we_say(
    held: dict[int, Status], purpose: str
) -> None:
    value = bitstring_status_list(words_of(held), COUNT, purpose)
    meant = {
        "revocation": {Status.REVOKED, Status.SUPERSEDED},
        "suspension": {Status.SUSPENDED},
    }[purpose]
    found = read_bitstring(value)
    assert isinstance(value, dict)
    assert value["statusPurpose"] == purpose
    assert [n for n, bit in enumerate(found) if bit] == sorted(
        n for n, status in held.items() if status in meant
    )


def test_a_bitstring_hides_its_subjects_among_at_least_131072() -> None:
    assert len(read_bitstring(bitstring_status_list({}, 1, "revocation"))) == MIN_BITSTRING_ENTRIES
    many = bitstring_status_list({}, MIN_BITSTRING_ENTRIES + 1, "revocation")
    assert len(read_bitstring(many)) == MIN_BITSTRING_ENTRIES + 8


def test_an_issuer_without_certificates_has_an_empty_token_list() -> None:
    assert read_token(token_status_list({}, 0), 2) == []


def test_the_same_statuses_are_the_same_bytes() -> None:
    words = words_of({3: Status.REVOKED, 700: Status.SUSPENDED})
    for purpose in ("revocation", "suspension"):
        first, second = (bitstring_status_list(words, 1000, purpose) for _ in range(2))
        assert first == second


@pytest.mark.skipif(not VECTORS.is_dir(), reason=f"no published vectors in {VECTORS}")
def test_the_drafts_own_examples_are_read_and_written() -> None:
    for example in json.loads((VECTORS / "examples.json").read_bytes()):
        assert (
            read_token(example, example["bits"])[: len(example["statuses"])]
            == (example["statuses"])
        )
        if example["bits"] != 2:
            continue
        # The fourth value of the example has no place in what we write, so 3 stands for 1.
        names = {1: Status.REVOKED, 2: Status.SUSPENDED, 3: Status.SUPERSEDED}
        held: dict[int, Status] = {
            n: names[value] for n, value in enumerate(example["statuses"]) if value
        }
        ours = token_status_list(words_of(held), len(example["statuses"]))
        assert read_token(ours, 2) == [1 if value == 3 else value for value in example["statuses"]]
        assert isinstance(ours, dict)
        same: dict[int, Status] = {
            n: status for n, status in held.items() if status is not Status.SUPERSEDED
        }
        assert read_token(token_status_list(words_of(same), 12), 2) == [
            0 if value == 3 else value for value in example["statuses"]
        ]
