"""Check the rows of a sheet; return the certificates to seal, or every fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from certledger.ledger.sealing.attachments import Paper, Papers, PaperUnusableError
from certledger.ledger.sealing.progress import Progress, unwatched
from certledger.ledger.sealing.sheet_faults import SheetFault, SheetFaultCode, SheetInvalidError
from certledger.ledger.sealing.sheets import LIST_MARK, SheetRow
from certledger.ledger.sealing.text import refusal_of
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.catalog import Catalog, Entry
from certledger.verifier.formats.issuer_state import MAX_BATCH_CERTIFICATES
from certledger.verifier.formats.presentation import parse_holder_key
from certledger.verifier.formats.record import (
    DAY,
    MAX_DIGESTS,
    MAX_VALUE_CHARACTERS,
    NUMBER,
    normal_number,
)

ISSUE_FIELD, EXPIRY_FIELD, BODY_FIELD = "issue_date", "expiry_date", "issuing_body"
"""Fields whose values must agree with the record and the issuer's registration."""
OWN_COLUMNS = frozenset(
    {"category", "number", "issued", "expires", "replaces", "holder_key", "documents"}
)
"""The columns that are not fields of a category; `number` is short for `certificate_number`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuedEdition:
    """The newest edition of a certificate that an issuer has issued."""

    index: int
    edition: int


class Issued(Protocol):
    """What an issuer has issued so far."""

    def newest(self, category: str, number: str) -> IssuedEdition | None:
        """Return the newest edition under a number in normal form, or None."""


class NothingIssued:
    """An issuer that has issued nothing yet."""

    def newest(self, category: str, number: str) -> IssuedEdition | None:
        """Return None."""
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Issue:
    """A checked certificate, ready to be sealed.

    Attributes:
        number: in normal form; what the field `certificate_number` discloses.
        fields: the values of the entry's other fields by name, absent ones left out.
        holder_key: the holder's public key as text, None if the certificate is unbound.
    """

    entry: Entry
    number: str
    fields: Mapping[str, str]
    issued: date
    expires: date | None
    edition: int = 0
    replaces: int | None = None
    holder_key: str | None = None
    papers: tuple[Paper, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckContext:
    """What rows are checked against.

    Attributes:
        first: index of the first row's certificate.
        category: of rows without one.
        papers: the documents that rows name.
        name: the issuer's name, which the field `issuing_body` must have; None leaves it unchecked.
        most: rows at most.
    """

    catalog: Catalog
    issued: Issued
    first: int
    papers: Papers
    category: str | None = None
    name: str | None = None
    most: int = MAX_BATCH_CERTIFICATES


def check_rows(
    rows: Sequence[SheetRow], desk: CheckContext, watch: Progress = unwatched
) -> list[Issue]:
    """Check `rows`; return their certificates, in order.

    Raises:
        SheetInvalidError: with every fault of every row.
    """
    work = _Work(desk=desk)
    if len(rows) > desk.most:
        reason = f"{len(rows)} rows, at most {desk.most} are sealed as one batch"
        work.fault(rows[0].file, 0, "", SheetFaultCode.TOO_MANY_ROWS, reason)
    work.check_columns(rows)
    watched = enumerate(watch(rows, "checking rows", len(rows)))
    issues = [work.issue_of(row, desk.first + place) for place, row in watched]
    if work.faults:
        raise SheetInvalidError(sorted(work.faults))
    return [issue for issue in issues if issue is not None]


@dataclass(kw_only=True, slots=True)
class _Work:
    desk: CheckContext
    faults: list[SheetFault] = field(default_factory=list)
    seen: dict[tuple[str, str], IssuedEdition] = field(default_factory=dict)
    entries: dict[str, Entry | None] = field(default_factory=dict)

    def fault(self, file: str, row: int, column: str, code: SheetFaultCode, reason: str) -> None:
        self.faults.append(SheetFault(file=file, row=row, column=column, code=code, reason=reason))

    def check_columns(self, rows: Sequence[SheetRow]) -> None:
        known = {name for entry in self.desk.catalog.entries for name in entry.fields}
        known |= OWN_COLUMNS
        reported: set[str] = set()
        for row in rows:
            for name in row.cells.keys() - known - reported:
                reported.add(name)
                reason = f"{name!r} is a field of no category in the catalog"
                self.fault(row.file, row.number, name, SheetFaultCode.HEADER, reason)

    def entry_of(self, category: str) -> Entry | None:
        if category not in self.entries:
            self.entries[category] = self.desk.catalog.newest(category)
        return self.entries[category]

    def issue_of(self, row: SheetRow, index: int) -> Issue | None:
        before = len(self.faults)
        category = row.cells.get("category", self.desk.category)
        entry = self.entry_of(category) if category else None
        if entry is None:
            named = f"{category!r} is not in the body's catalog" if category else "none is named"
            self.fault(row.file, row.number, "category", SheetFaultCode.CATEGORY, named)
            return None
        issue = _RowCheck(work=self, row=row, entry=entry, index=index).issue()
        return issue if len(self.faults) == before else None


@dataclass(kw_only=True, slots=True)
class _RowCheck:
    """Checks one row against its entry."""

    work: _Work
    row: SheetRow
    entry: Entry
    index: int

    def report(self, column: str, code: SheetFaultCode, reason: str) -> None:
        self.work.fault(self.row.file, self.row.number, column, code, reason)

    def issue(self) -> Issue:
        number = self._number()
        fields = self._fields()
        self._fill_body(fields)
        issued = self._day("issued", ISSUE_FIELD, fields)
        expires = self._day("expires", EXPIRY_FIELD, fields)
        self._check_present(fields)
        self._check_dates(issued, expires)
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
            papers=self._papers(),
        )
        self._check_count(issue)
        return issue

    # Number and fields

    def _number(self) -> str:
        column = NUMBER if NUMBER in self.row.cells else "number"
        typed = self.row.cells.get(column)
        if NUMBER in self.row.cells and "number" in self.row.cells:
            self.report("number", SheetFaultCode.NUMBER, f"the number stands in {NUMBER} too")
        if typed is None:
            self.report(NUMBER, SheetFaultCode.FIELD_MISSING, f"{NUMBER} is missing")
            return ""
        if (reason := refusal_of(typed)) is not None:
            self.report(column, SheetFaultCode.TEXT, reason)
            return ""
        try:
            return normal_number(typed)
        except MalformedError as error:
            self.report(column, SheetFaultCode.NUMBER, f"{typed[:80]!r}: {error}")
            return ""

    def _fields(self) -> dict[str, str]:
        wanted = frozenset(self.entry.fields)
        fields = {}
        for name, value in self.row.cells.items():
            if name in wanted and name != NUMBER:
                self._check_value(name, value)
                fields[name] = value
            elif name not in OWN_COLUMNS and name != NUMBER:
                reason = f"{self.entry.category} has no field {name!r}"
                self.report(name, SheetFaultCode.FIELD_UNKNOWN, reason)
        return fields

    def _fill_body(self, fields: dict[str, str]) -> None:
        name = self.work.desk.name
        if name is None or BODY_FIELD not in self.entry.fields:
            return
        if (typed := fields.setdefault(BODY_FIELD, name)) != name:
            reason = f"{typed[:80]!r}, but the body is registered as {name!r}"
            self.report(BODY_FIELD, SheetFaultCode.BODY_DIFFERS, reason)

    def _check_value(self, name: str, value: str) -> None:
        if (reason := refusal_of(value)) is not None:
            self.report(name, SheetFaultCode.TEXT, reason)
        if len(value) > MAX_VALUE_CHARACTERS:
            reason = f"{len(value)} characters, at most {MAX_VALUE_CHARACTERS}"
            self.report(name, SheetFaultCode.TOO_LONG, reason)

    def _check_present(self, fields: Mapping[str, str]) -> None:
        for name in self.entry.shown:
            if name not in fields:
                reason = f"{name} of {self.entry.category} must be shown, so it must be there"
                self.report(name, SheetFaultCode.FIELD_MISSING, reason)

    # Dates

    def _day(self, column: str, field_name: str, fields: dict[str, str]) -> date | None:
        """Return a day from its own column or from the field; the field is set from the column."""
        own, named = self.row.cells.get(column), fields.get(field_name)
        typed = own or named
        if typed is None:
            if column == "issued":
                self.report(column, SheetFaultCode.DATE_MISSING, "the day of issue is missing")
            return None
        if own and named and own != named:
            reason = f"{own!r}, but {field_name} is {named!r}"
            self.report(column, SheetFaultCode.DATE_DIFFERS, reason)
        day = self._parse_day(column if own else field_name, typed)
        if day is not None and field_name in self.entry.fields:
            fields[field_name] = day.isoformat()
        return day

    def _parse_day(self, column: str, typed: str) -> date | None:
        if DAY.fullmatch(typed):
            try:
                return date.fromisoformat(typed)
            except ValueError:
                pass
        self.report(column, SheetFaultCode.DATE, f"{typed[:40]!r} is no day like 2026-11-24")
        return None

    def _check_dates(self, issued: date | None, expires: date | None) -> None:
        if issued is None:
            return
        latest = self.entry.latest_expiry(issued)
        if expires is None and latest is not None:
            wanted = self.row.cells.get("expires") or self.row.cells.get(EXPIRY_FIELD)
            if wanted is None:
                reason = f"{self.entry.category} expires after {self.entry.months} months at most"
                self.report("expires", SheetFaultCode.DATE_MISSING, reason)
        elif expires is not None and expires < issued:
            reason = f"expires {expires} before issued {issued}"
            self.report("expires", SheetFaultCode.DATES_REVERSED, reason)
        elif expires is not None and latest is not None and expires > latest:
            reason = f"expires {expires}, the catalog allows no later than {latest}"
            self.report("expires", SheetFaultCode.VALIDITY, reason)

    # Editions

    def _edition(self, number: str) -> IssuedEdition | None:
        """Return the edition that this row replaces, None for a first edition."""
        key = (self.entry.category, number)
        current = self.work.seen.get(key) or self.work.desk.issued.newest(*key)
        typed = self.row.cells.get("replaces")
        edition = current.edition + 1 if current else 0
        self.work.seen[key] = IssuedEdition(index=self.index, edition=edition)
        if typed is None:
            if current is not None:
                reason = (
                    f"{self.entry.category} {number} is issued already, as certificate"
                    f" {current.index}; a new edition names it in replaces"
                )
                self.report("replaces", SheetFaultCode.EDITION_TWICE, reason)
            return None
        if current is None or typed.strip() not in (
            str(current.index),
            number,
            self._typed_number(),
        ):
            reason = f"{self.entry.category} {number} has no edition {typed[:80]!r} to replace"
            if current is not None:
                reason += f"; its newest is certificate {current.index}"
            self.report("replaces", SheetFaultCode.EDITION_REPLACES_NOTHING, reason)
        return current

    def _typed_number(self) -> str:
        return self.row.cells.get(NUMBER) or self.row.cells.get("number", "")

    # Holder and documents

    def _holder_key(self) -> str | None:
        typed = self.row.cells.get("holder_key")
        if typed is None:
            return None
        try:
            parse_holder_key(typed)
        except MalformedError as error:
            self.report("holder_key", SheetFaultCode.HOLDER_KEY, str(error))
        return typed

    def _papers(self) -> tuple[Paper, ...]:
        found = []
        for name in self.row.cells.get("documents", "").split(LIST_MARK):
            if not name.strip():
                continue
            try:
                found.append(self.work.desk.papers.find(name.strip()))
            except PaperUnusableError as error:
                code = SheetFaultCode(error.code)
                self.report("documents", code, str(error))
        return tuple(found)

    def _check_count(self, issue: Issue) -> None:
        digests = len(self.entry.fields) + (issue.holder_key is not None) + len(issue.papers)
        if digests > MAX_DIGESTS:
            reason = f"fields, holder key and documents are {digests}, at most {MAX_DIGESTS}"
            self.report("documents", SheetFaultCode.TOO_MANY_DIGESTS, reason)
