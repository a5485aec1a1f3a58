"""The store: one transaction with the queries of all its users, and what opens one.

Guarantees
----------
`with store.begin() as unit:` is one transaction: it commits when the block ends and rolls back
when the block raises.  A commit survives a crash of process and machine.  A unit sees its own
writes, and of the others only what was committed; if two units conflict, the later one waits or
fails with `StoreBusyError`, and the caller runs again.  No method of a unit commits.

The store's copy of the chain, the mirror, is a cache: each row names the block that made it, so
that `rollback` undoes a reorganisation exactly, and queries may be as of any block since the last
`prune`.  Reads from it are checked against a state root.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from certledger.ledger.store.api_clients import CallersPart
from certledger.ledger.store.books import BooksPart
from certledger.ledger.store.cases import CasesPart
from certledger.ledger.store.certificate_index import PlacesPart
from certledger.ledger.store.identity import IdentityPart
from certledger.ledger.store.intake import IntakePart
from certledger.ledger.store.mirror import MirrorPart
from certledger.ledger.store.mirror_queries import ReadingPart
from certledger.ledger.store.outbox import RoadPart
from certledger.ledger.store.page_sessions import PageSessionsPart
from certledger.ledger.store.proposals import ProposalsPart
from certledger.ledger.store.samples import SamplesPart
from certledger.ledger.store.webhooks import HooksPart


class Unit(
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
    SamplesPart,
    ProposalsPart,
    PageSessionsPart,
):
    """One transaction of the store."""


class Store(Protocol):
    """The database; SQLite and PostgreSQL give the same guarantees."""

    def begin(self, *, write: bool = True) -> AbstractContextManager[Unit]:
        """Begin one transaction; with `write=False` it may only read, and waits for no lock.

        Raises:
            StoreBusyError: a lock was not released in time.
            StoreUnavailableError: the database does not answer, is full or damaged.
            TextUnusableError: a text contains NUL.
        """

    def close(self) -> None:
        """Close every connection."""
