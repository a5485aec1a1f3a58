"""The names of columns, and which of them a header means."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from certledger.ledger.reference_data.fields import label_en, label_zh, load_field_aliases

MIN_LIKENESS = 0.75
MAX_HEADER_CHARACTERS = 100
_MARKS = re.compile(r"[\W_]+")
_REMARK = re.compile(r"[（(\[【]?(必填|选填|可选|required|optional)[）)\]】]?", re.IGNORECASE)


class Fit(Enum):
    """How a header fits a name."""

    EXACT = auto()
    SPELLING = auto()
    NEAR = auto()
    AMBIGUOUS = auto()
    NONE = auto()


@dataclass(frozen=True, slots=True)
class Match:
    """What a header means: `name` is that of the column, `shown` the spelling to be named.

    `names` are the candidates of an ambiguous header.
    """

    fit: Fit
    name: str = ""
    shown: str = ""
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnName:
    """A column: its own name, and the labels under which people have it; the first is shown."""

    name: str
    zh: tuple[str, ...] = ()
    en: tuple[str, ...] = ()

    @property
    def label_zh(self) -> str:
        """The Chinese label."""
        return self.zh[0] if self.zh else self.name

    def bilingual(self) -> list[str]:
        """Return headers in both languages: a Chinese label with the name or an English label."""
        others = (self.name, *self.en)
        return [f"{label} {other}" for label in self.zh for other in others]


def field_column(name: str) -> ColumnName:
    """Return the column of a certificate's field."""
    aliases = load_field_aliases().get(name, ())
    return ColumnName(name, (label_zh(name), *aliases), (label_en(name),))


def normalise(header: str) -> str:
    """Return a header without case, width, blanks, marks and remarks like (required)."""
    plain = unicodedata.normalize("NFKC", header[:MAX_HEADER_CHARACTERS]).casefold()
    return _MARKS.sub("", _REMARK.sub("", plain)) or _MARKS.sub("", plain)


@dataclass(frozen=True, slots=True)
class ColumnNames:
    """All columns that a sheet may have."""

    columns: Mapping[str, ColumnName]
    _exact: dict[str, set[str]] = field(default_factory=dict)
    _english: dict[str, set[str]] = field(default_factory=dict)
    _normal: dict[str, set[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, columns: Iterable[ColumnName]) -> ColumnNames:
        """Return the names of `columns`; of two with one label, neither has it alone."""
        listed = cls({column.name: column for column in columns})
        for column in listed.columns.values():
            for text in (column.name, *column.zh[:1], *column.bilingual()):
                listed._exact.setdefault(text, set()).add(column.name)
            for text in column.en:
                listed._english.setdefault(text.casefold(), set()).add(column.name)
            for text in (column.name, *column.zh, *column.en, *column.bilingual()):
                listed._normal.setdefault(normalise(text), set()).add(column.name)
        for column in listed.columns.values():
            for text in column.zh[1:]:  # An alias gives way to a label.
                if text not in listed._exact:
                    listed._exact[text] = {
                        other.name for other in listed.columns.values() if text in other.zh[1:]
                    }
        return listed

    def score(self, headers: Sequence[str]) -> int:
        """Return how many different columns the cells of a row name."""
        found = set()
        for header in headers:
            if header and len(header) <= MAX_HEADER_CHARACTERS:
                found |= self._normal.get(normalise(header), set())
        return len(found)

    def match_all(self, headers: Sequence[str]) -> list[Match]:
        """Return what each header of a row means.

        English labels are taken as they are in a sheet that has no other names; with our own
        names or Chinese labels they are a question of spelling.
        """
        squeezed = [" ".join(header.split()) for header in headers]
        others = [header for header in squeezed if header and header not in self._exact]
        english = bool(others) and all(
            header.casefold() in self._english or header.casefold() in self._exact
            for header in squeezed
            if self._normal.get(normalise(header))
        )
        english = english and not any("_" in header for header in squeezed if header in self._exact)
        return [self._match(header, english) for header in squeezed]

    def _match(self, header: str, english: bool) -> Match:
        names = self._exact.get(header)
        if names is None and not header.isascii():  # A label in several lines.
            names = self._exact.get(header.replace(" ", ""))
        if names is None and english:
            names = self._english.get(header.casefold()) or self._exact.get(header.casefold())
        fit = Fit.EXACT
        if names is None:
            names, fit = self._normal.get(normalise(header)), Fit.SPELLING
        if names:
            if len(names) > 1:
                return Match(Fit.AMBIGUOUS, names=tuple(sorted(names)))
            (name,) = names
            return Match(fit, name, self._spelling(header, name))
        normal = normalise(header)
        near = difflib.get_close_matches(normal, self._normal, 1, MIN_LIKENESS) if normal else []
        if not near:
            return Match(Fit.NONE)
        name = min(self._normal[near[0]])
        return Match(Fit.NEAR, name, self._spelling(header, name))

    def _spelling(self, header: str, name: str) -> str:
        """Return the spelling of a column that is nearest to a header."""
        column = self.columns[name]
        known = [column.name, *column.zh, *column.en]
        if same := next((one for one in known if normalise(one) == normalise(header)), None):
            return same
        return max(known, key=lambda text: difflib.SequenceMatcher(None, header, text).ratio())
