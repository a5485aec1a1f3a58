"""Sign records of the operator, chain them behind its receipts and store them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from certledger.ledger.core.receipt_chain import ReceiptChain
from certledger.ledger.core.service_values import Verification
from certledger.ledger.keys import Signer
from certledger.ledger.store.unit_of_work import Unit
from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.formats.canonical_json import Json
from certledger.verifier.reform.operator_record import OperatorRecord, record_digest


def sign_record(
    content: Mapping[str, Json], operator: Signer, *, number: int, previous: bytes
) -> OperatorRecord:
    """Return the record of this content at a place in the chain, signed by the operator."""
    whole = dict(content) | {"number": number, "previous": previous.hex()}
    return OperatorRecord(content=whole, signature=operator.sign(record_digest(whole)))


def add_record(
    unit: Unit,
    content: Mapping[str, Json],
    operator: Signer,
    *,
    party: str,
    leaves: Sequence[bytes] = (),
) -> OperatorRecord:
    """Sign a record as the next of the chain and store it in this transaction."""
    number, previous = unit.receipt_chain(ReceiptChain.VERIFICATIONS)
    record = sign_record(content, operator, number=number + 1, previous=previous)
    data = record.format()
    stored = Verification(party=party, leaves=b"".join(leaves), receipt=data, **record.columns)
    unit.add_verifications([stored])
    unit.extend_receipt_chain(ReceiptChain.VERIFICATIONS, record.number, sha256(data))
    return record
