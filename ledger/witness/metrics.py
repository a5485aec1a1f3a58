"""What a witness tells Prometheus: what it signed last, and how requests ended."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from certledger.ledger.witness.state import forked
from certledger.ledger.witness.witness import Witness
from certledger.verifier.errors import CertledgerError


class WitnessMetrics:
    """Figures of one witness; `format` reads its memory, which other threads may write."""

    def __init__(self, witness: Witness) -> None:
        self._witness, self._registry = witness, CollectorRegistry()
        self._block = self._gauge("block", "Number of the block signed last.")
        self._time = self._gauge("signed_seconds", "When it was signed, in seconds since 1970.")
        self._stopped = self._gauge("stopped", "1 where it has seen two histories, or lost memory.")
        self._requests = Counter(
            "certledger_witness_requests",
            "Requests for a signature, by the code they ended with.",
            ["code"],
            registry=self._registry,
        )

    def _gauge(self, name: str, what: str) -> Gauge:
        return Gauge(f"certledger_witness_{name}", what, registry=self._registry)

    def count(self, code: str) -> None:
        """Count a request that ended with `code`, `ok` where it was signed."""
        self._requests.labels(code=code).inc()

    def format(self) -> bytes:
        """Return the figures in Prometheus's text format."""
        try:
            last = self._witness.recall()
            self._stopped.set(forked(self._witness.home))
        except CertledgerError:
            last = None
            self._stopped.set(1)
        if last is not None:
            self._block.set(last.checkpoint.number)
            self._time.set(last.time)
        return generate_latest(self._registry)
