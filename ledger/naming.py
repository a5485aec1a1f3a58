"""Bodies whose name nobody handed in: the chain holds only its SHA-256.

Anyone may carry a registration to the chain, so a body can appear whose name this ledger has never
seen.  It is followed all the same, under the name `sha256:` and 64 hexadecimal digits.  No evidence
is made for it until the name is handed in, since a verifier hashes the name itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace

from verifier.state import BodyState

_PLACEHOLDER = re.compile(r"sha256:([0-9a-f]{64})")


@dataclass(frozen=True, kw_only=True, slots=True)
class UnnamedBody(BodyState):
    """The state of a body of which only the digest of its name is known."""

    def words(self) -> tuple[bytes, ...]:
        """Return the six words w0 to w5, the name's digest taken from the placeholder."""
        head = list(BodyState.words(self))
        head[2] = bytes.fromhex(self.name.removeprefix("sha256:"))
        return tuple(head)


def placeholder(digest: bytes) -> str:
    """Return what stands for the name whose SHA-256 is `digest`."""
    return f"sha256:{digest.hex()}"


def is_placeholder(name: str) -> bool:
    """Return whether `name` only stands for one; a body that is really called so stays unnamed."""
    return _PLACEHOLDER.fullmatch(name) is not None


def unnamed(state: BodyState) -> BodyState:
    """Return `state` as an unnamed body if its name is a placeholder, else as it is."""
    if isinstance(state, UnnamedBody) or not is_placeholder(state.name):
        return state
    return UnnamedBody(**{each.name: getattr(state, each.name) for each in fields(state)})


def named(state: BodyState, name: str) -> BodyState:
    """Return the state of a body whose name has become known."""
    parts = {each.name: getattr(state, each.name) for each in fields(state)}
    return replace(BodyState(**parts), name=name)
