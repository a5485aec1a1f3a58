"""The chains of receipts that the operator signs: each names the one before."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

NOTHING_BEFORE = bytes(32)
"""What the first receipt of a chain names as the one before it."""


class ReceiptChain(StrEnum):
    """The two chains: of what is taken in, and of what is told."""

    ACTS = "acts"
    VERIFICATIONS = "verifications"


class ReceiptChainUnit(Protocol):
    """The newest receipt of each chain, within one transaction of the store."""

    def receipt_chain(self, name: ReceiptChain) -> tuple[int, bytes]:
        """Return number and digest (32 bytes) of the newest receipt; no other unit adds one now."""

    def extend_receipt_chain(self, name: ReceiptChain, number: int, digest: bytes) -> None:
        """Say which receipt is the newest."""
