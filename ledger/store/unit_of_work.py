"""The unit of work: one transaction with the queries of all parts of the store."""

from __future__ import annotations

from certledger.ledger.store.api_clients import CallersPart
from certledger.ledger.store.books import BooksPart
from certledger.ledger.store.cases import CasesPart
from certledger.ledger.store.certificate_index import PlacesPart
from certledger.ledger.store.identity import IdentityPart
from certledger.ledger.store.intake import IntakePart
from certledger.ledger.store.mirror import MirrorPart
from certledger.ledger.store.mirror_queries import ReadingPart
from certledger.ledger.store.outbox import RoadPart
from certledger.ledger.store.webhooks import HooksPart


class SqlUnit(
    IdentityPart,
    IntakePart,
    RoadPart,
    MirrorPart,
    ReadingPart,
    PlacesPart,
    CallersPart,
    HooksPart,
    BooksPart,
    CasesPart,
):
    """Implements the ports `Unit` and `ServiceUnit`.

    `SqlStore` commits and rolls back; no method here does.
    """
