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

T = TypeVar("T")
LEGAL = "legal"
NO_REGION = "none"
CSV_COLUMNS = ("figure", "dimension", "name", "part", "whole", "percent")


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

    def to_json(self) -> dict[str, Json]:
        """Return both and the share in percent."""
        return {"part": self.part, "percent": percent(self.part, self.whole), "whole": self.whole}


@dataclass(frozen=True, kw_only=True, slots=True)
class CoverageShare:
    """A share with its parts by dimension (department, district, region), and what is missing."""

    total: CoveragePart
    by: Mapping[str, Mapping[str, CoveragePart]]
    missing: Sequence[str]

    def to_json(self) -> dict[str, Json]:
        """Return the share as JSON."""
        parts: dict[str, Json] = {
            dimension: {name: part.to_json() for name, part in sorted(of.items())}
            for dimension, of in self.by.items()
        }
        return {**self.total.to_json(), "by": parts, "missing": list(self.missing)}


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
            "rates": {name: part.to_json() for name, part in self.rates.items()},
            "waiting": {
                "median_to_final_seconds": self.final_seconds,
                "oldest_not_anchored_seconds": self.oldest_seconds,
            },
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
            yield _row(figure, "", "", share.total)
            for dimension, parts in share.by.items():
                for name, part in sorted(parts.items()):
                    yield _row(figure, dimension, name, part)
            for name in share.missing:
                yield figure, "missing", name, "0", "1", "0.0"
        for figure, part in self.rates.items():
            yield _row(figure, "", "", part)
        for outcome, count in self.decisions.items():
            yield "decisions", "outcome", outcome, str(count), str(sum(self.decisions.values())), ""
        yield "oldest_not_anchored_seconds", "", "", str(self.oldest_seconds), "", ""
        yield "median_to_final_seconds", "", "", str(self.final_seconds), "", ""


def _row(figure: str, dimension: str, name: str, part: CoveragePart) -> Sequence[str]:
    share = percent(part.part, part.whole)
    return figure, dimension, name, str(part.part), str(part.whole), share


def coverage(book: Book, activity: Activity, now: int) -> Coverage:
    """Return the figures of a book and its use at `now` (seconds)."""
    named = {code for lines in book.lines.values() for one in lines for code in one.categories}
    items, counters = book.items.values(), book.counters.values()
    shares = {
        "items": _share(
            items,
            lambda item: accepts_electronic(book, item),
            lambda item: item.code,
            {"department": lambda item: item.department.zh},
        ),
        "categories": _share(
            book.categories.values(),
            lambda category: category.code in named,
            lambda category: category.code,
            {
                "department": lambda category: category.department.zh,
                "region": lambda category: _province_of(book, category.department.zh),
            },
        ),
        "counters": _share(
            counters,
            lambda counter: activity.seen.get(counter.code, -1) >= activity.since,
            lambda counter: counter.code,
            {
                "district": lambda counter: counter.region,
                "region": lambda counter: counter.region[:2] + "0000",
                "kind": lambda counter: str(counter.kind),
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
    dimensions: Mapping[str, Callable[[T], str]],
) -> CoverageShare:
    judged = [(one, good(one)) for one in of]
    by = {name: _parts(judged, group) for name, group in dimensions.items()}
    return CoverageShare(
        total=CoveragePart(part=sum(is_good for _, is_good in judged), whole=len(judged)),
        by=by,
        missing=[key(one) for one, is_good in judged if not is_good],
    )


def _parts(
    judged: Sequence[tuple[T, bool]], group: Callable[[T], str]
) -> Mapping[str, CoveragePart]:
    counts: dict[str, tuple[int, int]] = {}
    for one, is_good in judged:
        part, whole = counts.get(name := group(one), (0, 0))
        counts[name] = (part + is_good, whole + 1)
    return {name: CoveragePart(part=part, whole=whole) for name, (part, whole) in counts.items()}


def _province_of(book: Book, department: str) -> str:
    regions = book.issuer_regions
    return regions[department][:2] + "0000" if department in regions else NO_REGION


def _rates(book: Book, items: Iterable[BookItem]) -> Mapping[str, CoveragePart]:
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
