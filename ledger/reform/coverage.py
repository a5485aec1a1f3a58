"""The reform's figures: three shares of 100 percent with what is missing, and rates."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median_low
from typing import TypeVar

from certledger.ledger.reform.book_files import guard
from certledger.verifier.formats.canonical_json import Json
from certledger.verifier.reform.book import ApplicantKind, Book, BookItem, ServiceCounter
from certledger.verifier.reform.exemptions import count_exempt, percent
from certledger.verifier.reform.operator_record import PERSON

T = TypeVar("T")
LEGAL = "legal"
NO_REGION = NO_DEPARTMENT = "none"
DIMENSIONS = ("department", "district", "region", "kind")
"""What shares are divided by; only counters have a kind."""
CSV_COLUMNS = ("figure", "dimension", "name", "part", "whole", "percent", *DIMENSIONS)
"""Columns of the table; the dimensions are those of a thing that is missing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Activity:
    """What the store knows of use.

    Attributes:
        seen: second at which each counter asked last, by code; only those that ever did.
        since: second from which a counter counts as connected and decisions are counted.
        decisions: how many decisions there were since, by outcome.
        oldest: second at which the oldest act that waits was accepted, None where none waits.
        waits: seconds from acceptance to a final block of the newest final acts.
    """

    seen: Mapping[str, int] = field(default_factory=dict)
    since: int = 0
    decisions: Mapping[str, int] = field(default_factory=dict)
    oldest: int | None = None
    waits: Sequence[int] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class CoveragePart:
    """So many of so many."""

    part: int
    whole: int

    @property
    def percent(self) -> str:
        """The share in percent; nothing of nothing has reached nothing."""
        return percent(self.part, self.whole or 1)

    def to_json(self) -> dict[str, Json]:
        """Return both and the share in percent."""
        return {"part": self.part, "percent": self.percent, "whole": self.whole}


@dataclass(frozen=True, kw_only=True, slots=True)
class CoverageGroup(CoveragePart):
    """So many of a department, district, region or kind, and the codes of what is missing."""

    missing: Sequence[str]

    def to_json(self) -> dict[str, Json]:
        """Return the share as JSON."""
        return {**CoveragePart.to_json(self), "missing": list(self.missing)}


@dataclass(frozen=True, kw_only=True, slots=True)
class CoverageShare:
    """A share with its parts by dimension; `lacking` has what is missing, and its groups."""

    total: CoveragePart
    by: Mapping[str, Mapping[str, CoverageGroup]]
    lacking: Mapping[str, Mapping[str, str]]

    @property
    def missing(self) -> Sequence[str]:
        """The codes of what is missing."""
        return list(self.lacking)

    def to_json(self) -> dict[str, Json]:
        """Return the share as JSON."""
        parts: dict[str, Json] = {
            dimension: {name: part.to_json() for name, part in sorted(of.items())}
            for dimension, of in self.by.items()
        }
        return {**self.total.to_json(), "by": parts, "missing": self.missing}


@dataclass(frozen=True, kw_only=True, slots=True)
class Coverage:
    """The figures of one instant (seconds)."""

    at: int
    shares: Mapping[str, CoverageShare]
    rates: Mapping[str, CoveragePart]
    decisions: Mapping[str, int]
    oldest_seconds: int
    final_seconds: int

    def to_json(self) -> dict[str, Json]:
        """Return the figures as JSON."""
        return {
            **{name: share.to_json() for name, share in self.shares.items()},
            "decisions": dict(self.decisions),
            "rates": {name: part.to_json() for name, part in self.all_rates.items()},
            "waiting": dict(self.waiting),
        }

    @property
    def outcomes(self) -> Mapping[str, CoveragePart]:
        """How many of all decisions have each outcome."""
        whole = sum(self.decisions.values())
        return {
            outcome: CoveragePart(part=part, whole=whole)
            for outcome, part in self.decisions.items()
        }

    @property
    def all_rates(self) -> Mapping[str, CoveragePart]:
        """The rates of the book, and how often a person had to decide."""
        return {**self.rates, "by_person": self.outcomes.get(PERSON, CoveragePart(part=0, whole=0))}

    @property
    def waiting(self) -> Mapping[str, int]:
        """Times in seconds."""
        return {
            "median_to_final_seconds": self.final_seconds,
            "oldest_not_anchored_seconds": self.oldest_seconds,
        }

    def to_csv(self) -> str:
        """Return the figures as CSV: a row a figure, then a row for each thing that is missing."""
        out = io.StringIO(newline="")
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(CSV_COLUMNS)
        for row in self._rows():
            writer.writerow([guard(cell) for cell in row])
        return out.getvalue()

    def _rows(self) -> Iterable[Sequence[str]]:
        for figure, share in self.shares.items():
            yield _row(figure, share.total)
            for dimension, parts in share.by.items():
                for name, group in sorted(parts.items()):
                    yield _row(figure, group, dimension, name)
            for name, groups in share.lacking.items():
                within = [groups.get(one, "") for one in DIMENSIONS]
                yield figure, "missing", name, "0", "1", "0.0", *within
        for figure, part in self.all_rates.items():
            yield _row(figure, part)
        total = str(sum(self.decisions.values()))
        for outcome, count in self.decisions.items():
            yield "decisions", "outcome", outcome, str(count), total, "", *_NOWHERE
        for figure, seconds in self.waiting.items():
            yield figure, "", "", str(seconds), "", "", *_NOWHERE


_NOWHERE = ("",) * len(DIMENSIONS)


def _row(figure: str, part: CoveragePart, dimension: str = "", name: str = "") -> Sequence[str]:
    counts = str(part.part), str(part.whole), part.percent
    return figure, dimension, name, *counts, *_NOWHERE


def coverage(book: Book, activity: Activity, now: int) -> Coverage:
    """Return the figures of a book and its use at `now` (seconds)."""
    named = {code for lines in book.lines.values() for one in lines for code in one.categories}
    items, counters = book.items.values(), book.counters.values()
    shares = {
        "items": _share(
            items,
            lambda item: accepts_electronic(book, item),
            lambda item: item.code,
            lambda item: _groups_of_department(book, item.department.zh),
        ),
        "categories": _share(
            book.categories.values(),
            lambda category: category.code in named,
            lambda category: category.code,
            lambda category: _groups_of_department(book, category.department.zh),
        ),
        "counters": _share(
            counters,
            lambda counter: activity.seen.get(counter.code, -1) >= activity.since,
            lambda counter: counter.code,
            lambda counter: {
                "department": counter.department or NO_DEPARTMENT,
                **_groups_of_region(counter.region),
                "kind": str(counter.kind),
            },
        ),
    }
    return Coverage(
        at=now,
        shares=shares,
        rates=_rates(book, items),
        decisions=dict(activity.decisions),
        oldest_seconds=0 if activity.oldest is None else max(now - activity.oldest, 0),
        final_seconds=median_low(activity.waits) if activity.waits else 0,
    )


def accepts_electronic(book: Book, item: BookItem) -> bool:
    """Return whether any line of an item's list is met by an electronic certificate."""
    return any(line.categories for line in book.lines.get(item.code, ()))


def _share(
    of: Iterable[T],
    good: Callable[[T], bool],
    key: Callable[[T], str],
    groups: Callable[[T], Mapping[str, str]],
) -> CoverageShare:
    counts: dict[tuple[str, str], int] = {}
    lacking: dict[tuple[str, str], list[str]] = {}
    absent: dict[str, Mapping[str, str]] = {}
    total = 0
    for one in of:
        is_good, within = good(one), groups(one)
        total += 1
        if not is_good:
            absent[key(one)] = within
        for group in within.items():
            counts[group] = counts.get(group, 0) + 1
            if not is_good:
                lacking.setdefault(group, []).append(key(one))
    by: dict[str, dict[str, CoverageGroup]] = {}
    for group, whole in counts.items():
        of_group = lacking.get(group, [])
        by.setdefault(group[0], {})[group[1]] = CoverageGroup(
            part=whole - len(of_group), whole=whole, missing=of_group
        )
    share = CoveragePart(part=total - len(absent), whole=total)
    return CoverageShare(total=share, by=by, lacking=absent)


def _groups_of_department(book: Book, department: str) -> Mapping[str, str]:
    """Return department, district and region; the last two are where the book's issuers sit."""
    region = book.issuer_regions.get(department)
    where = {"district": NO_REGION, "region": NO_REGION}
    return {"department": department, **(where if region is None else _groups_of_region(region))}


def _groups_of_region(region: str) -> Mapping[str, str]:
    return {"district": region, "region": region[:2] + "0000"}


def _rates(book: Book, items: Iterable[BookItem]) -> dict[str, CoveragePart]:
    listed = list(items)
    exempt, lines = count_exempt(book, ((item.code, applicant_of(item)) for item in listed))
    return {
        "exempt": CoveragePart(part=exempt, whole=lines),
        "online": CoveragePart(part=sum(item.online for item in listed), whole=len(listed)),
        "city_wide": CoveragePart(part=sum(item.city_wide for item in listed), whole=len(listed)),
        "unattended": CoveragePart(part=sum(item.unattended for item in listed), whole=len(listed)),
    }


def applicant_of(item: BookItem) -> ApplicantKind:
    """Return who mostly applies for an item."""
    return ApplicantKind.COMPANY if item.audience == LEGAL else ApplicantKind.PERSON


def counter_parties(counter: ServiceCounter) -> tuple[str, str]:
    """Return what receipts name as the party of a counter's keys, without and with a region."""
    return f"counter:{counter.code}", f"counter:{counter.region[:2]}:{counter.code}"
