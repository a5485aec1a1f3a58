"""Bodies whose name nobody handed in: the chain holds only its SHA-256.

Anyone may carry a registration to the chain, so a body can appear whose name this ledger has never
seen.  It is followed all the same, under the name `sha256:` and 64 hexadecimal digits.  No evidence
is made for it until the name is handed in, since a verifier hashes the name itself.
"""

from __future__ import annotations

import re
from dataclasses import fields

from certledger.verifier.formats.issuer_state import UNNAMED, IssuerState, UnnamedBody

_PLACEHOLDER = re.compile(UNNAMED + r"([0-9a-f]{64})")


def placeholder(digest: bytes) -> str:
    """Return what stands for the name whose SHA-256 is `digest`."""
    return f"{UNNAMED}{digest.hex()}"


def is_placeholder(name: str) -> bool:
    """Return whether `name` only stands for one; a body that is really called so stays unnamed."""
    return _PLACEHOLDER.fullmatch(name) is not None


def unnamed(state: IssuerState) -> IssuerState:
    """Return `state` as an unnamed body if its name is a placeholder, else as it is."""
    if isinstance(state, UnnamedBody) or not is_placeholder(state.name):
        return state
    return UnnamedBody(**{each.name: getattr(state, each.name) for each in fields(state)})
