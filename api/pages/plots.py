"""Plots of the pages: SVG that the server draws, with attributes only, as the policy demands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 600.0, 160.0
"""The size of a plot in its own units."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlotLine:
    """A line of a plot: its name in the words, its points, and where its last value stands."""

    name: str
    points: str
    last: str
    end: float


def trend_lines(days: Sequence[Mapping[str, float]], names: Sequence[str]) -> Sequence[PlotLine]:
    """Return a line for each of `names`, whose values are percents, one a day.

    Labels at the right end are moved apart, so that equal values can both be read.
    """
    if len(days) < 2:
        return []
    step = WIDTH / (len(days) - 1)
    lines = [
        PlotLine(
            name=name,
            points=" ".join(
                f"{at * step:.1f},{_height(day[name]):.1f}" for at, day in enumerate(days)
            ),
            last=f"{days[-1][name]:.1f}",
            end=_height(days[-1][name]),
        )
        for name in names
    ]
    return _apart(lines)


def _height(percent: float) -> float:
    return HEIGHT - HEIGHT * percent / 100


def _apart(lines: Sequence[PlotLine], gap: float = 16.0) -> Sequence[PlotLine]:
    """Return the lines, from the top, with ends that are at least `gap` apart."""
    found: list[PlotLine] = []
    for line in sorted(lines, key=lambda one: one.end):
        end = max(line.end, found[-1].end + gap) if found else line.end
        found.append(PlotLine(name=line.name, points=line.points, last=line.last, end=end))
    return found
