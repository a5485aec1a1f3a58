"""`certledger book`: the reform's service items, materials, counters and bundles, by edition."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from certledger.ledger.cli.console import FOLDER, Answer, answers, ledger_home_option, notice
from certledger.verifier.formats.canonical_json import Json

if TYPE_CHECKING:
    from certledger.verifier.reform.book_edition import BookEdition
    from certledger.verifier.reform.exemptions import ExemptionList

_EDITION = click.option("--edition", type=click.IntRange(1), help="Its number; without, today's.")
SHANGHAI = "310000"


@click.group()
def book() -> None:
    """Service items, material lines, categories, counters and bundles of the reform."""


@book.command("import")
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@ledger_home_option
@click.option("--from", "day", metavar="DAY", help="The first day it holds, as 2026-12-01.")
@click.option("--region", default=SHANGHAI, show_default=True, help="Whose book it is (GB/T 2260).")
@click.option("--preview", is_flag=True, help="Only say what it would add, change and drop.")
@answers
def import_book(
    source: Path, home: Path | None, day: str | None, region: str, preview: bool
) -> Answer:
    """Make an edition of SOURCE: a folder of CSV files, or a workbook with a worksheet a table.

    Every fault is listed with file, line and column, and then nothing is changed.
    """
    from certledger.ledger.reform.book_files import read_book
    from certledger.ledger.reform.bookshelf import describe_changes
    from certledger.ledger.reform.home import open_bookshelf, operator_signer

    first = None if preview else _day(day)
    files = read_book(source)
    for warning in files.warnings:
        notice(f"warning: {warning}")
    if files.ignored:
        notice(f"not read, since they are no tables of the book: {', '.join(files.ignored)}")
    with open_bookshelf(home) as shelf:
        found = shelf.preview(files.tables)
        rows = describe_changes(found) or [("changes", "none")]
        document: Json = {"changes": {name: one.to_json() for name, one in found.items()}}
        if first is not None:
            stored = shelf.add(
                files.tables, holds_from=first, region=region, operator=operator_signer(home)
            )
            document |= {
                "edition": stored.number,
                "from": stored.holds_from,
                "book": stored.digest.hex(),
                "reference": stored.reference,
            }
            rows += [
                ("edition", f"{stored.number}, from {stored.holds_from}"),
                ("digest", stored.digest.hex()),
                ("reference", stored.reference),
            ]
    return Answer(document=document, rows=rows)


def _day(text: str | None) -> date:
    if text is None:
        raise click.UsageError("name the first day with --from, or look first with --preview")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"{text!r} is no day like 2026-12-01") from None


@book.command("show")
@ledger_home_option
@answers
def show_book(home: Path | None) -> Answer:
    """List the editions, and how much is in the one that holds today."""
    from certledger.ledger.reform.bookshelf import BookAbsentError
    from certledger.ledger.reform.home import open_bookshelf

    with open_bookshelf(home) as shelf:
        editions = shelf.editions()
        document: Json = {
            "editions": [
                {
                    "book": one.digest.hex(),
                    "edition": one.number,
                    "from": one.holds_from,
                    "reference": one.reference,
                }
                for one in editions
            ]
        }
        rows = [
            (f"edition {one.number}", f"from {one.holds_from}  {one.digest.hex()}")
            for one in editions
        ]
        try:
            today = shelf.current()
        except BookAbsentError:
            return Answer(document=document, rows=rows or [("editions", "none")])
    counts = {name: len(of) for name, of in today.tables.items()}
    document |= {"current": today.number, "rows": counts}
    rows += [("today", f"edition {today.number}")]
    return Answer(document=document, rows=rows + [(n, str(count)) for n, count in counts.items()])


@book.command("export")
@click.argument("folder", type=FOLDER)
@ledger_home_option
@_EDITION
@click.option("--file", "as_file", is_flag=True, help="Also book.json, which decisions rest on.")
@answers
def export(folder: Path, home: Path | None, edition: int | None, as_file: bool) -> Answer:
    """Write the CSV files of an edition to FOLDER, byte for byte as an import takes them."""
    from certledger.ledger.reform.book_files import export_book
    from certledger.verifier.files import write_atomically

    found = _edition(home, edition)
    files = export_book(found.tables, folder)
    if as_file:
        write_atomically(folder / "book.json", found.format())
        files.append("book.json")
    return Answer(document={"edition": found.number, "files": files, "book": found.digest.hex()})


def _edition(home: Path | None, number: int | None) -> BookEdition:
    from certledger.ledger.reform.home import open_bookshelf

    with open_bookshelf(home) as shelf:
        return shelf.current() if number is None else shelf.edition(number)


@book.command("exempt")
@click.argument("code")
@click.option(
    "--applicant",
    type=click.Choice(("person", "foreigner", "company")),
    default="person",
    show_default=True,
    help="Who applies.",
)
@ledger_home_option
@_EDITION
@answers
def exempt(code: str, applicant: str, home: Path | None, edition: int | None) -> Answer:
    """Say line by line what an applicant for the item or bundle CODE need not bring."""
    from certledger.verifier.reform.book import ApplicantKind
    from certledger.verifier.reform.exemptions import exemptions

    found = _edition(home, edition)
    listed = exemptions(found.book, code, ApplicantKind(applicant))
    return Answer(document=listed.to_json() | {"edition": found.number}, rows=_exempt_rows(listed))


def _exempt_rows(listed: ExemptionList) -> list[tuple[str, str]]:
    from certledger.verifier.reform.exemptions import REASONS

    rows = []
    for line in listed.lines:
        optional = "" if line.required else " (optional)"
        with_ = f" [{', '.join(line.categories)}]" if line.categories else ""
        why = line.override.en if line.override else REASONS[line.reason].en
        rows.append((f"{line.name.zh}{optional}", f"{line.exemption}: {why}{with_}"))
    counts = ", ".join(f"{count} {name}" for name, count in listed.counts().items())
    return [*rows, ("exempt", f"{listed.rate} % ({counts})")]
