"""JSON lines: one object a certificate, its members by the names of columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from certledger.ledger.sheets import finding_kinds as kinds
from certledger.ledger.sheets.cells import CellValue
from certledger.ledger.sheets.findings import Findings
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.canonical_json import Json, parse

MAX_LINE_BYTES = 2**20
LIST_MARK = ";"
"""What separates several documents in one cell."""


def read_json_lines(data: bytes, findings: Findings) -> Iterator[tuple[int, dict[str, CellValue]]]:
    """Yield the number and the cells of each line."""
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            value = parse(line, MAX_LINE_BYTES)
        except MalformedError as error:
            findings.report(kinds.UNREADABLE, number, why=f"{error} ({error.code})")
            continue
        if not isinstance(value, dict):
            findings.report(kinds.UNREADABLE, number, why="the line is not an object")
            continue
        yield number, _texts(number, value, findings)


def _texts(number: int, value: Mapping[str, Json], findings: Findings) -> dict[str, CellValue]:
    cells: dict[str, CellValue] = {}
    for name, part in value.items():
        text = _text(part)
        if text is None:
            findings.report(kinds.CELL, number, name, value=str(part))
        elif text:
            cells[name] = text
    return cells


def _text(value: Json) -> str | None:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return LIST_MARK.join(value)
    return None
