"""The root command, to which other packages add theirs by entry point."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from certledger.verifier.cli.decision import decision
from certledger.verifier.cli.entry_points import EntryPointGroup
from certledger.verifier.cli.policy import policy
from certledger.verifier.cli.sample import sample
from certledger.verifier.cli.snapshot import snapshot
from certledger.verifier.cli.verify import verify
from certledger.verifier.console import prepare_streams, run

GROUP = "certledger.commands"
ROOM_COMMANDS: Mapping[str, str] = {
    "apikey": "Keys of those who call the API.",
    "ask": "Ask a service of evidence, and check its receipt.",
    "audit": "Replay the whole ledger from its deployment and report every fault.",
    "backup": "Copy a whole home to one file, also while it is served.",
    "book": "The reform's service items, materials, counters and bundles.",
    "case": "Decisions whose certificates are no longer in force.",
    "catalog": "What an issuer may issue: make it, sign it, show it.",
    "chain": "A node of one's own that follows an embedded chain.",
    "codes": "Draw access codes and short links into a sheet, before its documents.",
    "coverage": "The share of items, categories and counters reached, and what is missing.",
    "demo": "The main job end to end, in a folder of its own.",
    "desk": "The offline desk as one HTML file, for a USB stick.",
    "doctor": "Find what is wrong with a home.",
    "evidence": "The holders' folders of a batch, with evidence as it is now.",
    "found": "Found a ledger: parts, document, deployment, first policy.",
    "hooks": "Webhooks of a service, failed deliveries, and the feed of events.",
    "issuer": "Keys and acts of issuers and registrars.",
    "issuer-desk": "The issuer's work in a browser, on its own computer.",
    "join": "Make a home that follows a ledger which is there.",
    "present": "Make evidence that shows only the fields you choose.",
    "rebuild": "Make the database again from the chain and the issuers' records.",
    "registrar": "Review and sign acts, and hold issuers, from a region's home.",
    "restore": "Bring a home back from a copy.",
    "scenario": "Run each scenario in which one region verifies another's certificate.",
    "seal": "Make a signed batch and the holders' files from a sheet.",
    "serve": "Chain, database, API, pages and anchoring in one process tree.",
    "settings": "Every setting: meaning, value, origin.",
    "status": "Revoke, suspend, resume or supersede certificates.",
    "submit": "Hand in a sealed batch or a signed act.",
    "verify-receipt": "Check a verification receipt, offline.",
    "witness": "Cosign checkpoints on a node of one's own.",
}
"""One help line for each command of other packages, which are imported only when called."""


class CommandLine(EntryPointGroup):
    """The whole command line: ends with the exit status that `verifier.console.run` gives."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command and leave with its exit status (`verifier.console.run`)."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode, **extra)
        os.umask(os.umask(0o077) | 0o022)  # Others never get write permission.
        prepare_streams()
        status = run(self, sys.argv[1:] if args is None else args, prog_name)
        sys.stdout.flush()
        sys.exit(status)


def _colour() -> bool | None:
    """Return False where NO_COLOR (no-color.org) is set, else None: colour on a terminal."""
    return False if os.environ.get("NO_COLOR") else None


@click.group(
    cls=CommandLine,
    points=GROUP,
    summaries=ROOM_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "color": _colour()},
)
@click.version_option(package_name="certledger")
def main() -> None:
    """Certificates that prove themselves: genuine, and still in force, as of when."""


main.add_command(decision)
main.add_command(policy)
main.add_command(sample)
main.add_command(snapshot)
main.add_command(verify)
