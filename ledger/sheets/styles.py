"""What the cells of a workbook share: styles, and texts that they name by number."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from certledger.ledger.sheets import finding_kinds as kinds
from certledger.ledger.sheets.archive import Archive
from certledger.ledger.sheets.number_formats import BUILT_IN, GENERAL, changes_text

MAX_CELLS = 8_000_000
"""Filled cells of a worksheet, and cells that merged ranges cover."""
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")


@dataclass(kw_only=True, slots=True)
class Styles:
    """The styles of cells: the format code of each, and which are struck through."""

    codes: list[str] = field(default_factory=list)
    struck: set[int] = field(default_factory=set)
    _special: dict[str, bool] = field(default_factory=dict)

    def is_special(self, style: str) -> bool:
        """Whether a text in this style may not be what is seen."""
        if style not in self._special:
            number = number_of(style)
            self._special[style] = number in self.struck or changes_text(self.code(number))
        return self._special[style]

    def code(self, style: int) -> str:
        """Return the format code of a style, General where there is none."""
        return self.codes[style] if style < len(self.codes) else GENERAL


def number_of(style: str) -> int:
    """Return the number of a style, 0 where it is none."""
    return int(style) if style.isdecimal() else 0


def is_on(attributes: dict[str, str]) -> bool:
    """Whether an element that is on by being there, like `strike`, is not turned off."""
    return attributes.get("val", "1") not in ("0", "false")


def unescape(text: str) -> str:
    """Return text with the control characters that XML cannot hold (`_x000D_`) put back."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


@dataclass(kw_only=True, slots=True)
class _TextStream:
    """Takes the events of the part of shared texts."""

    archive: Archive
    texts: list[str] = field(default_factory=list)
    struck: set[int] = field(default_factory=set)
    parts: list[str] = field(default_factory=list)
    wanted: bool = False
    phonetic: bool = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "rPh":
            self.phonetic = True
        elif tag == "strike" and is_on(attributes):
            self.struck.add(len(self.texts))
        self.wanted = tag == "t" and not self.phonetic

    def end(self, tag: str) -> None:
        self.wanted = False
        if tag == "rPh":
            self.phonetic = False
        elif tag == "si":
            self.texts.append(unescape("".join(self.parts)))
            self.parts.clear()
            if len(self.texts) > MAX_CELLS:
                most = str(MAX_CELLS)
                raise self.archive.findings.fail(kinds.FILE_SIZE, what="texts", most=most)

    def text(self, piece: str) -> None:
        if self.wanted:
            self.parts.append(piece)


def read_shared_texts(archive: Archive, part: str | None) -> tuple[list[str], set[int]]:
    """Return the texts that cells name by number, and which are struck through, even in part.

    What only shows how to pronounce them is left out.
    """
    stream = _TextStream(archive=archive)
    if part is not None:
        archive.parse(part, stream.start, stream.end, stream.text)
    return stream.texts, stream.struck


@dataclass(kw_only=True, slots=True)
class _StyleStream:
    """Takes the events of the part of styles."""

    styles: Styles = field(default_factory=Styles)
    custom: dict[str, str] = field(default_factory=dict)
    struck_fonts: set[str] = field(default_factory=set)
    fonts: int = 0
    inside: str = ""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "numFmt":
            self.custom[attributes.get("numFmtId", "")] = attributes.get("formatCode", GENERAL)
        elif tag in ("fonts", "cellXfs"):
            self.inside = tag
        elif tag == "font" and self.inside == "fonts":
            self.fonts += 1
        elif tag == "strike" and self.inside == "fonts" and is_on(attributes):
            self.struck_fonts.add(str(self.fonts - 1))
        elif tag == "xf" and self.inside == "cellXfs":
            self._add_style(attributes)

    def _add_style(self, attributes: dict[str, str]) -> None:
        if attributes.get("fontId", "0") in self.struck_fonts:
            self.styles.struck.add(len(self.styles.codes))
        number = attributes.get("numFmtId", "0")
        known = BUILT_IN.get(int(number), f"#{number}") if number.isdecimal() else GENERAL
        self.styles.codes.append(self.custom.get(number, known))

    def end(self, tag: str) -> None:
        if tag == self.inside:
            self.inside = ""


def read_styles(archive: Archive, part: str | None) -> Styles:
    """Return the format code of each style of cells, and which are struck through."""
    stream = _StyleStream()
    if part is not None:
        archive.parse(part, stream.start, stream.end)
    return stream.styles
