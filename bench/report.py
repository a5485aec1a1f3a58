"""One measured figure, how it is taken, and how it is told."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import median

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Target:
    """What a row must reach: a bound on its `value` or on its `ratio` to the baseline."""

    bound: float
    of: str
    least: bool

    def __str__(self) -> str:
        return f"{self.of} {'≥' if self.least else '≤'} {self.bound:,g}"


def at_least(bound: float, of: str = "value") -> Target:
    """Return the target that `of` (value or ratio) is not below `bound`."""
    return Target(bound, of, least=True)


def at_most(bound: float, of: str = "value") -> Target:
    """Return the target that `of` (value or ratio) is not above `bound`."""
    return Target(bound, of, least=False)


@dataclass(frozen=True, slots=True)
class Row:
    """A figure: `baseline` is in the same unit and from the same run, `ratio` value over baseline.

    `target` is None for what is only watched.
    """

    name: str
    value: float
    unit: str
    baseline: float
    ratio: float
    target: Target | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None where there is none."""
        if self.target is None:
            return None
        measured = self.ratio if self.target.of == "ratio" else self.value
        bound = self.target.bound
        return measured >= bound if self.target.least else measured <= bound

    def to_json(self) -> str:
        """Return the row as one line of JSON."""
        target = None if self.target is None else str(self.target)
        return json.dumps({**asdict(self), "target": target, "met": self.met}, ensure_ascii=False)


def seconds(rounds: int, *works: Callable[[], object]) -> list[float]:
    """Return the median seconds of each of `works` over `rounds`.

    They take turns within a round, so that other load on the machine falls on all alike.
    """
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for times, work in zip(taken, works, strict=True):
            began = time.perf_counter()
            work()
            times.append(time.perf_counter() - began)
    return [median(times) for times in taken]


def rates(
    count: int, rounds: int, work: Callable[[], object], baseline: Callable[[], object]
) -> tuple[float, float]:
    """Return how many a second `work` and `baseline` do, each of which does `count` of them."""
    mine, bare = seconds(rounds, work, baseline)
    return count / mine, count / bare


def print_table(rows: Iterable[Row], console: Console) -> None:
    """Print the rows for people."""
    table = Table("name", "value", "unit", "baseline", "ratio", "target", "met")
    for column in table.columns[1:]:
        column.justify = "right"
    verdicts = {True: "yes", False: "NO", None: ""}
    for row in rows:
        numbers = [f"{row.value:,.4g}" if row.value < 1000 else f"{row.value:,.0f}"]
        bare = f"{row.baseline:,.4g}" if row.baseline < 1000 else f"{row.baseline:,.0f}"
        numbers += [row.unit, bare, f"{row.ratio:.3f}"]
        table.add_row(row.name, *numbers, str(row.target or ""), verdicts[row.met])
    console.print(table)


def missed(rows: Sequence[Row]) -> list[str]:
    """Return the names of the rows that do not reach their target."""
    return [row.name for row in rows if row.met is False]
