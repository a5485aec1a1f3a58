"""Rules of the reference data beyond one cell: within a row, within a file, between files."""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from certledger.ledger.reference_data.csv_reader import Table
from certledger.ledger.reference_data.faults import DomainFault, FaultCode
from certledger.ledger.reference_data.identifiers import (
    compute_uscc_check,
    organization_check_agrees,
)
from certledger.ledger.reference_data.model import (
    USCC_PREFIXES,
    Category,
    DeltaScenario,
    IssuerProfile,
    Region,
    RegionLevel,
    ServiceItem,
    StatusCode,
)
from certledger.verifier.vocabulary import MEANING, HolderKind

_not_word = re.compile(r"[^\w]|上海市")
_not_plain = re.compile(r"[^a-z0-9]")


def check_regions(table: Table[Region]) -> None:
    """Check that a province has no parent, and any other region the province of its digits."""
    provinces = {row.code for _, row in table.rows if row.level is RegionLevel.PROVINCE}
    for line, row in table.rows:
        wanted = None if row.level is RegionLevel.PROVINCE else row.code[:2] + "0000"
        if row.parent != wanted:
            reason = f"parent of {row.level} {row.code} is {row.parent}, not {wanted}"
            table.report(line, "parent", FaultCode.REGION, reason)
        elif wanted and wanted not in provinces:
            table.report(line, "parent", FaultCode.UNKNOWN, f"no province {wanted}")


def check_categories(table: Table[Category]) -> None:
    """Check that names are distinct, and that validity and holder agree with other columns."""
    _check_names(table)
    for line, row in table.rows:
        if ("expiry_date" in row.fields) != (row.validity_months is not None):
            reason = f"{row.code} has a field expiry_date or a validity, but not both"
            table.report(line, "validity_months", FaultCode.CONTRADICTION, reason)
        if row.holder is HolderKind.NATURAL and not row.personal:
            reason = f"{row.code} is held by persons, so it is personal"
            table.report(line, "personal", FaultCode.CONTRADICTION, reason)


def check_items(table: Table[ServiceItem]) -> None:
    """Check that names are distinct, and that unattended items are handled online."""
    _check_names(table)
    for line, row in table.rows:
        if row.unattended and not row.online:
            reason = f"{row.code} is unattended but not online"
            table.report(line, "unattended", FaultCode.CONTRADICTION, reason)


def check_materials(
    table: Table[Any],
    items: Table[ServiceItem],
    categories: Table[Category],
    *,
    codes_of: Callable[[Any], Sequence[str]],
) -> None:
    """Check that lines are numbered 1, 2, 3 …, with distinct names, known items and categories.

    `codes_of` returns the categories that a line names.
    """
    government: dict[str, bool] = {}
    names: set[tuple[str, str]] = set()
    for line, row in table.rows:
        refer(table, line, "item_code", row.item_code, items)
        if (row.item_code, row.name_zh) in names:
            reason = f"{row.item_code} lists {row.name_zh} a second time"
            table.report(line, "name_zh", FaultCode.DUPLICATE, reason)
        names.add((row.item_code, row.name_zh))
        for code in codes_of(row):
            refer(table, line, "category_code", code, categories)
            if government.setdefault(code, row.issued_by_government) != row.issued_by_government:
                reason = f"category {code} has both yes and no"
                table.report(line, "issued_by_government", FaultCode.CONTRADICTION, reason)
        before = row.material_no - 1
        if before and (row.item_code, str(before)) not in table.keys:
            reason = f"{row.item_code} has a line {row.material_no}, but no line {before}"
            table.report(line, "material_no", FaultCode.NUMBERING, reason)


def check_issuers(table: Table[IssuerProfile], regions: Table[Region]) -> list[DomainFault]:
    """Codes carry the right check character, region and prefix.

    Returns warnings: real codes with a wrong inner organization check (GB 11714) are in use.
    """
    _check_distinct(table, "name_zh", ((line, row.name_zh) for line, row in table.rows))
    doubts = Table[IssuerProfile](file=table.file)
    for line, row in table.rows:
        wanted = compute_uscc_check(row.uscc[:17])
        if row.uscc[17] != wanted:
            reason = f"check character of {row.uscc} is not {wanted}"
            table.report(line, "uscc", FaultCode.CHECK_CHARACTER, reason)
        elif not organization_check_agrees(row.uscc):
            reason = f"the organization code inside {row.uscc} has another check character"
            doubts.report(line, "uscc", FaultCode.CHECK_CHARACTER, reason)
        if row.uscc[2:8] != row.region_code:
            reason = f"digits 3 to 8 of {row.uscc} are not {row.region_code}"
            table.report(line, "region_code", FaultCode.REGION, reason)
        if row.uscc[:2] not in USCC_PREFIXES[row.kind]:
            reason = f"{row.uscc} starts {row.uscc[:2]}, which does not fit {row.kind}"
            table.report(line, "uscc", FaultCode.PREFIX, reason)
        refer(table, line, "region_code", row.region_code, regions)
    return doubts.faults


def check_status_codes(table: Table[StatusCode]) -> None:
    """Check that the first letter of a code is that of its status."""
    for line, row in table.rows:
        letter = MEANING[row.status].letter
        if row.code[0] != letter:
            reason = f"{row.code} does not start with {letter} for {row.status}"
            table.report(line, "code", FaultCode.PREFIX, reason)


def check_delta_scenarios(
    table: Table[DeltaScenario],
    regions: Table[Region],
    categories: Table[Category],
    materials: Table[Any],
    items: Table[ServiceItem],
    pairs: Collection[tuple[str, str | None]],
) -> None:
    """Check that a scenario has two regions, and a material of its item.

    `pairs` are the categories of each item's materials.
    """
    for line, row in table.rows:
        before = len(table.faults)
        refer(table, line, "verifying_region", row.verifying_region, regions)
        refer(table, line, "issuing_region", row.issuing_region, regions)
        refer(table, line, "category_code", row.category_code, categories)
        refer(table, line, "service_item_code", row.service_item_code, items)
        if row.verifying_region[:2] == row.issuing_region[:2]:
            reason = f"{row.code} stays in the province of {row.issuing_region}"
            table.report(line, "issuing_region", FaultCode.REGION, reason)
        known = len(table.faults) == before and not materials.faults and materials.complete
        if known and (row.service_item_code, row.category_code) not in pairs:
            reason = f"{row.service_item_code} has no material of category {row.category_code}"
            table.report(line, "category_code", FaultCode.UNKNOWN, reason)


def _check_names(table: Table[Category] | Table[ServiceItem]) -> None:
    """Check that no two rows share a name, ignoring small differences of spelling."""
    _check_distinct(table, "name_zh", ((line, _plain_zh(row.name_zh)) for line, row in table.rows))
    _check_distinct(table, "name_en", ((line, _plain_en(row.name_en)) for line, row in table.rows))


def _plain_zh(name: str) -> str:
    return _not_word.sub("", name).replace("证书", "证")


def _plain_en(name: str) -> str:
    return _not_plain.sub("", name.lower())


def _check_distinct(
    table: Table[Category] | Table[ServiceItem] | Table[IssuerProfile],
    column: str,
    names: Iterable[tuple[int, str]],
) -> None:
    seen: dict[str, int] = {}
    for line, name in names:
        first = seen.setdefault(name, line)
        if first != line:
            reason = f"the name {name!r} stands in line {first} already"
            table.report(line, column, FaultCode.DUPLICATE, reason)


def refer(table: Table[Any], line: int, column: str, key: str, target: Table[Any]) -> None:
    """Report a fault where a value is no key of another table that could be read."""
    if target.complete and (key,) not in target.keys:
        table.report(line, column, FaultCode.UNKNOWN, f"{key} is not in {target.file}")
