"""Calldata of the acts that need no state of an issuer: statement and signatures suffice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from certledger.contracts import calls
from certledger.ledger.core.acts import ActKind

STATELESS: Mapping[ActKind, Callable[[Any, Sequence[bytes]], bytes]] = {
    ActKind.REGISTER: calls.register,
    ActKind.HOLD: calls.hold,
    ActKind.RELEASE: calls.release,
    ActKind.REGISTRAR: calls.change_registrar,
    ActKind.ROTATE: calls.rotate_registrar,
    ActKind.CHALLENGE: calls.challenge_registrar,
}
