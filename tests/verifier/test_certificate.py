"""Numbers, access codes, salts, disclosures and records (SPEC sections 4 and 5)."""

import hashlib
import hmac
import unicodedata
from datetime import date
from typing import Any

import pytest
import rfc8785
from hypothesis import assume, example, given
from hypothesis import strategies as st

from certledger.verifier.formats.canonical_json import (
    format_canonical,
    from_base64url,
    to_base64url,
)
from certledger.verifier.formats.record import (
    MAX_DIGESTS,
    MAX_RECORD_BYTES,
    Disclosure,
    Record,
    access_code,
    check_document_value,
    derived_salt,
    describe_document,
    digest_of,
    format_disclosure,
    lookup_digest,
    normal_code,
    normal_number,
    printed_code,
)
from certledger.verifier.vocabulary import HolderKind
from tests.record_rules import certificate_id
from tests.verifier.mutations import json_values, mutated, one_byte_changed
from tests.verifier.refusals import refused_as, tried

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
WHITE_SPACE = [
    *range(0x09, 0x0E),
    *range(0x1C, 0x21),
    *(0x85, 0xA0, 0x1680),
    *range(0x2000, 0x200B),
    *(0x2028, 0x2029, 0x202F, 0x205F, 0x3000),
]

RECORD = Record(
    issuer="11310000XX00000196",
    index=129,
    id=bytes(range(32)),
    edition=1,
    replaces=128,
    category="ID-RESIDENT",
    entry=1,
    holder=HolderKind.NATURAL,
    issued=date(2026, 10, 1),
    expires=date(2036, 10, 1),
    bound=True,
    digests=(b"a" * 32, b"b" * 32),
)
GOOD = RECORD.to_json()
DIGEST = "1" * 64

issuers = st.from_regex(r"[0-9A-Z]{2}[0-9]{2}[0-9A-Z]{14}", fullmatch=True)
categories = st.from_regex(r"[A-Z0-9-]{2,24}", fullmatch=True)
hashes = st.binary(min_size=32, max_size=32)
plain = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@st.composite
def records(draw: st.DrawFn) -> Record:
    days = sorted([draw(st.dates()), draw(st.dates())])
    index = draw(st.integers(0, 2**32 - 1))
    edition = draw(st.integers(0, 65535)) if index else 0
    return Record(
        issuer=draw(issuers),
        index=index,
        id=draw(hashes),
        edition=edition,
        replaces=draw(st.integers(0, index - 1)) if edition else None,
        category=draw(categories),
        entry=draw(st.integers(1, 65535)),
        holder=draw(st.sampled_from(HolderKind)),
        issued=days[0],
        expires=draw(st.sampled_from([days[1], None])),
        bound=draw(st.booleans()),
        digests=tuple(draw(st.lists(hashes, min_size=1, max_size=6))),
    )


# Numbers and access codes ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("abc 1", "ABC1"),
        ("\u3000ａｂｃ－１\t", "ABC-1"),
        ("沪 示许 2026 00000001", "沪示许202600000001"),
        ("ß", "SS"),
        ("e\u0301", "\u00c9"),
        ("①", "1"),
        ("ﬁ\u00a0x", "FIX"),
        ("沪[2026]12号", "沪〔2026〕12号"),
        ("沪【２０２６】12号", "沪〔2026〕12号"),
        ("沪［2026］12号", "沪〔2026〕12号"),
        ("沪(2026)12号", "沪〔2026〕12号"),
        ("沪 （ ２０２６ ） 12 号", "沪〔2026〕12号"),
        ("AB-(12345)(A)", "AB-(12345)(A)"),
        ("a\u200b\ufeff1\u2014\u20132\u22123", "A1--2-3"),
    ],
)
def test_one_number_has_one_normal_form(typed, normal):
    assert normal_number(typed) == normal
    assert normal_number(normal) == normal


def test_white_space_is_what_SPEC_lists():
    assert [code for code in range(0x110000) if chr(code).isspace()] == WHITE_SPACE
    spaced = "".join(chr(code) for code in WHITE_SPACE)
    assert normal_number(f"{spaced}a{spaced}1{spaced}") == "A1"
    assert normal_code(f"{spaced}0123456789{spaced}ABCDEF{spaced}") == "0123456789ABCDEF"


@given(st.text(max_size=70))
def test_any_number_has_a_normal_form_or_is_refused(typed):
    normal, code = tried(normal_number, typed)
    if code is None:
        assert 0 < len(normal) <= 64
        assert unicodedata.is_normalized("NFKC", normal)
        assert not any(sign.isspace() for sign in normal)
    else:
        assert code == "number.invalid"


@pytest.mark.parametrize("typed", ["", "  \u3000", "x" * 65, "ﷺ" * 5])
def test_a_number_of_no_or_too_many_characters_is_refused(typed):
    assert refused_as(normal_number, typed) == "number.invalid"


@given(st.binary(min_size=10, max_size=10))
def test_an_access_code_is_80_bits_in_16_characters_however_it_is_typed(entropy):
    code = access_code(entropy)
    number = 0
    for sign in code:
        number = 32 * number + CROCKFORD.index(sign)
    assert number == int.from_bytes(entropy, "big")
    assert len(code) == 16
    assert normal_code(printed_code(code)) == code
    assert normal_code(f" {printed_code(code).lower()}\n") == code
    assert normal_code(code.replace("0", "o").replace("1", "l")) == code
    assert normal_code(code.replace("0", "O").replace("1", "I")) == code


@given(st.text(max_size=20))
@example("ı" * 16)
@example("ſ" * 16)
@example("０" * 16)
@example("ß" * 8)
def test_anything_typed_is_an_access_code_or_refused(typed):
    code, refusal = tried(normal_code, typed)
    if refusal is None:
        assert len(code) == 16
        assert set(code) <= set(CROCKFORD)
    else:
        assert refusal == "access_code.invalid"


@pytest.mark.parametrize("typed", ["", "0123", "0123456789ABCDEFG", "0123456789ABCDEU", "ı" * 16])
def test_what_is_no_access_code_is_refused(typed):
    assert refused_as(normal_code, typed) == "access_code.invalid"
    assert refused_as(lookup_digest, "1", typed) == "access_code.invalid"


@pytest.mark.parametrize(
    "typed", ["０１２３—４５６７–８９ａｂ－ｃｄｅｆ", "0123\u200b-4567‐89AB−CDEF\ufeff"], ids=ascii
)
def test_a_code_is_the_same_however_it_is_typed(typed):
    assert normal_code(typed) == "0123456789ABCDEF"


# Salts, ids, lookups ---------------------------------------------------------------------------


@given(st.binary(min_size=10, max_size=10), st.integers(0, MAX_DIGESTS - 1))
def test_a_derived_salt_is_the_first_half_of_an_HMAC(entropy, place):
    code = access_code(entropy)
    message = b"certledger/1/salt" + place.to_bytes(2, "big")
    expected = hmac.new(code.encode(), message, hashlib.sha256).digest()[:16]
    assert from_base64url(derived_salt(code, place)) == expected


@given(hashes, issuers, categories, plain)
def test_an_id_is_an_HMAC_under_the_secret_of_the_issuer(secret, issuer, category, number):
    message = b"\0".join(part.encode() for part in (issuer, category, number))
    assert certificate_id(secret, issuer, category, number) == (
        hmac.new(secret, message, hashlib.sha256).digest()
    )


@given(st.text(min_size=1, max_size=40), st.binary(min_size=10, max_size=10))
def test_number_and_code_as_typed_give_the_digest_of_the_first_place(typed, entropy):
    normal, refusal = tried(normal_number, typed)
    assume(refusal is None and tried(normal.encode)[1] is None)
    code = access_code(entropy)
    first = digest_of(format_disclosure(code, "certificate_number", normal))
    assert lookup_digest(typed, printed_code(code).lower()) == first


# Disclosures -----------------------------------------------------------------------------------


@given(plain, plain.filter(lambda name: name != "document"), plain)
def test_a_disclosure_is_base64url_of_canonical_JSON_and_its_digest_hashes_the_text(
    salt, name, value
):
    text = format_disclosure(salt, name, value)
    assert from_base64url(text) == rfc8785.dumps([salt, name, value])
    read = Disclosure.parse(text)
    assert (read.salt, read.name, read.value, read.text) == (salt, name, value, text)
    assert read.digest == hashlib.sha256(text.encode()).digest()


def disclosed(*parts: Any) -> str:
    return to_base64url(format_canonical(list(parts)))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "json.syntax"),
        ("AA", "json.syntax"),
        ("W10=", "base64.not_canonical"),
        ("W1", "base64.not_canonical"),
        (to_base64url(b'["a","b", "c"]'), "json.not_canonical"),
        (to_base64url(b'["a","b",null]'), "json.null"),
        (disclosed("s", "n"), "schema.invalid"),
        (disclosed("s", "n", "v", "v"), "schema.invalid"),
        (to_base64url(b'{"a":1}'), "schema.invalid"),
        (disclosed(1, "n", "v"), "schema.invalid"),
        (disclosed("s", 1, "v"), "schema.invalid"),
        (disclosed("s", "", "v"), "schema.invalid"),
        (disclosed("s", "n" * 65, "v"), "schema.invalid"),
        (disclosed("s", "n", ""), "schema.invalid"),
        (disclosed("s", "n", "v" * 513), "schema.invalid"),
        (disclosed("s", "n", True), "schema.invalid"),
        (disclosed("s", "n", {"sha256": DIGEST, "size": 1}), "schema.invalid"),
        (disclosed("s", "document", "v"), "schema.invalid"),
        (disclosed("s", "document", {"sha256": DIGEST}), "schema.invalid"),
        (disclosed("s", "document", {"sha256": "A" * 64, "size": 1}), "schema.invalid"),
        (disclosed("s", "document", {"sha256": DIGEST, "size": 1, "x": 1}), "schema.invalid"),
        (disclosed("s", "document", {"sha256": DIGEST, "size": 1, "sm3": ""}), "schema.invalid"),
        (disclosed("s" * 5000, "n", "v"), "json.size"),
    ],
)
def test_what_is_no_disclosure_is_refused_by_its_rule(text, code):
    assert refused_as(Disclosure.parse, text) == code


def test_the_longest_value_in_the_longest_spelling_is_read():
    for value in ("\U0001f4dc" * 512, "\x01" * 512):
        assert Disclosure.parse(disclosed("s" * 22, "n" * 64, value)).value == value


@given(st.text(max_size=60) | st.binary(max_size=60).map(to_base64url))
def test_any_text_is_a_disclosure_or_refused(text):
    read, code = tried(Disclosure.parse, text)
    assert code is not None or read.text == text


@given(json_values)
def test_any_JSON_is_a_disclosure_or_refused(value):
    data, code = tried(format_canonical, value)
    if code is None:
        tried(Disclosure.parse, to_base64url(data))


@given(one_byte_changed(disclosed("0123456789ABCDEF", "holder_name", "张示例").encode()))
def test_a_disclosure_with_one_byte_changed_is_another_or_refused(data):
    good = Disclosure.parse(disclosed("0123456789ABCDEF", "holder_name", "张示例"))
    text = data.decode("utf-8", "replace")
    read, _ = tried(Disclosure.parse, text)
    assert text == good.text or (read != good and (read is None or read.digest != good.digest))


@given(st.binary(max_size=50), st.booleans())
def test_a_document_is_described_by_its_hashes_and_size(content, with_sm3):
    value = describe_document(content, with_sm3=with_sm3)
    assert value["sha256"] == hashlib.sha256(content).hexdigest()
    assert value["size"] == len(content)
    assert ("sm3" in value) == with_sm3
    check_document_value(dict(value))


# Records ---------------------------------------------------------------------------------------


@given(records())
def test_a_record_is_read_back_from_its_canonical_bytes(record):
    data = record.canonical()
    assert rfc8785.dumps(record.to_json()) == data
    assert Record.parse(data) == record
    assert record.leaf() == hashlib.sha256(b"\0" + data).digest()


def test_the_longest_record_is_read():
    longest = Record.from_json(
        GOOD
        | {
            "category": "X" * 24,
            "digests": to_base64url(b"x" * 32 * MAX_DIGESTS),
            "index": 2**32 - 1,
            "replaces": 2**32 - 2,
            "edition": 65535,
            "entry": 65535,
        }
    )
    assert len(longest.canonical()) < MAX_RECORD_BYTES
    assert Record.parse(longest.canonical()) == longest


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"type": "certledger/record/2"}, "schema.version"),
        ({"issuer": "11310000XX0000019"}, "schema.invalid"),
        ({"issuer": "11310000xx00000196"}, "schema.invalid"),
        ({"issuer": "11310000XX00000196\n"}, "schema.invalid"),
        ({"issuer": "11A10000XX00000196"}, "issuer.invalid"),
        ({"index": 2**32}, "schema.invalid"),
        ({"index": True}, "schema.invalid"),
        ({"id": to_base64url(bytes(31))}, "schema.invalid"),
        ({"id": "AB"}, "base64.not_canonical"),
        ({"edition": 65536}, "schema.invalid"),
        ({"edition": 0}, "record.edition"),
        ({"replaces": 129}, "record.edition"),
        ({"replaces": 2**32}, "schema.invalid"),
        ({"category": "X"}, "schema.invalid"),
        ({"category": "X" * 25}, "schema.invalid"),
        ({"category": "id-resident"}, "schema.invalid"),
        ({"entry": 0}, "schema.invalid"),
        ({"entry": 65536}, "schema.invalid"),
        ({"holder": "person"}, "schema.invalid"),
        ({"holder": ["natural"]}, "schema.invalid"),
        ({"issued": "2026-02-30"}, "schema.invalid"),
        ({"issued": "20261001"}, "schema.invalid"),
        ({"issued": "2026-W40-4"}, "schema.invalid"),
        ({"issued": "0000-01-01"}, "schema.invalid"),
        ({"issued": "２０２６-10-01"}, "schema.invalid"),
        ({"expires": "2026-09-30"}, "record.dates"),
        ({"expires": ""}, "schema.invalid"),
        ({"bound": 1}, "schema.invalid"),
        ({"digests": ""}, "schema.invalid"),
        ({"digests": to_base64url(bytes(33))}, "schema.invalid"),
        ({"digests": to_base64url(bytes(32 * 97))}, "schema.invalid"),
        ({"holder_name": "张示例"}, "schema.invalid"),
    ],
    ids=str,
)
def test_a_record_that_breaks_a_rule_is_refused_by_it(changed, code):
    assert refused_as(Record.from_json, GOOD | changed) == code


@pytest.mark.parametrize("name", sorted(GOOD))
def test_only_the_day_of_expiry_may_be_absent(name):
    value = {other: part for other, part in GOOD.items() if other != name}
    if name == "expires":
        assert Record.from_json(value).expires is None
    else:
        assert refused_as(Record.from_json, value) in {"schema.invalid", "record.edition"}


def test_a_later_edition_names_what_it_replaces_and_a_first_does_not():
    first = {name: part for name, part in GOOD.items() if name != "replaces"} | {"edition": 0}
    assert Record.from_json(first).replaces is None
    assert refused_as(Record.from_json, first | {"edition": 1}) == "record.edition"
    assert refused_as(Record.from_json, first | {"replaces": 0}) == "record.edition"


def test_a_certificate_may_end_on_the_day_it_is_issued():
    assert Record.from_json(GOOD | {"expires": "2026-10-01"}).expires == date(2026, 10, 1)


@given(st.binary(max_size=60) | one_byte_changed(RECORD.canonical()))
def test_any_bytes_are_a_record_or_refused(data):
    record, code = tried(Record.parse, data)
    assert code is not None or record.canonical() == data
    assert data == RECORD.canonical() or record != RECORD


@given(json_values | mutated(GOOD))
def test_any_JSON_is_a_record_or_refused(value):
    record, code = tried(Record.from_json, value)
    assert code is not None or record.to_json() == value
    assert value == GOOD or record != RECORD


def test_a_disclosure_stands_at_the_place_of_its_digest():
    shown = [Disclosure.parse(disclosed("s", "n", value)) for value in ("x", "y", "z")]
    record = Record.from_json(
        GOOD | {"digests": to_base64url(b"".join(part.digest for part in shown[:2]))}
    )
    assert record.places(shown[::-1]) == [None, 1, 0]
