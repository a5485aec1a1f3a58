"""`certledger rebuild`: the mirror forgotten, and made again from the chain."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ledger.node import Ledger
    from verifier.encoding import Json

EXIT_CANNOT = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Rebuilt:
    """What the chain told up to `block`, and what it cannot tell.

    `checkpoint` is the block at which the new mirror was proved equal to the chain, None where no
    final block holds it yet.  `unnamed` are bodies whose name nobody handed in, `missing` the
    (body, sequence) of batches whose records are not kept here.
    """

    block: int
    bodies: int
    batches: int
    certificates: int
    checkpoint: int | None
    unnamed: tuple[str, ...]
    missing: tuple[tuple[str, int], ...]

    def to_json(self) -> Json:
        """Return it as a JSON value."""
        value: dict[str, Json] = {
            "batches": self.batches,
            "block": self.block,
            "bodies": self.bodies,
            "certificates": self.certificates,
            "missing": [{"issuer": issuer, "sequence": number} for issuer, number in self.missing],
            "unnamed": list(self.unnamed),
        }
        return value if self.checkpoint is None else value | {"checkpoint": self.checkpoint}


def rebuild(ledger: Ledger) -> Rebuilt:
    """Forget the mirror, follow the chain from the deployment on, and prove the result.

    What was handed in (acts, records, catalogs, names) is not the chain's and stays as it is.

    Raises:
        ChainUnreachable: the node does not answer; run again.
        MirrorDiffers: what this node tells does not add up, or is not what it proves.
    """
    from ledger.checkpoints import Cadence, checkpoint
    from ledger.naming import is_placeholder

    held = ledger.follower.rebuild()
    made = checkpoint(ledger.store, ledger.chain, ledger.pin, Cadence(seconds=0))
    with ledger.store.begin(write=False) as unit:
        states = [body.state for body in unit.bodies()]
        missing = unit.missing_records()
    return Rebuilt(
        block=held.number,
        bodies=len(states),
        batches=sum(state.batches for state in states),
        certificates=sum(state.certificates for state in states),
        checkpoint=None if made is None else made.number,
        unnamed=tuple(state.issuer for state in states if is_placeholder(state.name)),
        missing=tuple((batch.issuer, batch.sequence) for batch in missing),
    )


@click.command(name="rebuild")
@click.option(
    "--home",
    required=True,
    envvar="CERTLEDGER_HOME",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The home of the ledger; nothing else may be running on it.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def command(home: Path, as_json: bool) -> None:
    """Make the database's view of the chain again, from the chain alone.

    Exits with 3 where the chain cannot be read, or where what it tells is not what it proves.
    """
    from ledger.logs import quiet
    from ledger.node import open_ledger
    from ledger.settings import load_settings
    from verifier.encoding import format_canonical

    quiet()
    with open_ledger(load_settings(home=home.absolute())) as ledger:
        rebuilt = rebuild(ledger)
    if as_json:
        click.echo(format_canonical(rebuilt.to_json()))
    else:
        _tell(rebuilt)


def _tell(rebuilt: Rebuilt) -> None:
    click.echo(
        f"{rebuilt.bodies} bodies, {rebuilt.batches} batches, {rebuilt.certificates} certificates"
        f" up to block {rebuilt.block}"
    )
    if rebuilt.checkpoint is not None:
        click.echo(f"proved equal to the chain at block {rebuilt.checkpoint}")
    for issuer in rebuilt.unnamed:
        click.echo(f"the name of {issuer} was never handed in")
    for issuer, sequence in rebuilt.missing:
        click.echo(f"the records of batch {sequence} of {issuer} are not kept here")
