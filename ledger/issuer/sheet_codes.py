"""Draw access codes and short links into a sheet, before its documents are made."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from certledger.ledger.issuer.folder import IssuerFolder
from certledger.ledger.reference_data.field_types import FieldType
from certledger.ledger.sealing import value_kinds
from certledger.ledger.sealing.access_codes import (
    ACCESS_CODE,
    SHORT_LINK,
    read_code,
    read_number,
)
from certledger.ledger.sealing.field_values import ValueReader
from certledger.ledger.sealing.sheet_columns import catalog_columns, own_columns
from certledger.ledger.sheets import finding_kinds as kinds
from certledger.ledger.sheets.cells import CellValue
from certledger.ledger.sheets.column_names import ColumnNames
from certledger.ledger.sheets.filled_columns import FilledColumn, fill_columns
from certledger.ledger.sheets.findings import FindingKind, Findings, Grade, SheetInvalidError
from certledger.ledger.sheets.reader import (
    JSON_SUFFIXES,
    Sheet,
    SheetRow,
    parse_sheet,
    read_bytes,
    report_cell,
)
from certledger.ledger.sheets.totals import total_of
from certledger.verifier.formats.record import NUMBER, access_code, printed_code
from certledger.verifier.formats.short_link import ShortLink

ENTROPY = 10
"""Random bytes of an access code."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SheetWithCodes:
    """A sheet's file with codes and links in it; `drawn` of `rows` codes are new."""

    data: bytes
    rows: int
    drawn: int


def draw_codes(
    issuer: IssuerFolder, path: Path, server: str, *, tab: str | None = None
) -> SheetWithCodes:
    """Return the file of an issuer's sheet with a code and a link to `server` in every row.

    The issuer's register learns the address: sealing takes no links that lead elsewhere.

    Raises:
        SheetInvalidError, LinkImpossibleError: as `add_codes`.
    """
    address = server.rstrip("/")
    made = add_codes(path, catalog_columns(issuer.catalog()), address, tab=tab)
    issuer.register.put_link_address(address)
    return made


def add_codes(
    path: Path,
    names: ColumnNames,
    address: str,
    *,
    tab: str | None = None,
    random: Callable[[int], bytes] = os.urandom,
) -> SheetWithCodes:
    """Return the file of a sheet with an access code and a short link in every row.

    Codes that are there stay; links are made anew, for the number that the row has now.

    Raises:
        SheetInvalidError: the sheet has faults of form, or numbers or codes that are none.
        LinkImpossibleError: `address` is none that a short link can have.
    """
    findings = Findings(file=path.name.encode("utf-8", "replace").decode())
    suffix = path.suffix.lower()
    if suffix in JSON_SUFFIXES:
        raise findings.fail(kinds.UNREADABLE, why="codes are drawn into CSV and XLSX files")
    data = read_bytes(path, findings)
    sheet = parse_sheet(data, suffix, findings, names, tab=tab)
    codes, links, drawn = {}, {}, 0
    for row in sheet.rows:
        number, code = _read_row(row, findings)
        if number:
            drawn += code is None
            known = code or access_code(random(ENTROPY))
            codes[row.number] = printed_code(known)
            links[row.number] = ShortLink(number=number, code=known).format(address)
    if findings.has_fault():
        raise SheetInvalidError(findings)
    columns = [
        FilledColumn(name, _header(sheet, name), texts)
        for name, texts in ((ACCESS_CODE, codes), (SHORT_LINK, links))
    ]
    filled = fill_columns(data, sheet, columns, tab=tab)
    _check(filled, suffix, sheet, columns, names, tab)
    return SheetWithCodes(data=filled, rows=len(codes), drawn=drawn)


def _read_row(row: SheetRow, findings: Findings) -> tuple[str | None, str | None]:
    """Return number and access code of a row; what is wrong with them is reported."""
    reader = ValueReader(accepts=findings.accepts, today=date.max)

    def report(column: str, kind: FindingKind, /, **values: object) -> None:
        if kind.grade is Grade.FAULT:  # Questions are asked when the sheet is sealed.
            report_cell(findings, row, column, kind, **values)

    def read(column: str, value: CellValue, kind: FieldType, /) -> str | None:
        return reader.read(value, kind, lambda found, /, **v: report(column, found, **v))

    if total_of(row) is not None:
        return None, None  # No certificate; it is asked about when the sheet is sealed.
    number = read_number(row.cells, read, report)
    if number is None:
        report(NUMBER, value_kinds.NUMBER_MISSING)
    return number, read_code(row.cells, read, report)


def _header(sheet: Sheet, name: str) -> str:
    """Return the header of a new column, in the language of the others."""
    column = own_columns()[name]
    headers = [one.header for one in sheet.columns if one.name]
    if any(not one.isascii() for one in headers):
        return column.label_zh
    return name if all(one == one.lower() for one in headers) else column.en[0]


def _check(
    data: bytes,
    suffix: str,
    before: Sheet,
    columns: Sequence[FilledColumn],
    names: ColumnNames,
    tab: str | None,
) -> None:
    """Read the file that was made, and compare every cell.

    Raises:
        SheetInvalidError: another cell would have changed.
    """
    findings = Findings(file=before.file)
    after = parse_sheet(data, suffix, findings, names, tab=tab)
    texts = {column.name: column.texts for column in columns}
    wanted = []
    for row in before.rows:
        added = {name: texts[name][row.number] for name in texts if row.number in texts[name]}
        wanted.append((row.number, {**row.cells, **added}))
    if [(row.number, dict(row.cells)) for row in after.rows] != wanted:
        raise findings.fail(kinds.UNREADABLE, why="its form does not take new cells")
