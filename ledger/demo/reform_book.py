"""The demo's book: the reference data, with counters, bundles and rules of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

from certledger.ledger.core.book_values import StoredEdition
from certledger.ledger.demo.participants import Cast
from certledger.ledger.node import Ledger
from certledger.ledger.reference_data.loader import PACKAGED
from certledger.ledger.reform.book_columns import SCHEMAS
from certledger.ledger.reform.book_files import read_book
from certledger.ledger.reform.bookshelf import Bookshelf

REGION = "310000"
_OWN = Path(__file__).parent / "book"


def import_book(ledger: Ledger, cast: Cast, folder: Path) -> tuple[Bookshelf, StoredEdition]:
    """Write the book's files to `folder` and import them; a second time changes nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    for schema in SCHEMAS.values():
        source = _OWN / schema.file
        shutil.copyfile(source if source.exists() else PACKAGED / schema.file, folder / schema.file)
    shelf = Bookshelf(store=ledger.store, identity=ledger.pin.identity, clock=ledger.clock)
    stored = shelf.editions()
    if not stored:
        tables = read_book(folder).tables
        shelf.add(tables, holds_from=cast.today, region=REGION, operator=ledger.operator)
    return shelf, shelf.editions()[-1]
