"""Files: bounded reading, atomic durable replacement, and locks between processes."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from certledger.verifier.errors import CertledgerError, ExitStatus

PRIVATE, PUBLIC = 0o600, 0o644


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


def write_atomically(path: Path, data: bytes | Iterable[bytes], *, private: bool = False) -> None:
    """Replace a file: a crash leaves the old one or the new one.  Returns once it is on disk.

    Data may come in pieces, so that a large file is never in memory.

    Several processes may write the same file at once; the last one wins.  A private file is
    readable by its owner alone from its first byte on.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.partial")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(temporary, flags, PRIVATE if private else PUBLIC)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines([data] if isinstance(data, bytes) else data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable, where the system can."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)  # Crash point: a power cut could undo a replacement.
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lock `path` against other processes for one read-modify-write."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with (path.parent / f".{path.name}.lock").open("a+b") as lock:
        if sys.platform == "win32":
            import msvcrt

            lock.seek(0)
            msvcrt.locking(lock.fileno(), msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
