"""What acts cost on the chain, against the gas that a plain transfer takes."""

from __future__ import annotations

from bench.report import Row, at_most
from tests.contracts.gas import TARGETS, measure

TRANSFER = 21_000


def rows(quick: bool) -> list[Row]:
    """Return gas by act; always the same figures for the same contract."""
    return [
        Row(
            f"gas: {name}",
            gas,
            "gas",
            TRANSFER,
            gas / TRANSFER,
            at_most(TARGETS[name]) if name in TARGETS else None,
        )
        for name, gas in measure().items()
    ]
