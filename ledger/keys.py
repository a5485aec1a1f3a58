"""Keys at rest: Ethereum keystores for signers of acts, PEM files for witnesses and holders."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from certledger.verifier.crypto import secp256k1
from certledger.verifier.crypto.hashing import keccak
from certledger.verifier.errors import CertledgerError, ExitStatus
from certledger.verifier.files import write_atomically
from certledger.verifier.formats.canonical_json import from_hex
from certledger.verifier.formats.statements import SECP256K1_ORDER, Batch, address_of

SECRET_SIZE = 32
DIGEST_SIZE = 32
SCRYPT_WORK = 2**18
"""The scrypt work factor (n) of geth's standard keystores: some 256 MB and a second."""
MAX_KEYSTORE_BYTES = 65_536

PemKey = Ed25519PrivateKey | ec.EllipticCurvePrivateKey
"""An Ed25519 key (witnesses, roots of policies, holders) or a P-256 key (holders)."""
PemKind = Literal["ed25519", "p256"]


class KeyUnusableError(CertledgerError):
    """A key file cannot be read, or the passphrase does not open it."""

    code = "key.unusable"
    exit_status = ExitStatus.UNUSABLE


# Signing ---------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Signer:
    """A secp256k1 key that signs digests; neither its text nor a comparison shows the secret.

    `address` is 20 bytes, `public_key` x ‖ y, 64 bytes.
    """

    address: bytes
    public_key: bytes
    _sign: Callable[[bytes], bytes] = field(repr=False, compare=False)

    def sign(self, digest: bytes) -> bytes:
        """Sign a 32-byte digest: r ‖ s ‖ v, 65 bytes, low s, v 27 or 28.

        Deterministic (RFC 6979).

        Raises:
            ValueError: the digest has another size.
        """
        if len(digest) != DIGEST_SIZE:
            raise ValueError(f"a digest has {DIGEST_SIZE} bytes, not {len(digest)}")
        return self._sign(digest)

    def sign_batch(self, statement: Batch, digest: bytes) -> bytes:
        """Sign a batch's statement by its digest, as `sign`."""
        return self.sign(digest)

    def __reduce__(self) -> str:
        raise TypeError("a signer is not pickled: its secret stays in this process")


def wallet_signature(text: str) -> bytes:
    """Return a wallet's signature (65 bytes) as the contract takes it.

    Some wallets write v as 0 or 1, where the contract wants 27 or 28.

    Raises:
        MalformedError: not 65 bytes in hexadecimal.
    """
    signature = from_hex(text.removeprefix("0x"), 65)
    return signature if signature[64] >= 27 else signature[:64] + bytes([signature[64] + 27])


def signer_of(secret: bytes) -> Signer:
    """Return the signer of a 32-byte secret.

    Raises:
        KeyUnusableError: the secret is zero or beyond the order of the curve, or not 32 bytes.
    """
    if len(secret) != SECRET_SIZE or not 0 < int.from_bytes(secret, "big") < SECP256K1_ORDER:
        raise KeyUnusableError(
            "a secp256k1 secret is 32 bytes, above zero and below the curve's order"
        )
    try:
        sign, public_key = _with_coincurve(secret)
    except ImportError:
        sign, public_key = _with_eth_keys(secret)
    return Signer(address=address_of(public_key), public_key=public_key, _sign=sign)


def _with_coincurve(secret: bytes) -> tuple[Callable[[bytes], bytes], bytes]:
    from coincurve import PrivateKey

    key = PrivateKey(secret)

    def sign(digest: bytes) -> bytes:
        signature = key.sign_recoverable(digest, hasher=None)
        return signature[:64] + bytes([27 + signature[64]])

    return sign, key.public_key.format(compressed=False)[1:]


def _with_eth_keys(secret: bytes) -> tuple[Callable[[bytes], bytes], bytes]:
    from eth_keys.datatypes import PrivateKey

    key = PrivateKey(secret)

    def sign(digest: bytes) -> bytes:
        signature = key.sign_msg_hash(digest).to_bytes()
        return signature[:64] + bytes([27 + signature[64]])

    return sign, key.public_key.to_bytes()


def recover(digest: bytes, signature: bytes) -> bytes:
    """Return the address (20 bytes) whose key made `signature`; raises as `recover_key`."""
    return address_of(recover_key(digest, signature))


def recover_key(digest: bytes, signature: bytes) -> bytes:
    """Return the public key (x ‖ y, 64 bytes) that made `signature` (65 bytes) over `digest`.

    Raises:
        KeyUnusableError: the signature is none: size, v, high s, or no such point.
    """
    key = secp256k1.recover_key(digest, signature)
    if key is None:
        raise KeyUnusableError("no key made this: a signature is r ‖ s ‖ v, low s and v 27 or 28")
    return key


# Keystores -------------------------------------------------------------------------------------


def checksum_address(address: bytes) -> str:
    """Return an address (20 bytes) with the capitals that show a mistyped digit (EIP-55)."""
    digits = address.hex()
    marks = keccak(digits.encode()).hex()
    return "0x" + "".join(
        digit.upper() if mark >= "8" else digit
        for digit, mark in zip(digits, marks[: len(digits)], strict=True)
    )


def draw_secret(random: Callable[[int], bytes] = os.urandom) -> bytes:
    """Draw a secp256k1 secret (32 bytes); `random` returns so many random bytes."""
    while True:
        secret = random(SECRET_SIZE)
        if 0 < int.from_bytes(secret, "big") < SECP256K1_ORDER:
            return secret


def save_keystore(path: Path, secret: bytes, passphrase: str, *, work: int = SCRYPT_WORK) -> Signer:
    """Write an Ethereum keystore (version 3, scrypt) of `secret`; return its signer.

    `work` is scrypt's n, a power of two.

    Raises:
        KeyUnusableError: the file exists, the passphrase is empty, or the secret is invalid.
    """
    from eth_account import Account

    signer = signer_of(secret)
    if not passphrase:
        raise KeyUnusableError("a keystore needs a passphrase")
    if path.exists():
        raise KeyUnusableError(f"{path} is there already, and a key is never overwritten")
    keystore = Account.encrypt(secret, passphrase, kdf="scrypt", iterations=work)
    write_atomically(path, json.dumps(keystore, indent=1).encode() + b"\n", private=True)
    return signer


def load_keystore(path: Path, passphrase: str) -> Signer:
    """Return the signer of an Ethereum keystore.

    Raises:
        KeyUnusableError: the file is no keystore, or the passphrase does not open it.
    """
    from eth_account import Account

    try:
        secret = bytes(Account.decrypt(_read(path).decode(), passphrase))
    except (ValueError, TypeError, KeyError, AttributeError, NotImplementedError) as error:
        raise KeyUnusableError(
            f"{path} is no keystore, or the passphrase does not open it"
        ) from error
    return signer_of(secret)


def keystore_address(path: Path) -> bytes:
    """Return the address (20 bytes) in a keystore, without opening it.

    Raises:
        KeyUnusableError: the file is no keystore, or has no address.
    """
    try:
        address = bytes.fromhex(json.loads(_read(path))["address"].removeprefix("0x"))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise KeyUnusableError(f"{path} is no keystore that names its address") from error
    if len(address) != 20:
        raise KeyUnusableError(f"{path} names an address of {len(address)} bytes, not 20")
    return address


# PEM files -------------------------------------------------------------------------------------


def make_pem_key(kind: PemKind) -> PemKey:
    """Generate a key from the operating system's randomness."""
    return Ed25519PrivateKey.generate() if kind == "ed25519" else _new_p256()


def _new_p256() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def save_pem_key(path: Path, key: PemKey, passphrase: str) -> None:
    """Write a key as encrypted PKCS#8 in PEM.

    Raises:
        KeyUnusableError: the file exists, or the passphrase is empty.
    """
    if not passphrase:
        raise KeyUnusableError("a key file needs a passphrase")
    if path.exists():
        raise KeyUnusableError(f"{path} is there already, and a key is never overwritten")
    sealed = BestAvailableEncryption(passphrase.encode())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealed)
    write_atomically(path, pem, private=True)


def load_pem_key(path: Path, passphrase: str) -> PemKey:
    """Return the key of a PEM file, Ed25519 or P-256.

    Raises:
        KeyUnusableError: no such key, not encrypted, or the passphrase does not open it.
    """
    try:
        key = load_pem_private_key(_read(path), passphrase.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyUnusableError(
            f"{path} is no encrypted key, or the passphrase does not open it"
        ) from error
    if isinstance(key, Ed25519PrivateKey):
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise KeyUnusableError(f"{path} contains neither an Ed25519 nor a P-256 key")


# Files and passphrases -------------------------------------------------------------------------


def readable_by_others(path: Path) -> bool:
    """Return whether group or world may read a file."""
    if os.name != "posix":
        return False
    return bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))


def read_passphrase(path: Path) -> str:
    """Return the passphrase in a file: its first line, without the line end.

    Raises:
        KeyUnusableError: the file cannot be read, or its first line is empty.
    """
    try:
        line = _read(path).decode().splitlines()[:1]
    except UnicodeDecodeError as error:
        raise KeyUnusableError(f"the passphrase in {path} is not UTF-8") from error
    if not line or not line[0]:
        raise KeyUnusableError(f"{path} has no passphrase on its first line")
    return line[0]


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_KEYSTORE_BYTES + 1)
    except OSError as error:
        raise KeyUnusableError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > MAX_KEYSTORE_BYTES:
        raise KeyUnusableError(f"{path} is longer than any key file")
    return data
