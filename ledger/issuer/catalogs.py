"""Catalogs of issuers: entries made from the reference data or read from files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from certledger.ledger.issuer.act_file import Envelope
from certledger.ledger.issuer.folder import IssuerFolder
from certledger.ledger.issuer.signed_acts import sign_statement
from certledger.ledger.issuer.synchronisation import VERSION
from certledger.ledger.keys import Signer
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
from certledger.verifier.files import write_atomically
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
    return Catalog.of([_reference_entry(domain, code) for code in categories])


def _reference_entry(domain: Domain, code: str) -> Entry:
    if code == RECEIPT_ENTRY.category:
        return RECEIPT_ENTRY
    if code in domain.categories:
        return entry_of(domain.categories[code])
    raise MalformedError("catalog.category", f"{code[:40]!r} is no category of the domain data")


def changed_catalog(entries: Sequence[Entry], categories: Iterable[str], domain: Domain) -> Catalog:
    """Return the catalog of `categories`: present entries stay, others are the reference data's.

    Raises:
        MalformedError: a category is in neither.
    """
    wanted = dict.fromkeys(categories)
    present = [one for one in entries if one.category in wanted]
    known = {one.category for one in present}
    added = [_reference_entry(domain, code) for code in wanted if code not in known]
    return Catalog.of([*present, *added])


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


def sign_catalog(
    issuer: IssuerFolder,
    catalog: Catalog,
    signer: Signer,
    *,
    version: int,
    now: int,
    place: Path,
) -> Envelope:
    """Sign a catalog as `version` by the issuer's key, and write the act's file to `place`.

    The registrar of the issuer's region signs next.
    """
    profile = issuer.profile()
    change = catalog_change(catalog, issuer=profile.issuer, version=version, now=now)
    act = sign_statement(change, [signer], profile.ledger)
    envelope = Envelope(act=act, catalog=catalog)
    write_atomically(place, envelope.format())
    issuer.register.add_signed(VERSION, version, str(place))
    return envelope
