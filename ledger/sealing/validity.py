"""Days of issue and expiry in a row of a sheet, and other fields that are days."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from certledger.ledger.sealing import value_kinds
from certledger.ledger.sealing.access_codes import CellReport
from certledger.ledger.sealing.dates import DayForm, ReadDay, says_no_end
from certledger.ledger.sealing.issue import CheckContext
from certledger.ledger.sealing.sheet_columns import EXPIRY_FIELD, ISSUE_FIELD
from certledger.ledger.sheets.cells import CellValue
from certledger.ledger.sheets.findings import FindingKind
from certledger.verifier.formats.catalog import Entry
from certledger.verifier.slot_init import slot_init

CENTURY = timedelta(days=36_525)
_AT_FOUR = re.compile(r"[T ]16:00(?::00(?:\.0+)?)?$")
_DAY_KINDS: Mapping[DayForm, FindingKind] = {
    DayForm.WITH_ZONE: value_kinds.DATE_ZONE,
    DayForm.IMPOSSIBLE: value_kinds.DATE_IMPOSSIBLE,
    DayForm.UNCLEAR: value_kinds.DATE_AMBIGUOUS,
    DayForm.PARTIAL: value_kinds.DATE_PARTIAL,
    DayForm.NO_DAY: value_kinds.DATE,
}


@slot_init
@dataclass(frozen=True, kw_only=True, slots=True)
class RowDays:
    """Reads the days of one row of a sheet; `read` reads a cell, or reports why it cannot."""

    context: CheckContext
    entry: Entry
    cells: Mapping[str, CellValue]
    read: Callable[[str, CellValue], tuple[str, ReadDay] | None]
    report: CellReport

    def issue_and_expiry(self, fields: dict[str, str]) -> tuple[date | None, date | None]:
        """Return both days, and set the fields that say the same."""
        issued = self._day("issued", ISSUE_FIELD, fields)
        return issued, self._day("expires", EXPIRY_FIELD, fields)

    def field(self, name: str, value: CellValue) -> str | None:
        """Return a day in a field that says neither issue nor expiry; other text is a question."""
        found = self.read(name, value)
        if found is None:
            return None
        text, read = found
        if read.form is DayForm.IMPOSSIBLE:
            self.report(name, value_kinds.DATE_IMPOSSIBLE, value=text)
            return None
        if read.day is None:
            self.report(name, value_kinds.DATE_TEXT, value=text)
            return text
        return self._taken(name, text, read.day, read.form).isoformat()

    def _taken(self, column: str, text: str, day: date, form: DayForm) -> date:
        """Return a day; ask where the text says more than it, or less."""
        if form is DayForm.SERIAL:
            self.report(column, value_kinds.DATE_SERIAL, value=text, sealed=day)
        elif form is DayForm.WITH_TIME:
            kind = value_kinds.DATE_UTC if _AT_FOUR.search(text) else value_kinds.DATE_TIME
            self.report(column, kind, value=text, sealed=day)
        return day

    def _day(self, column: str, field_name: str, fields: dict[str, str]) -> date | None:
        """Return a day from its own column or from the field; the field is set from the column."""
        days = {
            name: self._parse(name, self.cells[name])
            for name in (column, field_name)
            if name in self.cells
        }
        if not days and column == "issued":
            self.report(column, value_kinds.DATE_MISSING)
        given = [day for day in days.values() if day is not None]
        if len(given) == 2 and given[0] != given[1]:
            self.report(
                column, value_kinds.DATE_DIFFERS, value=given[0], field=field_name, other=given[1]
            )
        day = given[0] if given else None
        if day is not None and field_name in self.entry.fields:
            fields[field_name] = day.isoformat()
        return day

    def _parse(self, column: str, value: CellValue) -> date | None:
        found = self.read(column, value)
        if found is None:
            return None
        text, read = found
        if read.day is not None:
            return self._taken(column, text, read.day, read.form)
        if column in ("expires", EXPIRY_FIELD) and says_no_end(text):
            if self.entry.months is not None:
                self.report(
                    column,
                    value_kinds.DATE_NO_END,
                    value=text,
                    category=self.entry.category,
                    months=self.entry.months,
                )
            return None
        self.report(column, _DAY_KINDS[read.form], value=text)
        return None

    def check(self, issued: date | None, expires: date | None) -> None:
        """Report days that cannot be, and ask about those that seldom are."""
        if issued is None:
            return
        today = self.context.today
        column = "issued" if "issued" in self.cells else ISSUE_FIELD
        if issued > today:
            self.report(column, value_kinds.DATE_FUTURE, value=issued, today=today)
        elif issued < today - CENTURY:
            self.report(column, value_kinds.DATE_LONG_AGO, value=issued)
        self._check_expiry(issued, expires)

    def _check_expiry(self, issued: date, expires: date | None) -> None:
        latest = self.entry.latest_expiry(issued)
        column = EXPIRY_FIELD if EXPIRY_FIELD in self.cells else "expires"
        if expires is None:
            if latest is not None and column not in self.cells:
                category, months = self.entry.category, self.entry.months
                self.report(column, value_kinds.DATE_END_MISSING, category=category, months=months)
        elif expires < issued:
            self.report(column, value_kinds.DATES_REVERSED, expires=expires, issued=issued)
        elif latest is not None and expires > latest:
            self.report(column, value_kinds.VALIDITY, expires=expires, latest=latest)
        elif expires < (today := self.context.current_day):
            self.report(column, value_kinds.DATE_EXPIRED, expires=expires, today=today)
        elif expires > self.context.today + CENTURY:
            self.report(column, value_kinds.DATE_FAR, value=expires)
