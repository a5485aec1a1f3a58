"""Groups of commands that other parts of the installation add to, each loaded when it is called."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any

import click

SERVER_ONLY = "sqlmodel"
"""A package that only the extra `server` brings."""


class EntryPointGroup(click.Group):
    """A group with its own commands and those of an entry-point group.

    `summaries` has one line of help for each of them, so that listing loads none.
    """

    def __init__(
        self, *arguments: Any, points: str, summaries: Mapping[str, str], **options: Any
    ) -> None:
        super().__init__(*arguments, **options)
        self._points, self._summaries = points, summaries

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands that this installation has."""
        return sorted({*super().list_commands(ctx), *self._installed()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command of this group's own or of an entry point."""
        own = super().get_command(ctx, cmd_name)
        if own is not None or cmd_name not in (found := self._installed()):
            return own
        command: click.Command = found[cmd_name].load()
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without loading any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._short_help(name)) for name in self.list_commands(ctx)])

    def _short_help(self, name: str) -> str:
        own = self.commands.get(name)
        return own.get_short_help_str(limit=70) if own else self._summaries.get(name, "")

    def _installed(self) -> dict[str, EntryPoint]:
        """Return entry points by command name, but those whose extra is not installed."""
        whole = find_spec(SERVER_ONLY) is not None
        return {
            point.name: point
            for point in entry_points(group=self._points)
            if whole or "server" not in point.extras
        }
