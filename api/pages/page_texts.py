"""Words that scripts of the institutions' pages show."""

from __future__ import annotations

from collections.abc import Mapping

from certledger.api.pages.words import words_in
from certledger.api.translations import Language

_SECTIONS = ("acts", "act_kinds", "act_states", "age")


def act_words(language: Language) -> Mapping[str, Mapping[str, str]]:
    """Return the words of `acts.mjs`, by section."""
    words = words_in(language)
    return {name: words[name] for name in _SECTIONS}
