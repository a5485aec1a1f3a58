"""Which text may be sealed (SPEC section 2, "Text")."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files

_UNASSIGNED = "unassigned.txt"
"""Unicode 14.0 in every version of Python, which may know later characters."""


def refusal_of(text: str) -> str | None:
    """Return why `text` must not be sealed, None if it may be."""
    if not text:
        return "empty"
    if text != text.strip():
        return f"white space at an end of {text[:40]!r}"
    if text.isascii() and text.isprintable():
        return None
    if (found := _forbidden_characters().search(text)) is not None:
        return f"{_kind_of(found.group())} U+{ord(found.group()):04X} in {text[:40]!r}"
    if not unicodedata.is_normalized("NFC", text):
        return f"{text[:40]!r} is not in normalization form C"
    return None


def refusal_zh(text: str) -> str:
    """Return in Chinese why `text` is not sealed."""
    if not text or text != text.strip():
        return "为空，或两端有空白"
    if (found := _forbidden_characters().search(text)) is not None:
        code = f"U+{ord(found.group()):04X}"
        return "含有换行" if found.group() in "\r\n" else f"含有不允许的字符 {code}"
    return "含有未组合的字符（不是 Unicode NFC）"


def _kind_of(character: str) -> str:
    if unicodedata.category(character) == "Cc":
        return "the control"
    if "\ud800" <= character <= "\udfff":
        return "the lone surrogate"
    if character in _BIDIRECTIONAL:
        return "the bidirectional control"
    return "the code point unassigned in Unicode 14.0"


_BIDIRECTIONAL = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@lru_cache(maxsize=1)
def _forbidden_characters() -> re.Pattern[str]:
    ranges = "".join(f"{_escape(a)}-{_escape(b)}" for a, b in unassigned())
    return re.compile(rf"[\x00-\x1f\x7f-\x9f\ud800-\udfff{_BIDIRECTIONAL}{ranges}]")


def _escape(code: int) -> str:
    return f"\\U{code:08x}"


def unassigned() -> Iterator[tuple[int, int]]:
    """Yield the ranges of code points unassigned in Unicode 14.0, both ends included."""
    table = files(__package__).joinpath(_UNASSIGNED).read_text(encoding="ascii")
    for line in table.splitlines():
        if not line.startswith("#"):
            first, _, last = line.partition("..")
            yield int(first, 16), int(last or first, 16)
