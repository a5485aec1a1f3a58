"""Check the rows of a sheet; return the certificates to seal, or every fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache, partial

from certledger.ledger.reference_data.field_types import FieldType, field_type
from certledger.ledger.reference_data.fields import label_zh
from certledger.ledger.sealing import value_kinds
from certledger.ledger.sealing.access_codes import ACCESS_CODE, AccessCodeChecks, read_number
from certledger.ledger.sealing.column_checks import find_misplaced
from certledger.ledger.sealing.dates import ReadDay
from certledger.ledger.sealing.document_checks import DOCUMENTS, DocumentChecks
from certledger.ledger.sealing.edition_checks import EditionChecks, NumberedRow
from certledger.ledger.sealing.field_values import ValueReader
from certledger.ledger.sealing.identity_checks import check_number, check_person, is_code
from certledger.ledger.sealing.issue import CheckContext, Issue, IssuedEdition
from certledger.ledger.sealing.progress import Progress, unwatched
from certledger.ledger.sealing.series_checks import find_odd_series
from certledger.ledger.sealing.sheet_columns import (
    CATEGORY,
    EXPIRY_FIELD,
    ISSUE_FIELD,
    ISSUER_FIELD,
    OWN_COLUMNS,
)
from certledger.ledger.sealing.validity import RowDays
from certledger.ledger.sheets import finding_kinds as kinds
from certledger.ledger.sheets.cells import CellValue, display
from certledger.ledger.sheets.findings import FindingKind, Findings, Grade
from certledger.ledger.sheets.grid import drained
from certledger.ledger.sheets.header import SheetColumn
from certledger.ledger.sheets.reader import SheetRow, report_cell
from certledger.ledger.sheets.totals import total_of
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.catalog import Entry
from certledger.verifier.formats.presentation import parse_holder_key
from certledger.verifier.formats.record import MAX_DIGESTS, NUMBER

MIN_HOLDERS = 3
"""Identity numbers of a sheet from which on they have more than one name."""


def check_rows(
    rows: list[SheetRow],
    context: CheckContext,
    watch: Progress = unwatched,
    findings: Findings | None = None,
    *,
    drain: bool = False,
) -> list[Issue]:
    """Check `rows`; return their certificates, in order.

    `drain` takes each row out of the list before it is checked, so that its memory is free.

    Raises:
        SheetInvalidError: with every fault of every row, and every question that is not accepted.
    """
    if findings is None:
        findings = Findings(file=rows[0].file if rows else "")
    issues = review_rows(rows, context, findings, watch, drain=drain)
    findings.raise_any()
    return issues


def review_rows(
    rows: list[SheetRow],
    context: CheckContext,
    findings: Findings,
    watch: Progress = unwatched,
    *,
    drain: bool = False,
) -> list[Issue]:
    """Return the certificates of the rows without a fault; what is found goes to `findings`."""
    sheet = _SheetCheck(context=context, findings=findings)
    if len(rows) > context.most:
        findings.report(kinds.TOO_MANY_ROWS, count=len(rows), most=context.most)
        return []
    sheet.check_columns(rows)
    columns = rows[0].columns if rows else {}
    issues: list[Issue] = []
    for row in watch(drained(rows) if drain else rows, "checking rows", len(rows)):
        if (text := total_of(row)) is not None:
            findings.report(kinds.ROW_TOTAL, row.number, text=text)
            continue
        issue = sheet.issue_of(row, context.first + len(issues))
        if issue is not None:
            issues.append(issue)
    sheet.check_holders()
    sheet.documents.check_unnamed(findings)
    sheet.check_codes(columns)
    sheet.check_series(issues, columns)
    return issues


@dataclass(kw_only=True, slots=True)
class _SheetCheck:
    """What is known while the rows of one sheet are checked."""

    context: CheckContext
    findings: Findings
    reader: ValueReader = field(init=False)
    entries: dict[str, Entry | None] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    missing: set[tuple[str, str]] = field(default_factory=set)
    swapped: set[tuple[str, str]] = field(default_factory=set)
    holders: dict[str, tuple[int, str]] = field(default_factory=dict)
    documents: DocumentChecks = field(init=False)
    codes: AccessCodeChecks = field(init=False)
    editions: EditionChecks = field(init=False)

    def __post_init__(self) -> None:
        self.reader = ValueReader(accepts=self.findings.accepts, today=self.context.today)
        self.documents = DocumentChecks(papers=self.context.papers)
        self.codes = AccessCodeChecks(
            wanted=ACCESS_CODE in (self.context.columns or ()), addresses=self.context.addresses
        )
        self.editions = EditionChecks(issued=self.context.issued)
        for entry in self.context.catalog.entries:
            for name in (entry.name_zh, entry.name_en, entry.category):
                self.names.setdefault(name.casefold(), entry.category)

    def check_columns(self, rows: Sequence[SheetRow]) -> None:
        known = {name for entry in self.context.catalog.entries for name in entry.fields}
        known |= OWN_COLUMNS
        reported: set[str] = set()
        for row in rows:
            for name in row.cells.keys() - known - reported:
                reported.add(name)
                report_cell(self.findings, row, name, kinds.COLUMN_UNKNOWN, name=name)
        fields = known - OWN_COLUMNS
        names = {name for name in fields if field_type(name) is FieldType.NAME}
        texts = {name for name in fields if field_type(name) is FieldType.TEXT}
        for one in find_misplaced(rows, names - {ISSUER_FIELD}, texts):
            report_cell(
                self.findings,
                one.row,
                one.name,
                kinds.CELLS_MISPLACED,
                value=one.value,
                field=one.home,
                label=label_zh(one.home),
                other=one.other,
            )

    def check_missing(self, entry: Entry) -> None:
        """Report the columns that a category lacks, once for the sheet."""
        columns = self.context.columns
        if columns is None:
            return
        filled = {NUMBER, ISSUE_FIELD, EXPIRY_FIELD}
        if self.context.name is not None:
            filled.add(ISSUER_FIELD)
        if not {NUMBER, "number"} & set(columns):
            self.missing.add((entry.category, NUMBER))
            self.findings.report(value_kinds.NUMBER_MISSING)
        for name in entry.fields:
            if name in filled or (name in columns and (name != CATEGORY or self.context.category)):
                continue
            self.missing.add((entry.category, name))
            kind = value_kinds.FIELD_MISSING if name in entry.shown else kinds.COLUMN_MISSING
            label, category = label_zh(name), entry.category
            self.findings.report(kind, 0, name, field=name, label=label, category=category)

    def entry_of(self, category: str) -> Entry | None:
        if category not in self.entries:
            known = self.names.get(category.casefold())
            self.entries[category] = entry = (known and self.context.catalog.newest(known)) or None
            if entry is not None:
                self.check_missing(entry)
        return self.entries[category]

    def issue_of(self, row: SheetRow, index: int) -> Issue | None:
        entry = self._entry_of_row(row)
        if entry is None:
            return None
        check = _RowCheck(sheet=self, row=row, entry=entry, index=index)
        issue = check.issue()
        return None if check.faulty else issue

    def _entry_of_row(self, row: SheetRow) -> Entry | None:
        given = self.context.category
        entry = self.entry_of(given) if given else None
        if entry is not None and CATEGORY in entry.fields:
            return entry  # The column is the field of that name.
        typed = self._category_text(row)
        if typed is None and CATEGORY in row.cells:
            return None
        if typed is None and given is None:
            report_cell(self.findings, row, CATEGORY, value_kinds.CATEGORY_MISSING)
            return None
        category = typed or given or ""
        entry = self.entry_of(category)
        if entry is None:
            known = ", ".join(one.category for one in self.context.catalog.entries[:10])
            report_cell(
                self.findings, row, CATEGORY, value_kinds.CATEGORY, value=category, known=known
            )
        elif typed is not None and typed != entry.category:
            sealed = entry.category
            report_cell(self.findings, row, CATEGORY, kinds.NORMALISED, typed=typed, sealed=sealed)
        return entry

    def _category_text(self, row: SheetRow) -> str | None:
        value = row.cells.get(CATEGORY)
        if value is None or isinstance(value, str):
            return row.text(CATEGORY)
        report = partial(report_cell, self.findings, row, CATEGORY)
        return self.reader.read(value, FieldType.TEXT, report)

    def check_holders(self) -> None:
        """Ask where all identity numbers of a sheet have one name: another column may be it."""
        names = {name for _, name in self.holders.values()}
        if len(names) == 1 and len(self.holders) >= MIN_HOLDERS:
            count, name = len(self.holders), names.pop()
            kind = value_kinds.IDENTITY_ONE_NAME
            self.findings.report(kind, 0, "holder_name", count=count, name=name)

    def check_series(self, issues: list[Issue], columns: Mapping[str, SheetColumn]) -> None:
        """Ask about what shows only in all certificates together."""
        other = {"issued": ISSUE_FIELD, "expires": EXPIRY_FIELD}
        for odd in find_odd_series(issues):
            row = SheetRow(file=self.findings.file, number=odd.issue.row, cells={}, columns=columns)
            name = odd.name if odd.name in columns else other.get(odd.name, odd.name)
            report_cell(self.findings, row, name, odd.kind, **odd.values)

    def check_codes(self, columns: Mapping[str, SheetColumn]) -> None:
        """Report access codes of earlier batches, as copied from their sheets."""
        used = self.context.used_codes
        for code, (sequence, number) in (used.find(self.codes.rows) if used else {}).items():
            place = self.codes.rows[code]
            row = SheetRow(file=self.findings.file, number=place, cells={}, columns=columns)
            kind = value_kinds.CODE_USED
            report_cell(self.findings, row, ACCESS_CODE, kind, number=number, sequence=sequence)


@lru_cache(maxsize=256)
def _columns_of_kind(fields: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Return the fields that hold identity numbers or credit codes, and those that hold names."""
    codes = [name for name in fields if field_type(name) in (FieldType.IDENTITY, FieldType.USCC)]
    return codes, [name for name in fields if field_type(name) is FieldType.NAME]


@dataclass(kw_only=True, slots=True)
class _RowCheck:
    """Checks one row against its entry."""

    sheet: _SheetCheck
    row: SheetRow
    entry: Entry
    index: int
    faulty: bool = False

    def report(self, column: str, kind: FindingKind, /, **values: object) -> None:
        if kind.grade is Grade.FAULT:
            self.faulty = True
        report_cell(self.sheet.findings, self.row, column, kind, **values)

    def issue(self) -> Issue:
        number = self._number()
        days = RowDays(
            context=self.sheet.context,
            entry=self.entry,
            cells=self.row.cells,
            read=self._read_day,
            report=self.report,
        )
        fields = self._fields(days)
        self._fill_issuer(fields)
        issued, expires = days.issue_and_expiry(fields)
        self._check_present(fields)
        days.check(issued, expires)
        check_person(fields, issued, self.report)
        report = partial(self.report, self.number_column)
        check_number(number, self.entry.category, fields, issued, report)
        current = self._edition(number) if number else None
        issue = Issue(
            entry=self.entry,
            number=number,
            fields=fields,
            issued=issued or date.min,
            expires=expires,
            edition=current.edition + 1 if current else 0,
            replaces=current.index if current else None,
            holder_key=self._holder_key(),
            papers=self.sheet.documents.read(
                self._text(DOCUMENTS) or "", self.row.number, self.report
            ),
            access_code=self.sheet.codes.read(
                self.row.cells, self.row.number, number, self.read, self.report
            ),
            row=self.row.number,
        )
        self._check_count(issue)
        if not self.faulty:
            self._check_holder(fields)
        return issue

    def _check_holder(self, fields: Mapping[str, str]) -> None:
        """Ask where one identity number has two names in a sheet: a column may have slipped."""
        number, name = fields.get("id_number"), fields.get("holder_name")
        if number is None or name is None:
            return
        first, other = self.sheet.holders.setdefault(number, (self.row.number, name))
        if other != name:
            kind = value_kinds.IDENTITY_TWO_NAMES
            self.report("holder_name", kind, value=number, first=first, other=other, name=name)

    def read(self, column: str, value: CellValue, kind: FieldType) -> str | None:
        """Return what would be sealed of a cell, None where it has a fault."""
        return self.sheet.reader.read(value, kind, partial(self.report, column))

    def _read_day(self, column: str, value: CellValue) -> tuple[str, ReadDay] | None:
        return self.sheet.reader.read_day(value, partial(self.report, column))

    def _text(self, column: str) -> str | None:
        """Return the text of a column that is no field; what it holds is checked as it is used."""
        value = self.row.cells.get(column)
        if value is None or isinstance(value, str):
            return self.row.text(column)
        return self.read(column, value, FieldType.TEXT)

    # Number and fields

    def _number(self) -> str:
        number = read_number(self.row.cells, self.read, self.report)
        if number is None:
            if (self.entry.category, NUMBER) not in self.sheet.missing:
                self.report(NUMBER, value_kinds.NUMBER_MISSING)
            self.faulty = True
        return number or ""

    def _fields(self, days: RowDays) -> dict[str, str]:
        wanted = self.entry.fields
        swapped = self._swapped()
        fields = {}
        for name, value in self.row.cells.items():
            if name in (NUMBER, ISSUE_FIELD, EXPIRY_FIELD) or name in swapped:
                continue
            if name in wanted and (name != CATEGORY or self.sheet.context.category):
                kind = field_type(name)
                text = (
                    days.field(name, value)
                    if kind is FieldType.DATE
                    else self.read(name, value, kind)
                )
                if text is not None:
                    fields[name] = text
            elif name not in OWN_COLUMNS:
                self.report(
                    name, value_kinds.FIELD_UNKNOWN, category=self.entry.category, field=name
                )
        return fields

    def _swapped(self) -> frozenset[str]:
        """Return the names of two columns that hold each other's values, and report them once."""
        cells = self.row.cells
        numbers, names = _columns_of_kind(self.entry.fields)
        for number in numbers:
            name_there = cells.get(number)
            if not isinstance(name_there, str) or not name_there.isalpha():
                continue
            for name in names:
                code = cells.get(name)
                if code and is_code(display(code)):
                    self._report_swapped(name, number, display(code), name_there)
                    return frozenset({name, number})
        return frozenset()

    def _report_swapped(self, name: str, number: str, code: str, text: str) -> None:
        self.faulty = True
        if (name, number) not in self.sheet.swapped:
            self.sheet.swapped.add((name, number))
            columns = self.row.columns
            self.report(
                name,
                kinds.COLUMNS_SWAPPED,
                name_column=columns[name].header if name in columns else name,
                number_column=columns[number].header if number in columns else number,
                number=code,
                name=text,
            )

    def _fill_issuer(self, fields: dict[str, str]) -> None:
        name = self.sheet.context.name
        if name is None or ISSUER_FIELD not in self.entry.fields:
            return
        if (typed := fields.setdefault(ISSUER_FIELD, name)) != name:
            self.report(ISSUER_FIELD, value_kinds.ISSUER_DIFFERS, value=typed, name=name)

    def _check_present(self, fields: Mapping[str, str]) -> None:
        category = self.entry.category
        for name in self.entry.fields:
            present = name in fields or name in self.row.cells
            if present or (category, name) in self.sheet.missing:
                self.faulty |= name not in fields and name in self.entry.shown
                continue
            label = label_zh(name)
            if name in self.entry.shown:
                self.report(
                    name, value_kinds.FIELD_MISSING, field=name, label=label, category=category
                )
            elif self.sheet.context.columns is not None and field_type(name) in (
                FieldType.IDENTITY,
                FieldType.USCC,
            ):
                self.report(name, value_kinds.FIELD_EMPTY, field=name, label=label)

    # Editions

    @property
    def number_column(self) -> str:
        return NUMBER if NUMBER in self.row.cells else "number"

    def _edition(self, number: str) -> IssuedEdition | None:
        """Return the edition that this row replaces, None for a first edition."""
        replaces, cells = self._text("replaces"), self.row.cells
        written = (
            display(cells.get(NUMBER) or cells.get("number", "")).strip()
            if replaces is not None
            else ""
        )
        return self.sheet.editions.read(
            NumberedRow(
                category=self.entry.category,
                number=number,
                index=self.index,
                row=self.row.number,
                column=self.number_column,
                written=written,
                replaces=replaces,
            ),
            self.report,
        )

    # Holder and documents

    def _holder_key(self) -> str | None:
        typed = self._text("holder_key")
        if typed is None:
            return None
        try:
            parse_holder_key(typed)
        except MalformedError as error:
            self.report("holder_key", value_kinds.HOLDER_KEY, why=error)
        return typed

    def _check_count(self, issue: Issue) -> None:
        digests = len(self.entry.fields) + (issue.holder_key is not None) + len(issue.papers)
        if digests > MAX_DIGESTS:
            self.report(DOCUMENTS, value_kinds.TOO_MANY_DIGESTS, count=digests, most=MAX_DIGESTS)
