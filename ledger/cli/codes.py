"""`certledger codes`: draw access codes and short links into a sheet."""

from __future__ import annotations

from pathlib import Path

import click

from certledger.ledger.cli.console import (
    FILE,
    THERE,
    Answer,
    answers,
    issuer_folder_option,
    open_issuer,
)
from certledger.ledger.cli.preview_table import default_language
from certledger.verifier.cli.address_options import SERVER


@click.command()
@click.argument("sheet", type=THERE)
@click.option("--out", type=FILE, help="The file to write; else SHEET itself.")
@click.option(
    "--server",
    type=SERVER,
    envvar="CERTLEDGER_SERVER",
    required=True,
    help="Address of the service whose page the links open.",
)
@click.option("--tab", help="The worksheet to read; else the active one.")
@click.option("--lang", type=click.Choice(("zh", "en")), help="Of findings; else the locale's.")
@issuer_folder_option
@answers
def codes(
    sheet: Path,
    out: Path | None,
    server: str,
    tab: str | None,
    lang: str | None,
    issuer_folder: Path,
) -> Answer:
    """Draw an access code and a short link into every row of SHEET, a CSV file or workbook.

    Run it before the documents are made, so that they can show both: link and code are two
    columns behind the others, whose cells all stay as they are. Run again, codes stay, rows that
    are new get one, and links follow the numbers. `certledger seal` seals under these codes, and
    refuses a row whose code is missing, doubled, made up or that of an earlier batch, or whose link
    leads to another certificate or another service than the last --server here.
    """
    from certledger.ledger.issuer.sheet_codes import draw_codes
    from certledger.ledger.sheets.findings import SheetInvalidError
    from certledger.verifier.files import write_atomically

    try:
        made = draw_codes(open_issuer(issuer_folder), sheet, server, tab=tab)
    except SheetInvalidError as error:
        raise error.in_language(lang or default_language()) from None
    place = out or sheet
    write_atomically(place, made.data, private=True)
    return Answer(document={"drawn": made.drawn, "file": str(place), "rows": made.rows})
