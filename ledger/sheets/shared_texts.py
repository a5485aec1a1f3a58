"""The texts of a workbook that its cells name by number."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from certledger.ledger.sheets import finding_kinds as kinds
from certledger.ledger.sheets.archive import Archive
from certledger.ledger.sheets.fonts import Font, RichText

MAX_CELLS = 8_000_000
"""Filled cells of a worksheet, cells that merged ranges cover, and texts."""
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")

Fonts = frozenset[Font | None]


def unescape(text: str) -> str:
    """Return text with the control characters that XML cannot hold (`_x000D_`) put back."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


@dataclass(kw_only=True, slots=True)
class SharedTexts:
    """Texts by number; `fonts` has those of the runs where a text has any of its own."""

    texts: Sequence[str]
    fonts: dict[int, Fonts]


@dataclass(kw_only=True, slots=True)
class _TextStream:
    """Takes the events of the part of shared texts."""

    archive: Archive
    texts: list[str] = field(default_factory=list)
    fonts: dict[int, Fonts] = field(default_factory=dict)
    rich: RichText = field(default_factory=RichText)
    same: dict[Fonts, Fonts] = field(default_factory=dict)

    def end(self, tag: str) -> None:
        self.rich.end(tag)
        if tag != "si":
            return
        text, fonts = self.rich.take()
        if fonts:
            self.fonts[len(self.texts)] = self.same.setdefault(fonts, fonts)
        self.texts.append(unescape(text))
        if len(self.texts) > MAX_CELLS:
            most = str(MAX_CELLS)
            raise self.archive.findings.fail(kinds.FILE_SIZE, what="texts", most=most)


def read_shared_texts(archive: Archive, part: str | None) -> SharedTexts:
    """Return the texts that cells name by number."""
    stream = _TextStream(archive=archive)
    if part is not None:
        archive.parse(part, stream.rich.start, stream.end, stream.rich.text)
    return SharedTexts(texts=stream.texts, fonts=stream.fonts)
