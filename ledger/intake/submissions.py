"""Public functions of intake.

`submit_batch` and `submit_act` return a receipt, or raise and store nothing.  `head` returns
what an issuer's next statement builds on; `expire` and `displace` end statements that can no
longer be included.
"""

from __future__ import annotations

from certledger.ledger.core.acts import Lane
from certledger.ledger.intake.acts import submit_act, submit_catalog, submit_status
from certledger.ledger.intake.batches import submit_batch
from certledger.ledger.intake.pending_state import Intake, IntakeLimits, PendingHead, head
from certledger.ledger.store.unit_of_work import Store, Unit

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
    """Expire statements whose `notAfter` has passed, and batches behind them; return how many.

    Their records stay.  `now` is the time of the newest block if there is one: until the chain is
    past `notAfter`, a statement may still be included.
    """
    with store.begin() as unit:
        return unit.expire(now)


def displace(unit: Unit, issuer: str, sequence: int, digest: bytes, block: int, tx: bytes) -> None:
    """Mark the batch `digest` included at this sequence, and any other there displaced.

    The records of a displaced batch stay: if their root was anchored, they belong to that batch.
    """
    unit.settle(issuer, Lane.SEQUENCE, sequence, digest, block=block, tx=tx)
