"""Sample certificates: plausible, spread wide, the same for the same seed, and nobody's."""

import re
import unicodedata
from datetime import date

import pytest

from certledger.ledger.reference_data import identifiers, load_domain
from certledger.ledger.reference_data.fields import load_field_names
from certledger.ledger.reference_data.model import USCC_PREFIXES
from certledger.ledger.samples.generator import (
    SampleCertificate,
    SamplesImpossibleError,
    sample_certificates,
)
from certledger.ledger.samples.issuers import FITTING, issuers_for
from certledger.ledger.samples.values import MAKERS
from certledger.verifier.formats.catalog import add_months
from certledger.verifier.formats.record import normal_number
from certledger.verifier.vocabulary import HolderKind

TODAY = date(2026, 11, 24)
DOMAIN = load_domain()
FOUR_PROVINCES = {"310000", "320000", "330000", "340000"}


def make(
    seed: int = 1, count: int = 500, categories: int = 50, expired: int = 0
) -> list[SampleCertificate]:
    return sample_certificates(
        DOMAIN, seed=seed, count=count, categories=categories, today=TODAY, expired=expired
    )


@pytest.mark.parametrize("seed", range(5))
def test_samples_reach_every_kind_of_issuer_in_every_province(seed):
    samples = make(seed)

    assert len({sample.category.code for sample in samples}) == 50
    kinds = {(sample.issuer.province_code, sample.issuer.kind) for sample in samples}
    assert kinds == {(province, kind) for province in FOUR_PROVINCES for kind in USCC_PREFIXES}
    assert len({sample.issuer.uscc for sample in samples}) <= 28, "few enough to register in a demo"


def test_a_handful_of_samples_is_varied_already():
    samples = make(count=8, categories=8)

    assert {sample.issuer.province_code for sample in samples} == FOUR_PROVINCES
    assert {sample.issuer.kind for sample in samples} == set(USCC_PREFIXES)


def test_the_same_seed_gives_the_same_certificates_and_another_gives_others():
    assert make(3) == make(3)
    assert make(3) != make(4)


def test_a_longer_run_begins_like_a_shorter_one():
    assert make(count=120)[:60] == make(count=60)


def test_every_category_that_has_an_issuer_can_be_sampled():
    samples = make(count=787, categories=787)

    assert len({sample.category.code for sample in samples}) == 787
    for sample in samples:
        assert tuple(sample.fields) == sample.category.fields
        for name, value in sample.fields.items():
            assert value, name
            assert value == value.strip(), (name, value)
            assert value.isprintable(), (name, value)
            assert unicodedata.is_normalized("NFC", value), (name, value)


def test_an_issuer_only_issues_what_it_may():
    for sample in make(count=787, categories=787):
        assert sample.issuer in set(issuers_for(DOMAIN, sample.category))
        assert sample.issuer.kind is sample.category.issuer_kind
        assert sample.fields["issuing_body"] == sample.issuer.name_zh


def test_numbers_differ_and_stand_in_their_field():
    samples = make(count=5000, categories=60)

    assert len({sample.number for sample in samples}) == 5000
    for sample in samples:
        assert sample.fields["certificate_number"] == sample.number == normal_number(sample.number)


def test_dates_fit_the_validity_of_the_category_and_all_are_in_force():
    for sample in make(count=787, categories=787):
        assert sample.issue_date < TODAY
        assert sample.fields["issue_date"] == sample.issue_date.isoformat()
        months = sample.category.validity_months
        if months is None:
            assert sample.expiry_date is None
            assert "expiry_date" not in sample.fields
        else:
            assert sample.expiry_date == add_months(sample.issue_date, months) > TODAY
            assert sample.fields["expiry_date"] == sample.expiry_date.isoformat()


def test_as_many_as_asked_for_have_expired():
    samples = make(expired=7)

    assert sum(s.expiry_date is not None and s.expiry_date < TODAY for s in samples) == 7


def test_persons_and_companies_have_sound_numbers_that_nobody_can_hold():
    for sample in make(count=787, categories=787):
        fields = sample.fields
        if "id_number" in fields:
            identifiers.check_identity_number(fields["id_number"])
            assert fields["id_number"][2:4] == "99", "no place has such digits"
        if "uscc" in fields:
            identifiers.check_uscc(fields["uscc"])
            assert identifiers.organization_check_agrees(fields["uscc"])
            assert fields["uscc"][8:10] == "XX"
        if sample.category.holder is HolderKind.LEGAL:
            assert "示例" in fields["holder_name"]
        if "plate_number" in fields:
            assert re.fullmatch(r"[沪苏浙皖][A-HJ-NP-Z]I[0-9]{4}", fields["plate_number"])


def test_a_persons_fields_tell_the_same_story():
    sample = next(s for s in make(count=787, categories=787) if s.category.code == "ID-RESIDENT")

    number = sample.fields["id_number"]
    assert number[6:14] == sample.fields["birth_date"].replace("-", "")
    assert (int(number[16]) % 2 == 1) == (sample.fields["sex"] == "男")


def test_the_tables_name_only_what_there_is():
    made_by = {
        row.values[1:]
        for row in load_field_names().values()
        if row.values and row.values.startswith("@")
    }
    offices = {category.issuing_department_zh for category in DOMAIN.categories.values()}
    names = [issuer.name_zh for issuer in DOMAIN.issuers.values()]

    assert made_by == set(MAKERS)
    assert set(FITTING) <= offices
    assert all(any(part in name for name in names) for parts in FITTING.values() for part in parts)


@pytest.mark.parametrize(
    "asked",
    [
        {"count": -1},
        {"categories": 0},
        {"categories": 901},
        {"count": 5, "expired": 6},
        {"count": 10**8},
    ],
)
def test_what_cannot_be_is_refused(asked):
    with pytest.raises(SamplesImpossibleError):
        make(**asked)


def test_no_certificates_need_no_categories():
    assert make(count=0, categories=0) == []
