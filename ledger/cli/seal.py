"""`certledger seal`: make a signed batch and the holders' files from a sheet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from certledger.ledger.cli.console import (
    FILE,
    FOLDER,
    THERE,
    Answer,
    answers,
    issuer_folder_option,
    notice,
    now,
    open_issuer,
    passphrase_option,
    unlock,
    watch,
)
from certledger.ledger.cli.preview_table import (
    confirm,
    default_language,
    is_watched,
    print_preview,
    write_page,
)
from certledger.ledger.cli.submit import client_of, counters_options

if TYPE_CHECKING:
    from certledger.ledger.issuer.folder import IssuerFolder
    from certledger.ledger.issuer.preview import Preview
    from certledger.ledger.issuer.sheet_batches import SheetRequest
    from certledger.verifier.formats.statements import Batch


@click.command()
@click.argument("sheet", type=click.Path(exists=True, path_type=Path))
@click.option("--out", type=FOLDER, help="The folder to seal into.")
@issuer_folder_option
@passphrase_option
@click.option("--category", help="The category of rows that name none.")
@click.option("--documents", type=FOLDER, help="Folder of the documents; else the sheet's folder.")
@click.option("--tab", help="The worksheet to read; else the active one.")
@click.option("--sm3", is_flag=True, help="Describe documents by SM3 too.")
@click.option("--head", type=THERE, help='A JSON file {"first","previous","sequence"}.')
@click.option("--renew", is_flag=True, help="Sign the same certificates anew.")
@click.option(
    "--accept",
    "accepted",
    multiple=True,
    metavar="CODE",
    help="Answer a question with yes for the whole sheet; may be given several times.",
)
@click.option("--preview", "only_preview", is_flag=True, help="Show what would be sealed, and end.")
@click.option("--html", "page", type=FILE, help="Write the preview as a page too.")
@click.option("--yes", is_flag=True, help="On a terminal, do not ask before signing.")
@click.option("--undo", is_flag=True, help="Withdraw what was sealed into the folder SHEET.")
@counters_options
@click.option("--lang", type=click.Choice(("zh", "en")), help="Of findings; else the locale's.")
@answers
def seal(
    sheet: Path,
    out: Path | None,
    issuer_folder: Path,
    passphrase_file: Path | None,
    only_preview: bool,
    page: Path | None,
    yes: bool,
    undo: bool,
    server: str | None,
    token: str | None,
    lang: str | None,
    **options: Any,
) -> Answer:
    """Make of SHEET a signed batch and, apart from it, the holders' files.

    SHEET is a CSV file in any common encoding, an .xlsx workbook or JSON lines, or a folder of
    documents with such a file there or next to it. Columns: category, number, the fields of the
    category, issued and expires, replaces (number or index of the former edition), holder_key,
    documents (names separated by ;), under these names or their Chinese or English labels. Nothing
    is sealed while any row has a fault, or a question that --accept does not answer. On a terminal
    a preview is shown and you confirm before anything is signed; elsewhere there is no prompt.

    More than 65,536 rows become several batches in folders of their own. Interrupted and run
    again, the same bytes come out. After a statement was displaced or has expired, --renew signs
    anew, at the place that --server (or --head) tells, and keeps the access codes. With --server
    (and --token, where the server wants one) each batch follows what the ledger has, so that
    several offices do not collide. Until it is submitted, --undo withdraws what was sealed into the
    folder named in place of SHEET.
    """
    from certledger.ledger.issuer.sheet_batches import check_sheet, seal_sheet
    from certledger.ledger.sheets.findings import SheetInvalidError

    language = lang or default_language()
    if undo:
        return _undo(open_issuer(issuer_folder), sheet, server, token)
    if out is None and not only_preview:
        raise click.UsageError("name the folder to seal into with --out, or ask for --preview")
    issuer = open_issuer(issuer_folder)
    if server is not None and options["head"] is None:
        _follow(issuer, server, token)
    try:
        work = check_sheet(issuer, _request(sheet, out=out, server=server, **options), watch)
    except SheetInvalidError as error:
        raise error.in_language(language) from None
    watched = is_watched() and not yes
    preview = work.preview(language)
    if page is not None:
        write_page(preview, page)
    if out is None or only_preview:
        return _preview_answer(preview)
    if watched:
        print_preview(preview, err=True)
        confirm(language)
    signer = unlock(issuer.keystore, passphrase_file)
    batches = seal_sheet(issuer, work, out, signer, now=now(), renew=options["renew"], watch=watch)
    return _answer(batches, out, preview)


def _follow(issuer: IssuerFolder, server: str, token: str | None) -> None:
    """Bring the register up to the ledger, so that the next batch follows what is there."""
    from certledger.ledger.issuer.synchronisation import synchronise

    report = synchronise(issuer, client_of(server, token))
    if report.dropped:
        numbers = ", ".join(map(str, report.dropped))
        notice(f"the ledger has other batches {numbers}: seal those of here again with --renew")


def _undo(issuer: IssuerFolder, sealed: Path, server: str | None, token: str | None) -> Answer:
    from certledger.ledger.issuer.withdrawal import undo_seal

    client = None if server is None else client_of(server, token)
    withdrawn = undo_seal(issuer, sealed, client)
    return Answer(
        document={
            "batches": [{"first": first, "sequence": sequence} for sequence, first in withdrawn],
            "folder": str(sealed),
            "next": issuer.register.head().to_json(),
        },
        rows=[(f"batch {sequence}", "withdrawn") for sequence, _ in withdrawn],
    )


def _request(given: Path, documents: Path | None, **options: Any) -> SheetRequest:
    """Return the request of the options, with the sheet and the folder of its documents."""
    from certledger.ledger.issuer.sheet_batches import SheetRequest

    file, neighbours = _sheet_and_documents(given)
    return SheetRequest(
        file=file,
        documents=documents or neighbours,
        are_documents_named=documents is not None or given.is_dir(),
        **options,
    )


def _sheet_and_documents(given: Path) -> tuple[Path, Path]:
    """Return the sheet and the folder of its documents, given one of them."""
    if given.is_file():
        return given, given.parent
    from certledger.ledger.issuer.sheet_batches import is_sheet
    from certledger.ledger.sheets.reader import SUFFIXES

    inside = [file for file in sorted(given.iterdir()) if is_sheet(file)]
    siblings = [file for suffix in SUFFIXES if (file := given.with_suffix(suffix)).is_file()]
    found = inside or siblings
    if len(found) != 1:
        names = ", ".join(file.name for file in found) or "none"
        raise click.UsageError(f"one sheet is needed in {given} or next to it; there is {names}")
    return found[0], given


def _preview_answer(preview: Preview) -> Answer:
    def show() -> None:
        print_preview(preview, err=False)

    return Answer(document={"preview": preview.to_json()}, show=show)


def _answer(batches: Sequence[tuple[Batch, bytes]], out: Path, preview: Preview) -> Answer:
    listed, rows = [], []
    for statement, digest in batches:
        listed.append(
            {
                "count": statement.count,
                "digest": digest.hex(),
                "first": statement.first,
                "not_after": statement.not_after,
                "root": statement.root.hex(),
                "sequence": statement.sequence,
            }
        )
        text = f"{statement.count} certificates from {statement.first}, root {statement.root.hex()}"
        rows.append((f"batch {statement.sequence}", text))
    facts = dict(preview.facts)
    document = {
        "batches": listed,
        "folder": str(out),
        "sheet": {"facts": facts, "notes": list(preview.notes)},
    }
    read = ", ".join([*(f"{name} {text}" for name, text in preview.facts), *preview.notes])
    return Answer(document=document, rows=[*rows, ("sheet", read), ("folder", str(out))])
