"""The pepper: the secret under which API keys are hashed, in a file of the home."""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable
from pathlib import Path

from certledger.ledger.store.identity import PEPPER as IDENTITY_NAME
from certledger.ledger.store.unit_of_work import Store
from certledger.verifier.errors import CertledgerError
from certledger.verifier.files import write_atomically

PEPPER = "keys/api.pepper"
_SIZE = 32
_CHECKED = b"certledger pepper 1"


class PepperAbsentError(CertledgerError):
    """The database's API keys are hashed under a pepper that this home does not have."""

    code = "service.pepper_absent"


class PepperPresentError(CertledgerError):
    """The home already has a pepper, so no new one is made."""

    code = "service.pepper_present"


class PepperDiffersError(CertledgerError):
    """The database's API keys are hashed under another pepper than this home's."""

    code = "service.pepper_differs"


def load_pepper(home: Path, store: Store, random: Callable[[int], bytes] = os.urandom) -> bytes:
    """Return the pepper (32 bytes), drawn if neither home nor database has one.

    It is not in the database, so that a stolen copy does not allow guessing keys.  The database
    stores an HMAC under it, so that homes that share a database must share the pepper.

    Raises:
        PepperAbsentError: the database was used with a pepper, and the home has none.
        PepperDiffersError: the home has another one.
    """
    path = home / PEPPER
    with store.begin(write=False) as unit:
        known = unit.identity(IDENTITY_NAME)
    drawn = not path.exists()
    if drawn:
        if known is not None:
            raise PepperAbsentError(
                f"copy {path} from the home that used this database before; where it is lost for"
                " good, `certledger apikey reset` draws another and revokes every key"
            )
        _draw(path, random)
    pepper = bytes.fromhex(path.read_text())
    digest = hmac.digest(pepper, _CHECKED, "sha256")
    if known is None:
        with store.begin() as unit:
            known = unit.claim_identity(IDENTITY_NAME, digest)
    if not hmac.compare_digest(known, digest):
        if drawn:
            path.unlink()  # Another home stored its digest first.
        raise PepperDiffersError(f"{path} is not the pepper that this database was used with")
    return pepper


def renew_pepper(
    home: Path, store: Store, *, now: int, random: Callable[[int], bytes] = os.urandom
) -> tuple[int, int]:
    """Replace a lost pepper; return how many API keys and webhooks were revoked.

    API keys cannot be checked under another pepper, and webhook secrets derive from it.

    Raises:
        PepperPresentError: the home has a pepper.
    """
    path = home / PEPPER
    if path.exists():
        raise PepperPresentError(f"{path} is there; move it away first if it is not the right one")
    try:
        with store.begin() as unit:
            ended = unit.revoke_api_keys(now), unit.remove_hooks(now)
            pepper = _draw(path, random)
            unit.replace_identity(IDENTITY_NAME, hmac.digest(pepper, _CHECKED, "sha256"))
    except BaseException:
        path.unlink(missing_ok=True)  # The database still has the old digest.
        raise
    return ended


def _draw(path: Path, random: Callable[[int], bytes]) -> bytes:
    pepper = random(_SIZE)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_atomically(path, pepper.hex().encode(), private=True)
    return pepper
