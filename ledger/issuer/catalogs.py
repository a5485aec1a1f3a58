"""Catalogs of issuers: entries made from the reference data or read from files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from certledger.ledger.reference_data import Category, Domain
from certledger.ledger.sealing.batch import LIFE
from certledger.ledger.sheets import finding_kinds as kinds
from certledger.ledger.sheets.cells import display
from certledger.ledger.sheets.findings import Findings
from certledger.ledger.sheets.reader import (
    LIST_MARK,
    MAX_SHEET_BYTES,
    SheetRow,
    read_rows,
    report_cell,
)
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.canonical_json import Json, parse
from certledger.verifier.formats.catalog import Catalog, Entry
from certledger.verifier.formats.statements import CatalogChange
from certledger.verifier.verify.receipt import RECEIPT_ENTRY

LAG_DAYS = 30
"""Default days between issue and anchoring after which verifiers warn."""
_NUMBERS = frozenset({"version", "months", "lag_days"})
_LISTS = frozenset({"fields", "shown"})


def entry_of(category: Category, version: int = 1, *, lag_days: int = LAG_DAYS) -> Entry:
    """Return the catalog entry of a category of the reference data.

    Raises:
        MalformedError: the version is out of range.
    """
    entry = Entry(
        category=category.code,
        version=version,
        kind=category.kind,
        holder=category.holder,
        name_zh=category.name_zh,
        name_en=category.name_en,
        fields=category.fields,
        shown=category.must_show[1:],
        months=category.validity_months,
        lag_days=lag_days,
    )
    return Entry.from_json(entry.to_json())


def catalog_of(domain: Domain, categories: Iterable[str]) -> Catalog:
    """Return the catalog of categories, of the reference data or the operator's, in version 1.

    Raises:
        MalformedError: a category is unknown or occurs twice.
    """
    entries = []
    for code in categories:
        if code == RECEIPT_ENTRY.category:
            entries.append(RECEIPT_ENTRY)
        elif code in domain.categories:
            entries.append(entry_of(domain.categories[code]))
        else:
            raise MalformedError(
                "catalog.category", f"{code[:40]!r} is no category of the domain data"
            )
    return Catalog.of(entries)


def read_catalog(path: Path) -> Catalog:
    """Read a catalog from a file: a JSON list of entries, or a sheet with one entry a row.

    A sheet has the columns `category`, `version`, `kind`, `holder`, `name_zh`, `name_en`,
    `fields` and `shown` (names separated by `;`), `months` (empty for no limit), `lag_days`.

    Raises:
        MalformedError: not JSON, or an invalid entry.
        SheetInvalidError: with every fault of the sheet.
    """
    if path.suffix.lower() == ".json":
        try:
            return Catalog.from_json(parse(path.read_bytes(), MAX_SHEET_BYTES))
        except OSError as error:
            raise MalformedError(
                "catalog.file", f"{path} cannot be read: {error.strerror}"
            ) from error
    findings = Findings(file=path.name)
    entries = [_entry_in(row, findings) for row in read_rows(path)]
    findings.raise_any()
    return Catalog.of([entry for entry in entries if entry is not None])


def _entry_in(row: SheetRow, findings: Findings) -> Entry | None:
    value: dict[str, Json] = {"lag_days": LAG_DAYS, "type": Entry.TYPE, "version": 1}
    for name, stored in row.cells.items():
        cell = display(stored)
        if name in _NUMBERS and cell.isascii() and cell.isdecimal():
            value[name] = int(cell[:9])
        elif name in _LISTS:
            value[name] = [part.strip() for part in cell.split(LIST_MARK) if part.strip()]
        else:
            value[name] = cell
    try:
        return Entry.from_json(value)
    except MalformedError as error:
        column = str(error).partition(".")[2].partition(" ")[0]
        place = column if column in row.cells else ""
        report_cell(findings, row, place, kinds.ENTRY, why=error)
        return None


def catalog_change(catalog: Catalog, *, issuer: str, version: int, now: int) -> CatalogChange:
    """Return the statement that puts `catalog` into force as `version`."""
    return CatalogChange(
        issuer=issuer.encode("ascii"),
        version=version,
        root=catalog.root(),
        not_after=now + LIFE,
    )
