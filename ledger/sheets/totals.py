"""Rows that are no certificates: totals and footers."""

from __future__ import annotations

import re

from certledger.ledger.sheets.cells import display
from certledger.ledger.sheets.reader import SheetRow

_TOTAL = re.compile(
    r"(合\s*计|总\s*计|小\s*计|共\s*计|总\s*数|总人数|(sub|grand )?total|sum)\b.*"
    r"|(制表|填表|审核|复核|经办|负责|打印|备注|说明|注|单位盖章|日期).{0,6}[:：].*|第.{1,6}页.*",
    re.IGNORECASE | re.DOTALL,
)


_STARTS = frozenset("合总小共制填审复经负打备说注单日第tTsSgG")
"""First characters of what the pattern above takes: a look at one spares most rows the pattern."""


def total_of(row: SheetRow) -> str | None:
    """Return what a row says where it is a total or a footer: it says so, and names no holder."""
    texts = [one if isinstance(one, str) else display(one) for one in row.cells.values()]
    begun = [one for one in (row.aside, *texts) if one[:1] in _STARTS]
    text = next((one for one in begun if _TOTAL.fullmatch(one)), None)
    if text is None:
        return None
    named = [one for one in texts if one != text and not one[:1].isdigit()]
    return None if len(named) > 1 else text
