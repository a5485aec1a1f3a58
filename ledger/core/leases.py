"""Names under which processes hold leases."""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path

from certledger.ledger.store.unit_of_work import Store
from certledger.verifier.files import write_atomically

LOGBOOK = "logbook"
_HOLDER_FILE = "lease-holder"


def lease_holder() -> str:
    """Return a unique holder name for this process.

    Two containers may share host name and process number, and a lease that both believe to be
    theirs lets both pass its fence; so the name ends in 64 random bits.
    """
    return f"{socket.gethostname()[:64]}-{os.getpid()}-{secrets.token_hex(8)}"


def succeed_holder(folder: Path, store: Store, *leases: str) -> str:
    """Release the leases of the folder's former process; return the new holder's name.

    For a folder that one process at a time may use, as that of the embedded chain: the former
    process is dead, so its leases need not run out first.
    """
    path, holder = folder / _HOLDER_FILE, lease_holder()
    if path.exists():
        with store.begin() as unit:
            for lease in leases:
                unit.release(lease, path.read_text(encoding="utf-8"))
    write_atomically(path, holder.encode())
    return holder
