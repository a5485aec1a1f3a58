"""`certledger join`: a home that follows a ledger which others have founded."""

from __future__ import annotations

from pathlib import Path

import click

from certledger.ledger.cli.console import FOLDER, Answer, answers
from certledger.verifier.cli.address_options import NODE, plain_http_option
from certledger.verifier.cli.policy_options import PolicyChoice, policy_options


@click.command()
@click.option("--home", required=True, type=FOLDER, help="The new home.")
@click.option("--chain", required=True, type=NODE, help="A node of the ledger's chain.")
@click.option("--ledger", "name", help="Which ledger of the policy, if several.")
@plain_http_option
@policy_options()
@answers
def join(
    home: Path, chain: str, name: str | None, plain_http: bool, policy: PolicyChoice
) -> Answer:
    """Make a home that follows the ledger of a policy: `serve` then answers from a node of yours.

    The contract is checked against what the policy pins before anything is written.
    """
    from certledger.ledger.foundation.follower_home import join_ledger
    from certledger.ledger.settings import save_settings

    trusted = policy.open()
    pins = [pin for pin in trusted.ledgers if name in (None, pin.name)]
    if len(pins) != 1:
        raise click.UsageError("name one of the policy's ledgers with --ledger")
    deployment = join_ledger(home, chain, pins[0])
    PolicyChoice(files=policy.files, fingerprint=policy.fingerprint, home=home).open()
    save_settings(home, chain_url=chain, plain_http=plain_http or None)
    return Answer(
        document={
            "block": deployment.block or 0,
            "home": str(home),
            "ledger": deployment.identity.hex(),
        }
    )
