"""Submission receipts: the operator's signed promise to anchor an act (SPEC section 20)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import orjson

from certledger.ledger.core.acts import counter_of, kind_of, subject_of
from certledger.ledger.keys import Signer
from certledger.verifier.crypto.secp256k1 import recover_address
from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.canonical_json import (
    Json,
    format_canonical,
    format_time,
    from_base64url,
    parse_time,
    to_base64url,
)
from certledger.verifier.formats.statements import Batch, Receipt, Statement


@dataclass(frozen=True, kw_only=True, slots=True)
class SubmissionReceipt:
    """A receipt and the operator's signature (65 bytes), SPEC section 20."""

    BATCH: ClassVar[str] = "certledger/receipt/1"
    ACT: ClassVar[str] = "certledger/act-receipt/1"

    content: Json
    signature: bytes

    def to_json(self) -> Json:
        """Return the file form."""
        return {"receipt": self.content, "signature": to_base64url(self.signature)}

    def format(self) -> bytes:
        """Return the canonical bytes of the file form."""
        return format_canonical(self.to_json())


def issue_receipt(
    statement: Statement,
    *,
    identity: bytes,
    accepted: int,
    anchored_by: int,
    number: int,
    previous: bytes,
    operator: Signer,
) -> SubmissionReceipt:
    """Sign the receipt for a statement accepted at `accepted`; both times in seconds.

    `number` counts the operator's receipts of batches and acts, `previous` is the SHA-256 of the
    file of the receipt before.
    """
    content: dict[str, Json] = {
        "accepted": format_time(accepted),
        "anchored_by": format_time(anchored_by),
        "digest": statement.digest(identity).hex(),
        "ledger": identity.hex(),
        "number": number,
        "previous": previous.hex(),
    }
    if isinstance(statement, Batch):
        content |= {
            "type": SubmissionReceipt.BATCH,
            "issuer": statement.issuer.decode("ascii"),
            "sequence": statement.sequence,
            "root": statement.root.hex(),
            "count": statement.count,
        }
    else:
        kind = kind_of(statement)
        if kind is None:
            raise TypeError(f"{statement.primary} is no act of the contract")
        content |= {
            "type": SubmissionReceipt.ACT,
            "act": statement.primary,
            "subject": subject_of(statement),
            "counter": counter_of(kind, statement),
        }
    digest = Receipt.of_content(content).digest(identity)
    return SubmissionReceipt(content=content, signature=operator.sign(digest))


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceiptContent:
    """What a submission receipt promises, and who signed it (20 bytes); times in seconds."""

    digest: bytes
    number: int
    previous: bytes
    accepted: int
    anchored_by: int
    signer: bytes


def read_receipt(data: Any, identity: bytes) -> ReceiptContent | None:
    """Return the content of a stored receipt, None if it is none or carries no signature."""
    try:
        value = orjson.loads(data)
        content, signature = value["receipt"], from_base64url(value["signature"])
        signer = recover_address(Receipt.of_content(content).digest(identity), signature)
        if signer is None:
            return None
        return ReceiptContent(
            digest=bytes.fromhex(content["digest"]),
            number=int(content["number"]),
            previous=bytes.fromhex(content["previous"]),
            accepted=parse_time(content["accepted"]),
            anchored_by=parse_time(content["anchored_by"]),
            signer=signer,
        )
    except (CertledgerError, ValueError, KeyError, TypeError):
        return None
