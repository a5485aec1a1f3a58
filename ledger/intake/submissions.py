"""Submitting: whatever is signed comes in here, and goes on its way to the chain once.

`submit_batch` and `submit_act` take bytes and answer with a receipt, or refuse and store nothing.
`head` says what the next statement of a body builds on; `expire` and `displace` close the road
for statements that can no longer come.
"""

from __future__ import annotations

from certledger.ledger.core.acts import Lane
from certledger.ledger.core.ports import Store, Unit
from certledger.ledger.intake.acts import submit_act, submit_catalog, submit_status
from certledger.ledger.intake.batches import submit_batch
from certledger.ledger.intake.pending_state import Intake, IntakeLimits, PendingHead, head

__all__ = [
    "Intake",
    "IntakeLimits",
    "PendingHead",
    "displace",
    "expire",
    "head",
    "submit_act",
    "submit_batch",
    "submit_catalog",
    "submit_status",
]


def expire(store: Store, now: int) -> int:
    """Let statements whose `notAfter` has passed expire, and batches behind them.

    Returns how many.  Their records are kept.  `now` is the time of the newest block where there
    is one: until the chain is past `notAfter` a statement may still come.
    """
    with store.begin() as unit:
        return unit.expire(now)


def displace(unit: Unit, issuer: str, sequence: int, digest: bytes, block: int, tx: bytes) -> None:
    """The chain holds the batch `digest` at this sequence: it is included, any other displaced.

    The records of a displaced batch are kept, and belong to what was anchored if it has their root.
    """
    unit.settle(issuer, Lane.SEQUENCE, sequence, digest, block=block, tx=tx)
