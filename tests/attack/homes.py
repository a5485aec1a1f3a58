"""A home with a certificate to ask about, and a key of a counter that asks."""

from __future__ import annotations

from pathlib import Path

from certledger.ledger.core.service_values import Role
from tests.api.world import make_world


def make_home(home: Path) -> tuple[bytes, str]:
    """Make a home; return a question whose answer is *valid*, and the key of who asks it."""
    with make_world(home) as world:
        return b'{"evidence":%b}' % world.evidence(0).format(), world.keys[Role.COUNTER]
