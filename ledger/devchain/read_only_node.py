"""A node that only reads a chain, also while the one that writes it runs."""

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
    """Stands where a miner would, and takes nothing."""

    def submit(self, raw: bytes, view: View) -> "Future[bytes]":
        """Refuse: nobody mines here."""
        raise TransactionRejectedError("this node only reads the chain")

    def find(self, tx_hash: bytes) -> SignedTransactionAPI | None:
        """Return None: nothing waits."""
        return None

    def next_nonce(self, address: bytes, view: View) -> int:
        """Return the nonce after those in blocks."""
        return view.nonce(address)


@contextmanager
def reading(home: Path) -> Iterator[str]:
    """Answer from the chain in `home` on a port of its own, and give the address.

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
