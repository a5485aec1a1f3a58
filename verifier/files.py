"""Reading what a person names on the command line."""

from __future__ import annotations

from pathlib import Path

from certledger.verifier.errors import CertledgerError, ExitStatus


class FileTooLargeError(CertledgerError):
    """A file has more bytes than are read of its kind."""

    code = "file.size"
    exit_status = ExitStatus.UNUSABLE


def read_file(path: Path, limit: int) -> bytes:
    """Return the bytes of a file.

    Raises:
        OSError: it is not there, or may not be read.
        FileTooLargeError: it has more than `limit` bytes; no more than that is ever read.
    """
    with path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise FileTooLargeError(f"{path} has more than the {limit:,} bytes that are read")
    return data
