"""Errors of the store; `ledger.core.ports` lists which method raises them."""

from __future__ import annotations

from certledger.verifier.errors import CertledgerError


class StoreBusyError(CertledgerError):
    """Another unit has locked the same rows; run again."""

    code = "store.busy"


class StoreUnavailableError(CertledgerError):
    """The database does not answer, or cut the connection: nothing was written, or all of it."""

    code = "store.unavailable"


class StoreFullError(StoreUnavailableError):
    """The disk of the database is full: nothing was written."""

    code = "store.full"


class StoreDamagedError(StoreUnavailableError):
    """The database is damaged; restore a backup, or rebuild it."""

    code = "store.damaged"


class TextUnusableError(CertledgerError):
    """A text has a character that the database cannot store: NUL."""

    code = "text.unusable"
