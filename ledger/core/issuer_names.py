"""Placeholder names of issuers whose name this ledger does not know, only its SHA-256.

Anyone may send a registration to the contract, which stores the digest alone.  The follower
mirrors such an issuer under `sha256:` and 64 hexadecimal digits.  No evidence is made for it
until its name is submitted, because a verifier hashes the name itself.
"""

from __future__ import annotations

import re
from dataclasses import fields

from certledger.verifier.formats.issuer_state import UNNAMED, IssuerState, UnnamedIssuer

_PLACEHOLDER = re.compile(UNNAMED + r"([0-9a-f]{64})")


def placeholder(digest: bytes) -> str:
    """Return the placeholder of the name whose SHA-256 is `digest`."""
    return f"{UNNAMED}{digest.hex()}"


def is_placeholder(name: str) -> bool:
    """Return whether `name` has the form of a placeholder; an issuer named so stays unnamed."""
    return _PLACEHOLDER.fullmatch(name) is not None


def unnamed(state: IssuerState) -> IssuerState:
    """Return `state` as an `UnnamedIssuer` if its name is a placeholder, else unchanged."""
    if isinstance(state, UnnamedIssuer) or not is_placeholder(state.name):
        return state
    return UnnamedIssuer(**{each.name: getattr(state, each.name) for each in fields(state)})
