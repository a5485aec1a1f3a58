"""The root command, to which other packages add theirs by entry point."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any

import click

from certledger.verifier.cli.decision import decision
from certledger.verifier.cli.policy import policy
from certledger.verifier.cli.snapshot import snapshot
from certledger.verifier.cli.verify import verify
from certledger.verifier.console import prepare_streams, run

GROUP = "certledger.commands"
SERVER_ONLY = "sqlalchemy"
"""A package that only the extra `server` brings."""
ROOM_COMMANDS: Mapping[str, str] = {
    "apikey": "Keys of those who call the API.",
    "ask": "Ask a service of evidence, and check its receipt.",
    "audit": "Replay the whole ledger from its deployment and tell every fault.",
    "backup": "Copy a whole home to one file, also while it is served.",
    "book": "The reform's service items, materials, counters and bundles.",
    "catalog": "What a body may issue: make it, sign it, show it.",
    "coverage": "The share of items, categories and counters reached, and what is missing.",
    "demo": "The main job end to end, in a folder of its own.",
    "doctor": "Find what is wrong with a home.",
    "hooks": "Where a service tells you, what failed, and the feed.",
    "issuer": "Keys and acts of issuing bodies and registrars.",
    "present": "Make evidence that shows only the fields you choose.",
    "rebuild": "Make the database again from the chain and the bodies' records.",
    "restore": "Bring a home back from a copy.",
    "seal": "Make of a sheet a signed batch and the holders' files.",
    "serve": "Chain, database, API, pages and anchoring in one process tree.",
    "settings": "Every setting: meaning, value, origin.",
    "status": "Revoke, suspend, resume or supersede certificates.",
    "submit": "Hand in a sealed batch or a signed act.",
    "verify-receipt": "Check, offline, a receipt of what a counter was told.",
    "witness": "Cosign checkpoints on a node of one's own.",
}
"""One help line for each command of other packages, which are imported only when called."""


class Rooms(click.Group):
    """Command group that finds installed commands by entry point and imports them lazily."""

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

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands that this installation has."""
        return sorted({*super().list_commands(ctx), *_room_commands()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command of this package or of another."""
        own = super().get_command(ctx, cmd_name)
        if own is not None or cmd_name not in (found := _room_commands()):
            return own
        command: click.Command = found[cmd_name].load()
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing those of other packages."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._short_help(name)) for name in self.list_commands(ctx)])

    def _short_help(self, name: str) -> str:
        own = self.commands.get(name)
        return own.get_short_help_str(limit=70) if own else ROOM_COMMANDS.get(name, "")


def _room_commands() -> dict[str, EntryPoint]:
    """Return entry points by command name, without those whose extra is not installed."""
    whole = find_spec(SERVER_ONLY) is not None
    return {
        point.name: point
        for point in entry_points(group=GROUP)
        if whole or "server" not in point.extras
    }


@click.group(cls=Rooms, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="certledger")
def main() -> None:
    """Certificates that prove themselves: genuine, and still in force, as of when."""


main.add_command(decision)
main.add_command(policy)
main.add_command(snapshot)
main.add_command(verify)
