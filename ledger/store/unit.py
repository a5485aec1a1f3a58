"""One transaction of the store, put together from what each of its users needs."""

from __future__ import annotations

from ledger.store.callers import CallersPart
from ledger.store.hooks import HooksPart
from ledger.store.identity import IdentityPart
from ledger.store.intake import IntakePart
from ledger.store.mirror import MirrorPart
from ledger.store.places import PlacesPart
from ledger.store.reading import ReadingPart
from ledger.store.road import RoadPart


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
