"""`certledger demo`: the demo in one folder."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from certledger.verifier.cli.address_options import NODE, plain_http_option


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
@click.option(
    "--chain",
    "chains",
    multiple=True,
    type=NODE,
    help="A node of another chain than the embedded one (anvil, geth); several stand in for one"
    " another, and each witness rests on one of them.",
)
@plain_http_option
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def demo(
    home: Path, certificates: int, chains: tuple[str, ...], plain_http: bool, as_json: bool
) -> None:
    """Chain, issuers, certificates, evidence and verdicts, in one folder.

    With --chain the operator's account pays there: anvil and geth --dev give it funds, elsewhere
    the command says which address needs how much.

    Exits with 0 only if every verdict, good and bad, is the one expected.
    """
    from rich.console import Console

    from certledger.ledger.demo.report import print_report, to_json
    from certledger.ledger.demo.runner import run
    from certledger.ledger.logging import quiet
    from certledger.ledger.settings import load_settings, save_settings
    from certledger.verifier.errors import ExitStatus
    from certledger.verifier.files import write_atomically
    from certledger.verifier.formats.canonical_json import format_canonical

    quiet()
    progress = Console(stderr=True)
    chosen = {"chain_url": ",".join(chains) or None, "plain_http": plain_http or None}
    settings = load_settings(home=home.absolute(), **chosen)
    save_settings(settings.home, **chosen)
    report = run(settings, certificates, lambda step: progress.print(f"… {step}"))
    document = format_canonical(to_json(report))
    write_atomically(home / "demo.json", document)
    if as_json:
        sys.stdout.buffer.write(document + b"\n")
    else:
        print_report(report, Console(soft_wrap=True))
    raise SystemExit(ExitStatus.OK if report.holds else ExitStatus.AGAINST)
