"""Make the newest snapshot of a home on this machine, without changing the home."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from certledger.ledger.audit.home import chain_of
from certledger.ledger.chain.client import EthereumChain, NodeClient
from certledger.ledger.chain.deploy import load_deployment
from certledger.ledger.node import NAME, LedgerAbsentError, operator_of
from certledger.ledger.publish.snapshots import SnapshotMaker
from certledger.ledger.settings import load_settings
from certledger.ledger.store import open_store


def snapshot_of_home(home: Path) -> bytes:
    """Return the file of the snapshot at a home's newest checkpoint.

    Raises:
        LedgerAbsentError: there is no ledger in the home.
        HomeInUseError: another process runs the embedded chain of this home; ask its address.
        DatabaseLedgerError: the database belongs to another ledger.
        EvidencePendingError: there is no checkpoint yet.
        EvidenceInconsistentError: the database contradicts the chain's proofs.
    """
    settings = load_settings(home=home)
    deployment = load_deployment(settings.home)
    if deployment is None:
        raise LedgerAbsentError(f"there is no ledger in {settings.home}")
    pin = deployment.pin(NAME)
    with (
        chain_of(settings) as url,
        closing(open_store(settings.database, ledger=pin.identity)) as store,
    ):
        chain = EthereumChain(NodeClient(url), pin, operator_of(settings))
        return SnapshotMaker(store=store, chain=chain, ledger=pin).latest().data
