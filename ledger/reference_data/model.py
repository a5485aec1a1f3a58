"""The catalogue of the reform as values: categories, items, materials, issuers, regions."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from certledger.ledger.reference_data.faults import DomainFault
from certledger.verifier.vocabulary import EntryKind, HolderKind, IssuerKind, Status

# Beginnings of the unified social credit code of each kind of issuer; operators issue nothing.
USCC_PREFIXES: Mapping[IssuerKind, frozenset[str]] = {
    IssuerKind.DEPARTMENT: frozenset({"11"}),
    IssuerKind.INSTITUTION: frozenset({"12", "13", "32"}),
    IssuerKind.ASSOCIATION: frozenset({"51", "53"}),
    IssuerKind.APPRAISAL: frozenset({"34", "52", "91"}),
    IssuerKind.CONSULTING: frozenset({"31", "52", "91"}),
}


class ItemKind(StrEnum):
    """行政权力 or 公共服务."""

    ADMINISTRATIVE = "administrative"
    PUBLIC_SERVICE = "public_service"


class Audience(StrEnum):
    """Who applies for a service item."""

    PERSONAL = "personal"
    LEGAL = "legal"


class RegionLevel(StrEnum):
    """Levels of GB/T 2260 that the data uses."""

    PROVINCE = "province"
    CITY = "city"
    DISTRICT = "district"


@dataclass(frozen=True, kw_only=True, slots=True)
class Category:
    """One category of certificates: what a catalog entry says.

    Attributes:
        code: the project's own, 4 to 24 of capital letters, digits and hyphen.
        validity_months: whole months from issue to expiry, None for no expiry.
        max_age_days: oldest status, in days, that a counter may rely on offline.
        personal: holds personal information.
        fields: names in the order of the entry; the first is `certificate_number`, the second
            names the holder or object.
    """

    code: str
    name_zh: str
    name_en: str
    kind: EntryKind
    holder: HolderKind
    issuer_kind: IssuerKind
    issuing_department_zh: str
    issuing_department_en: str
    validity_months: int | None
    max_age_days: int
    personal: bool
    fields: tuple[str, ...]

    @property
    def must_show(self) -> tuple[str, ...]:
        """The two fields that every verdict needs: the number, and what it names."""
        return self.fields[:2]


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceItem:
    """A service that people apply for.

    Attributes:
        city_wide: 全市通办, can be applied for in any district.
        online: 全程网办, handled online from end to end.
        unattended: 无人干预自动办理, decided by rule alone; implies online.
    """

    code: str
    name_zh: str
    name_en: str
    department_zh: str
    department_en: str
    kind: ItemKind
    audience: Audience
    city_wide: bool
    online: bool
    unattended: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Material:
    """A line of an item's list of materials; `category_code` is None if no category fits."""

    item_code: str
    material_no: int
    name_zh: str
    name_en: str
    required: bool
    category_code: str | None
    issued_by_government: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuerProfile:
    """An organisation that issues certificates, by its unified social credit code."""

    uscc: str
    name_zh: str
    name_en: str
    kind: IssuerKind
    region_code: str

    @property
    def province_code(self) -> str:
        """The code (GB/T 2260) of the issuer's province or municipality."""
        return self.region_code[:2] + "0000"


@dataclass(frozen=True, kw_only=True, slots=True)
class Region:
    """A place of GB/T 2260; only a province has no parent."""

    code: str
    name_zh: str
    name_en: str
    level: RegionLevel
    parent: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusCode:
    """A reason for a status; the first letter of the code gives the status."""

    code: str
    status: Status
    name_zh: str
    name_en: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DeltaScenario:
    """One region verifies what another issued, for a service item."""

    code: str
    name_zh: str
    name_en: str
    verifying_region: str
    issuing_region: str
    category_code: str
    service_item_code: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Domain:
    """The whole of the domain data, checked; mappings are by code and in file order.

    Attributes:
        materials: the lines of each service item, by the item's code.
        warnings: what looks odd and is accepted all the same.
    """

    categories: Mapping[str, Category]
    items: Mapping[str, ServiceItem]
    materials: Mapping[str, tuple[Material, ...]]
    issuers: Mapping[str, IssuerProfile]
    regions: Mapping[str, Region]
    status_codes: Mapping[str, StatusCode]
    delta_scenarios: Mapping[str, DeltaScenario]
    warnings: tuple[DomainFault, ...]
