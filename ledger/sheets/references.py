"""References to cells of a worksheet, like B5 and B5:C7."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

MAX_ROW, MAX_COLUMN = 1_048_576, 16_384
REFERENCE = re.compile(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})")


@dataclass(frozen=True, slots=True)
class Box:
    """A range: rows from 1 and columns from 0, both ends included."""

    top: int
    first: int
    bottom: int
    last: int
    text: str


@lru_cache(maxsize=MAX_COLUMN)
def column_index(letters: str) -> int:
    """Return the place of a column from its letters, A being 0."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number - 1


def parse_box(reference: str) -> Box | None:
    """Return a range, of one cell too; None where it is none."""
    begin, _, end = reference.partition(":")
    found = REFERENCE.fullmatch(begin), REFERENCE.fullmatch(end or begin)
    if found[0] is None or found[1] is None:
        return None
    rows = sorted((int(found[0][2]), int(found[1][2])))
    columns = sorted((column_index(found[0][1]), column_index(found[1][1])))
    return Box(rows[0], columns[0], rows[1], min(columns[1], MAX_COLUMN - 1), reference)
