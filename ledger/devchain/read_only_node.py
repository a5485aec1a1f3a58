"""A read-only node on a chain, even while its writer runs."""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from pathlib import Path

from eth.abc import SignedTransactionAPI

from certledger.ledger.devchain.chain import stored_genesis
from certledger.ledger.devchain.db import SqliteDB, connect_reader
from certledger.ledger.devchain.errors import GenesisMalformedError, TransactionRejectedError
from certledger.ledger.devchain.node import FILE
from certledger.ledger.devchain.rpc import RpcDispatcher
from certledger.ledger.devchain.server import ChainServer
from certledger.ledger.devchain.view import Readers, View


class Bystander:
    """Takes the miner's place, and rejects transactions."""

    def submit(self, raw: bytes, view: View) -> "Future[bytes]":
        """Reject: this node does not mine."""
        raise TransactionRejectedError("this node only reads the chain")

    def find(self, tx_hash: bytes) -> SignedTransactionAPI | None:
        """Return None: there is no queue."""
        return None

    def next_nonce(self, address: bytes, view: View) -> int:
        """Return the nonce after mined transactions."""
        return view.nonce(address)


@contextmanager
def reading(home: Path) -> Iterator[str]:
    """Serve the chain in `home` on a free port, and yield the URL.

    Raises:
        GenesisMalformedError: there is no chain.
    """
    path = home / FILE
    if not path.exists():
        raise GenesisMalformedError(f"there is no chain in {home}")
    with closing(SqliteDB(connect_reader(path))) as db:
        genesis = stored_genesis(db)
    if genesis is None:
        raise GenesisMalformedError(f"there is no chain in {home}")
    readers = Readers(path, genesis.chain_id)
    server = ChainServer(RpcDispatcher(readers, Bystander(), genesis.chain_id), "127.0.0.1", 0)
    server.start()
    try:
        yield server.url
    finally:
        server.close()
        readers.close()
