"""Faults of the reference data, with their places."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from certledger.verifier.errors import CertledgerError, ExitStatus
from certledger.verifier.formats.canonical_json import Json


class FaultCode(StrEnum):
    """All faults of the loader; the codes are stable."""

    FILE_MISSING = "file_missing"
    NOT_UTF8 = "not_utf8"
    BYTE_ORDER_MARK = "byte_order_mark"
    LINE_END = "line_end"
    NOT_CSV = "not_csv"
    HEADER = "header"
    ROW_LENGTH = "row_length"
    EMPTY = "empty"
    TEXT = "text"
    NOT_ASCII = "not_ascii"
    FORM = "form"
    VOCABULARY = "vocabulary"
    DUPLICATE = "duplicate"
    UNKNOWN = "unknown"
    CHECK_CHARACTER = "check_character"
    REGION = "region"
    PREFIX = "prefix"
    FIRST_FIELD = "first_field"
    REPEATED_FIELD = "repeated_field"
    CONTRADICTION = "contradiction"
    NUMBERING = "numbering"
    CYCLE = "cycle"
    TOO_MANY = "too_many"
    TOO_LARGE = "too_large"
    WORKBOOK = "workbook"
    SPELLING = "spelling"
    RULE_VERSION = "rule.version"
    RULE_SYNTAX = "rule.syntax"
    RULE_SIZE = "rule.size"
    RULE_TYPE = "rule.type"
    RULE_UNKNOWN = "rule.unknown"
    RULE_DIVISION = "rule.division"
    RULE_UNREACHABLE = "rule.unreachable"


@dataclass(frozen=True, kw_only=True, slots=True)
class DomainFault:
    """One fault and its place.

    Attributes:
        file: name of the file, without folder.
        line: line in the file, the header being 1; 0 where the whole file is meant.
        column: name of the column; empty where the whole line is meant.
        code: what kind of fault.
        reason: a sentence with the values in it.
    """

    file: str
    line: int
    column: str
    code: FaultCode
    reason: str

    def to_json(self) -> Json:
        """Return the fault as JSON."""
        return {
            "code": str(self.code),
            "column": self.column,
            "file": self.file,
            "line": self.line,
            "reason": self.reason,
        }

    def __str__(self) -> str:
        place = self.file
        if self.line:
            place += f" line {self.line}"
        if self.column:
            place += f" column {self.column}"
        return f"{place}: {self.reason} ({self.code})"


class DomainInvalidError(CertledgerError):
    """The reference data is invalid; `faults` has every reason, in file order."""

    code: str = "domain.invalid"
    exit_status = ExitStatus.UNUSABLE

    def __init__(self, faults: Sequence[DomainFault]) -> None:
        count = f"{len(faults)} fault" + ("s" if len(faults) != 1 else "")
        lines = "".join(f"\n{fault}" for fault in faults)
        super().__init__(f"domain data has {count}:{lines}")
        self.faults = tuple(faults)
