"""`certledger sample open, get`: for who draws a sample of decisions."""

from __future__ import annotations

from pathlib import Path

import click

from certledger.ledger.cli.console import FILE, Answer, answers, ledger_home_option
from certledger.verifier.reform.operator_record import MAX_CANDIDATES


@click.command("open")
@ledger_home_option
@click.option("--size", default=20, show_default=True, type=click.IntRange(1, MAX_CANDIDATES))
@answers
def open_sample(home: Path | None, size: int) -> Answer:
    """Sign the list of all decisions since the last sample, of which SIZE will be drawn.

    The service anchors the list with the receipts, and draws by a block that comes after it.
    """
    from certledger.ledger.reform.home import open_bookshelf, operator_signer
    from certledger.ledger.reform.samples import create_sample

    with open_bookshelf(home) as shelf:
        found = create_sample(
            shelf.store,
            operator_signer(home),
            identity=shelf.identity,
            now=int(shelf.clock()),
            size=size,
        )
    return Answer(
        document={"first": found.first, "last": found.last, "reference": found.reference},
        rows=[
            ("reference", found.reference),
            ("candidates", f"the decisions among the records {found.first} to {found.last}"),
        ],
    )


@click.command("get")
@click.argument("reference")
@ledger_home_option
@click.option("--out", required=True, type=FILE, help="The file to write, and to publish.")
@answers
def get(reference: str, home: Path | None, out: Path) -> Answer:
    """Write the published file of a sample, and list the references of what was drawn."""
    from certledger.ledger.reform.home import open_bookshelf
    from certledger.ledger.reform.samples import drawn_references, published_file
    from certledger.verifier.files import write_atomically

    with open_bookshelf(home) as shelf:
        data = published_file(shelf.store, reference)
        drawn = drawn_references(shelf.store, data)
    write_atomically(out, data)
    return Answer(
        document={"drawn": list(drawn), "file": str(out), "reference": reference},
        rows=[("file", str(out)), *(("drawn", one) for one in drawn)],
    )
