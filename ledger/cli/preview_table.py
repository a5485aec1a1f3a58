"""The preview of a sheet on a terminal, and the question whether to go on."""

from __future__ import annotations

import locale
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from certledger.ledger.issuer.preview import Preview

PIPE_WIDTH = 4_000
"""Characters of a line where the output is no terminal: enough that nothing is folded."""


def default_language() -> str:
    """Return zh where the locale is Chinese, else en."""
    named = next(
        (os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)),
        None,
    )
    if named is None and sys.platform == "win32":
        named = locale.getlocale()[0]
    return "zh" if (named or "").lower().startswith(("zh", "chinese")) else "en"


def print_preview(preview: Preview, *, err: bool) -> None:
    """Print a preview: facts, columns, and rows as they will be sealed."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from certledger.ledger.issuer.preview import column_label, word

    language = preview.language
    stream = sys.stderr if err else sys.stdout
    width = None if stream.isatty() else PIPE_WIDTH
    console = Console(file=stream, width=width, highlight=False, soft_wrap=False)
    console.print(Text(word("title", language), style="bold"))
    facts = Table(show_header=False, box=None, pad_edge=False)
    for label, text in preview.facts:
        facts.add_row(Text(label, style="bold"), Text(text))
    console.print(facts)
    for note in preview.notes:
        console.print(Text(f"· {note}"))
    columns = Table(word("columns", language), "", "")
    for column in preview.columns:
        columns.add_row(*map(Text, column))
    console.print(columns)
    fields = preview.fields()
    rows = Table(title=word("sealed_as", language))
    for label in ("row", "why"):
        rows.add_column(word(label, language), overflow="fold")
    for name in fields:
        rows.add_column(column_label(name, language), overflow="fold")
    for row in preview.rows:
        cells = (str(row.row), row.why, *(row.values.get(name, "") for name in fields))
        rows.add_row(*map(Text, cells))
    console.print(rows)


def is_watched() -> bool:
    """Whether standard input is a terminal, so that a person can answer a prompt."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def confirm(language: str) -> None:
    """Ask whether to sign what the preview shows.

    Raises:
        click.Abort: no.
    """
    question = "以上内容无误，签名封存" if language == "zh" else "Sign and seal this"
    click.confirm(question, abort=True, err=True)


def write_page(preview: Preview, file: Path) -> None:
    """Write a preview as a page; it has names and numbers, so only its owner may read it."""
    from certledger.verifier.files import write_atomically

    write_atomically(file, preview.html(), private=True)
