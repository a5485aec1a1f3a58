"""Submission receipts: the operator's signed promise to anchor an act (SPEC section 20)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from certledger.ledger.core.acts import counter_of, kind_of, subject_of
from certledger.ledger.keys import Signer
from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.formats.canonical_json import (
    Json,
    format_canonical,
    format_time,
    to_base64url,
)
from certledger.verifier.formats.statements import Batch, Receipt, Statement


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedReceipt:
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
) -> SignedReceipt:
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
            "type": SignedReceipt.BATCH,
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
            "type": SignedReceipt.ACT,
            "act": statement.primary,
            "subject": subject_of(statement),
            "counter": counter_of(kind, statement),
        }
    digest = Receipt(content=sha256(format_canonical(content))).digest(identity)
    return SignedReceipt(content=content, signature=operator.sign(digest))
