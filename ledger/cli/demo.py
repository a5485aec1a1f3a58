"""`certledger demo`: the demo in one folder."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command()
@click.option(
    "--home",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder for everything; run again, the demo goes on in it.",
)
@click.option(
    "--certificates",
    default=500,
    show_default=True,
    type=click.IntRange(10, 20_000),
    help="How many certificates a new demo issues.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def demo(home: Path, certificates: int, as_json: bool) -> None:
    """Chain, issuers, certificates, evidence and verdicts, in one folder.

    Exits with 0 only if every verdict, good and bad, is the one expected.
    """
    from rich.console import Console

    from certledger.ledger.demo.report import print_report, to_json
    from certledger.ledger.demo.runner import run
    from certledger.ledger.logging import quiet
    from certledger.verifier.errors import ExitStatus
    from certledger.verifier.files import write_atomically
    from certledger.verifier.formats.canonical_json import format_canonical

    quiet()
    progress = Console(stderr=True)
    report = run(home.absolute(), certificates, lambda step: progress.print(f"… {step}"))
    document = format_canonical(to_json(report))
    write_atomically(home / "demo.json", document)
    if as_json:
        sys.stdout.buffer.write(document + b"\n")
    else:
        print_report(report, Console(soft_wrap=True))
    raise SystemExit(ExitStatus.OK if report.holds else ExitStatus.AGAINST)
