"""`certledger coverage`: the reform's three percentages, and what is missing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from certledger.ledger.cli.console import Answer, ledger_home_option, show

if TYPE_CHECKING:
    from certledger.ledger.reform.coverage import Coverage

MAX_SHOWN = 5


@click.command("coverage")
@ledger_home_option
@click.option(
    "--days",
    default=30,
    show_default=True,
    type=click.IntRange(1, 3_650),
    help="A counter that asked within so many days is connected.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@click.option("--csv", "as_csv", is_flag=True, help="A table with every part and what is missing.")
def command(home: Path | None, days: int, as_json: bool, as_csv: bool) -> None:
    """Show the share of items, categories and counters that the reform has reached."""
    from certledger.ledger.reform.figures import Figures, describe
    from certledger.ledger.reform.home import open_bookshelf

    if as_json and as_csv:
        raise click.UsageError("either --json or --csv")
    with open_bookshelf(home) as shelf:
        edition, found = Figures(store=shelf.store, shelf=shelf, clock=shelf.clock).compute(days)
    if as_csv:
        click.echo(found.to_csv(), nl=False)
        return
    show(Answer(document=describe(edition, found), rows=_rows(found)), as_json=as_json)


def _rows(found: Coverage) -> list[tuple[str, str]]:
    rows = []
    for name, share in found.shares.items():
        rows.append((name, f"{share.total.percent} % ({share.total.part} of {share.total.whole})"))
        if share.missing:
            more = len(share.missing) - MAX_SHOWN
            named = ", ".join(share.missing[:MAX_SHOWN]) + (f" and {more} more" if more > 0 else "")
            rows.append((f"{name} missing", named))
    rows += [(name, f"{part.percent} %") for name, part in found.all_rates.items()]
    rows += [(f"decisions {outcome}", str(count)) for outcome, count in found.decisions.items()]
    rows.append(("oldest not anchored", f"{found.oldest_seconds} s"))
    return [*rows, ("median to final", f"{found.final_seconds} s")]
