"""Access codes that stand in a sheet before it is sealed, because documents show them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from certledger.ledger.reference_data.field_types import FieldType
from certledger.ledger.sealing import value_kinds
from certledger.ledger.sheets import finding_kinds as kinds
from certledger.ledger.sheets.cells import CellValue
from certledger.ledger.sheets.findings import FindingKind, Grade
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.record import NUMBER, normal_code, normal_number
from certledger.verifier.formats.short_link import ShortLink

ACCESS_CODE, SHORT_LINK = "access_code", "short_link"
"""Columns that `certledger codes` fills."""
MIN_DIFFERENT_CHARACTERS = 6
"""Different characters of a code; fewer have been made up, not drawn (one code in 40 million)."""
MAX_SAME_PLACES = 9
"""Places in which two codes in a row agree; more come from dragging a cell down."""

_DECIMAL_DIGIT = re.compile(r"\d")
_DOUBTFUL_NUMBER = re.compile(
    r"[0-9]{4}[-/.年][0-9]{1,2}[-/.月][0-9]{1,2}日?|[0-9]{1,2}月[0-9]{1,2}日"
    r"|[0-9]{1,2}-[A-Z][a-z]{2}|[A-Z][a-z]{2}-[0-9]{2}"
    r"|1[3-9][0-9]{9}|0[0-9]{2,3}-[0-9]{7,8}|0+|.*[0-9] ?[~～至到] ?[0-9].*"
    r"|.*号[(（][0-9]{1,2}[)）]|[\"“”'‘].*|.*[:：@].*|.*(?:副本|复印|作废|注销|待[编定补]|X{3,}|_{2,}|\*|#{2,}).*"
    r"|(?:[^、；;]*[0-9][^、；;]*[、；;])+.*"
)
"""A day, as spreadsheet programs make it of 1-2 too; a telephone number; several numbers; what has
a remark, a mask or an address."""


class CellReader(Protocol):
    """Reads a cell: what would be sealed of it, None where it has a fault, which is reported."""

    def __call__(self, column: str, value: CellValue, kind: FieldType, /) -> str | None:
        """Return the text."""


class CellReport(Protocol):
    """Reports a finding at a cell of a row."""

    def __call__(self, column: str, kind: FindingKind, /, **values: object) -> None:
        """Add a finding."""


def read_number(cells: Mapping[str, CellValue], read: CellReader, report: CellReport) -> str | None:
    """Return the normal certificate number of a row; None where there is none, "" where it is bad.

    What is bad is reported; that there is none is the caller's to say.
    """
    column = NUMBER if NUMBER in cells else "number"
    if NUMBER in cells and "number" in cells:
        report("number", value_kinds.NUMBER_BOTH)
    if column not in cells:
        return None
    typed = read(column, cells[column], FieldType.IDENTIFIER)
    if typed is None:
        return ""
    if not _DECIMAL_DIGIT.search(typed):
        report(column, value_kinds.NUMBER_WITHOUT_DIGIT, value=typed)
    elif _DOUBTFUL_NUMBER.fullmatch(typed):
        report(column, value_kinds.NUMBER_DOUBTFUL, value=typed)
    try:
        number = normal_number(typed)
    except MalformedError as error:
        report(column, value_kinds.NUMBER, value=typed, why=error)
        return ""
    if number != typed.upper():
        report(column, kinds.NORMALISED, typed=typed, sealed=number)
    return number


class CodeHistory(Protocol):
    """The access codes of batches that were sealed before."""

    def find(self, codes: Collection[str]) -> Mapping[str, tuple[int, str]]:
        """Return sequence and certificate number of those of `codes` that were used."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkAddresses:
    """Where short links may lead: the service they were drawn for here, or that is handed in to.

    None where it is not known.
    """

    drawn_for: str | None = None
    server: str | None = None

    def problem_of(self, link: str) -> FindingKind | None:
        """Return what there is to report about the address of a link, None if it is one of them."""
        known = [one for one in (self.drawn_for, self.server) if one is not None]
        if origin_of(link) in map(origin_of, known):
            return None
        return value_kinds.LINK_ADDRESS if self.drawn_for else value_kinds.LINK_ADDRESS_UNKNOWN


_DEFAULT_PORTS = {"http": 80, "https": 443}


def origin_of(link: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port of a link or address; empty where it has none."""
    try:
        parts = urlsplit(link)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return "", "", None
    return parts.scheme, (parts.hostname or "").rstrip("."), port


@dataclass(kw_only=True, slots=True)
class AccessCodeChecks:
    """Checks the access codes and short links of one sheet's rows, one after the other.

    `wanted`: the sheet has a column of codes, so that every row must have one.  `addresses` are
    where links may lead, None to leave that unchecked.  `rows` has the first row of each code.
    """

    wanted: bool
    addresses: LinkAddresses | None = None
    rows: dict[str, int] = field(default_factory=dict)
    _asked: set[tuple[str, str, int | None]] = field(default_factory=set)
    _last: str = ""

    def read(
        self,
        cells: Mapping[str, CellValue],
        row: int,
        number: str,
        read: CellReader,
        report: CellReport,
    ) -> str | None:
        """Return the normal access code of a row, None where it has none or a bad one."""
        code = read_code(cells, read, report)
        if code is None:
            if ACCESS_CODE not in cells and (self.wanted or SHORT_LINK in cells):
                report(ACCESS_CODE, value_kinds.CODE_MISSING)
            return None
        self._check(code, row, report)
        if SHORT_LINK in cells:
            self._check_link(cells[SHORT_LINK], number, code, read, report)
        return code

    def _check_link(
        self, value: CellValue, number: str, code: str, read: CellReader, report: CellReport
    ) -> None:
        """Report a link to another certificate or service: the row may have been moved or copied.

        An address that nothing is known about is asked about once.
        """
        typed = read(SHORT_LINK, value, FieldType.IDENTIFIER)
        if typed is None:
            return
        try:
            link = ShortLink.parse(typed)
        except MalformedError as error:
            report(SHORT_LINK, value_kinds.LINK, why=error)
            return
        if link.code != code or link.number not in (None, number):
            report(SHORT_LINK, value_kinds.LINK_DIFFERS)
            return
        kind = self.addresses.problem_of(typed) if self.addresses is not None else None
        origin = origin_of(typed)
        if kind is None or (kind.grade is Grade.QUESTION and origin in self._asked):
            return
        self._asked.add(origin)
        assert self.addresses is not None
        host, address = typed.partition("#")[0], self.addresses.drawn_for or ""
        report(SHORT_LINK, kind, host=host, address=address)

    def _check(self, code: str, row: int, report: CellReport) -> None:
        first = self.rows.setdefault(code, row)
        same = sum(map(str.__eq__, code, self._last))
        if first != row:
            report(ACCESS_CODE, value_kinds.CODE_TWICE, first=first)
        elif same > MAX_SAME_PLACES or len(set(code)) < MIN_DIFFERENT_CHARACTERS:
            report(ACCESS_CODE, value_kinds.CODE_GUESSABLE)
        self._last = code


def read_code(cells: Mapping[str, CellValue], read: CellReader, report: CellReport) -> str | None:
    """Return the normal access code of a row, None where it has none or a bad one."""
    if ACCESS_CODE not in cells:
        return None
    typed = read(ACCESS_CODE, cells[ACCESS_CODE], FieldType.IDENTIFIER)
    try:
        return None if typed is None else normal_code(typed)
    except MalformedError as error:
        report(ACCESS_CODE, value_kinds.CODE, why=error)
        return None
