"""The two chains of operator receipts, in which each receipt names the one before."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

NOTHING_BEFORE = bytes(32)
"""Digest that the first receipt of a chain names as the one before it."""


class ReceiptChain(StrEnum):
    """The two chains: submission receipts and verification receipts."""

    ACTS = "acts"
    VERIFICATIONS = "verifications"


class ReceiptChainUnit(Protocol):
    """The newest receipt of each chain, within one transaction of the store."""

    def receipt_chain(self, name: ReceiptChain) -> tuple[int, bytes]:
        """Return number and digest (32 bytes) of the newest receipt; locks the chain."""

    def extend_receipt_chain(self, name: ReceiptChain, number: int, digest: bytes) -> None:
        """Set the newest receipt of a chain."""
