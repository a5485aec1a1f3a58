"""Conditional formats of a worksheet that may hide, strike or change what its cells show.

Whether a rule applies to a cell is not worked out: where one may, the cells are asked about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from certledger.ledger.sheets.styles import RuleStyle, Styles, number_of

MAX_RANGES = 10_000
"""Ranges of rules that are asked about."""
_OFF = ("0", "false")


@dataclass(kw_only=True, slots=True)
class ConditionalFormats:
    """Takes the elements of a worksheet that make its conditional formats; `ranges` are found."""

    styles: Styles
    ranges: list[str] = field(default_factory=list)
    _inside: bool = False
    _sqref: list[str] = field(default_factory=list)
    _changes: bool = False
    _own: RuleStyle | None = None
    _in_ranges: bool = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "conditionalFormatting":
            self._inside, self._changes = True, False
            self._sqref = [attributes.get("sqref", "")]
        elif not self._inside:
            return
        elif tag == "sqref":
            self._in_ranges = True
        elif tag == "dxf":
            self._own = RuleStyle()
        elif self._own is not None:
            self._own.start(tag, attributes)
        elif tag == "cfRule" and "dxfId" in attributes:
            style = number_of(attributes["dxfId"])
            self._changes |= style < len(self.styles.rules) and self.styles.rules[style]
        elif tag in ("iconSet", "dataBar"):
            self._changes |= attributes.get("showValue", "1") in _OFF

    def text(self, piece: str) -> None:
        if self._in_ranges:
            self._sqref.append(piece)

    def end(self, tag: str) -> None:
        if tag == "sqref":
            self._in_ranges = False
        elif tag == "dxf" and self._own is not None:
            self._changes |= self._own.changes(self.styles.palette)
            self._own = None
        elif tag == "conditionalFormatting" and self._inside:
            self._inside = False
            if self._changes:
                found = "".join(self._sqref).split()
                self.ranges.extend(found[: MAX_RANGES - len(self.ranges)])
