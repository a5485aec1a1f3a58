"""The service's own secret, beside the database."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from ledger.files import write_atomically

PEPPER = "keys/api.pepper"
_SIZE = 32


def load_pepper(home: Path, random: Callable[[int], bytes] = os.urandom) -> bytes:
    """Return the secret (32 bytes) under which keys are hashed, drawn where the home has none.

    It lies beside the database, not in it: a copy of the database opens nothing.
    """
    path = home / PEPPER
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomically(path, random(_SIZE).hex().encode(), private=True)
    return bytes.fromhex(path.read_text())
