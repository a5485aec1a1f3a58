"""Prometheus metrics, in one registry per application."""

from __future__ import annotations

from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)


@dataclass(frozen=True, slots=True)
class Metrics:
    """The service's metrics."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    requests: Counter = field(init=False)
    seconds: Histogram = field(init=False)
    verdicts: Counter = field(init=False)
    proof_failures: Counter = field(init=False)
    steps_failed: Counter = field(init=False)
    oldest: Gauge = field(init=False)
    backlog: Gauge = field(init=False)
    certificates: Gauge = field(init=False)
    lag: Gauge = field(init=False)
    final_reorganisations: Gauge = field(init=False)
    checkpoint_age: Gauge = field(init=False)
    clock_difference: Gauge = field(init=False)
    deliveries_failed: Gauge = field(init=False)
    deliveries_retried: Gauge = field(init=False)
    open_cases: Gauge = field(init=False)

    def __post_init__(self) -> None:
        keep = object.__setattr__
        counter, gauge = self._counter, self._gauge
        keep(self, "requests", counter("requests", "Answers.", "operation", "status"))
        keep(
            self,
            "seconds",
            Histogram(
                "certledger_request_seconds",
                "Time from a request's first byte to its answer's.",
                ["operation"],
                buckets=_SECONDS,
                registry=self.registry,
            ),
        )
        keep(self, "verdicts", counter("verdicts", "Verdicts given.", "verdict"))
        keep(
            self,
            "proof_failures",
            counter("proof_failures", "Evidence that did not check before it was answered."),
        )
        keep(self, "steps_failed", counter("steps_failed", "Steps that failed.", "code"))
        keep(self, "oldest", gauge("oldest_unanchored_seconds", "Age of the oldest waiting act."))
        keep(self, "backlog", gauge("backlog_acts", "Acts that wait to be final."))
        keep(self, "certificates", gauge("backlog_certificates", "Certificates that wait."))
        keep(
            self,
            "final_reorganisations",
            gauge("final_reorganisations", "Times that the chain took back final blocks."),
        )
        keep(self, "lag", gauge("chain_lag_blocks", "Blocks the mirror is behind the node."))
        keep(self, "checkpoint_age", gauge("checkpoint_age_seconds", "Age of the newest one."))
        keep(
            self,
            "clock_difference",
            gauge("clock_difference_seconds", "Ours ahead of the witnesses'; 0 within the bound."),
        )
        keep(self, "deliveries_failed", gauge("deliveries_failed", "Deliveries given up."))
        keep(self, "open_cases", gauge("open_cases", "Supervision cases that nobody has closed."))
        keep(self, "deliveries_retried", gauge("deliveries_retried", "Deliveries tried again."))

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(f"certledger_{name}", what, labels, registry=self.registry)

    def _gauge(self, name: str, what: str) -> Gauge:
        return Gauge(f"certledger_{name}", what, registry=self.registry)
