"""Names under which processes hold leases."""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path

from certledger.ledger.core.ports import Store
from certledger.ledger.files import write_atomically

LOGBOOK = "logbook"
_HOLDER_FILE = "lease-holder"


def lease_holder() -> str:
    """Return a name that no other process bears.

    Two containers may share host name and process number, and a lease that both believe to be
    theirs lets both pass its fence; so the name ends in 64 random bits.
    """
    return f"{socket.gethostname()[:64]}-{os.getpid()}-{secrets.token_hex(8)}"


def succeed_holder(folder: Path, store: Store, *leases: str) -> str:
    """Return a new holder's name after giving back the leases of the process here before.

    For a folder that one process at a time may use, as that of the embedded chain: whoever held
    a lease there is dead, and its successor need not wait for it to run out.
    """
    path, holder = folder / _HOLDER_FILE, lease_holder()
    if path.exists():
        with store.begin() as unit:
            for lease in leases:
                unit.release(lease, path.read_text(encoding="utf-8"))
    write_atomically(path, holder.encode())
    return holder
