"""Two rules of SPEC section 4 in plain code; `ledger/sealing/records.py` has the fast ones."""

from __future__ import annotations

import hmac

from certledger.verifier.formats.record import (
    NUMBER,
    digest_of,
    format_disclosure,
    normal_code,
    normal_number,
)


def certificate_id(secret: bytes, issuer: str, category: str, number: str) -> bytes:
    """Derive the id (32 bytes) from the issuer's secret; `number` is in normal form."""
    message = f"{issuer}\0{category}\0{number}".encode()
    return hmac.digest(secret, message, "sha256")


def lookup_digest(number: str, code: str) -> bytes:
    """Return the lookup digest of a certificate from its number and access code as typed.

    Raises:
        MalformedError: an invalid number or access code.
    """
    return digest_of(format_disclosure(normal_code(code), NUMBER, normal_number(number)))
