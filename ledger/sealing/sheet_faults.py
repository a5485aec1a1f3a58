"""What can be wrong with a sheet of certificates, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from certledger.verifier.errors import CertledgerError, ExitStatus


class SheetFaultCode(StrEnum):
    """Every fault of a sheet; the codes are stable."""

    FILE_MISSING = "sheet.file_missing"
    FILE_KIND = "sheet.file_kind"
    FILE_SIZE = "sheet.file_size"
    ENCODING = "sheet.encoding"
    UNREADABLE = "sheet.unreadable"
    EMPTY = "sheet.empty"
    TOO_MANY_ROWS = "sheet.too_many_rows"
    HEADER = "sheet.header"
    ROW_LENGTH = "sheet.row_length"
    CELL = "sheet.cell"
    CATEGORY = "sheet.category"
    FIELD_MISSING = "sheet.field_missing"
    FIELD_UNKNOWN = "sheet.field_unknown"
    TEXT = "text.refused"
    TOO_LONG = "sheet.too_long"
    NUMBER = "number.invalid"
    DATE = "sheet.date"
    DATE_MISSING = "sheet.date_missing"
    DATE_DIFFERS = "sheet.date_differs"
    DATES_REVERSED = "record.dates"
    VALIDITY = "entitlement.validity_too_long"
    BODY_DIFFERS = "sheet.body_differs"
    EDITION_TWICE = "edition.twice"
    EDITION_REPLACES_NOTHING = "edition.replaces_nothing"
    HOLDER_KEY = "holder_key.invalid"
    DOCUMENT_NAME = "document.name"
    DOCUMENT_MISSING = "document.missing"
    TOO_MANY_DIGESTS = "record.too_many_digests"


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class SheetFault:
    """One fault and its place.

    Attributes:
        file: name of the file as it was given.
        row: row of the sheet or line of the file, the header being 1; 0 for the whole file.
        column: name of the column as the header has it; empty for the whole row.
        code: what kind of fault.
        reason: a sentence with the values in it.
    """

    file: str
    row: int
    column: str
    code: SheetFaultCode
    reason: str

    def to_json(self) -> dict[str, str | int]:
        """Return the fault for a program."""
        return {
            "code": str(self.code),
            "column": self.column,
            "file": self.file,
            "reason": self.reason,
            "row": self.row,
        }

    def __str__(self) -> str:
        place = self.file
        if self.row:
            place += f" row {self.row}"
        if self.column:
            place += f" column {self.column}"
        return f"{place}: {self.reason} ({self.code})"


class SheetInvalidError(CertledgerError):
    """A sheet is refused as a whole, and nothing is sealed; `faults` holds every reason."""

    code = "sheet.invalid"
    exit_status = ExitStatus.UNUSABLE

    def __init__(self, faults: Sequence[SheetFault]) -> None:
        count = f"{len(faults)} fault" + ("s" if len(faults) != 1 else "")
        super().__init__(f"the sheet has {count}:" + "".join(f"\n{fault}" for fault in faults))
        self.faults = tuple(faults)

    def to_json(self) -> dict[str, Any]:
        """Return code and sentence with the place of every fault."""
        return {**super().to_json(), "faults": [fault.to_json() for fault in self.faults]}
