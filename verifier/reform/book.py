"""The reform's book as typed values: service items, material lines, categories, counters, bundles.

Everything is built from the text cells of an edition, which the importer has checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from certledger.verifier.errors import MalformedError
from certledger.verifier.reform.rules import HandlingRule, RuleCondition
from certledger.verifier.vocabulary import HolderKind, IssuerKind

Cells = Sequence[str]
Tables = Mapping[str, Sequence[Cells]]

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "regions": ("code", "name_zh", "name_en", "level", "parent"),
    "categories": (
        "code",
        "name_zh",
        "name_en",
        "kind",
        "holder",
        "issuer_kind",
        "issuing_department_zh",
        "issuing_department_en",
        "validity_months",
        "max_age_days",
        "personal",
        "fields",
    ),
    "service_items": (
        "code",
        "name_zh",
        "name_en",
        "department_zh",
        "department_en",
        "kind",
        "audience",
        "city_wide",
        "online",
        "unattended",
    ),
    "materials": (
        "item_code",
        "material_no",
        "name_zh",
        "name_en",
        "required",
        "category_code",
        "issued_by_government",
    ),
    "issuers": ("uscc", "name_zh", "name_en", "kind", "region_code"),
    "counters": ("code", "name_zh", "name_en", "kind", "region_code", "department_zh"),
    "bundles": ("code", "name_zh", "name_en", "members"),
    "overrides": ("item_code", "material_no", "reason_zh", "reason_en"),
    "restrictions": ("category_code", "applicants"),
    "rules": (
        "item_code",
        "version",
        "condition_no",
        "expression",
        "otherwise",
        "words_zh",
        "words_en",
    ),
    "delta_scenarios": (
        "code",
        "name_zh",
        "name_en",
        "verifying_region",
        "issuing_region",
        "category_code",
        "service_item_code",
    ),
}
"""The tables of an edition and their columns, in order (SPEC section 22)."""
SEPARATOR = ";"
"""Joins the words of a cell that holds several."""


class ApplicantKind(StrEnum):
    """Who applies."""

    PERSON = "person"
    FOREIGNER = "foreigner"
    COMPANY = "company"


class CounterKind(StrEnum):
    """What a counter is: a service window, or a relying party of society."""

    WINDOW = "window"
    HOTEL = "hotel"
    HOSPITAL = "hospital"
    BANK = "bank"
    PARK = "park"
    SCHOOL = "school"
    STATION = "station"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True, slots=True)
class Name:
    """A name in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BookCategory:
    """A category of certificates, as far as counters need it."""

    code: str
    name: Name
    holder: HolderKind
    issuer_kind: IssuerKind
    department: Name
    max_age_days: int
    fields: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class BookItem:
    """A service item.  `audience` is `personal` or `legal`."""

    code: str
    name: Name
    department: Name
    kind: str
    audience: str
    city_wide: bool
    online: bool
    unattended: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class MaterialLine:
    """One line of an item's list; each of `categories` satisfies it, none where none fits."""

    item: str
    number: int
    name: Name
    required: bool
    categories: tuple[str, ...]
    from_government: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class BookIssuer:
    """An organisation that issues certificates."""

    code: str
    name: Name
    kind: IssuerKind
    region: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BookRegion:
    """A region of GB/T 2260; `parent` is empty for a province."""

    code: str
    name: Name
    parent: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceCounter:
    """A place that asks for certificates; `department` is empty for one of society."""

    code: str
    name: Name
    kind: CounterKind
    region: str
    department: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemBundle:
    """Several items handled as one thing; members are items and other bundles."""

    code: str
    name: Name
    members: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CrossRegionScenario:
    """One region verifies what another issued, for an item."""

    code: str
    name: Name
    verifying_region: str
    issuing_region: str
    category: str
    item: str


class BookUnknownError(MalformedError):
    """The book has no item or bundle of this code."""

    def __init__(self, code: str) -> None:
        super().__init__("item.unknown", f"the book has no item and no bundle {code[:40]!r}")


@dataclass(frozen=True, kw_only=True)
class Book:
    """One edition's content.  Mappings are by code, in the order of the files.

    Attributes:
        region: code of the city or province whose book it is.
        lines: the material lines of each item, by number.
        overrides: lines that are asked for in spite of both exemptions, with the reason.
        restrictions: categories that only some kinds of applicants can hold.
        rules: the rule of each item that is handled unattended.
    """

    region: str
    regions: Mapping[str, BookRegion]
    categories: Mapping[str, BookCategory]
    items: Mapping[str, BookItem]
    lines: Mapping[str, tuple[MaterialLine, ...]]
    issuers: Mapping[str, BookIssuer]
    counters: Mapping[str, ServiceCounter]
    bundles: Mapping[str, ItemBundle]
    overrides: Mapping[tuple[str, int], Name]
    restrictions: Mapping[str, frozenset[ApplicantKind]]
    rules: Mapping[str, HandlingRule]
    scenarios: Mapping[str, CrossRegionScenario]

    @classmethod
    def from_tables(cls, region: str, tables: Tables) -> Book:
        """Return the book of an edition's tables.

        Raises:
            MalformedError: a cell is none that an importer lets through.
        """
        try:
            book = cls(
                region=region,
                regions={row[0]: _region(row) for row in tables["regions"]},
                categories={row[0]: _category(row) for row in tables["categories"]},
                items={row[0]: _item(row) for row in tables["service_items"]},
                lines=_by_item(map(_line, tables["materials"])),
                issuers={row[0]: _issuer(row) for row in tables["issuers"]},
                counters={row[0]: _counter(row) for row in tables["counters"]},
                bundles={row[0]: _bundle(row) for row in tables["bundles"]},
                overrides={
                    (row[0], int(row[1])): Name(zh=row[2], en=row[3]) for row in tables["overrides"]
                },
                restrictions={
                    row[0]: frozenset(map(ApplicantKind, row[1].split(SEPARATOR)))
                    for row in tables["restrictions"]
                },
                rules=_rules(tables["rules"]),
                scenarios={row[0]: _scenario(row) for row in tables["delta_scenarios"]},
            )
        except (ValueError, IndexError, KeyError) as error:
            raise MalformedError("book.invalid", f"a cell of the book is wrong: {error}") from error
        book._check_codes()
        return book

    def _check_codes(self) -> None:
        """Check that what follows from the book finds every code: a file may come from anybody."""
        items = self.lines.keys() | self.rules.keys()
        categories = {one for of in self.lines.values() for line in of for one in line.categories}
        unknown = [*(items - self.items.keys()), *(categories - self.categories.keys())]
        unknown += self.items.keys() & self.bundles.keys()
        if unknown:
            raise MalformedError("book.invalid", f"{min(unknown)[:40]!r} is no code of the book")

    @cached_property
    def city_departments(self) -> frozenset[str]:
        """Names of the departments and institutions that sit in the book's own region."""
        kinds = (IssuerKind.DEPARTMENT, IssuerKind.INSTITUTION)
        return frozenset(
            one.name.zh
            for one in self.issuers.values()
            if one.kind in kinds and one.region[:2] == self.region[:2]
        )

    @cached_property
    def issuer_regions(self) -> Mapping[str, str]:
        """The region of each issuer by its name."""
        return {one.name.zh: one.region for one in self.issuers.values()}

    def items_of(self, code: str) -> tuple[BookItem, ...]:
        """Return the items of an item or bundle, each once.

        Raises:
            BookUnknownError: it is neither.
        """
        found: dict[str, BookItem] = {}
        seen, left = set(), [code]
        while left:
            code = left.pop()
            if code in self.items:
                found[code] = self.items[code]
            elif code not in self.bundles:
                raise BookUnknownError(code)
            elif code not in seen:
                seen.add(code)
                left.extend(reversed(self.bundles[code].members))
        return tuple(found.values())


def _yes(cell: str) -> bool:
    if cell not in ("yes", "no"):
        raise ValueError(f"{cell!r} is neither yes nor no")
    return cell == "yes"


def _words(cell: str) -> tuple[str, ...]:
    return tuple(cell.split(SEPARATOR)) if cell else ()


def _region(row: Cells) -> BookRegion:
    code, zh, en, _, parent = row
    return BookRegion(code=code, name=Name(zh=zh, en=en), parent=parent)


def _category(row: Cells) -> BookCategory:
    code, zh, en, _, holder, kind, department_zh, department_en, _, age, _, fields = row
    return BookCategory(
        code=code,
        name=Name(zh=zh, en=en),
        holder=HolderKind(holder),
        issuer_kind=IssuerKind(kind),
        department=Name(zh=department_zh, en=department_en),
        max_age_days=int(age),
        fields=_words(fields),
    )


def _item(row: Cells) -> BookItem:
    code, zh, en, department_zh, department_en, kind, audience, *flags = row
    city_wide, online, unattended = map(_yes, flags)
    return BookItem(
        code=code,
        name=Name(zh=zh, en=en),
        department=Name(zh=department_zh, en=department_en),
        kind=kind,
        audience=audience,
        city_wide=city_wide,
        online=online,
        unattended=unattended,
    )


def _line(row: Cells) -> MaterialLine:
    item, number, zh, en, required, categories, government = row
    return MaterialLine(
        item=item,
        number=int(number),
        name=Name(zh=zh, en=en),
        required=_yes(required),
        categories=_words(categories),
        from_government=_yes(government),
    )


def _by_item(lines: Iterator[MaterialLine]) -> Mapping[str, tuple[MaterialLine, ...]]:
    found: dict[str, list[MaterialLine]] = {}
    for line in lines:
        found.setdefault(line.item, []).append(line)
    return {item: tuple(sorted(of, key=lambda one: one.number)) for item, of in found.items()}


def _issuer(row: Cells) -> BookIssuer:
    code, zh, en, kind, region = row
    return BookIssuer(code=code, name=Name(zh=zh, en=en), kind=IssuerKind(kind), region=region)


def _counter(row: Cells) -> ServiceCounter:
    code, zh, en, kind, region, department = row
    return ServiceCounter(
        code=code,
        name=Name(zh=zh, en=en),
        kind=CounterKind(kind),
        region=region,
        department=department,
    )


def _bundle(row: Cells) -> ItemBundle:
    code, zh, en, members = row
    return ItemBundle(code=code, name=Name(zh=zh, en=en), members=_words(members))


def _rules(rows: Sequence[Cells]) -> Mapping[str, HandlingRule]:
    found: dict[str, tuple[int, list[tuple[int, RuleCondition]]]] = {}
    for item, version, number, expression, otherwise, zh, en in rows:
        condition = RuleCondition(
            expression=expression, otherwise=otherwise, words=Name(zh=zh, en=en)
        )
        found.setdefault(item, (int(version), []))[1].append((int(number), condition))
    return {
        item: HandlingRule(
            item=item,
            version=version,
            conditions=tuple(one for _, one in sorted(conditions, key=lambda pair: pair[0])),
        )
        for item, (version, conditions) in found.items()
    }


def _scenario(row: Cells) -> CrossRegionScenario:
    code, zh, en, verifying, issuing, category, item = row
    return CrossRegionScenario(
        code=code,
        name=Name(zh=zh, en=en),
        verifying_region=verifying,
        issuing_region=issuing,
        category=category,
        item=item,
    )
