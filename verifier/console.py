"""Streams and error handling of the command line: any encoding, closed pipes, exceptions."""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from certledger.verifier.errors import CertledgerError, ExitStatus
from certledger.verifier.plain_text import plain_lines

FALLBACK = "certledger-fallback"
"""Name of the error handler for characters outside the console's encoding."""
_SUBSTITUTES = {
    "✔": ("√", "[ok]"),
    "✖": ("×", "[no]"),
    "■": ("[-]",),
    "…": ("...",),
    "—": ("-",),
    "→": ("->",),
}  # fmt: skip
_CLOSED = frozenset({errno.EPIPE, errno.EINVAL} if os.name == "nt" else {errno.EPIPE})


class _PipeTolerantFile(io.FileIO):
    """A file that discards what is written after its pipe was closed.

    `verify … | head -1` thus ends with the status of the verdict, not with that of a broken pipe.
    """

    def write(self, data: Any) -> int:
        """Write `data`, or drop it where the pipe is closed."""
        try:
            return super().write(data)
        except OSError as error:
            if error.errno not in _CLOSED:
                raise
            return len(data)


def prepare_streams() -> None:
    """Make standard output and error accept any text, whatever the console's encoding."""
    codecs.register_error(FALLBACK, _replace)
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        if not isinstance(stream, io.TextIOWrapper):
            continue  # pythonw has no console; tests bring streams of their own.
        if _is_descriptor(stream, descriptor):
            stream.flush()
            raw = io.BufferedWriter(_PipeTolerantFile(descriptor, "wb", closefd=False))
            # With PYTHONUNBUFFERED the stream would write through; a line at a time is near enough.
            at_once = stream.line_buffering or stream.write_through or descriptor == 2
            stream = io.TextIOWrapper(raw, encoding=stream.encoding, line_buffering=at_once)
            setattr(sys, name, stream)
        stream.reconfigure(errors=FALLBACK)


def can_print(text: str) -> bool:
    """Return whether standard output's encoding has every character of `text`."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def bilingual(zh: str, en: str) -> str:
    """Return both wordings, or the English one where the console has no Chinese characters."""
    return f"{zh} / {en}" if can_print(zh) else en


def print_line(text: object = "", *, colour: str | None = None, bold: bool = False) -> None:
    """Print a line on standard output, coloured if that is a terminal.

    To the stream itself: by its own choice click writes UTF-8 where the stream's encoding is ASCII.
    """
    click.secho(text, file=sys.stdout, fg=colour, bold=bold or None)


def print_json(value: object) -> None:
    """Print one JSON document on standard output, its members in order."""
    import orjson

    click.echo(orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS))


def warn_unanswered(code: str) -> None:
    """Print the warning that a node added nothing, and why (a code of check 6)."""
    from certledger.verifier.verify.codes import WARNINGS

    click.echo(f"{bilingual(*reversed(WARNINGS['node.adds_nothing']))} ({code})", err=True)


def fail(error: CertledgerError, *, as_json: bool) -> ExitStatus:
    """Print the error that ends a command, with the place of each fault; return its exit status."""
    document = error.to_json()
    if as_json:
        print_json({"error": document})
    code = "" if "faults" in document else f" ({error.code})"
    click.echo(f"Error: {plain_lines(error)}{code}", err=True)  # Files of strangers are cited.
    return error.exit_status


def run(command: click.Command, arguments: Sequence[str], name: str | None) -> int:
    """Run a command and return its exit status, whatever it raises.

    Every exception ends here: with one sentence on standard error and, where `--json` was asked
    for, one JSON document on standard output.
    """
    as_json = "--json" in arguments
    try:
        ended = command.main(list(arguments), prog_name=name, standalone_mode=False)
        return ended if isinstance(ended, int) else ExitStatus.OK
    except click.exceptions.Abort:
        return fail(UnexpectedError("interrupted", "command.interrupted"), as_json=as_json)
    except click.ClickException as error:
        if not as_json:
            error.show()
            return ExitStatus.UNUSABLE
        return fail(ArgumentsUnusableError(error.format_message()), as_json=as_json)
    except CertledgerError as error:
        return fail(error, as_json=as_json)
    except OSError as error:
        return fail(FileUnusableError(error), as_json=as_json)
    except Exception as error:
        if os.environ.get("CERTLEDGER_TRACEBACK"):
            raise
        sentence = f"an unexpected {type(error).__name__}; CERTLEDGER_TRACEBACK=1 shows where"
        return fail(UnexpectedError(sentence), as_json=as_json)


class ArgumentsUnusableError(CertledgerError):
    """The arguments of a command are not what it takes."""

    code = "arguments.unusable"
    exit_status = ExitStatus.UNUSABLE


class FileUnusableError(CertledgerError):
    """A file cannot be read or written, or an address cannot be reached."""

    code = "file.unusable"
    exit_status = ExitStatus.UNUSABLE

    def __init__(self, error: OSError) -> None:
        reason = (error.strerror or str(error) or "unusable").lower()
        super().__init__(reason if error.filename is None else f"{error.filename}: {reason}")
        if error.filename is None or error.errno == errno.ENOSPC:
            self.exit_status = ExitStatus.UNDECIDED  # No argument is wrong.


class UnexpectedError(CertledgerError):
    """A defect of the command, or an interrupt."""

    def __init__(self, sentence: str, code: str = "command.defect") -> None:
        super().__init__(sentence)
        self.code = code


def _is_descriptor(stream: io.TextIOWrapper, descriptor: int) -> bool:
    try:
        return stream.fileno() == descriptor
    except (OSError, ValueError):
        return False


def _replace(error: UnicodeError) -> tuple[str, int]:
    """Return the nearest text in the encoding, for the codec that raised `error`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_substitute(character, error.encoding) for character in lacking), error.end


def _substitute(character: str, encoding: str) -> str:
    for candidate in (*_SUBSTITUTES.get(character, ()), "?"):
        try:
            candidate.encode(encoding)
        except UnicodeEncodeError:
            continue
        return candidate
    return "?"
