"""Words of the pages in Chinese and English, from the tables `*words.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from starlette.requests import Request

from certledger.api.service import service_of
from certledger.api.translations import Language, language_of

TABLES = tuple(sorted(Path(__file__).parent.glob("*words.toml")))
"""The files of words; no two have a section in common."""
LANGUAGE_COOKIE = "certledger_language"
LANGUAGES: tuple[Language, Language] = ("zh", "en")
Words = Mapping[str, Mapping[str, str]]
"""Texts by section and name."""


@lru_cache(maxsize=1)
def load_table() -> Mapping[str, Mapping[str, Mapping[Language, str]]]:
    """Return all tables as one: section, name, language, text."""
    sections: dict[str, Mapping[str, Mapping[Language, str]]] = {}
    for path in TABLES:
        for section, names in tomllib.loads(path.read_text(encoding="utf-8")).items():
            if section in sections:
                raise ValueError(f"{path.name}: section {section} stands in another file too")
            sections[section] = names
    return sections


@lru_cache(maxsize=2)
def words_in(language: Language) -> Words:
    """Return all words of one language."""
    return {
        section: {name: texts[language] for name, texts in names.items()}
        for section, names in load_table().items()
    }


def page_language(request: Request) -> Language:
    """Return the language that a visitor chose, else the one that the browser prefers."""
    chosen = service_of(request).sessions.read_cookie(request, LANGUAGE_COOKIE)
    if chosen in LANGUAGES:
        return "zh" if chosen == "zh" else "en"
    return language_of(request.headers.get("accept-language", ""))
