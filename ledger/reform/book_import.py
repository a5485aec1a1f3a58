"""An import of the book that is handed in as one JSON document."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from certledger.ledger.keys import Signer
from certledger.ledger.reference_data.faults import DomainFault
from certledger.ledger.reform.book_columns import SCHEMAS
from certledger.ledger.reform.book_files import BookTables, parse_book, parse_workbook
from certledger.ledger.reform.bookshelf import Bookshelf
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.canonical_json import Json, Members, from_base64url, parse
from certledger.verifier.formats.record import read_day

DEFAULT_REGION = "310000"
MAX_LISTED_WARNINGS = 1_000
_REGION = re.compile("[0-9]{6}")


@dataclass(frozen=True, kw_only=True, slots=True)
class BookImport:
    """Tables to import for a region; `holds_from` is None for a preview."""

    tables: BookTables
    warnings: Sequence[DomainFault]
    region: str
    holds_from: date | None

    def run(self, shelf: Bookshelf, operator: Signer) -> dict[str, Json]:
        """Import, or only preview; raises as `Bookshelf.add`."""
        found: dict[str, Json] = {
            "changes": {name: one.to_json() for name, one in shelf.preview(self.tables).items()},
            "warnings": [one.to_json() for one in self.warnings[:MAX_LISTED_WARNINGS]],
        }
        if self.holds_from is None:
            return found
        stored = shelf.add(
            self.tables, holds_from=self.holds_from, region=self.region, operator=operator
        )
        return found | {
            "book": stored.digest.hex(),
            "edition": stored.number,
            "from": stored.holds_from,
            "reference": stored.reference,
        }


def parse_book_import(data: bytes, limit: int) -> BookImport:
    """Return the import of a request's body.

    Raises:
        MalformedError: it is none.
        BookInvalidError: anything is wrong with the tables.
    """
    read = Members(parse(data, limit), "import")
    if read.has("files") == read.has("workbook"):
        raise MalformedError("schema.invalid", "an import has one of files and workbook")
    region = read.text("region", _REGION) if read.has("region") else DEFAULT_REGION
    preview = read.take("preview") if read.has("preview") else False
    if type(preview) is not bool:
        read.fail("preview", "true or false")
    holds_from = None if preview else read_day(read, "from")
    if preview and read.has("from"):
        read_day(read, "from")
    if read.has("workbook"):
        workbook = read.text("workbook", longest=limit)
        read.done()
        book = parse_workbook(from_base64url(workbook))
    else:
        files = read.take("files")
        read.done()
        book = parse_book(_files(files))
    return BookImport(
        tables=book.tables, warnings=book.warnings, region=region, holds_from=holds_from
    )


def _files(value: Json) -> dict[str, bytes]:
    """Return the bytes of each table's file by its name."""
    if type(value) is not dict or not all(type(one) is str for one in value.values()):
        raise MalformedError("schema.invalid", "files are texts by the names of tables")
    if unknown := sorted(value.keys() - SCHEMAS.keys()):
        raise MalformedError("schema.invalid", f"{unknown[0]} is no table of the book")
    return {SCHEMAS[name].file: text.encode() for name, text in value.items()}
