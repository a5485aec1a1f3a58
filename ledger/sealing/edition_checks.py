"""The editions that rows of a sheet make, and numbers that are another one's, or look like it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from certledger.ledger.sealing import value_kinds
from certledger.ledger.sealing.access_codes import CellReport
from certledger.ledger.sealing.issue import IssuedCertificates, IssuedEdition
from certledger.verifier.formats.look_alikes import look_of
from certledger.verifier.slot_init import slot_init

_BRACKETS = str.maketrans("〔〕［］【】[]{}〈〉《》", "()()()()()()()")
_ZEROS = re.compile(r"(?<![0-9])0+(?=[0-9])")


@slot_init
@dataclass(frozen=True, kw_only=True, slots=True)
class NumberedRow:
    """A row by its certificate's number.

    `column` is where the number is and `written` what it is there; `replaces` is what the row says
    that its certificate replaces, None if nothing.
    """

    category: str
    number: str
    index: int
    row: int
    column: str
    written: str
    replaces: str | None


@dataclass(kw_only=True, slots=True)
class EditionChecks:
    """Finds the edition that each row of a sheet makes, one row after the other."""

    issued: IssuedCertificates
    _seen: dict[tuple[str, str], tuple[IssuedEdition, int]] = field(default_factory=dict)
    _folded: dict[int, int] = field(default_factory=dict)
    _looks: dict[tuple[str, str], str] = field(default_factory=dict)

    def read(self, at: NumberedRow, report: CellReport) -> IssuedEdition | None:
        """Return the edition that a row replaces, None for a first edition."""
        key = (at.category, at.number)
        self._check_look(at, report)
        here = self._seen.get(key)
        current = here[0] if here else self.issued.newest(*key)
        edition = current.edition + 1 if current else 0
        self._seen[key] = IssuedEdition(index=at.index, edition=edition), at.row
        if at.replaces is None:
            _report_twice(at, current, here[1] if here else None, report)
            if here is None:
                self._check_folded(at, report)
            return None
        if current is None or at.replaces not in (str(current.index), at.number, at.written):
            newest = f" ({current.index})" if current is not None else ""
            report(
                "replaces",
                value_kinds.EDITION_REPLACES_NOTHING,
                category=at.category,
                number=at.number,
                value=at.replaces,
                newest=newest,
            )
        return current

    def _check_look(self, at: NumberedRow, report: CellReport) -> None:
        """Ask where another number, in the sheet or issued, looks the same."""
        look = look_of(at.number)
        key = (at.category, look)
        other = self._looks.get(key)
        if look != at.number:  # Most numbers are their own look, and are in `_seen`.
            self._looks.setdefault(key, at.number)
            if key in self._seen or self.issued.newest(*key) is not None:
                other = look
        if other not in (None, at.number):
            report(at.column, value_kinds.NUMBER_LOOKS_ALIKE, number=at.number, other=other)

    def _check_folded(self, at: NumberedRow, report: CellReport) -> None:
        """Ask where the number of an earlier row differs in brackets or zeros alone."""
        folded = hash((at.category, _ZEROS.sub("", at.number.translate(_BRACKETS))))
        first = self._folded.setdefault(folded, at.row)
        if first != at.row:
            report(at.column, value_kinds.EDITION_NEARLY_TWICE, number=at.number, first=first)


def _report_twice(
    at: NumberedRow, current: IssuedEdition | None, first: int | None, report: CellReport
) -> None:
    """Report a number that an earlier row of the sheet, or an issued certificate, has."""
    if first is not None:
        kind = value_kinds.EDITION_TWICE_HERE
        report(at.column, kind, number=at.number, first=first, row=at.row)
    elif current is not None:
        report(
            "replaces",
            value_kinds.EDITION_TWICE,
            category=at.category,
            number=at.number,
            index=current.index,
        )
