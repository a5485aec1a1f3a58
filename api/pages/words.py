"""Words of the pages in Chinese and English, from one table (`words.toml`)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from starlette.requests import HTTPConnection

from certledger.api.translations import Language, language_of

TABLE = Path(__file__).with_name("words.toml")
LANGUAGE_COOKIE = "certledger_language"
LANGUAGES: tuple[Language, Language] = ("zh", "en")
Words = Mapping[str, Mapping[str, str]]
"""Texts by section and name."""


@lru_cache(maxsize=1)
def load_table() -> Mapping[str, Mapping[str, Mapping[Language, str]]]:
    """Return the table: section, name, language, text."""
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))


@lru_cache(maxsize=2)
def words_in(language: Language) -> Words:
    """Return all words of one language."""
    return {
        section: {name: texts[language] for name, texts in names.items()}
        for section, names in load_table().items()
    }


def page_language(request: HTTPConnection) -> Language:
    """Return the language that a visitor chose, else the one that the browser prefers."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    if chosen in LANGUAGES:
        return "zh" if chosen == "zh" else "en"
    return language_of(request.headers.get("accept-language", ""))
