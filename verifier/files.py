"""Bounded reading of files named on the command line."""

from __future__ import annotations

from pathlib import Path

from certledger.verifier.errors import CertledgerError, ExitStatus


class FileTooLargeError(CertledgerError):
    """A file is longer than the limit of its kind."""

    code = "file.size"
    exit_status = ExitStatus.UNUSABLE


def read_file(path: Path, limit: int) -> bytes:
    """Read a file of at most `limit` bytes.

    Raises:
        OSError: it is missing or unreadable.
        FileTooLargeError: it is longer; at most `limit + 1` bytes are read.
    """
    with path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise FileTooLargeError(f"{path} has more than the {limit:,} bytes that are read")
    return data
