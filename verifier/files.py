"""Reading what a person names on the command line."""

from __future__ import annotations

from pathlib import Path

from verifier.errors import Malformed


def read_file(path: Path, limit: int) -> bytes:
    """Return the bytes of a file.

    Raises:
        OSError: it is not there, or may not be read.
        Malformed: `file.size`, more than `limit` bytes; no more than that is ever read.
    """
    with path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise Malformed("file.size", f"{path} has more than the {limit:,} bytes that are read")
    return data
