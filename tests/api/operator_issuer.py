"""The operator as a registered issuer: its key, its catalog, and its logbook."""

from __future__ import annotations

from certledger.ledger.keys import Signer
from certledger.ledger.node import Ledger
from certledger.ledger.verification.receipt_log import Logbook
from certledger.verifier.formats.catalog import Catalog
from certledger.verifier.verify.receipt import RECEIPT_ENTRY
from certledger.verifier.vocabulary import IssuerKind
from tests.api.world import World
from tests.ledger.live import LiveIssuer

OPERATOR = "91310000XX00000389"


class OperatorIssuer(LiveIssuer):
    """The issuer that the operator itself is."""

    @property
    def key(self) -> Signer:
        return self.ledger.operator


def operator_issuer(ledger: Ledger) -> OperatorIssuer:
    """Return the operator of a ledger as an issuer."""
    return OperatorIssuer(
        ledger,
        issuer=OPERATOR,
        name="运营方",
        kind=IssuerKind.OPERATOR,
        catalog=Catalog.of([RECEIPT_ENTRY]),
    )


def register_operator(world: World) -> Logbook:
    """Register the operator of a world; return its logbook, which seals at once."""
    operator_issuer(world.ledger).register()
    return Logbook(
        store=world.ledger.store,
        intake=world.ledger.intake,
        operator=world.ledger.operator,
        secret=world.service.pepper,
        clock=world.service.clock,
        every=0,
    )
