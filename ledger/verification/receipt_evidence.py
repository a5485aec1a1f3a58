"""Proving a receipt: evidence of its record in the operator's batches, with both fields shown."""

from __future__ import annotations

import orjson

from certledger.ledger.core.ports import Location, Unit
from certledger.ledger.core.service_ports import ServiceStore
from certledger.ledger.core.service_values import Verification
from certledger.ledger.publish.evidence import EvidenceMaker, EvidencePendingError
from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.verify.receipt import lookup_of, show
from certledger.verifier.vocabulary import IssuerKind


class ReceiptPendingError(CertledgerError):
    """The receipt stands in no batch under a checkpoint yet."""

    code = "receipt.pending"


def prove_receipt(store: ServiceStore, maker: EvidenceMaker, given: Verification) -> Evidence:
    """Return evidence of the record of what was told.

    Raises:
        ReceiptPendingError: it is not anchored under a checkpoint yet.
        EvidenceInconsistentError: the database does not lead to the chain.
    """
    signer = bytes.fromhex(orjson.loads(given.receipt)["receipt"]["operator"])
    with store.begin(write=False) as unit:
        # Others may repeat the digest in records of their own; only the operator's count.
        found = unit.places_of_lookup(lookup_of(given.receipt, given.reference))
        places = [place for place in found if _is_operators(unit, place, signer)]
    for place in reversed(places):
        try:
            evidence = maker.at(place.issuer, place.index)
        except EvidencePendingError:
            continue
        return show(evidence, given.receipt, given.reference)
    raise ReceiptPendingError(f"the receipt {given.reference} is not anchored yet")


def _is_operators(unit: Unit, place: Location, signer: bytes) -> bool:
    body = unit.body(place.issuer)
    if body is None or body.state.kind is not IssuerKind.OPERATOR:
        return False
    return any(key.address == signer for key in body.state.keys)
