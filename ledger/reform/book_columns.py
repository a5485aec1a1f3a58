"""The columns of the book's files and the rules of their cells.

Files of the reference data are files of the book as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from certledger.ledger.reference_data import schemas
from certledger.ledger.reference_data.csv_reader import (
    Column,
    Rule,
    Schema,
    WrongValueError,
    english,
    matching,
    one_of,
    text,
    whole_number,
    yes_or_no,
)
from certledger.ledger.reference_data.faults import FaultCode
from certledger.verifier.reform.book import SEPARATOR, ApplicantKind, CounterKind
from certledger.verifier.reform.book_edition import MAX_ROWS
from certledger.verifier.reform.operator_record import PERSON, REFUSED
from certledger.verifier.reform.rule_syntax import MAX_RULE_CHARACTERS
from certledger.verifier.reform.rules import MAX_CONDITIONS

MAX_NAME_CHARACTERS = 200
MAX_WORDS = 64
"""Words of a cell that holds several."""

_CODE = r"[A-Z0-9-]{4,24}"
_code, _region = matching(_CODE), matching(r"[0-9]{6}")


def bounded(rule: Rule, most: int = MAX_NAME_CHARACTERS) -> Rule:
    """Return a rule for texts of at most `most` characters."""

    def check(value: str) -> Any:
        if len(value) > most:
            reason = f"{len(value)} characters, where {most} are taken"
            raise WrongValueError(FaultCode.TOO_LARGE, reason)
        return rule(value)

    return check


def words(rule: Rule) -> Rule:
    """Return a rule for several words joined by semicolons, none twice."""

    def check(value: str) -> tuple[Any, ...]:
        parts = value.split(SEPARATOR)
        if len(parts) > MAX_WORDS:
            reason = f"{len(parts)} words, where {MAX_WORDS} are taken"
            raise WrongValueError(FaultCode.TOO_MANY, reason)
        if len(set(parts)) < len(parts):
            raise WrongValueError(FaultCode.DUPLICATE, f"{value!r} has a word twice")
        return tuple(map(rule, parts))

    return check


@dataclass(frozen=True, kw_only=True, slots=True)
class MaterialCells:
    """A row of `materials`."""

    item_code: str
    material_no: int
    name_zh: str
    name_en: str
    required: bool
    category_code: tuple[str, ...] | None
    issued_by_government: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class CounterCells:
    """A row of `counters`."""

    code: str
    name_zh: str
    name_en: str
    kind: CounterKind
    region_code: str
    department_zh: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class BundleCells:
    """A row of `bundles`."""

    code: str
    name_zh: str
    name_en: str
    members: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class OverrideCells:
    """A row of `overrides`."""

    item_code: str
    material_no: int
    reason_zh: str
    reason_en: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RestrictionCells:
    """A row of `restrictions`."""

    category_code: str
    applicants: tuple[ApplicantKind, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleCells:
    """A row of `rules`: one condition of an item's rule."""

    item_code: str
    version: int
    condition_no: int
    expression: str
    otherwise: str
    words_zh: str
    words_en: str


_names = (Column("name_zh", bounded(text)), Column("name_en", bounded(english)))
_applicant = one_of({word.value: word for word in ApplicantKind})

MATERIALS = Schema(
    file="materials.csv",
    row=MaterialCells,
    key=("item_code", "material_no"),
    columns=(
        Column("item_code", _code),
        Column("material_no", whole_number(1, 999)),
        *_names,
        Column("required", yes_or_no),
        Column("category_code", words(_code), may_be_empty=True),
        Column("issued_by_government", yes_or_no),
    ),
)
COUNTERS = Schema(
    file="counters.csv",
    row=CounterCells,
    key=("code",),
    columns=(
        # As keys of counters are bound, and no formula.
        Column("code", matching(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")),
        *_names,
        Column("kind", one_of({word.value: word for word in CounterKind})),
        Column("region_code", _region),
        Column("department_zh", bounded(text), may_be_empty=True),
    ),
)
BUNDLES = Schema(
    file="bundles.csv",
    row=BundleCells,
    key=("code",),
    columns=(Column("code", _code), *_names, Column("members", words(_code))),
)
OVERRIDES = Schema(
    file="overrides.csv",
    row=OverrideCells,
    key=("item_code", "material_no"),
    columns=(
        Column("item_code", _code),
        Column("material_no", whole_number(1, 999)),
        Column("reason_zh", bounded(text)),
        Column("reason_en", bounded(english)),
    ),
)
RESTRICTIONS = Schema(
    file="restrictions.csv",
    row=RestrictionCells,
    key=("category_code",),
    columns=(Column("category_code", _code), Column("applicants", words(_applicant))),
)

RULES = Schema(
    file="rules.csv",
    row=RuleCells,
    key=("item_code", "condition_no"),
    columns=(
        Column("item_code", _code),
        Column("version", whole_number(1, 99_999)),
        Column("condition_no", whole_number(1, MAX_CONDITIONS)),
        Column("expression", bounded(text, MAX_RULE_CHARACTERS)),
        Column("otherwise", one_of({word: word for word in (REFUSED, PERSON)})),
        Column("words_zh", bounded(text)),
        Column("words_en", bounded(english)),
    ),
)

_SCHEMAS: Mapping[str, Schema[Any]] = {
    "regions": schemas.REGIONS,
    "categories": schemas.CATEGORIES,
    "service_items": schemas.SERVICE_ITEMS,
    "materials": MATERIALS,
    "issuers": schemas.ISSUERS,
    "counters": COUNTERS,
    "bundles": BUNDLES,
    "overrides": OVERRIDES,
    "restrictions": RESTRICTIONS,
    "rules": RULES,
    "delta_scenarios": schemas.DELTA_SCENARIOS,
}
SCHEMAS: Mapping[str, Schema[Any]] = {
    name: replace(schema, max_rows=MAX_ROWS[name]) for name, schema in _SCHEMAS.items()
}
"""The schema of each table, in the order in which faults are listed."""
OPTIONAL = frozenset(
    {"counters", "bundles", "overrides", "restrictions", "rules", "delta_scenarios"}
)
"""Tables whose file may be absent; they are then empty."""
