"""Readiness: current faults, and the parts of the service that each one stops."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from certledger.api.service import Service
from certledger.ledger.core.errors import StoreUnavailableError
from certledger.ledger.core.values import Backlog, Block, StoredCheckpoint

INTAKE, LOOKUPS, EVIDENCE, VERIFICATION, ANCHORING = PARTS = (
    "intake",
    "lookups",
    "evidence",
    "verification",
    "anchoring",
)
MAX_CHECKPOINT_SECONDS = 3_600
"""Age of the newest checkpoint beyond which verdicts are too old."""
MAX_AHEAD_SECONDS = 300
"""Seconds that the newest block may be ahead of our clock."""
_ALL = frozenset(PARTS)
STOPS: Mapping[str, frozenset[str]] = {
    "policy.absent": frozenset({VERIFICATION}),
    "checkpoint.absent": frozenset({EVIDENCE, VERIFICATION}),
    "checkpoint.old": frozenset({VERIFICATION}),
    "chain.ahead_of_clock": frozenset({VERIFICATION, ANCHORING}),
    "clock.differs": frozenset({VERIFICATION, ANCHORING}),
    "chain.away": frozenset({INTAKE, ANCHORING}),
    "chain.no_new_block": frozenset({ANCHORING}),
    "chain.unreachable": frozenset({ANCHORING}),
    "chain.final_reorganised": frozenset({VERIFICATION}),
}
"""Parts that each fault stops; a fault without a row (database, shutdown) stops all."""


def parts_of(faults: Iterable[str]) -> dict[str, bool]:
    """Return which parts work despite `faults`."""
    stopped = frozenset[str]().union(*(STOPS.get(fault, _ALL) for fault in faults))
    return {part: part not in stopped for part in PARTS}


def find_faults(service: Service) -> list[str]:
    """Return the codes of the faults that the database shows."""
    faults = ["stopping"] if service.stopping else []
    try:
        with service.store.begin(write=False) as unit:
            checkpoint, head, backlog = unit.checkpoint(), unit.head(), unit.backlog()
            taken_back = unit.reorganisations()
        service.check_writing()
    except StoreUnavailableError as error:
        return [*faults, error.code]
    except Exception:
        return [*faults, "store.silent"]
    if service.ledger.policy is None:
        faults.append("policy.absent")
    if taken_back and (checkpoint is None or checkpoint.number < taken_back[0].final):
        faults.append("chain.final_reorganised")
    if service.ledger.clock_watch.differs():
        faults.append("clock.differs")
    now = service.clock()
    return [*faults, *_of_checkpoint(checkpoint, now), *_of_chain(service, head, backlog, now)]


def _of_checkpoint(checkpoint: StoredCheckpoint | None, now: float) -> list[str]:
    if checkpoint is None:
        return ["checkpoint.absent"]
    return ["checkpoint.old"] if now - checkpoint.time > MAX_CHECKPOINT_SECONDS else []


def _of_chain(service: Service, head: Block | None, backlog: Backlog, now: float) -> list[str]:
    faults = []
    if head is not None and now - head.time > service.ledger.settings.longest_block:
        faults.append("chain.no_new_block")
    if head is not None and head.time - now > MAX_AHEAD_SECONDS:
        faults.append("chain.ahead_of_clock")
    longest = service.ledger.settings.longest_wait
    if backlog.oldest is not None and now - backlog.oldest > longest:
        faults.append("chain.away")
    return faults
