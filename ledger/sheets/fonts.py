"""Fonts of cells and of parts of their texts, and what they do to what is seen."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from certledger.ledger.sheets.cells import Mark
from certledger.ledger.sheets.colours import BLACK, Palette, blends

MIN_POINTS = 4.0
"""Points of a font below which it is not readable."""
_POINTS = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,9})?")
_SYMBOL_CHARSET = "2"
_SYMBOL_NAMES = ("wingdings", "webdings", "symbol", "marlett", "mt extra", "bookshelf symbol")
"""Fonts that show other characters than the text has."""


@dataclass(frozen=True, slots=True)
class Font:
    """A font as far as it matters to what is seen; `colour` as the file has it, by attributes."""

    struck: bool = False
    raised: bool = False
    tiny: bool = False
    symbol: bool = False
    colour: tuple[tuple[str, str], ...] | None = None

    def with_property(self, tag: str, attributes: Mapping[str, str]) -> Font:
        """Return the font with one property of a `font` or `rPr` element."""
        value = attributes.get("val", "")
        if tag == "strike":
            return replace(self, struck=is_on(attributes))
        if tag == "vertAlign":
            return replace(self, raised=value in ("superscript", "subscript"))
        if tag == "sz":
            return replace(self, tiny=bool(_POINTS.fullmatch(value)) and float(value) < MIN_POINTS)
        if tag == "color":
            return replace(self, colour=tuple(sorted(attributes.items())))
        if tag in ("name", "rFont"):
            return replace(self, symbol=self.symbol or value.lower().startswith(_SYMBOL_NAMES))
        if tag == "charset":
            return replace(self, symbol=self.symbol or value == _SYMBOL_CHARSET)
        return self

    def marks(
        self, palette: Palette, background: Sequence[str], colours: Collection[str] = ()
    ) -> frozenset[Mark]:
        """Return what is odd about text in this font; `colours` may come in place of its own."""
        own = palette.resolve(dict(self.colour)) if self.colour is not None else BLACK
        shown = [*colours, *([own] if own is not None else [])]
        unseen = self.tiny or any(blends(colour, background) for colour in shown)
        pairs = (
            (self.struck, Mark.STRUCK),
            (unseen, Mark.UNSEEN),
            (self.raised, Mark.RAISED),
            (self.symbol, Mark.SYMBOL),
        )
        return frozenset(mark for holds, mark in pairs if holds)


PLAIN_FONT = Font()


def is_on(attributes: Mapping[str, str]) -> bool:
    """Whether an element that is on by being there, like `strike`, is not turned off."""
    return attributes.get("val", "1") not in ("0", "false")


@dataclass(kw_only=True, slots=True)
class RichText:
    """Takes the elements of one text: its characters, and the fonts of its runs.

    What only shows how to pronounce it is left out.  `fonts` has None for runs in the cell's font;
    it is empty where all of the text is.
    """

    parts: list[str] = field(default_factory=list)
    fonts: set[Font | None] = field(default_factory=set)
    _font: Font | None = None
    _wanted: bool = False
    _inside: str = ""
    _begin: int = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "t":
            self._wanted = self._inside != "rPh"
        elif tag == "rPh" or (tag == "rPr" and self._inside != "rPh"):
            self._inside = tag
            self._font = PLAIN_FONT if tag == "rPr" else self._font
        elif tag == "r":
            self._font, self._begin = None, len(self.parts)
        elif self._inside == "rPr" and self._font is not None:
            self._font = self._font.with_property(tag, attributes)

    def text(self, piece: str) -> None:
        if self._wanted:
            self.parts.append(piece)

    def end(self, tag: str) -> None:
        if tag == "t":
            self._wanted = False
        elif tag == self._inside:
            self._inside = ""
        elif tag == "r" and "".join(self.parts[self._begin :]).strip():
            self.fonts.add(self._font)
            self._font = None

    def take(self) -> tuple[str, frozenset[Font | None]]:
        """Return the text and the fonts of its runs, and be ready for the next one."""
        text, fonts = "".join(self.parts), frozenset(self.fonts)
        self.parts.clear()
        self.fonts.clear()
        return text, fonts if fonts != {None} else frozenset()
