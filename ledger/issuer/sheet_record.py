"""What a folder of batches has of its sheet: its digest, and the questions that were accepted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from certledger.ledger.sheets.reader import Sheet
from certledger.verifier.files import write_atomically
from certledger.verifier.formats.canonical_json import (
    Json,
    Members,
    format_canonical,
    from_hex,
    parse_canonical,
)

FILE_NAME = "sheet.json"
MAX_SHEET_RECORD_BYTES = 2**20


@dataclass(frozen=True, kw_only=True, slots=True)
class SheetRecord:
    """How a sheet was read, and the questions that the issuer answered with yes for all of it."""

    TYPE: ClassVar[str] = "certledger/sheet/1"

    file: str
    digest: bytes
    form: str
    worksheet: str
    columns: Mapping[str, str]
    accepted: tuple[str, ...]

    @classmethod
    def of(cls, sheet: Sheet) -> SheetRecord:
        """Return the record of a sheet whose rows have been checked."""
        return cls(
            file=sheet.file,
            digest=sheet.digest,
            form=sheet.form,
            worksheet=sheet.worksheet,
            columns={name: column.header for name, column in sheet.named.items()},
            accepted=tuple(sheet.findings.answered()),
        )

    def to_json(self) -> Json:
        """Return the record as a JSON value."""
        return {
            "accepted": list(self.accepted),
            "columns": dict(self.columns),
            "digest": self.digest.hex(),
            "file": self.file,
            "form": self.form,
            "type": self.TYPE,
            "worksheet": self.worksheet,
        }

    @classmethod
    def from_json(cls, value: Json) -> SheetRecord:
        """Return the record of a JSON value.

        Raises:
            MalformedError: an unknown, missing or ill-typed member.
        """
        read = Members(value, "sheet")
        read.const("type", cls.TYPE)
        columns = read.take("columns")
        if not isinstance(columns, dict):
            read.fail("columns", "an object")
        record = cls(
            file=read.text("file", longest=1024),
            digest=from_hex(read.text("digest"), 32),
            form=read.text("form"),
            worksheet=str(read.take("worksheet")),
            columns={name: str(header) for name, header in columns.items()},
            accepted=tuple(map(str, read.array("accepted", 0, 200))),
        )
        read.done()
        return record

    def write(self, folder: Path) -> None:
        """Write the record into a folder of batches, before anything is sealed."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomically(folder / FILE_NAME, format_canonical(self.to_json()), private=True)

    @classmethod
    def find(cls, folder: Path, digest: bytes) -> SheetRecord | None:
        """Return the record in a folder, None where there is none of this sheet.

        Raises:
            MalformedError: the record is damaged.
        """
        path = folder / FILE_NAME
        if not path.is_file():
            return None
        record = cls.from_json(parse_canonical(path.read_bytes(), MAX_SHEET_RECORD_BYTES))
        return record if record.digest == digest else None
