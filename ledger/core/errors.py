"""Errors of the store and of the chain."""

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


class LeaseLostError(CertledgerError):
    """Another worker has the lease now; the caller must stop at once."""

    code = "lease.lost"

    def __init__(self, name: str) -> None:
        super().__init__(f"the lease {name!r} has passed to another worker")


class MirrorDiffersError(CertledgerError):
    """The chain's events or proofs contradict the mirror; nothing of them was stored."""

    code = "mirror.differs"


class ChainUnreachableError(CertledgerError):
    """The node does not answer, or not with JSON-RPC; trying again later may help."""

    code = "chain.unreachable"


class ChainRefusesError(ChainUnreachableError):
    """The node answered with an error."""

    code = "chain.refused"


class CallRevertedError(CertledgerError):
    """The contract would revert the call; `error` is the name of its error."""

    code = "chain.reverted"

    def __init__(self, error: str) -> None:
        super().__init__(f"the contract refuses the call: {error}")
        self.error = error
