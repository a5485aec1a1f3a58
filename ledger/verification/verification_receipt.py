"""Verification receipts: the operator's signed results, and how to check them (SPEC section 21)."""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from certledger.ledger.keys import Signer
from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.errors import CertledgerError, ExitStatus, MalformedError
from certledger.verifier.formats import merkle
from certledger.verifier.formats.canonical_json import (
    Json,
    Members,
    format_time,
    from_base64url,
    from_hex,
    parse_canonical,
    parse_time,
)
from certledger.verifier.formats.policy import check_ascending
from certledger.verifier.formats.statements import Receipt
from certledger.verifier.verify.operator_document import OperatorDocument, spell
from certledger.verifier.vocabulary import Verdict

MAX_RECEIPT_BYTES = 65_536
MAX_RESULTS = 1_000
MAX_BASES = 8
MAX_CODES = 16
"""Codes of checks that did not pass, in a receipt."""
MAX_BASIS_CHARACTERS = 4_096
REFERENCE = re.compile("[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}")
_CODE = re.compile("[a-z_0-9.]{1,64}")
_ALPHABET = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LETTERS = bytes(_ALPHABET[byte & 31] for byte in range(256))
_SIZE = 12
_DRAWING, _DRAWN = threading.Lock(), bytearray()


class ReceiptInvalidError(CertledgerError):
    """Another key than the operator's signed the receipt, or it is for other results."""

    code = "receipt.invalid"
    exit_status = ExitStatus.AGAINST


def draw_reference() -> str:
    """Return a random reference of three groups of four characters, to be read out by phone."""
    with _DRAWING:
        if not _DRAWN:
            # One system call for 256 references: each call releases the GIL.
            _DRAWN.extend(secrets.token_bytes(256 * _SIZE))
        drawn = bytes(_DRAWN[-_SIZE:]).translate(_LETTERS).decode("ascii")
        del _DRAWN[-_SIZE:]
    return f"{drawn[:4]}-{drawn[4:8]}-{drawn[8:]}"


@dataclass(frozen=True, kw_only=True, slots=True)
class VerificationReceipt(OperatorDocument):
    """A verification receipt with the operator's signature (65 bytes), SPEC section 21.

    It does not contain the results: `results` in the content is the root of the Merkle tree over
    their canonical bytes, so that one of a thousand can be shown by itself.
    """

    TYPE: ClassVar[str] = "certledger/verification-receipt/1"
    INVALID = ReceiptInvalidError

    @classmethod
    def sign(
        cls, content: dict[str, Json], operator: Signer, *, number: int, previous: bytes
    ) -> VerificationReceipt:
        """Sign a receipt with this content (of `content_of`).

        `number` counts the operator's receipts, `previous` is the digest of the one before.
        """
        content = content | {"number": number, "previous": previous.hex()}
        digest = _digest(spell(content), bytes.fromhex(content["ledger"]))
        return cls(content=content, signature=operator.sign(digest))

    @property
    def digest(self) -> bytes:
        """The SHA-256 of its file, which the next receipt names."""
        return sha256(self.format())

    @classmethod
    def parse(cls, data: bytes) -> VerificationReceipt:
        """Parse the bytes of a receipt's file.

        Raises:
            MalformedError: it is no verification receipt.
        """
        return cls.from_json(parse_canonical(data, MAX_RECEIPT_BYTES))

    @classmethod
    def from_json(cls, value: Json) -> VerificationReceipt:
        """Parse a receipt's JSON value; raises as `parse`."""
        read = Members(value, "file")
        content, signature = read.take("receipt"), read.text("signature", longest=100)
        read.done()
        _check_content(Members(content, "receipt"), cls.TYPE)
        return cls(content=content, signature=from_base64url(signature))

    def check_results(self, results: Sequence[bytes]) -> None:
        """Check that the receipt is for these results, in this order: step (2) of SPEC section 21.

        `results` are canonical bytes each.

        Raises:
            ReceiptInvalidError: it is for others.
        """
        if results_root(results).hex() != self.content["results"]:
            raise ReceiptInvalidError("the receipt is for other results")


def _check_content(read: Members, kind: str) -> None:
    """Check the members of a receipt's content (SPEC section 21)."""
    read.const("type", kind)
    for name in ("ledger", "leaves", "previous", "results"):
        from_hex(read.text(name), 32)
    from_hex(read.text("operator"), 20)
    read.text("caller", longest=80)
    parse_time(read.text("checked"))
    read.text("reference", REFERENCE)
    read.integer("number", 1)
    count, verdicts = read.integer("count", 1, MAX_RESULTS), read.inner("verdicts")
    counts = [verdicts.integer(one, 1, count) for one in map(str, Verdict) if verdicts.has(one)]
    verdicts.done()
    bases = read.array("basis", 0, MAX_BASES)
    if not all(type(one) is str and 0 < len(one) <= MAX_BASIS_CHARACTERS for one in bases):
        read.fail("basis", "a list of texts")
    check_ascending("receipt.basis", bases)
    codes = read.array("codes", 0, MAX_CODES)
    if not all(type(one) is str and _CODE.fullmatch(one) for one in codes):
        read.fail("codes", "a list of codes")
    check_ascending("receipt.codes", codes)
    read.done()
    if sum(counts) != count:
        raise MalformedError("schema.invalid", f"{sum(counts)} verdicts of {count} results")


def content_of(
    *,
    identity: bytes,
    operator: bytes,
    reference: str,
    caller: str,
    checked: int,
    results: Sequence[bytes],
    leaves: bytes,
    verdicts: Mapping[str, int],
    basis: Iterable[str] = (),
    codes: Iterable[str] = (),
) -> dict[str, Json]:
    """Return the content of a receipt, without its number and the digest of the one before.

    `operator` is an address (20 bytes), `results` are canonical bytes each, `checked` is in
    seconds, `leaves` are 32 bytes each, `verdicts` counts the results of each verdict, `basis` are
    the bases of their blocks, `codes` those of checks that did not pass.
    """
    return {
        "type": VerificationReceipt.TYPE,
        "basis": sorted(set(basis) - {""})[:MAX_BASES],
        "caller": caller,
        "checked": format_time(checked),
        "codes": sorted(set(codes) - {"ok"})[:MAX_CODES],
        "count": len(results),
        "leaves": sha256(leaves).hex(),
        "ledger": identity.hex(),
        "operator": operator.hex(),
        "reference": reference,
        "results": results_root(results).hex(),
        "verdicts": dict(verdicts),
    }


def _digest(content: bytes, identity: bytes) -> bytes:
    return Receipt(content=sha256(content)).digest(identity)


def results_root(results: Sequence[bytes]) -> bytes:
    """Return the root (32 bytes) over the canonical bytes of results (SPEC section 3)."""
    if not results:
        raise MalformedError("schema.invalid", "a receipt is for at least one result")
    return merkle.root([merkle.leaf_hash(result) for result in results])
