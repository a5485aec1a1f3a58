"""Tables of the demo's report on the reform."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from certledger.ledger.demo.reform import DemoDecision, ReformReport

_STYLES = {"granted": "green", "met": "green", "refused": "red", "not_met": "red"}


def print_reform(report: ReformReport, console: Console) -> None:
    """Print applications, decisions, cases and the three figures."""
    rows = {name: len(of) for name, of in report.edition.tables.items()}
    console.print(
        f"\nThe reform's book, edition {report.edition.number}: {rows['service_items']} items, "
        f"{rows['materials']} material lines, {rows['counters']} counters, {rows['bundles']} "
        f"bundles, {len(report.edition.book.rules)} rules."
    )
    console.print(_table("applications that a clerk decides", report.applications))
    console.print()
    console.print(_table("decisions without a person", report.decisions))
    names = {reference: name for name, reference in report.references.items()}
    for case in report.cases:
        console.print(
            f"\nCase: the decision [b]{names.get(case.reference, case.reference)}[/b] on "
            f"{case.item} rested on a certificate that is {case.cause} since; block {case.block}."
        )
    named = ", ".join(names.get(one, one) for one in report.sample)
    console.print(f"A sample that a later block drew, for people to look at: {named}.")
    print_scenarios(report, console)
    shares = ", ".join(
        f"{name} {one.total.percent} % ({len(one.missing)} missing)"
        for name, one in report.coverage.shares.items()
    )
    console.print(f"Coverage: {shares}.", highlight=False)


def print_scenarios(report: ReformReport, console: Console) -> None:
    """Print which scenarios work, and what stands in the way of the others."""
    working = [one.scenario.code for one in report.scenarios if one.works]
    console.print(
        f"Scenarios between regions: {len(working)} of {len(report.scenarios)} work "
        f"({', '.join(working)}); `certledger scenario run` says what stands in the others' way."
    )


def _table(title: str, made: Sequence[DemoDecision]) -> Table:
    table = Table(title, "for", "outcome", "because", box=None, pad_edge=False)
    for one in made:
        style = _STYLES.get(one.outcome, "yellow")
        because = f"{one.words_en} {one.words_zh}"
        table.add_row(one.asked.what, one.asked.asked, f"[{style}]{one.outcome}[/]", because)
    return table
