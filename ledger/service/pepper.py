"""The service's own secret, beside the database."""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable
from pathlib import Path

from certledger.ledger.files import write_atomically
from certledger.ledger.ports import Store
from certledger.verifier.errors import Refused

PEPPER = "keys/api.pepper"
_SIZE = 32
_NAME = "pepper"
_CHECKED = b"certledger pepper 1"


class PepperAbsentError(Refused):
    """The database's keys are hashed under a pepper that this home does not have."""

    code = "service.pepper_absent"


class PepperDiffersError(Refused):
    """The database's keys are hashed under another pepper than this home's."""

    code = "service.pepper_differs"


def load_pepper(home: Path, store: Store, random: Callable[[int], bytes] = os.urandom) -> bytes:
    """Return the secret (32 bytes) under which keys are hashed, drawn where nothing has one.

    It lies beside the database, not in it: a copy of the database opens nothing.  The database
    keeps a digest made with it, so that homes that share a database share the secret too.

    Raises:
        PepperAbsentError: the database was used with a pepper, and the home has none.
        PepperDiffersError: the home has another one.
    """
    path = home / PEPPER
    with store.begin(write=False) as unit:
        known = unit.identity(_NAME)
    drawn = not path.exists()
    if drawn:
        if known is not None:
            raise PepperAbsentError(f"copy {path} from the home that used this database before")
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomically(path, random(_SIZE).hex().encode(), private=True)
    pepper = bytes.fromhex(path.read_text())
    digest = hmac.digest(pepper, _CHECKED, "sha256")
    if known is None:
        with store.begin() as unit:
            known = unit.claim_identity(_NAME, digest)
    if not hmac.compare_digest(known, digest):
        if drawn:
            path.unlink()  # Another home was quicker.
        raise PepperDiffersError(f"{path} is not the pepper that this database was used with")
    return pepper
