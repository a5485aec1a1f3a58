"""What the service can do just now: each fault, and the parts of the service that it stops."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from certledger.api.service import Service
from certledger.ledger.core.ports import Backlog, Block, StoredCheckpoint, StoreUnavailableError

INTAKE, LOOKUPS, EVIDENCE, VERIFICATION, ANCHORING = PARTS = (
    "intake",
    "lookups",
    "evidence",
    "verification",
    "anchoring",
)
MAX_CHECKPOINT_SECONDS = 3_600
"""Age of the newest checkpoint beyond which verdicts rest on too old a state."""
MAX_BLOCK_SECONDS = 300
"""Time without a new block after which something is wrong with the node or the chain."""
MAX_AHEAD_SECONDS = 300
"""How far the newest block's time may lie ahead of our clock: one of the two is wrong."""
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
"""The parts that each fault stops.  One without a row, of the database or at the end, stops all."""


def parts_of(faults: Iterable[str]) -> dict[str, bool]:
    """Return which parts work while there are `faults`."""
    stopped = frozenset[str]().union(*(STOPS.get(fault, _ALL) for fault in faults))
    return {part: part not in stopped for part in PARTS}


def find_faults(service: Service) -> list[str]:
    """Return the codes of what is wrong, as the database shows it."""
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
    if head is not None and now - head.time > MAX_BLOCK_SECONDS:
        faults.append("chain.no_new_block")
    if head is not None and head.time - now > MAX_AHEAD_SECONDS:
        faults.append("chain.ahead_of_clock")
    longest = service.ledger.settings.longest_wait
    if backlog.oldest is not None and now - backlog.oldest > longest:
        faults.append("chain.away")
    return faults
