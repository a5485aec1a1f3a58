"""What the store refuses with; `ledger.ports` says when."""

from __future__ import annotations

from certledger.verifier.errors import Refused


class StoreBusy(Refused):
    """Another unit is at work on the same things; run again."""

    code = "store.busy"


class StoreUnavailable(Refused):
    """The database does not answer, or cut the connection: nothing was written, or all of it."""

    code = "store.unavailable"


class StoreFull(StoreUnavailable):
    """The disk of the database is full: nothing was written."""

    code = "store.full"


class StoreDamaged(StoreUnavailable):
    """The database is damaged; restore a backup, or rebuild it."""

    code = "store.damaged"


class TextUnusable(Refused):
    """A text has a character that the database cannot hold: NUL."""

    code = "text.unusable"
