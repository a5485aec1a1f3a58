"""Output of the issuer's commands: the answer on standard output, notices on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from certledger.verifier.console import print_json, print_line
from certledger.verifier.formats.canonical_json import Json

if TYPE_CHECKING:
    from certledger.ledger.issuer.folder import IssuerFolder
    from certledger.ledger.keys import Signer

T = TypeVar("T")

FILE = click.Path(dir_okay=False, path_type=Path)
THERE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)

issuer_folder_option = click.option(
    "--body",
    "issuer_folder",
    required=True,
    envvar="CERTLEDGER_BODY",
    type=FOLDER,
    help="The issuer's own folder (also CERTLEDGER_BODY).",
)
passphrase_option = click.option(
    "--passphrase-file",
    type=THERE,
    help="File with the passphrase; else CERTLEDGER_PASSPHRASE, else a prompt.",
)
ledger_home_option = click.option(
    "--home", type=FOLDER, envvar="CERTLEDGER_HOME", help="The ledger's folder (CERTLEDGER_HOME)."
)
home_in_use_option = click.option(
    "--home",
    required=True,
    envvar="CERTLEDGER_HOME",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The home of the ledger; it may be in use.",
)
out_option = click.option("--out", type=FILE, help="Where to write, instead of the usual place.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """The answer of a command: `document` for `--json`, `rows` for people.

    Without `rows` they are made from the document; `show` prints the answer in a form of its own.
    `status` is the exit status after it is printed.
    """

    document: Mapping[str, Json]
    rows: Sequence[tuple[str, str]] = field(default_factory=tuple)
    show: Callable[[], None] | None = None
    status: int = 0


def answers(function: Callable[..., Answer]) -> Callable[..., None]:
    """Turn a function that returns an answer into a command that prints it."""

    @click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
    @wraps(function)
    def run(*arguments: Any, as_json: bool, **options: Any) -> None:
        answer = function(*arguments, **options)
        show(answer, as_json=as_json)
        if answer.status:
            raise SystemExit(answer.status)

    return run


def show(answer: Answer, *, as_json: bool) -> None:
    """Print an answer on standard output: JSON, a table on a terminal, plain lines in a pipe."""
    if as_json:
        print_json(answer.document)
        return
    if answer.show is not None:
        answer.show()
        return
    rows = answer.rows or [(name, _plain(part)) for name, part in answer.document.items()]
    if not sys.stdout.isatty():
        for name, text in rows:
            print_line(f"{name}: {text}")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in rows:
        table.add_row(Text(name.replace("_", " ")), Text(text))
    Console().print(table)


def notice(text: str) -> None:
    """Print a notice on standard error."""
    click.echo(text, err=True)


def _plain(value: Json) -> str:
    if isinstance(value, list):
        return ", ".join(_plain(part) for part in value)
    if isinstance(value, dict):
        return " ".join(f"{name}={_plain(part)}" for name, part in value.items())
    return str(value)


def watch(items: Iterable[T], label: str, total: int) -> Iterable[T]:
    """Show a progress bar on standard error if that is a terminal."""
    if not sys.stderr.isatty():
        return items
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    return track(items, description=label, total=total, console=console, transient=True)


def ask_passphrase(file: Path | None, *, what: str, new: bool = False) -> str:
    """Return a passphrase: from a file, from CERTLEDGER_PASSPHRASE, or typed without echo.

    Raises:
        KeyUnusableError: the file has none.
    """
    import os

    from certledger.ledger.keys import read_passphrase, readable_by_others

    if file is not None:
        if readable_by_others(file):
            notice(f"warning: others may read {file}; run chmod 600 on it")
        return read_passphrase(file)
    if current := os.environ.get("CERTLEDGER_PASSPHRASE"):
        return current
    asked: str = click.prompt(
        f"Passphrase of {what}", hide_input=True, confirmation_prompt=new, err=True
    )
    return asked


def open_issuer(folder: Path) -> IssuerFolder:
    """Open an issuer's folder."""
    from certledger.ledger.issuer.folder import IssuerFolder

    return IssuerFolder(folder=folder)


def unlock(keystore: Path, passphrase_file: Path | None) -> Signer:
    """Return the signer of a keystore; warn if others may read its file.

    Raises:
        KeyUnusableError: it is no keystore, or the passphrase does not open it.
    """
    from certledger.ledger.keys import load_keystore, readable_by_others

    if keystore.exists() and readable_by_others(keystore):
        notice(f"warning: others may read {keystore}; run chmod 600 on it")
    return load_keystore(keystore, ask_passphrase(passphrase_file, what=str(keystore)))


def now() -> int:
    """Return the current time in seconds."""
    import time

    return int(time.time())


# Signing ---------------------------------------------------------------------------------------

yes_option = click.option("--yes", is_flag=True, help="Do not ask before signing, for scripts.")


def confirm(lines: Iterable[str], *, yes: bool) -> None:
    """Show what is about to be signed or sent, and ask for it.

    Raises:
        click.Abort: the answer is not yes.
    """
    from certledger.verifier.console import bilingual

    for line in lines:
        notice(line)
    if not yes:
        click.confirm(
            bilingual("以上内容是否确认？", "Is this what you mean?"), abort=True, err=True
        )


def address_of_text(text: str) -> bytes:
    """Return the 20 bytes of an address on the command line.

    Raises:
        click.UsageError: it is none.
    """
    import re

    from certledger.ledger.keys import checksum_address

    if not re.fullmatch("0x[0-9a-fA-F]{40}", text):
        raise click.UsageError(f"{text!r} is no address like 0x and 40 hexadecimal digits")
    digits, address = text[2:], bytes.fromhex(text[2:])
    if digits not in (digits.lower(), digits.upper()) and text != checksum_address(address):
        raise click.UsageError(f"{text} is mistyped: its capitals do not fit its digits (EIP-55)")
    return address
