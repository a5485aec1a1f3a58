"""`certledger seal`: make a signed batch and the holders' files from a sheet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from certledger.ledger.cli.console import (
    FOLDER,
    THERE,
    Answer,
    answers,
    body_option,
    now,
    open_body,
    passphrase_option,
    unlock,
    watch,
)

if TYPE_CHECKING:
    from certledger.ledger.issuer.folder import IssuerFolder
    from certledger.ledger.keys import Signer
    from certledger.ledger.sealing.attachments import Papers
    from certledger.ledger.sealing.batch import Head, SealedBatch
    from certledger.ledger.sealing.row_checks import Issue
    from certledger.ledger.sealing.sheets import SheetRow


@click.command()
@click.argument("sheet", type=click.Path(exists=True, path_type=Path))
@click.option("--out", required=True, type=FOLDER, help="The folder to seal into.")
@body_option
@passphrase_option
@click.option("--category", help="The category of rows that name none.")
@click.option("--documents", type=FOLDER, help="Where the documents lie; else beside the sheet.")
@click.option("--tab", help="The worksheet of an XLSX file; else the first.")
@click.option("--sm3", is_flag=True, help="Describe documents by SM3 too.")
@click.option("--head", type=THERE, help='A JSON file {"first","previous","sequence"}.')
@click.option("--renew", is_flag=True, help="Sign the same certificates anew.")
@click.option("--split", is_flag=True, help="Seal more than 65,536 rows as several batches.")
@answers
def seal(
    sheet: Path,
    out: Path,
    body_folder: Path,
    passphrase_file: Path | None,
    category: str | None,
    documents: Path | None,
    tab: str | None,
    sm3: bool,
    head: Path | None,
    renew: bool,
    split: bool,
) -> Answer:
    """Make of SHEET a signed batch and, apart from it, the holders' files.

    SHEET is a .csv, .xlsx or .jsonl file, or a folder of documents with such a file in or next to
    it. Columns: category, number, the category's fields, issued and expires (or the fields
    issue_date and expiry_date), replaces (number or index of the former edition), holder_key,
    documents (names separated by ;). Nothing is sealed while any row has a fault.

    Interrupted and run again, the same bytes come out. After a statement was displaced or has
    expired, --renew signs anew (with the --head it now has) and keeps the access codes.
    """
    from certledger.ledger.sealing.attachments import Papers
    from certledger.ledger.sealing.sheets import read_sheet

    file, neighbours = _sheet_and_documents(sheet)
    body = open_body(body_folder)
    rows = read_sheet(file, tab=tab)
    folders = _folders(len(rows), out, split=split)
    start, current = _head(body, folders[0], head, renew=renew)
    apart = range(current.first, current.first + len(rows)) if current else range(0)
    papers = Papers(folder=documents or neighbours, with_sm3=sm3)
    issues = _check(body, rows, papers, category, start, apart, split=split)
    batches = _seal_all(body, issues, folders, start, unlock(body.keystore, passphrase_file), renew)
    return _answer(batches, out)


def _sheet_and_documents(given: Path) -> tuple[Path, Path]:
    """Return the sheet and the folder of its documents, given one of them."""
    if given.is_file():
        return given, given.parent
    suffixes = (".csv", ".jsonl", ".ndjson", ".xlsx")
    inside = [file for file in sorted(given.iterdir()) if file.suffix.lower() in suffixes]
    documents = [file for suffix in suffixes if (file := given.with_suffix(suffix)).is_file()]
    found = inside or documents
    if len(found) != 1:
        names = ", ".join(file.name for file in found) or "none"
        raise click.UsageError(f"one sheet is wanted in or beside {given}; there is {names}")
    return found[0], given


def _folders(rows: int, out: Path, *, split: bool) -> list[Path]:
    """Return the folder of each batch."""
    from certledger.verifier.formats.issuer_state import MAX_BATCH_CERTIFICATES

    if not split or rows <= MAX_BATCH_CERTIFICATES:
        return [out]
    return [out / f"{number:04d}" for number in range(1, -(-rows // MAX_BATCH_CERTIFICATES) + 1)]


def _head(
    body: IssuerFolder, folder: Path, file: Path | None, *, renew: bool
) -> tuple[Head, Head | None]:
    """Return the head that the first batch starts at, and the head of an interrupted run."""
    from certledger.ledger.issuer.workspace import Workspace
    from certledger.ledger.sealing.batch import Head
    from certledger.verifier.formats.canonical_json import parse

    plan = Workspace(folder=folder).plan()
    current = plan.head if plan else None
    if file is not None and (current is None or renew):
        return Head.from_json(parse(file.read_bytes(), 4096)), current
    return current or body.register.head(), current


def _check(
    body: IssuerFolder,
    rows: Sequence[SheetRow],
    papers: Papers,
    category: str | None,
    start: Head,
    apart: range,
    *,
    split: bool,
) -> list[Issue]:
    from certledger.ledger.sealing.row_checks import CheckContext, check_rows
    from certledger.verifier.formats.issuer_state import MAX_BATCH_CERTIFICATES

    desk = CheckContext(
        catalog=body.catalog(),
        issued=body.register.before(start.first, apart),
        first=start.first,
        papers=papers,
        category=category,
        name=body.profile().name,
        most=len(rows) if split else MAX_BATCH_CERTIFICATES,
    )
    return check_rows(rows, desk, watch)


def _seal_all(
    body: IssuerFolder,
    issues: Sequence[Issue],
    folders: Sequence[Path],
    head: Head,
    signer: Signer,
    renew: bool,
) -> list[SealedBatch]:
    from certledger.ledger.issuer.workspace import Plan, Workspace
    from certledger.verifier.formats.issuer_state import MAX_BATCH_CERTIFICATES

    profile, catalog, batches = body.profile(), body.catalog(), []
    for number, folder in enumerate(folders):
        plan = Plan(
            issuer=profile.issuer,
            ledger=profile.ledger,
            catalog=catalog.root(),
            head=head,
            now=now(),
        )
        batch = Workspace(folder=folder).seal(
            issues[number * MAX_BATCH_CERTIFICATES : (number + 1) * MAX_BATCH_CERTIFICATES],
            plan,
            catalog=catalog,
            secret=body.secret(),
            signer=signer,
            renew=renew,
            watch=watch,
        )
        body.register.record(batch)
        batches.append(batch)
        head = batch.head
    return batches


def _answer(batches: Sequence[SealedBatch], out: Path) -> Answer:
    listed, rows = [], []
    for batch in batches:
        statement = batch.statement
        listed.append(
            {
                "count": statement.count,
                "digest": batch.digest.hex(),
                "first": statement.first,
                "not_after": statement.not_after,
                "root": statement.root.hex(),
                "sequence": statement.sequence,
            }
        )
        text = f"{statement.count} certificates from {statement.first}, root {statement.root.hex()}"
        rows.append((f"batch {statement.sequence}", text))
    document = {"batches": listed, "folder": str(out)}
    return Answer(document=document, rows=[*rows, ("folder", str(out))])
