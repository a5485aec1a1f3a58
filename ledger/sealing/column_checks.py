"""Cells that hold what belongs to another column of their row, known from the other rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from certledger.ledger.sheets.reader import SheetRow

MAX_DIFFERENT_VALUES = 1_000
"""Different values of a column that are counted; the first ones, as columns of few have them."""
MIN_REPEATED = 2
"""Rows that have a value in a column from which on it belongs there."""


@dataclass(frozen=True, slots=True)
class Misplaced:
    """A value that rows have in column `home` stands in column `name`; `other` stands there."""

    row: SheetRow
    name: str
    value: str
    home: str
    other: str


def find_misplaced(
    rows: Sequence[SheetRow], names: Collection[str], texts: Collection[str]
) -> Iterator[Misplaced]:
    """Yield the values in columns of names that belong to another one, of `names` or `texts`.

    The other cell holds something else than that column does elsewhere, or, in one of `texts`,
    nothing.
    """
    homes = _homes(rows, [*names, *texts])
    for row in rows:
        for name in names:
            value = row.cells.get(name)
            home = homes.get(value) if isinstance(value, str) else None
            if home is None or name in home:
                continue
            for column in home:
                other = row.cells.get(column, "" if column in texts else None)
                if isinstance(other, str) and other != value and column not in homes.get(other, ()):
                    yield Misplaced(row, name, str(value), column, other)
                    break


def _homes(rows: Sequence[SheetRow], columns: Sequence[str]) -> Mapping[str, Collection[str]]:
    """Return the columns that repeat a value, by the value; where few have it, it is a stranger."""
    counts: dict[str, Counter[str]] = {column: Counter() for column in columns}
    pairs = list(counts.items())
    for row in rows:
        cells = row.cells
        for column, counter in pairs:
            value = cells.get(column)
            known = isinstance(value, str) and (
                value in counter or len(counter) < MAX_DIFFERENT_VALUES
            )
            if known:
                counter[str(value)] += 1
    homes: dict[str, list[str]] = {}
    for value in {value for counter in counts.values() for value in counter}:
        most = max(counter.get(value, 0) for counter in counts.values())
        if most >= MIN_REPEATED:
            homes[value] = [column for column, counter in pairs if counter.get(value, 0) * 2 > most]
    return homes
