"""The two chains of operator receipts, in which each receipt names the one before."""

from __future__ import annotations

from enum import StrEnum

NOTHING_BEFORE = bytes(32)
"""Digest that the first receipt of a chain names as the one before it."""


class ReceiptChain(StrEnum):
    """The two chains: submission receipts and verification receipts."""

    ACTS = "acts"
    VERIFICATIONS = "verifications"
