"""Put texts into cells of one worksheet; every other byte of its part stays."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape

from certledger.ledger.sheets import finding_kinds as kinds
from certledger.ledger.sheets.archive import open_archive, refuse_damage
from certledger.ledger.sheets.cells import letters
from certledger.ledger.sheets.findings import Findings
from certledger.ledger.sheets.references import column_index
from certledger.ledger.sheets.workbook import find_worksheet

_LETTERS = re.compile("[A-Za-z]{1,3}")
_STYLE = re.compile(rb"""\ss=["']([0-9]+)["']""")


@dataclass(frozen=True, slots=True)
class _Edit:
    """Bytes of the part from `start` to `end` that become a cell."""

    start: int
    end: int
    row: int
    column: int
    prefix: str


@dataclass(kw_only=True, slots=True)
class _Finder:
    """Finds where the cells stand, or where they must stand: by column within their row."""

    data: bytes
    wanted: Mapping[int, Mapping[int, str]]
    parser: expat.XMLParserType
    edits: list[_Edit] = field(default_factory=list)
    row: int = 0
    column: int = -1
    missing: list[int] = field(default_factory=list)
    replaced: int | None = None
    start: int = 0

    def on_start(self, tag: str, attributes: dict[str, str]) -> None:
        prefix, _, name = tag.rpartition(":")
        if name == "row":
            number = attributes.get("r", "")
            self.row = int(number) if number.isdecimal() else self.row + 1
            self.column = -1
            self.missing = sorted(self.wanted.get(self.row, ()))
        elif name == "c" and self.missing:
            found = _LETTERS.match(attributes.get("r", ""))
            self.column = column_index(found[0]) if found else self.column + 1
            self.start = self.parser.CurrentByteIndex
            self._insert(prefix, self.column, self.start)
            if self.missing and self.missing[0] == self.column:
                self.replaced = self.missing.pop(0)

    def on_end(self, tag: str) -> None:
        prefix, _, name = tag.rpartition(":")
        at = self.parser.CurrentByteIndex
        if name == "c" and self.replaced is not None:
            end = self.data.index(b">", at) + 1
            self.edits.append(_Edit(self.start, end, self.row, self.replaced, prefix))
            self.replaced = None
        elif name == "row":
            self._insert(prefix, None, at)

    def _insert(self, prefix: str, before: int | None, at: int) -> None:
        while self.missing and (before is None or self.missing[0] < before):
            self.edits.append(_Edit(at, at, self.row, self.missing.pop(0), prefix))


def put_cells(
    data: bytes, cells: Mapping[int, Mapping[int, str]], findings: Findings, tab: str | None
) -> bytes:
    """Return a workbook with texts in cells, by row and column, of worksheet `tab`.

    Raises:
        SheetInvalidError: the workbook cannot be read, or is signed.
    """
    with open_archive(data, findings) as archive:
        part = find_worksheet(archive, tab)
        if any(name.startswith("_xmlsignatures/") for name in archive.names):
            raise findings.fail(kinds.UNREADABLE, why="it is signed, and would not be any more")
        with refuse_damage(findings, part):
            changed = _put(archive.read(part), cells)
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w") as new:
            for info in archive.archive.infolist():
                content = changed if info.filename == part else archive.archive.read(info)
                new.writestr(info, content, compress_type=info.compress_type)
    return written.getvalue()


def _put(data: bytes, cells: Mapping[int, Mapping[int, str]]) -> bytes:
    if not data.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
        raise ValueError("the worksheet is not in UTF-8")
    parser = expat.ParserCreate()
    finder = _Finder(data=data, wanted=cells, parser=parser)
    parser.StartElementHandler = finder.on_start
    parser.EndElementHandler = finder.on_end
    parser.Parse(data, True)
    pieces, done = [], 0
    for edit in sorted(finder.edits, key=lambda one: (one.start, one.column)):
        pieces += [data[done : edit.start], _cell(edit, data, cells[edit.row][edit.column])]
        done = edit.end
    return b"".join([*pieces, data[done:]])


def _cell(edit: _Edit, data: bytes, text: str) -> bytes:
    tag = f"{edit.prefix}:" if edit.prefix else ""
    style = _STYLE.search(data[edit.start : edit.end])
    styled = f' s="{style[1].decode()}"' if style else ""
    return (
        f'<{tag}c r="{letters(edit.column)}{edit.row}"{styled} t="inlineStr">'
        f"<{tag}is><{tag}t>{escape(text)}</{tag}t></{tag}is></{tag}c>"
    ).encode()
