"""Check characters, against the numbers the standards and public samples give."""

from dataclasses import astuple

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from certledger.ledger.reference_data import identifiers
from certledger.ledger.reference_data.identifiers import CodeInvalidError

CAPITALS = identifiers.ALPHANUMERIC
uscc_17 = st.text(identifiers.USCC_ALPHABET, min_size=17, max_size=17)
digits_17 = st.text("0123456789", min_size=17, max_size=17)
capitals = st.text(CAPITALS, min_size=1, max_size=60)


@pytest.mark.parametrize("code", ["91350100M000100Y43", "11310000002420447T"])
def test_a_real_credit_code_passes_both_checks(code):
    identifiers.check_uscc(code)
    assert identifiers.compute_uscc_check(code[:17]) == code[17]
    assert identifiers.organization_check_agrees(code)


@pytest.mark.parametrize(("first8", "check"), [("M000100Y", "4"), ("00242044", "7")])
def test_an_organization_code_ends_in_its_check_character(first8, check):
    assert identifiers.compute_organization_check(first8) == check
    identifiers.check_organization_code(first8 + check)


@pytest.mark.parametrize("number", ["11010519491231002X", "440524188001010014"])
def test_the_standards_own_identity_numbers_pass(number):
    identifiers.check_identity_number(number)


@pytest.mark.parametrize(("text", "check"), [("A1", "W"), ("A12425GABC1234002", "M")])
def test_mod_37_36_gives_the_examples_of_iso_7064(text, check):
    assert identifiers.compute_mod_37_36(text) == check


@pytest.mark.parametrize(
    "text",
    [
        "1.2.156.3005.2.11100000000013338W032.11220000013544541J.2430599.001.F",
        "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U",
        "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.002.S",
        "1.2.156.3005.2.11310000XX0000035U001.11310000XX0000035U.2020022400001.001.3",
        "1.2.156.3005.2.11310000XX0000035U001.11310000XX0000035U.2020022400001.002.1",
    ],
)
def test_a_public_certificate_identifier_agrees_and_comes_back_as_it_was(text):
    identifier = identifiers.parse_identifier(text)

    assert identifier.check_agrees()
    assert ".".join((identifiers.CERTIFICATE_ROOT, *astuple(identifier))) == text


@pytest.mark.parametrize("serial", ["2430598", "24_305"])
def test_an_identifier_with_a_doubtful_check_is_kept_as_received(serial):
    text = f"1.2.156.3005.2.11100000000013338W032.11220000013544541J.{serial}.001.F"

    identifier = identifiers.parse_identifier(text)

    assert not identifier.check_agrees()
    assert ".".join((identifiers.CERTIFICATE_ROOT, *astuple(identifier))) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1.2.156.3005.2",
        "1.2.156.3005.3.A.B.1.001.F",
        "1.2.156.3005.2.A.B.1.001",
        "1.2.156.3005.2.A..1.001.F",
        "1.2.156.3005.2.A.B.1.000.F",
        "1.2.156.3005.2.A.B.1.1.F",
        "1.2.156.3005.2.A.B.1.001.f",
        "1.2.156.3005.2.A.B.1.001.FF",
    ],
)
def test_an_identifier_of_another_form_is_refused(text):
    with pytest.raises(CodeInvalidError):
        identifiers.parse_identifier(text)


@given(uscc_17, st.integers(0, 16), st.sampled_from(identifiers.USCC_ALPHABET))
def test_one_wrong_character_never_passes_as_a_credit_code(first17, place, other):
    assume(first17[place] != other)
    code = first17 + identifiers.compute_uscc_check(first17)

    identifiers.check_uscc(code)
    with pytest.raises(CodeInvalidError):
        identifiers.check_uscc(code[:place] + other + code[place + 1 :])


@given(digits_17, st.integers(0, 15))
def test_digits_swapped_change_the_check_of_an_identity_number(first17, place):
    swapped = first17[:place] + first17[place + 1] + first17[place] + first17[place + 2 :]
    assume(swapped != first17)

    assert identifiers.compute_identity_check(swapped) != identifiers.compute_identity_check(
        first17
    )


@given(capitals, st.data())
def test_mod_37_36_notices_one_wrong_character(text, data):
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(CAPITALS))
    assume(other != text[place])

    changed = text[:place] + other + text[place + 1 :]

    assert identifiers.compute_mod_37_36(changed) != identifiers.compute_mod_37_36(text)


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (identifiers.check_uscc, "91350100M000100Y44"),
        (identifiers.check_uscc, "91350100M000100Y4"),
        (identifiers.check_uscc, "91350100I000100Y43"),
        (identifiers.check_uscc, "91350100m000100y43"),
        (identifiers.check_organization_code, "M000100Y5"),
        (identifiers.check_organization_code, "M000100-Y4"),
        (identifiers.check_identity_number, "110105194912310021"),
        (identifiers.check_identity_number, "11010519491331002X"),
        (identifiers.check_identity_number, "11010519491231002x"),
        (identifiers.check_identity_number, "110105１9491231002"),
        (identifiers.compute_mod_37_36, ""),
        (identifiers.compute_mod_37_36, "a1"),
    ],
)
def test_a_code_of_another_form_is_refused_with_its_value(check, value):
    with pytest.raises(CodeInvalidError) as refused:
        check(value)

    assert refused.value.code == "domain.code_invalid"
    assert refused.value.value == value


def test_the_kinds_of_registration_cover_every_kind_of_issuer():
    from certledger.ledger.reference_data.model import USCC_PREFIXES

    assert set().union(*USCC_PREFIXES.values()) <= set(identifiers.REGISTERED_AS)
