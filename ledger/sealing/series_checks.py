"""What shows only in all certificates of a sheet together: cells dragged down, and outliers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from certledger.ledger.reference_data.field_types import FieldType, field_type
from certledger.ledger.sealing import value_kinds
from certledger.ledger.sealing.issue import Issue
from certledger.ledger.sheets.findings import FindingKind

MIN_DRAGGED_ROWS = 5
"""Rows in which a value goes up by one each from which on it is probably dragged down."""
MAX_WHOLE_DIGITS = 10
MIN_ROWS = 10
"""Rows from which on one that differs from nearly all is an outlier."""
NEARLY_ALL = 0.9
MAX_ISSUE_SPREAD, MIN_ISSUE_DISTANCE = 366, 2 * 366
MAX_TERM_SPREAD, MIN_TERM_DISTANCE = 31, 62
"""Days between which nearly all are, and days from these to an outlier."""


@dataclass(frozen=True, slots=True)
class OddSeries:
    """A finding at a certificate of a sheet, in the column `name`."""

    issue: Issue
    name: str
    kind: FindingKind
    values: Mapping[str, object]


def find_odd_series(issues: Sequence[Issue]) -> Iterator[OddSeries]:
    """Yield where days or quantities are dragged down, and days that nearly all others are not."""
    quantities = sorted(
        {
            name
            for fields in {issue.entry.fields for issue in issues}
            for name in fields
            if field_type(name) in (FieldType.QUANTITY, FieldType.AMOUNT)
        }
    )
    yield from _dragged(issues, "issued", _issue_day)
    yield from _dragged(issues, "expires", _expiry_day)
    for name in quantities:
        yield from _dragged(issues, name, partial(_whole_field, name))
    for issue, usual in _outliers(issues, _issue_day, MAX_ISSUE_SPREAD, MIN_ISSUE_DISTANCE):
        day = issue.issued + timedelta(days=usual - issue.issued.toordinal())
        yield OddSeries(
            issue, "issued", value_kinds.DATE_OUTLIER, {"value": issue.issued, "usual": day}
        )
    by_category: dict[str, list[Issue]] = {}
    for issue in issues:
        by_category.setdefault(issue.entry.category, []).append(issue)
    for alike in by_category.values():
        for issue, usual in _outliers(alike, _term, MAX_TERM_SPREAD, MIN_TERM_DISTANCE):
            values = {"value": issue.expires, "days": _term(issue), "usual": usual}
            yield OddSeries(issue, "expires", value_kinds.TERM_OUTLIER, values)


def _issue_day(issue: Issue) -> int:
    return issue.issued.toordinal()


def _expiry_day(issue: Issue) -> int | None:
    return None if issue.expires is None else issue.expires.toordinal()


def _term(issue: Issue) -> int | None:
    return None if issue.expires is None else (issue.expires - issue.issued).days


def _whole_field(name: str, issue: Issue) -> int | None:
    text = issue.fields.get(name, "")
    return int(text) if text.isdecimal() and len(text) < MAX_WHOLE_DIGITS else None


def _dragged(
    issues: Sequence[Issue], name: str, value_of: Callable[[Issue], int | None]
) -> Iterator[OddSeries]:
    """Yield the first certificate of each run of rows in which a value goes up by one."""
    begin, before = 0, None
    for at in range(len(issues) + 1):
        value = value_of(issues[at]) if at < len(issues) else None
        if value is not None and before is not None and value == before + 1:
            before = value
            continue
        if at - begin >= MIN_DRAGGED_ROWS and before is not None:
            values = {"count": at - begin, "last": issues[at - 1].row}
            yield OddSeries(issues[begin], name, value_kinds.DRAGGED, values)
        begin, before = at, value


def _outliers(
    issues: Sequence[Issue], value_of: Callable[[Issue], int | None], spread: int, distance: int
) -> Iterator[tuple[Issue, int]]:
    """Yield certificates whose value is far from those of nearly all, with the common one."""
    values = sorted(value for value in map(value_of, issues) if value is not None)
    if len(values) < MIN_ROWS:
        return
    aside = round(len(values) * (1 - NEARLY_ALL) / 2)
    low, high = _narrowest(values, len(values) - 2 * aside - (aside == 0))
    if high - low > spread:
        return
    for issue in issues:
        value = value_of(issue)
        if value is not None and not low - distance <= value <= high + distance:
            yield issue, low


def _narrowest(values: Sequence[int], count: int) -> tuple[int, int]:
    """Return the ends of the narrowest range that has `count` of sorted values."""
    return min(
        ((values[at], values[at + count - 1]) for at in range(len(values) - count + 1)),
        key=lambda ends: ends[1] - ends[0],
    )
