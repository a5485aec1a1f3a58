"""The hash functions of the formats: SHA-256, Keccak-256 and, where OpenSSL has it, SM3."""

from __future__ import annotations

import hashlib
import sys
from hashlib import sha256 as _sha256

if sys.platform == "linux":
    from sha3 import keccak_256 as _keccak_256

    def keccak(data: bytes) -> bytes:
        """Return Keccak-256 of `data` (32 bytes), as Ethereum uses it: not SHA3-256 of FIPS 202."""
        digest: bytes = _keccak_256(data).digest()
        return digest
else:
    from Crypto.Hash import keccak as _keccak

    def keccak(data: bytes) -> bytes:
        """Return Keccak-256 of `data` (32 bytes), as Ethereum uses it: not SHA3-256 of FIPS 202."""
        return _keccak.new(digest_bits=256, data=data).digest()


def sha256(data: bytes) -> bytes:
    """Return SHA-256 of `data` (32 bytes), FIPS 180-4."""
    return _sha256(data).digest()


def sm3(data: bytes) -> bytes | None:
    """Return SM3 of `data` (32 bytes, GB/T 32905), or None where this OpenSSL has none."""
    try:
        return hashlib.new("sm3", data).digest()
    except ValueError:
        return None
