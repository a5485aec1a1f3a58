"""Presentations: good for one counter, one question, one moment, and one certificate."""

from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from certledger.verifier.errors import CertledgerError, MalformedError
from certledger.verifier.formats.canonical_json import (
    format_canonical,
    parse_canonical,
    to_base64url,
)
from certledger.verifier.formats.presentation import (
    HolderPrivateKey,
    Presentation,
    Request,
    Subject,
    check,
    format_holder_key,
    message,
    parse_holder_key,
    sign,
)

NOW = 1_795_000_000
KEYS: dict[str, HolderPrivateKey] = {
    "p256": ec.derive_private_key(2**200 + 7, ec.SECP256R1()),
    "ed25519": Ed25519PrivateKey.from_private_bytes(bytes(range(32))),
}
REQUEST = Request(audience="counter-7.shanghai", nonce="n_0-1")
SUBJECT = Subject(identity=b"\x01" * 32, leaf=b"\x02" * 32, shown=(b"\x03" * 32, b"\x04" * 32))


@pytest.fixture(params=KEYS)
def key(request):
    return KEYS[request.param]


def judge(presentation: Any, key: Any, **changes: Any) -> str:
    asked: dict[str, Any] = {
        "holder_key": format_holder_key(key.public_key()),
        "request": REQUEST,
        "subject": SUBJECT,
        "now": NOW,
        "greatest_age": 300,
        "tolerance": 60,
    }
    return check(presentation, **{**asked, **changes})


def test_what_the_holder_signs_is_the_canonical_object_of_the_specification():
    assert message(REQUEST, SUBJECT, NOW) == (
        b'{"audience":"counter-7.shanghai","leaf":"'
        + b"02" * 32
        + b'","ledger":"'
        + b"01" * 32
        + b'","nonce":"n_0-1","shown":"'
        b"505a9c6ac70bdffa46248e2025483f9fe997a0e31ed25559e448b73b7e02b9bd"
        b'","time":1795000000,"type":"certledger/presentation/1"}'
    )


def test_a_presentation_by_the_bound_key_for_this_question_now_is_good(key):
    assert judge(sign(key, REQUEST, SUBJECT, time=NOW), key) == "ok"


@pytest.mark.parametrize(
    ("time", "code"),
    [
        (NOW - 300, "ok"),
        (NOW - 301, "holder.presentation_old"),
        (NOW + 60, "ok"),
        (NOW + 61, "holder.presentation_old"),
    ],
)
def test_a_presentation_is_good_for_a_moment_only(key, time, code):
    assert judge(sign(key, REQUEST, SUBJECT, time=time), key) == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"request": Request(audience="counter-8", nonce="n_0-1")}, "holder.other_audience"),
        ({"request": Request(audience="counter-7.shanghai", nonce="n2")}, "holder.other_nonce"),
        ({"subject": replace(SUBJECT, leaf=b"\x09" * 32)}, "holder.presentation_unusable"),
        ({"subject": replace(SUBJECT, identity=b"\x09" * 32)}, "holder.presentation_unusable"),
        ({"subject": replace(SUBJECT, shown=SUBJECT.shown[:1])}, "holder.presentation_unusable"),
        ({"subject": replace(SUBJECT, shown=())}, "holder.presentation_unusable"),
        ({"holder_key": "p256:AA"}, "holder.presentation_unusable"),
        ({"holder_key": "!"}, "holder.presentation_unusable"),
    ],
)
def test_a_presentation_for_something_else_is_not_good_here(key, changes, code):
    assert judge(sign(key, REQUEST, SUBJECT, time=NOW), key, **changes) == code


def test_a_bound_certificate_without_a_presentation_cannot_be_judged(key):
    assert judge(None, key) == "holder.presentation_missing"


def test_another_key_of_either_kind_does_not_present(key):
    for other in (
        ec.derive_private_key(99, ec.SECP256R1()),
        Ed25519PrivateKey.from_private_bytes(bytes(32)),
    ):
        presented = sign(other, REQUEST, SUBJECT, time=NOW)
        assert judge(presented, key) == "holder.presentation_unusable"


@given(st.sampled_from(sorted(KEYS)), st.integers(0, 63), st.integers(1, 255))
def test_no_changed_byte_of_a_signature_is_good(kind, at, flip):
    good = sign(KEYS[kind], REQUEST, SUBJECT, time=NOW)
    raw = bytearray(good.signature)
    raw[at] ^= flip
    assert judge(replace(good, signature=bytes(raw)), KEYS[kind]) == "holder.presentation_unusable"


@pytest.mark.parametrize("raw", [b"", bytes(64), b"\xff" * 64, bytes(65)], ids=len)
def test_a_signature_that_is_no_signature_is_unusable(key, raw):
    good = sign(key, REQUEST, SUBJECT, time=NOW)
    assert judge(replace(good, signature=raw), key) == "holder.presentation_unusable"


@pytest.mark.parametrize("word", ["", "a b", "x" * 65, "柜台", "a\n"])
def test_audience_and_nonce_are_plain_words(key, word):
    with pytest.raises(MalformedError):
        sign(key, replace(REQUEST, audience=word), SUBJECT, time=NOW)
    with pytest.raises(MalformedError):
        sign(key, replace(REQUEST, nonce=word), SUBJECT, time=NOW)


def test_a_presentation_survives_the_file(key):
    presentation = sign(key, REQUEST, SUBJECT, time=NOW)
    data = format_canonical(presentation.to_json())
    assert Presentation.from_json(parse_canonical(data, 1000)) == presentation


GOOD = sign(KEYS["ed25519"], REQUEST, SUBJECT, time=NOW).to_json()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
    st.sampled_from([*GOOD, "more"]),
)
def test_any_value_at_all_is_a_presentation_or_a_refusal(value, name):
    for candidate in (value, {**GOOD, name: value}):
        try:
            presentation = Presentation.from_json(candidate)
        except CertledgerError:
            continue
        assert presentation.to_json() == candidate


# Holder keys


def test_a_key_survives_its_text(key):
    public = key.public_key()
    assert parse_holder_key(format_holder_key(public)) == public


@given(
    st.one_of(
        st.text(),
        st.builds(
            lambda kind, raw: kind + to_base64url(raw),
            st.sampled_from(["p256:", "ed25519:", "P256:", "rsa:", ""]),
            st.one_of(
                st.binary(),
                st.binary(min_size=32, max_size=33),
                st.binary(min_size=32, max_size=32).map(lambda raw: b"\x02" + raw),
            ),
        ),
    )
)
def test_any_text_at_all_is_a_key_in_its_one_spelling_or_a_refusal(text):
    try:
        key = parse_holder_key(text)
    except CertledgerError:
        return
    assert format_holder_key(key) == text


@pytest.mark.parametrize(
    "text",
    [
        "p256:" + to_base64url(b"\x05" + bytes(32)),
        "p256:" + to_base64url(b"\x02" + b"\xff" * 32),
        "p256:" + to_base64url(b"\x04" + bytes(64)),
        "p256:" + to_base64url(b"\x00"),
        "ed25519:" + to_base64url(bytes(31)),
        "ed25519:" + to_base64url(bytes(32)) + "=",
        "ed25519",
        ":",
    ],
)
def test_what_is_no_key_is_refused(text):
    with pytest.raises(MalformedError):
        parse_holder_key(text)


def test_a_key_of_another_curve_is_refused():
    key = ec.derive_private_key(5, ec.SECP384R1())
    with pytest.raises(MalformedError, match="secp384r1"):
        sign(key, REQUEST, SUBJECT, time=NOW)
