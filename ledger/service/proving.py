"""Proving a receipt: evidence of its record in the operator's batches, with both fields shown."""

from __future__ import annotations

import orjson

from certledger.ledger.evidence import EvidenceMaker, EvidencePending
from certledger.ledger.ports import Place, Unit
from certledger.ledger.service.ports import ServiceStore
from certledger.ledger.service.values import Verification
from certledger.verifier.errors import Refused
from certledger.verifier.evidence import Evidence
from certledger.verifier.receipts import lookup_of, show
from certledger.verifier.vocabulary import BodyKind


class ReceiptPending(Refused):
    """The receipt stands in no batch under a checkpoint yet."""

    code = "receipt.pending"


def prove_receipt(store: ServiceStore, maker: EvidenceMaker, given: Verification) -> Evidence:
    """Return evidence of the record of what was told.

    Raises:
        ReceiptPending: it is not anchored under a checkpoint yet.
        EvidenceInconsistent: the database does not lead to the chain.
    """
    signer = bytes.fromhex(orjson.loads(given.receipt)["receipt"]["operator"])
    with store.begin(write=False) as unit:
        # Others may repeat the digest in records of their own; only the operator's count.
        found = unit.places_of_lookup(lookup_of(given.receipt, given.reference))
        places = [place for place in found if _is_operators(unit, place, signer)]
    for place in reversed(places):
        try:
            evidence = maker.at(place.issuer, place.index)
        except EvidencePending:
            continue
        return show(evidence, given.receipt, given.reference)
    raise ReceiptPending(f"the receipt {given.reference} is not anchored yet")


def _is_operators(unit: Unit, place: Place, signer: bytes) -> bool:
    body = unit.body(place.issuer)
    if body is None or body.state.kind is not BodyKind.OPERATOR:
        return False
    return any(key.address == signer for key in body.state.keys)
