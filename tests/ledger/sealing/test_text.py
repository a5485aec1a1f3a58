"""What text may be sealed."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certledger.ledger.sealing.text import refusal_of, unassigned

ON_14 = unicodedata.unidata_version == "14.0.0"


@pytest.mark.skipif(not ON_14, reason="only Python 3.11 knows exactly Unicode 14.0")
def test_the_table_is_that_of_unicode_14() -> None:
    listed = {code for first, last in unassigned() for code in range(first, last + 1)}
    assert listed == {
        code for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) == "Cn"
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (" x", "white space at an end"),
        ("x\u3000", "white space at an end"),
        ("a\tb", "the control U+0009"),
        ("a\x85b", "the control U+0085"),
        ("a\u202eb", "the bidirectional control U+202E"),
        ("a\u2066b", "the bidirectional control U+2066"),
        ("a\ud800b", "the lone surrogate U+D800"),
        ("a\u0378b", "unassigned in Unicode 14.0 U+0378"),
        ("\U0001fae8 new in 15.0", "unassigned in Unicode 14.0 U+1FAE8"),
        ("\U0002ebf0 new in 15.1", "unassigned in Unicode 14.0 U+2EBF0"),
        ("\ufffe", "unassigned in Unicode 14.0 U+FFFE"),
        ("e\u0301", "not in normalization form C"),
    ],
)
def test_text_that_is_not_sealed_is_refused_with_its_reason(text: str, reason: str) -> None:
    assert reason in (refusal_of(text) or "")


@pytest.mark.parametrize(
    "text", ["x", "中文 与 English", "𠮷野家", "é", "\ue000 private", "🙂", "a b"]
)
def test_text_of_any_language_is_sealed(text: str) -> None:
    assert refusal_of(text) is None


@pytest.mark.skipif(not ON_14, reason="the oracle is the interpreter's own Unicode 14.0")
@given(st.text(max_size=8))
def test_text_is_refused_exactly_where_the_specification_says(text: str) -> None:
    refused = (
        not text
        or text != text.strip()
        or any(unicodedata.category(c) in ("Cc", "Cn", "Cs") for c in text)
        or any("\u202a" <= c <= "\u202e" or "\u2066" <= c <= "\u2069" for c in text)
        or unicodedata.normalize("NFC", text) != text
    )
    assert (refusal_of(text) is not None) == refused
