"""What anchoring costs: gas per certificate and batch of the newest transactions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from certledger.ledger.chain.client import EthereumChain
from certledger.ledger.core.errors import ChainRefusesError, ChainUnreachableError
from certledger.ledger.core.values import AnchoredBatch
from certledger.ledger.store.unit_of_work import Store
from certledger.ledger.verification.bounded_executor import BoundedExecutor

MAX_BATCHES = 20
MAX_TRANSACTIONS = 8
FRESH_SECONDS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class AnchoringCost:
    """Gas of the newest transactions that anchored batches, and what they anchored.

    A transaction may carry other acts too, so this is an upper bound.
    """

    transactions: int
    per_batch: int
    per_certificate: int
    batches: int
    certificates: int


@dataclass(kw_only=True)
class CostMeter:
    """Computes the cost at most once a minute; `clock` gives seconds."""

    store: Store
    chain: EthereumChain
    clock: Callable[[], float]
    _asking: BoundedExecutor = field(
        default_factory=lambda: BoundedExecutor(most=1, seconds=2.0, rest=FRESH_SECONDS)
    )
    _cost: AnchoringCost | None = None
    _until: float = 0.0

    def load(self) -> AnchoringCost | None:
        """Return the cost, None where nothing is anchored or the node does not answer in time."""
        if self.clock() < self._until:
            return self._cost
        with self.store.begin(write=False) as unit:
            batches = unit.newest_batches(MAX_BATCHES)
        try:
            self._cost = self._asking.ask(lambda: self._measure(batches))
        except (ChainUnreachableError, ChainRefusesError):
            return self._cost
        self._until = self.clock() + FRESH_SECONDS
        return self._cost

    def _measure(self, batches: Sequence[AnchoredBatch]) -> AnchoringCost | None:
        by_tx: dict[bytes, list[AnchoredBatch]] = {}
        for batch in batches:
            by_tx.setdefault(batch.tx, []).append(batch)
        if len(batches) == MAX_BATCHES and len(by_tx) > 1:
            by_tx.popitem()  # Some batches of the oldest may not be among the newest.
        chosen = list(by_tx.items())[:MAX_TRANSACTIONS]
        gas = [self.chain.gas_used(tx) for tx, _ in chosen]
        known = [(used, carried) for used, (_, carried) in zip(gas, chosen, strict=True) if used]
        if not known:
            return None
        total = sum(used or 0 for used, _ in known)
        anchored = [batch for _, carried in known for batch in carried]
        certificates = sum(batch.count for batch in anchored)
        return AnchoringCost(
            transactions=len(known),
            per_batch=total // len(anchored),
            per_certificate=total // certificates,
            batches=len(anchored),
            certificates=certificates,
        )
