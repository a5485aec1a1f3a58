"""Colours of a workbook (ECMA-376, 18.8.3 and 18.8.19), and which of them blend into each other."""

from __future__ import annotations

import colorsys
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from certledger.ledger.sheets.archive import Archive

BLACK, WHITE = "000000", "FFFFFF"
MAX_BLEND_CONTRAST = 1.1
"""Contrast (WCAG 2, 1 to 21) up to which text cannot be distinguished from what is behind it."""
MAX_BLEND_DISTANCE = 28
"""The same as the greatest difference of red, green or blue."""
_FIRST_COLOURS = ("000000 FFFFFF FF0000 00FF00 0000FF FFFF00 FF00FF 00FFFF",)
_MORE_COLOURS = (
    "800000 008000 000080 808000 800080 008080 C0C0C0 808080 9999FF 993366 FFFFCC CCFFFF",
    "660066 FF8080 0066CC CCCCFF 000080 FF00FF FFFF00 00FFFF 800080 800000 008080 0000FF",
    "00CCFF CCFFFF CCFFCC FFFF99 99CCFF FF99CC CC99FF FFCC99 3366FF 33CCCC 99CC00 FFCC00",
    "FF9900 FF6600 666699 969696 003366 339966 003300 333300 993300 993366 333399 333333",
)
_INDEXED = " ".join([*_FIRST_COLOURS * 2, *_MORE_COLOURS, BLACK, WHITE]).split(" ")
"""The colours that files name by number; 64 and 65 are those of the system."""
_THEME = (WHITE, BLACK, "E7E6E6", "44546A")
"""Background and text of a workbook that has no theme."""
_THEME_ORDER = (
    "lt1", "dk1", "lt2", "dk2", "accent1", "accent2", "accent3", "accent4", "accent5", "accent6",
    "hlink", "folHlink",
)  # fmt: skip
_NAMED = {
    "black": BLACK, "blue": "0000FF", "cyan": "00FFFF", "green": "00FF00", "magenta": "FF00FF",
    "red": "FF0000", "white": WHITE, "yellow": "FFFF00", "黑": BLACK, "蓝": "0000FF",
    "绿": "00FF00", "红": "FF0000", "白": WHITE, "黄": "FFFF00", "青": "00FFFF", "洋红": "FF00FF",
}  # fmt: skip
_BRACKET = re.compile(
    r"\[(?:(black|blue|cyan|green|magenta|red|white|yellow|洋红|[黑蓝绿红白黄青])色?"
    r"|(?:color|颜色) ?([0-9]{1,2}))\]",
    re.IGNORECASE,
)
_HEX = re.compile("(?:[0-9A-Fa-f]{2})?([0-9A-Fa-f]{6})")
_TINT = re.compile(r"-?[01](?:\.[0-9]{1,20})?|-?[0-9]\.[0-9]{1,20}[Ee]-[0-9]{1,2}")


@dataclass(kw_only=True, slots=True)
class Palette:
    """What the numbers of a workbook's colours mean."""

    theme: Sequence[str] = _THEME
    indexed: list[str] = field(default_factory=lambda: list(_INDEXED))

    def resolve(self, attributes: Mapping[str, str]) -> str | None:
        """Return a colour as six hexadecimal digits, None where the file does not say it."""
        if found := _HEX.fullmatch(attributes.get("rgb", "")):
            return found[1].upper()
        for name, known in (("theme", self.theme), ("indexed", self.indexed)):
            number = attributes.get(name, "")[:6]
            if number.isdecimal() and int(number) < len(known):
                return _tinted(known[int(number)], attributes.get("tint", ""))
        return None

    def put_indexed(self, colours: Iterable[str]) -> None:
        """Take the colours that a workbook has in place of the first numbered ones."""
        found = [_HEX.fullmatch(colour) for colour in colours][: len(self.indexed)]
        self.indexed[: len(found)] = [one[1].upper() if one else BLACK for one in found]

    def of_format(self, code: str) -> list[str]:
        """Return the colours that a number format sets, like `[White]0`."""
        return [
            _NAMED[found[1].lower()] if found[1] else self.indexed[int(found[2]) + 7]
            for found in _BRACKET.finditer(code)
            if found[1] or int(found[2]) + 7 < len(self.indexed)
        ]


def read_theme(archive: Archive, part: str | None) -> Sequence[str]:
    """Return the colours of a workbook's theme in the order of their numbers."""
    found: dict[str, str] = {}
    name = ""

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal name
        if tag in _THEME_ORDER:
            name = tag
        elif tag in ("srgbClr", "sysClr") and name:
            value = attributes.get("lastClr", attributes.get("val", ""))
            if _HEX.fullmatch(value):
                found.setdefault(name, value[-6:].upper())
            name = ""

    if part is not None:
        archive.parse(part, start)
    known = [found.get(name) for name in _THEME_ORDER]
    count = next((at for at, colour in enumerate(known) if colour is None), len(known))
    return [colour for colour in known[:count] if colour] if count >= len(_THEME) else _THEME


def _tinted(colour: str, tint: str) -> str:
    """Return a colour made darker (tint below 0) or lighter."""
    if not _TINT.fullmatch(tint):
        return colour
    share = max(-1.0, min(1.0, float(tint)))
    hue, light, saturation = colorsys.rgb_to_hls(*(part / 255 for part in _parts(colour)))
    light = light * (1 + share) if share < 0 else light * (1 - share) + share
    return "".join(
        f"{round(part * 255):02X}" for part in colorsys.hls_to_rgb(hue, light, saturation)
    )


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[:2], 16), int(colour[2:4], 16), int(colour[4:], 16)


def _luminance(colour: str) -> float:
    linear = [
        part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4
        for part in _parts(colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def blends(colour: str, background: Sequence[str]) -> bool:
    """Whether text in a colour cannot be distinguished from any of the colours behind it."""
    return bool(background) and all(_blends(colour, other) for other in background)


def _blends(colour: str, other: str) -> bool:
    distance = max(abs(a - b) for a, b in zip(_parts(colour), _parts(other), strict=True))
    low, high = sorted((_luminance(colour), _luminance(other)))
    return distance <= MAX_BLEND_DISTANCE or (high + 0.05) / (low + 0.05) <= MAX_BLEND_CONTRAST
