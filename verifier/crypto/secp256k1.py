"""Public key recovery for secp256k1 signatures, by libsecp256k1 if installed, else in Python.

No secret is processed here, so constant time is not needed.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from certledger.verifier.formats.statements import SECP256K1_ORDER, address_of

try:
    # Optional accelerator: the `server` extra installs it, a light install does without.
    _PublicKey: Any = import_module("coincurve").PublicKey
except ImportError:
    _PublicKey = None

SIGNATURE_SIZE = 65
_P = 2**256 - 2**32 - 977
_N = SECP256K1_ORDER
_G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
_Point = tuple[int, int, int]
"""Jacobian coordinates; the point at infinity has z = 0."""
_INFINITY = (1, 1, 0)


def recover_address(digest: bytes, signature: bytes) -> bytes | None:
    """Return the address (20 bytes) whose key made `signature`; None as `recover_key`."""
    key = recover_key(digest, signature)
    return None if key is None else address_of(key)


def recover_key(digest: bytes, signature: bytes) -> bytes | None:
    """Return the public key (x ‖ y, 64 bytes) that made `signature` over `digest` (32 bytes).

    `signature` is r ‖ s ‖ v, 65 bytes, v 27 or 28, low s; None where it is anything else.
    """
    if len(signature) != SIGNATURE_SIZE or signature[64] not in (27, 28):
        return None
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    if not 0 < r < _N or not 0 < s <= _N // 2:
        return None
    return _swiftly(digest, signature) if _PublicKey is not None else _recover(digest, signature)


def _swiftly(digest: bytes, signature: bytes) -> bytes | None:
    recoverable = signature[:64] + bytes([signature[64] - 27])
    try:
        key = _PublicKey.from_signature_and_message(recoverable, digest, hasher=None)
    except Exception as error:
        # coincurve raises bare exceptions for bad signatures; let every other type through.
        if type(error) not in (Exception, ValueError):
            raise
        return None
    public: bytes = key.format(compressed=False)[1:]
    return public


def _recover(digest: bytes, signature: bytes) -> bytes | None:
    """Recover the public key (x ‖ y) as in SEC 1, section 4.1.6."""
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    square = (pow(r, 3, _P) + 7) % _P
    y = pow(square, (_P + 1) // 4, _P)
    if y * y % _P != square:
        return None
    if y & 1 != signature[64] - 27:
        y = _P - y
    inverse = pow(r, -1, _N)
    one = -int.from_bytes(digest, "big") * inverse % _N
    x, y, z = _twice_times(one, _G, s * inverse % _N, (r, y))
    if not z:
        return None
    scale = pow(z, -1, _P)
    x, y = x * scale * scale % _P, y * scale * scale * scale % _P
    return x.to_bytes(32, "big") + y.to_bytes(32, "big")


def _twice_times(one: int, g: tuple[int, int], other: int, q: tuple[int, int]) -> _Point:
    """Return one·g + other·q, bit by bit, both at once (Shamir's trick)."""
    first, second = (*g, 1), (*q, 1)
    table = (_INFINITY, first, second, _add(first, second))
    found = _INFINITY
    for bit in reversed(range(max(one.bit_length(), other.bit_length()))):
        found = _double(found)
        if chosen := (one >> bit & 1) | (other >> bit & 1) << 1:
            found = _add(found, table[chosen])
    return found


def _double(point: _Point) -> _Point:
    x, y, z = point
    if not z or not y:
        return _INFINITY
    square = y * y % _P
    s = 4 * x * square % _P
    slope = 3 * x * x % _P
    across = (slope * slope - 2 * s) % _P
    return across, (slope * (s - across) - 8 * square * square) % _P, 2 * y * z % _P


def _add(one: _Point, other: _Point) -> _Point:
    if not one[2]:
        return other
    if not other[2]:
        return one
    z1, z2 = one[2] * one[2] % _P, other[2] * other[2] % _P
    u1, u2 = one[0] * z2 % _P, other[0] * z1 % _P
    s1, s2 = one[1] * z2 * other[2] % _P, other[1] * z1 * one[2] % _P
    if u1 == u2:
        return _double(one) if s1 == s2 else _INFINITY
    h, r = (u2 - u1) % _P, (s2 - s1) % _P
    h2 = h * h % _P
    h3, v = h * h2 % _P, u1 * h2 % _P
    x = (r * r - h3 - 2 * v) % _P
    return x, (r * (v - x) - s1 * h3) % _P, h * one[2] * other[2] % _P
