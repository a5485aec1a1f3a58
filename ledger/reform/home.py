"""Open the book of a home for a command, also while the home is served."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from certledger.ledger.chain.deploy import load_deployment
from certledger.ledger.cli.console import now
from certledger.ledger.keys import Signer
from certledger.ledger.node import LedgerAbsentError, operator_of
from certledger.ledger.reform.bookshelf import Bookshelf
from certledger.ledger.settings import load_settings
from certledger.ledger.store import open_store


@contextmanager
def open_bookshelf(home: Path | None) -> Iterator[Bookshelf]:
    """Open the bookshelf of a home that has a ledger.

    Raises:
        LedgerAbsentError: it has none.
    """
    settings = load_settings(home=home)
    deployment = load_deployment(settings.home)
    if deployment is None:
        raise LedgerAbsentError(f"there is no ledger in {settings.home} yet")
    store = open_store(settings.database, ledger=deployment.identity)
    try:
        yield Bookshelf(store=store, identity=deployment.identity, clock=now)
    finally:
        store.close()


def operator_signer(home: Path | None) -> Signer:
    """Return the operator's key of a home."""
    return operator_of(load_settings(home=home))
