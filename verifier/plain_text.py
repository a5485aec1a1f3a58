"""Text for people's eyes: characters that would hide, reorder or imitate other text are named."""

from __future__ import annotations

import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})
"""Categories that are named: controls, bidi overrides, lone surrogates, separators, private use."""


def plain_text(text: object, opening: str = "⟨", closing: str = "⟩") -> str:
    """Return text with `⟨U+202E⟩` for each character that is not seen.

    A name must look as it was certified, also to somebody who was paid to mislead.
    """
    return "".join(
        f"{opening}U+{ord(letter):04X}{closing}"
        if unicodedata.category(letter) in _HIDDEN
        else letter
        for letter in str(text)
    )


def plain_lines(text: object) -> str:
    """Return `plain_text` of each line of a longer text."""
    return "\n".join(plain_text(line) for line in str(text).split("\n"))
