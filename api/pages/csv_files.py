"""Tables of the pages as CSV files, which spreadsheets open without running anything."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from starlette.responses import Response

from certledger.api.responses import raw
from certledger.ledger.reform.book_files import guard

BOM = "\ufeff"
"""Without it Excel reads Chinese as another encoding."""


def csv_file(name: str, rows: Iterable[Sequence[object]]) -> Response:
    """Return a table as a download; cells that a spreadsheet would compute are escaped."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerows([guard(str(cell)) for cell in row] for row in rows)
    return raw(
        (BOM + out.getvalue()).encode(),
        media="text/csv; charset=utf-8",
        content_disposition=f'attachment; filename="{name}"',
    )
