"""The seven files of the reference data: columns, rules and row types."""

from certledger.ledger.reference_data.csv_reader import (
    Column,
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
from certledger.ledger.reference_data.model import (
    USCC_PREFIXES,
    Audience,
    Category,
    DeltaScenario,
    IssuerProfile,
    ItemKind,
    Material,
    Region,
    RegionLevel,
    ServiceItem,
    StatusCode,
)
from certledger.verifier.vocabulary import KIND_ZH, HolderKind, Status

FIRST_FIELD = "certificate_number"

_code = matching(r"[A-Z0-9-]{4,24}")
_issuer_kind = one_of({kind.value: kind for kind in USCC_PREFIXES})
_region = matching(r"[0-9]{6}")
_names = (Column("name_zh", text), Column("name_en", english))
_field_list = matching(r"[a-z][a-z0-9_]*(;[a-z][a-z0-9_]*)*", lambda value: value.split(";"))


def _fields(value: str) -> tuple[str, ...]:
    """Names joined by semicolons: the number, what it names, then the rest, none twice."""
    names: list[str] = _field_list(value)
    if names[0] != FIRST_FIELD:
        raise WrongValueError(
            FaultCode.FIRST_FIELD, f"the first field is {names[0]}, not {FIRST_FIELD}"
        )
    if len(names) < 2:
        raise WrongValueError(FaultCode.FORM, "no second field to name the holder or object")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise WrongValueError(FaultCode.REPEATED_FIELD, f"{', '.join(repeated)} appears twice")
    return tuple(names)


REGIONS = Schema(
    file="regions.csv",
    row=Region,
    key=("code",),
    columns=(
        Column("code", _region),
        *_names,
        Column("level", one_of({word.value: word for word in RegionLevel})),
        Column("parent", _region, may_be_empty=True),
    ),
)

CATEGORIES = Schema(
    file="categories.csv",
    row=Category,
    key=("code",),
    columns=(
        Column("code", _code),
        *_names,
        Column("kind", one_of({name: kind for kind, name in KIND_ZH.items()})),
        Column("holder", one_of({word.value: word for word in HolderKind})),
        Column("issuer_kind", _issuer_kind),
        Column("issuing_department_zh", text),
        Column("issuing_department_en", english),
        Column("validity_months", whole_number(1, 999), may_be_empty=True),
        Column("max_age_days", whole_number(1, 99)),
        Column("personal", yes_or_no),
        Column("fields", _fields),
    ),
)

SERVICE_ITEMS = Schema(
    file="service_items.csv",
    row=ServiceItem,
    key=("code",),
    columns=(
        Column("code", _code),
        *_names,
        Column("department_zh", text),
        Column("department_en", english),
        Column("kind", one_of({word.value: word for word in ItemKind})),
        Column("audience", one_of({word.value: word for word in Audience})),
        Column("city_wide", yes_or_no),
        Column("online", yes_or_no),
        Column("unattended", yes_or_no),
    ),
)

MATERIALS = Schema(
    file="materials.csv",
    row=Material,
    key=("item_code", "material_no"),
    columns=(
        Column("item_code", _code),
        Column("material_no", whole_number(1, 999)),
        *_names,
        Column("required", yes_or_no),
        Column("category_code", _code, may_be_empty=True),
        Column("issued_by_government", yes_or_no),
    ),
)

ISSUERS = Schema(
    file="issuers.csv",
    row=IssuerProfile,
    key=("uscc",),
    columns=(
        Column("uscc", matching(r"[0-9A-HJ-NPQRTUWXY]{18}")),
        *_names,
        Column("kind", _issuer_kind),
        Column("region_code", _region),
    ),
)

STATUS_CODES = Schema(
    file="status_codes.csv",
    row=StatusCode,
    key=("code",),
    columns=(
        Column("code", matching(r"[VSRP][0-9]{2}")),
        Column("status", one_of({word.value: word for word in Status})),
        *_names,
    ),
)

DELTA_SCENARIOS = Schema(
    file="delta_scenarios.csv",
    row=DeltaScenario,
    key=("code",),
    columns=(
        Column("code", _code),
        *_names,
        Column("verifying_region", _region),
        Column("issuing_region", _region),
        Column("category_code", _code),
        Column("service_item_code", _code),
    ),
)

FILES = tuple(
    schema.file
    for schema in (
        REGIONS,
        CATEGORIES,
        SERVICE_ITEMS,
        MATERIALS,
        ISSUERS,
        STATUS_CODES,
        DELTA_SCENARIOS,
    )
)
