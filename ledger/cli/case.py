"""`certledger case`: decisions whose certificates are no longer in force."""

from __future__ import annotations

from pathlib import Path

import click

from certledger.ledger.cli.console import Answer, answers, ledger_home_option

MAX_LISTED = 1_000


@click.group()
def case() -> None:
    """Supervision cases: a certificate was revoked, suspended or replaced after a decision."""


@case.command("list")
@ledger_home_option
@click.option("--closed", is_flag=True, help="Closed ones too.")
@answers
def list_cases(home: Path | None, closed: bool) -> Answer:
    """List the cases, the oldest first."""
    from certledger.ledger.reform.cases import case_to_json
    from certledger.ledger.reform.home import open_bookshelf

    with open_bookshelf(home) as shelf, shelf.store.begin(write=False) as unit:
        found = unit.cases(party=None, closed=closed, limit=MAX_LISTED)
        waiting = unit.open_case_count()
    rows = [("open", str(waiting))]
    for one in found:
        end = "open" if one.closed_by is None else f"closed by {one.closed_by}: {one.reason}"
        rows.append((one.reference, f"{one.item}, {one.cause}, {one.leaf.hex()[:16]}…, {end}"))
    document = {"cases": [case_to_json(one) for one in found], "open": waiting}
    return Answer(document=document, rows=rows)


@case.command("close")
@click.argument("reference")
@ledger_home_option
@click.option("--by", required=True, help="Who closes it.")
@click.option("--reason", required=True, help="Why, in a sentence.")
@answers
def close_case(reference: str, home: Path | None, by: str, reason: str) -> Answer:
    """Close the open cases of the decision REFERENCE with a name and a reason.

    Of two people who close a case at once one wins, and the other is refused.
    """
    from certledger.ledger.reform.cases import case_to_json, close_cases
    from certledger.ledger.reform.home import open_bookshelf

    with open_bookshelf(home) as shelf:
        done = close_cases(shelf.store, reference, by=by, reason=reason, now=int(shelf.clock()))
    rows = [(one.reference, f"{one.cause}, closed by {one.closed_by}") for one in done]
    return Answer(document={"cases": [case_to_json(one) for one in done]}, rows=rows)
