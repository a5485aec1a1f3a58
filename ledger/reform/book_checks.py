"""Rules of the book that look beyond one cell: within a file, and across files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from certledger.ledger.reference_data import checks
from certledger.ledger.reference_data.checks import refer
from certledger.ledger.reference_data.csv_reader import Table
from certledger.ledger.reference_data.faults import DomainFault, FaultCode
from certledger.ledger.reform.rule_checks import check_rules

Tables = Mapping[str, Table[Any]]
MAX_BUNDLE_ITEMS = 64


def check_book(tables: Tables) -> Sequence[DomainFault]:
    """Gather in each table what is wrong between rows and between tables; return warnings."""
    regions, categories = tables["regions"], tables["categories"]
    checks.check_regions(regions)
    checks.check_categories(categories)
    checks.check_items(tables["service_items"])
    warnings = checks.check_issuers(tables["issuers"], regions)
    checks.check_materials(
        tables["materials"], tables["service_items"], categories, codes_of=_codes
    )
    _check_references(tables)
    check_rules(tables)
    _check_bundles(tables["bundles"], tables["service_items"])
    checks.check_delta_scenarios(
        tables["delta_scenarios"],
        regions,
        categories,
        tables["materials"],
        tables["service_items"],
        {(row.item_code, code) for _, row in tables["materials"].rows for code in _codes(row)},
    )
    return warnings


def _codes(row: Any) -> tuple[str, ...]:
    return row.category_code or ()


def _check_references(tables: Tables) -> None:
    """Counters sit in known regions; overrides and restrictions are of lines and categories."""
    counters, overrides, limits = (
        tables["counters"],
        tables["overrides"],
        tables["restrictions"],
    )
    for line, row in counters.rows:
        refer(counters, line, "region_code", row.region_code, tables["regions"])
    materials = tables["materials"]
    for line, row in overrides.rows:
        key = (row.item_code, str(row.material_no))
        if materials.complete and key not in materials.keys:
            reason = f"{row.item_code} has no line {row.material_no}"
            overrides.report(line, "material_no", FaultCode.UNKNOWN, reason)
    for line, row in limits.rows:
        refer(limits, line, "category_code", row.category_code, tables["categories"])


def _check_bundles(table: Table[Any], items: Table[Any]) -> None:
    """Members are items or bundles; no bundle is within itself, and none is too large."""
    bundles = {row.code: row.members for _, row in table.rows}
    for line, row in table.rows:
        if (row.code,) in items.keys:
            table.report(line, "code", FaultCode.DUPLICATE, f"{row.code} is a service item")
        unknown = [one for one in row.members if not _is_member(one, table, items)]
        if unknown and items.complete:
            reason = f"{', '.join(unknown)} is neither an item nor a bundle"
            table.report(line, "members", FaultCode.UNKNOWN, reason)
    ordered = _members_first(bundles)
    sizes = _item_counts(bundles, ordered)
    for line, row in table.rows:
        if row.code not in sizes:
            reason = f"{row.code} leads back to itself"
            table.report(line, "members", FaultCode.CYCLE, reason)
        elif sizes[row.code] > MAX_BUNDLE_ITEMS:
            reason = f"{sizes[row.code]} items, where {MAX_BUNDLE_ITEMS} are taken"
            table.report(line, "members", FaultCode.TOO_MANY, reason)


def _is_member(code: str, bundles: Table[Any], items: Table[Any]) -> bool:
    return (code,) in items.keys or (code,) in bundles.keys


def _members_first(bundles: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return the bundles in an order in which members come before what holds them.

    Those in a cycle, and those that lead to one, are left out.  Linear in all members.
    """
    waiting = {code: sum(one in bundles for one in of) for code, of in bundles.items()}
    holders: dict[str, list[str]] = {}
    for code, members in bundles.items():
        for one in members:
            holders.setdefault(one, []).append(code)
    ordered = [code for code, count in waiting.items() if not count]
    for code in ordered:
        for holder in holders.get(code, ()):
            waiting[holder] -= 1
            if not waiting[holder]:
                ordered.append(holder)
    return ordered


def _item_counts(bundles: Mapping[str, tuple[str, ...]], ordered: list[str]) -> Mapping[str, int]:
    """Return how many items each ordered bundle has, repeated ones counted each time."""
    counts: dict[str, int] = {}
    for code in ordered:
        # Bundles of bundles multiply, so what is too many is not counted further.
        total = sum(counts.get(member, 1) for member in bundles[code])
        counts[code] = min(total, MAX_BUNDLE_ITEMS + 1)
    return counts


def faults_in_order(tables: Tables) -> Iterator[DomainFault]:
    """Yield every fault: by file, line and column."""
    return chain.from_iterable(
        sorted(table.faults, key=lambda fault: (fault.line, fault.column))
        for table in tables.values()
    )
