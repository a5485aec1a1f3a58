"""Texts that people cannot tell apart: one form for all that look the same.

No verdict depends on it; sealing asks about such numbers, and an audit reports such names.
"""

from __future__ import annotations

import re
import unicodedata

_GREEK_AND_CYRILLIC = "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧАВЕЅІЈКМНОРСТУХ"
_LATIN = "ABEZHIKMNOPTYXABESIJKMHOPCTYX"
_SHAPES = str.maketrans(
    {**dict(zip(_GREEK_AND_CYRILLIC, _LATIN, strict=True)), "O": "0", "I": "1", "L": "1", "〇": "0"}
)
_LETTERS = str.maketrans({"O": "0", "I": "1", "L": "1"})
_SHAPED = re.compile(f"[OIL〇{_GREEK_AND_CYRILLIC}]")
_MARKS = re.compile(r"[\W_]+")


def look_of(text: str) -> str:
    """Return a text with one character for those of one shape: O and 0, I, L and 1, А and A."""
    capitals = text.upper()
    if not _SHAPED.search(capitals):  # A search takes a fifth of the time of two translations.
        return capitals
    # The second table takes what the first one makes of Greek and Cyrillic letters.
    return capitals.translate(_SHAPES).translate(_LETTERS)


def look_of_name(name: str) -> str:
    """Return the look of a name, without width, blanks, marks and invisible characters."""
    return look_of(_MARKS.sub("", unicodedata.normalize("NFKC", name)))
