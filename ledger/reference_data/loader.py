"""Load the reference data; every fault is reported at once."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from certledger.ledger.reference_data import checks, schemas
from certledger.ledger.reference_data.csv_reader import Table, read_table
from certledger.ledger.reference_data.faults import DomainInvalidError
from certledger.ledger.reference_data.model import Domain, Material

Row = TypeVar("Row")

PACKAGED = Path(__file__).parent


def load_domain(folder: Path | None = None) -> Domain:
    """Return the domain data of `folder`, or the packaged data, read once a process.

    Raises:
        DomainInvalidError: anything is wrong; its `faults` name file, line, column, code and
            reason.
    """
    return _load_packaged() if folder is None else _load(folder)


@lru_cache(maxsize=1)
def _load_packaged() -> Domain:
    return _load(PACKAGED)


def _load(folder: Path) -> Domain:
    regions = read_table(folder, schemas.REGIONS)
    categories = read_table(folder, schemas.CATEGORIES)
    items = read_table(folder, schemas.SERVICE_ITEMS)
    materials = read_table(folder, schemas.MATERIALS)
    issuers = read_table(folder, schemas.ISSUERS)
    status_codes = read_table(folder, schemas.STATUS_CODES)
    scenarios = read_table(folder, schemas.DELTA_SCENARIOS)
    checks.check_regions(regions)
    checks.check_categories(categories)
    checks.check_items(items)
    checks.check_materials(materials, items, categories, codes_of=_code_of)
    warnings = checks.check_issuers(issuers, regions)
    checks.check_status_codes(status_codes)
    pairs = {(row.item_code, row.category_code) for _, row in materials.rows}
    checks.check_delta_scenarios(scenarios, regions, categories, materials, items, pairs)
    _fail_on_faults((regions, categories, items, materials, issuers, status_codes, scenarios))
    return Domain(
        categories=_by(lambda row: row.code, categories),
        items=_by(lambda row: row.code, items),
        materials=_by_item(materials),
        issuers=_by(lambda row: row.uscc, issuers),
        regions=_by(lambda row: row.code, regions),
        status_codes=_by(lambda row: row.code, status_codes),
        delta_scenarios=_by(lambda row: row.code, scenarios),
        warnings=tuple(warnings),
    )


def _fail_on_faults(tables: Iterable[Table[Any]]) -> None:
    faults = [
        fault
        for table in tables
        for fault in sorted(table.faults, key=lambda fault: (fault.line, fault.column))
    ]
    if faults:
        raise DomainInvalidError(faults)


def _by(key: Callable[[Row], str], table: Table[Row]) -> Mapping[str, Row]:
    return {key(row): row for _, row in table.rows}


def _by_item(table: Table[Material]) -> Mapping[str, tuple[Material, ...]]:
    lines: dict[str, list[Material]] = {}
    for _, row in table.rows:
        lines.setdefault(row.item_code, []).append(row)
    return {
        item: tuple(sorted(rows, key=lambda row: row.material_no)) for item, rows in lines.items()
    }


def _code_of(row: Material) -> tuple[str, ...]:
    return () if row.category_code is None else (row.category_code,)
