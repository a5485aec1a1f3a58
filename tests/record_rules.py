"""The id of a certificate in plain code; `ledger/sealing/records.py` has the fast one."""

from __future__ import annotations

import hmac


def certificate_id(secret: bytes, issuer: str, category: str, number: str) -> bytes:
    """Derive the id (32 bytes) from the issuer's secret; `number` is in normal form."""
    message = f"{issuer}\0{category}\0{number}".encode()
    return hmac.digest(secret, message, "sha256")
