"""`certledger settings`: every setting with its meaning, value and origin."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from certledger.ledger.cli.console import Answer, answers


@click.command("settings")
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    help="The home whose certledger.toml counts (also CERTLEDGER_HOME).",
)
@answers
def command(home: Path | None) -> Answer:
    """Show every setting: meaning, value (secrets as stars) and origin."""
    from certledger.ledger.settings import describe_settings

    found = describe_settings(home=home)
    return Answer(
        document={"settings": [asdict(row) for row in found]},
        rows=[(row.name, f"{row.value} ({row.origin}): {row.meaning}") for row in found],
    )
