"""Fingerprints of trust policies, in hex and as words to compare by telephone.

The words are proquints (arXiv 0901.4016): five letters for 16 bits, SPEC section 15.
"""

from __future__ import annotations

import hashlib
import re

from certledger.verifier.errors import CertledgerError, ExitStatus, MalformedError
from certledger.verifier.formats.policy import TrustPolicy
from certledger.verifier.formats.signed_policy import signed_bytes

CONSONANTS = "bdfghjklmnprstvz"
VOWELS = "aiou"
WORDS = 8
"""Words of a fingerprint; they encode its first 16 bytes."""
MAX_FINGERPRINT_CHARACTERS = 200

_SHAPE = ((12, CONSONANTS), (10, VOWELS), (6, CONSONANTS), (4, VOWELS), (0, CONSONANTS))
"""Bit shift of each letter in the 16 bits of a word, and its alphabet."""
_HEX = re.compile(r"[0-9a-f]{64}")


class FingerprintDiffersError(CertledgerError):
    """The first policy has another fingerprint than the expected one."""

    code = "policy.fingerprint"
    exit_status = ExitStatus.UNUSABLE


def fingerprint_of(policy: TrustPolicy) -> bytes:
    """Return the SHA-256 of the bytes that root keys sign; added signatures do not change it."""
    return hashlib.sha256(signed_bytes(policy)).digest()


def format_words(fingerprint: bytes) -> str:
    """Return the words for the first 16 bytes of a fingerprint."""
    numbers = (int.from_bytes(fingerprint[at : at + 2], "big") for at in range(0, 2 * WORDS, 2))
    return " ".join(map(_word, numbers))


def _word(number: int) -> str:
    return "".join(letters[number >> shift & len(letters) - 1] for shift, letters in _SHAPE)


def parse_fingerprint(text: str) -> bytes:
    """Parse a typed fingerprint: 32 bytes from hex, 16 from words.

    Case, spaces, hyphens and colons are ignored.

    Raises:
        MalformedError: neither 64 hex digits nor eight words.
    """
    if len(text) <= MAX_FINGERPRINT_CHARACTERS and text.isascii():
        letters = re.sub(r"[ \t\r\n:-]+", "", text).lower()
        if _HEX.fullmatch(letters):
            return bytes.fromhex(letters)
        if len(letters) == 5 * WORDS:
            return b"".join(_number(letters[at : at + 5]) for at in range(0, 5 * WORDS, 5))
    raise MalformedError(
        "fingerprint.invalid", "neither 64 hex digits nor eight words of five letters"
    )


def _number(word: str) -> bytes:
    number = 0
    for letter, (shift, letters) in zip(word, _SHAPE, strict=True):
        if letter not in letters:
            raise MalformedError("fingerprint.invalid", f"{word} is not a word of a fingerprint")
        number |= letters.index(letter) << shift
    return number.to_bytes(2, "big")


def check_fingerprint(policy: TrustPolicy, named: bytes) -> None:
    """Check that `named`, from `parse_fingerprint`, is the fingerprint of `policy`.

    Raises:
        FingerprintDiffersError: `policy` has another one.
    """
    found = fingerprint_of(policy)
    if found[: len(named)] != named:
        raise FingerprintDiffersError(
            f"version {policy.version} has the fingerprint {format_words(found)}, not the one named"
        )
