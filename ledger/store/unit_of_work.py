"""One transaction of the store, put together from what each of its users needs."""

from __future__ import annotations

from certledger.ledger.store.api_clients import CallersPart
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
):
    """See the ports `Unit` and `ServiceUnit`.

    Commits and rollbacks are the store's; no method here does either.
    """
