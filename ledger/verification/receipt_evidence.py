"""Evidence of a verification receipt's record in the operator's batches, fully disclosed."""

from __future__ import annotations

import orjson

from certledger.ledger.core.service_values import Verification
from certledger.ledger.core.values import Location
from certledger.ledger.publish.evidence import EvidenceMaker, EvidencePendingError
from certledger.ledger.store.unit_of_work import Store, Unit
from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.verify.receipt import lookup_of, show
from certledger.verifier.vocabulary import IssuerKind


class ReceiptPendingError(CertledgerError):
    """The receipt is in no batch under a checkpoint yet."""

    code = "receipt.pending"


def prove_receipt(store: Store, maker: EvidenceMaker, given: Verification) -> Evidence:
    """Return evidence of a receipt's record.

    Raises:
        ReceiptPendingError: it is not anchored under a checkpoint yet.
        EvidenceInconsistentError: the database contradicts the chain.
    """
    signer = bytes.fromhex(orjson.loads(given.receipt)["receipt"]["operator"])
    with store.begin(write=False) as unit:
        # Another issuer may copy the digest into a record of its own; only the operator's counts.
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
    issuer = unit.issuer(place.issuer)
    if issuer is None or issuer.state.kind is not IssuerKind.OPERATOR:
        return False
    return any(key.address == signer for key in issuer.state.keys)
