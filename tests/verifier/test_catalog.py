"""Catalogs: entries, their tree, and what a record must obey (SPEC section 6)."""

import calendar
import hashlib
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pymerkle
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from certledger.verifier.formats import merkle
from certledger.verifier.formats.catalog import (
    EMPTY,
    MAX_ENTRIES,
    Catalog,
    Entry,
    add_months,
    bound_root,
    disobeyed,
)
from certledger.verifier.formats.record import Record
from certledger.verifier.vocabulary import EntryKind, HolderKind
from tests.verifier.mutations import json_values, mutated
from tests.verifier.refusals import refused_as, tried

ENTRY = Entry(
    category="BIZ-LICENCE",
    version=2,
    kind=EntryKind.LICENCE,
    holder=HolderKind.LEGAL,
    name_zh="营业执照",
    name_en="Business licence",
    fields=("certificate_number", "holder_name", "address", "scope"),
    shown=("holder_name", "scope"),
    months=120,
    lag_days=30,
)
GOOD = ENTRY.to_json()
RECORD = Record(
    issuer="11310000XX00000196",
    index=0,
    id=bytes(32),
    category=ENTRY.category,
    entry=ENTRY.version,
    holder=HolderKind.LEGAL,
    issued=date(2026, 10, 31),
    expires=date(2036, 10, 31),
    digests=tuple(bytes([place]) * 32 for place in range(4)),
)

names = st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True).filter(
    lambda name: name not in ("certificate_number", "holder_key", "document")
)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    fields = draw(st.lists(names, min_size=1, max_size=6, unique=True))
    shown = [name for name in fields if draw(st.booleans())] or fields[:1]
    return Entry(
        category=draw(st.from_regex(r"[A-Z0-9-]{2,24}", fullmatch=True)),
        version=draw(st.integers(1, 65535)),
        kind=draw(st.sampled_from(EntryKind)),
        holder=draw(st.sampled_from(HolderKind)),
        name_zh=draw(st.text("营业执照", min_size=1, max_size=128)),
        name_en=draw(st.text("abc ", min_size=1, max_size=128)),
        fields=("certificate_number", *fields),
        shown=tuple(shown),
        months=draw(st.none() | st.integers(1, 1200)),
        lag_days=draw(st.integers(0, 36500)),
    )


catalogs = st.lists(entries(), min_size=1, max_size=9, unique_by=lambda entry: entry.order)


# Entries ---------------------------------------------------------------------------------------


@given(entries())
def test_an_entry_is_read_back_from_canonical_JSON(entry):
    assert entry.canonical() == rfc8785.dumps(entry.to_json())
    assert Entry.from_json(entry.to_json()) == entry


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"type": "certledger/entry/2"}, "schema.version"),
        ({"category": "x"}, "schema.invalid"),
        ({"version": 0}, "schema.invalid"),
        ({"version": 65536}, "schema.invalid"),
        ({"kind": "passport"}, "schema.invalid"),
        ({"kind": "licence|plate"}, "schema.invalid"),
        ({"holder": "person"}, "schema.invalid"),
        ({"name_zh": ""}, "schema.invalid"),
        ({"name_en": "x" * 129}, "schema.invalid"),
        ({"fields": []}, "schema.invalid"),
        ({"fields": ["certificate_number", "Name"]}, "schema.invalid"),
        ({"fields": ["certificate_number", "n" * 65]}, "schema.invalid"),
        ({"fields": ["certificate_number", 1]}, "schema.invalid"),
        ({"fields": ["certificate_number", *map("n{}".format, range(64))]}, "schema.invalid"),
        ({"fields": ["holder_name", "certificate_number", "scope"]}, "entry.fields"),
        ({"fields": ["certificate_number", "holder_name", "scope", "scope"]}, "entry.fields"),
        ({"fields": ["certificate_number", "holder_name", "scope", "document"]}, "entry.fields"),
        ({"fields": ["certificate_number", "holder_name", "scope", "holder_key"]}, "entry.fields"),
        ({"shown": []}, "schema.invalid"),
        ({"shown": ["scope", "holder_name"]}, "entry.shown"),
        ({"shown": ["holder_name", "holder_name"]}, "entry.shown"),
        ({"shown": ["certificate_number", "holder_name"]}, "entry.shown"),
        ({"shown": ["sex"]}, "entry.shown"),
        ({"months": 0}, "schema.invalid"),
        ({"months": 1201}, "schema.invalid"),
        ({"lag_days": 36501}, "schema.invalid"),
        ({"lag_days": True}, "schema.invalid"),
        ({"note": "x"}, "schema.invalid"),
    ],
    ids=str,
)
def test_an_entry_that_breaks_a_rule_is_refused_by_it(changed, code):
    assert refused_as(Entry.from_json, GOOD | changed) == code


@pytest.mark.parametrize("name", sorted(GOOD))
def test_only_the_greatest_validity_may_be_absent(name):
    value = {other: part for other, part in GOOD.items() if other != name}
    if name == "months":
        assert Entry.from_json(value).months is None
    else:
        assert refused_as(Entry.from_json, value) == "schema.invalid"


@given(json_values | mutated(GOOD))
def test_any_JSON_is_an_entry_or_refused(value):
    entry, code = tried(Entry.from_json, value)
    assert code is not None or entry.to_json() == value
    assert value == GOOD or entry != ENTRY


def test_places_have_the_names_of_fields_then_of_the_key_then_of_documents():
    assert [ENTRY.name_at(place, bound=True) for place in range(7)] == [
        *ENTRY.fields,
        "holder_key",
        "document",
        "document",
    ]
    assert ENTRY.name_at(4, bound=False) == "document"
    assert (ENTRY.first_document(bound=True), ENTRY.first_document(bound=False)) == (5, 4)
    assert ENTRY.must_show == {0, 1, 3}


# The tree --------------------------------------------------------------------------------------


@given(catalogs)
def test_the_root_is_that_of_another_library_bound_to_the_number_of_entries(made):
    catalog = Catalog.of(made)
    ordered = sorted(made, key=lambda entry: (entry.category, entry.version))
    assert list(catalog.entries) == ordered
    tree = pymerkle.InmemoryTree.init_from_entries([entry.canonical() for entry in ordered])
    tagged = b"certledger/catalog/1" + len(made).to_bytes(4, "big") + tree.get_state()
    assert catalog.root() == hashlib.sha256(tagged).digest()


@given(catalogs)
def test_every_entry_is_found_and_proved(made):
    catalog = Catalog.of(made)
    for entry in made:
        found = catalog.find(*entry.order)
        assert found is not None
        assert found[1] == entry
        path = merkle.prove(catalog.leaves(), found[0])
        leaf = merkle.leaf_hash(entry.canonical())
        root = merkle.implied_root(leaf, found[0], len(made), path)
        assert bound_root(len(made), root) == catalog.root()
    assert catalog.find("NONE", 1) is None


def test_the_empty_catalog_has_the_zero_root():
    assert Catalog.of([]).root() == EMPTY == bytes(32)


def test_the_newest_version_of_a_category_is_found():
    older, other = replace(ENTRY, version=1), replace(ENTRY, category="ZZ")
    catalog = Catalog.of([other, ENTRY, older])
    assert catalog.newest(ENTRY.category) == ENTRY
    assert catalog.newest("NONE") is None


@given(catalogs)
def test_a_catalog_is_read_back(made):
    catalog = Catalog.of(made)
    assert Catalog.from_json(catalog.to_json()) == catalog


def test_a_list_of_entries_that_is_no_catalog_is_refused():
    one, two = GOOD, replace(ENTRY, version=3).to_json()
    assert refused_as(Catalog.from_json, [two, one]) == "catalog.order"
    assert refused_as(Catalog.from_json, [one, one]) == "catalog.twice"
    assert refused_as(Catalog.of, [ENTRY, ENTRY]) == "catalog.twice"
    assert refused_as(Catalog.from_json, {"entries": []}) == "schema.invalid"
    assert refused_as(Catalog.from_json, [one] * (MAX_ENTRIES + 1)) == "schema.invalid"
    too_many = [replace(ENTRY, version=version) for version in range(1, MAX_ENTRIES + 2)]
    assert refused_as(Catalog.of, too_many) == "catalog.size"


# What a record must obey -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, None),
        ({"holder": HolderKind.NATURAL}, "entitlement.holder_kind"),
        ({"digests": RECORD.digests[:3]}, "entitlement.fields_missing"),
        ({"bound": True}, "entitlement.fields_missing"),
        ({"bound": True, "digests": (*RECORD.digests, bytes(32))}, None),
        ({"expires": date(2036, 11, 1)}, "entitlement.validity_too_long"),
        ({"expires": None}, "entitlement.validity_too_long"),
        ({"expires": RECORD.issued}, None),
    ],
    ids=str,
)
def test_a_record_obeys_its_entry_or_breaks_a_named_rule(changes: dict[str, Any], code):
    broken = disobeyed(replace(RECORD, **changes), ENTRY)
    assert (broken[0] if broken else None) == code


def test_an_entry_without_limit_allows_any_expiry():
    unlimited = replace(ENTRY, months=None)
    assert disobeyed(replace(RECORD, expires=None), unlimited) is None
    assert disobeyed(replace(RECORD, expires=date.max), unlimited) is None


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(9999, 1, 1), 12, date.max),
        (date(9998, 12, 31), 12, date.max),
    ],
)
def test_months_end_on_the_same_day_or_the_last_of_the_month(day, months, later):
    assert add_months(day, months) == later


@given(st.dates(date(1, 1, 1), date(9000, 1, 1)), st.integers(1, 1200))
def test_months_added_are_months_apart(day, months):
    later = add_months(day, months)
    assert (later.year - day.year) * 12 + later.month - day.month == months
    assert later.day == min(day.day, calendar.monthrange(later.year, later.month)[1])
    assert later > day
    assert add_months(day, months) <= add_months(day + timedelta(days=1), months)
