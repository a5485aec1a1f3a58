"""The styles of a workbook's cells: format codes, and what fonts and fills do to what is seen."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from certledger.ledger.sheets.archive import Archive
from certledger.ledger.sheets.cells import Mark
from certledger.ledger.sheets.colours import WHITE, Palette
from certledger.ledger.sheets.fonts import PLAIN_FONT, Font
from certledger.ledger.sheets.number_formats import BUILT_IN, GENERAL, changes_text

MAX_REMEMBERED = 10_000
"""Pairs of a style and fonts of which it is remembered what is odd."""
_ON_WHITE = (WHITE,)
_LISTS = ("numFmts", "fonts", "fills", "cellXfs", "dxfs", "indexedColors")
"""The elements whose elements are taken, each list by itself."""
_NOTHING: frozenset[Mark] = frozenset()

Attributes = Mapping[str, str]


@dataclass(slots=True)
class _Fill:
    """A fill as the file has it: its pattern, and its colours by the names of their elements."""

    pattern: str = ""
    colours: list[tuple[str, Attributes]] = field(default_factory=list)

    def background(self, palette: Palette) -> Sequence[str]:
        """Return the colours that may be behind a text; white where there is no fill."""
        if self.pattern in ("", "none") and not any(tag == "color" for tag, _ in self.colours):
            return _ON_WHITE
        wanted = ("fgColor",) if self.pattern == "solid" else ("fgColor", "bgColor", "color")
        return _known([palette.resolve(given) for tag, given in self.colours if tag in wanted])

    def of_rule(self, palette: Palette) -> Sequence[str]:
        """Return the colour that a rule of conditional formats puts behind a text, if any."""
        given = dict(self.colours)
        name = "bgColor" if "bgColor" in given else "fgColor"
        if self.pattern == "none" or name not in given:
            return ()
        return _known([palette.resolve(given[name])])


def _known(colours: Collection[str | None]) -> Sequence[str]:
    """Return the colours; none where one is not known, from which the text may differ."""
    return [one for one in colours if one is not None] if None not in colours else ()


@dataclass(kw_only=True, slots=True)
class Styles:
    """The styles of cells by their number.

    Attributes:
        codes: format codes.
        rules: what each style of conditional formats may do to what is seen.
    """

    palette: Palette = field(default_factory=Palette)
    codes: list[str] = field(default_factory=list)
    fonts: list[Font] = field(default_factory=list)
    backgrounds: list[Sequence[str]] = field(default_factory=list)
    repeated: set[int] = field(default_factory=set)
    rules: list[bool] = field(default_factory=list)
    _special: dict[str, bool] = field(default_factory=dict)
    _marks: dict[tuple[int, frozenset[Font | None]], frozenset[Mark]] = field(default_factory=dict)

    def is_special(self, style: str) -> bool:
        """Whether a text in this style may not be what is seen."""
        if style not in self._special:
            number = number_of(style)
            self._special[style] = bool(self.marks(number)) or changes_text(self.code(number))
        return self._special[style]

    def code(self, style: int) -> str:
        """Return the format code of a style, General where there is none."""
        return self.codes[style] if style < len(self.codes) else GENERAL

    def marks(self, style: int, fonts: frozenset[Font | None] = frozenset()) -> frozenset[Mark]:
        """Return what is odd about a text in a style, or about any of its runs in `fonts`."""
        known = self._marks.get((style, fonts))
        if known is None:
            known = self._marks_of(style, fonts)
            if len(self._marks) < MAX_REMEMBERED:
                self._marks[style, fonts] = known
        return known

    def _marks_of(self, style: int, fonts: frozenset[Font | None]) -> frozenset[Mark]:
        own = self.fonts[style] if style < len(self.fonts) else PLAIN_FONT
        background = self.backgrounds[style] if style < len(self.backgrounds) else _ON_WHITE
        colours = self.palette.of_format(self.code(style))
        marks = frozenset({Mark.REPEATED}) if style in self.repeated else _NOTHING
        for font in fonts or {None}:
            marks |= (font or own).marks(self.palette, background, colours)
        return marks


def number_of(style: str) -> int:
    """Return the number of a style, 0 where it is none."""
    return int(style) if style.isdecimal() else 0


@dataclass(slots=True)
class RuleStyle:
    """A style of conditional formats as the file has it."""

    font: Font = PLAIN_FONT
    fill: _Fill = field(default_factory=_Fill)
    has_format: bool = False

    def start(self, tag: str, attributes: Attributes) -> None:
        """Take an element inside of the style."""
        if tag == "numFmt":
            self.has_format = True
        elif tag == "patternFill":
            self.fill.pattern = attributes.get("patternType", "")
        elif tag in ("fgColor", "bgColor"):
            self.fill.colours.append((tag, attributes))
        else:
            self.font = self.font.with_property(tag, attributes)

    def changes(self, palette: Palette) -> bool:
        """Whether it hides a text, strikes it or shows a number in another way."""
        if self.has_format or self.font.struck or self.font.tiny:
            return True
        background = self.fill.of_rule(palette)
        if self.font.colour is None and not background:
            return False
        return Mark.UNSEEN in self.font.marks(palette, background or _ON_WHITE)


@dataclass(kw_only=True, slots=True)
class _StyleStream:
    """Takes the events of the part of styles."""

    custom: dict[str, str] = field(default_factory=dict)
    fonts: list[Font] = field(default_factory=list)
    fills: list[_Fill] = field(default_factory=list)
    cells: list[Attributes] = field(default_factory=list)
    repeated: set[int] = field(default_factory=set)
    rules: list[RuleStyle] = field(default_factory=list)
    indexed: list[str] = field(default_factory=list)
    inside: str = ""

    def start(self, tag: str, attributes: Attributes) -> None:
        if not self.inside:
            self.inside = tag if tag in _LISTS else ""
        elif self.inside == "fonts":
            self._start_font(tag, attributes)
        elif self.inside == "fills":
            self._start_fill(tag, attributes)
        elif self.inside == "dxfs":
            self._start_rule(tag, attributes)
        elif tag == "numFmt":
            self.custom[attributes.get("numFmtId", "")] = attributes.get("formatCode", GENERAL)
        elif tag == "xf":
            self.cells.append(attributes)
        elif tag == "alignment" and attributes.get("horizontal") == "fill":
            self.repeated.add(len(self.cells) - 1)
        elif tag == "rgbColor":
            self.indexed.append(attributes.get("rgb", ""))

    def _start_rule(self, tag: str, attributes: Attributes) -> None:
        if tag == "dxf":
            self.rules.append(RuleStyle())
        elif self.rules:
            self.rules[-1].start(tag, attributes)

    def _start_font(self, tag: str, attributes: Attributes) -> None:
        if tag == "font":
            self.fonts.append(PLAIN_FONT)
        elif self.fonts:
            self.fonts[-1] = self.fonts[-1].with_property(tag, attributes)

    def _start_fill(self, tag: str, attributes: Attributes) -> None:
        if tag == "fill":
            self.fills.append(_Fill())
        elif not self.fills:
            return
        elif tag == "patternFill":
            self.fills[-1].pattern = attributes.get("patternType", "")
        elif tag in ("fgColor", "bgColor", "color"):
            self.fills[-1].colours.append((tag, attributes))

    def end(self, tag: str) -> None:
        if tag == self.inside:
            self.inside = ""

    def styles(self, palette: Palette) -> Styles:
        palette.put_indexed(self.indexed)
        backgrounds = [fill.background(palette) for fill in self.fills]
        styles = Styles(palette=palette, repeated=self.repeated)
        for attributes in self.cells:
            number = attributes.get("numFmtId", "0")
            known = BUILT_IN.get(int(number), f"#{number}") if number.isdecimal() else GENERAL
            styles.codes.append(self.custom.get(number, known))
            font = number_of(attributes.get("fontId", "0"))
            styles.fonts.append(self.fonts[font] if font < len(self.fonts) else PLAIN_FONT)
            fill = number_of(attributes.get("fillId", "0"))
            styles.backgrounds.append(backgrounds[fill] if fill < len(backgrounds) else _ON_WHITE)
        styles.rules.extend(rule.changes(palette) for rule in self.rules)
        return styles


def read_styles(archive: Archive, part: str | None, theme: Sequence[str]) -> Styles:
    """Return the styles of cells and of conditional formats."""
    stream = _StyleStream()
    if part is not None:
        archive.parse(part, stream.start, stream.end)
    return stream.styles(Palette(theme=theme))
