"""A node of one's own on an embedded chain: it executes every block again and answers from it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import structlog

from certledger.ledger.core.errors import ChainUnreachableError
from certledger.ledger.devchain.chain import stored_genesis
from certledger.ledger.devchain.db import SqliteDB, connect_reader
from certledger.ledger.devchain.errors import BlockRejectedError
from certledger.ledger.devchain.genesis import format_genesis, parse_genesis
from certledger.ledger.devchain.read_only_node import Bystander
from certledger.ledger.devchain.rpc import RpcDispatcher
from certledger.ledger.devchain.server import ChainServer
from certledger.ledger.devchain.view import Readers
from certledger.ledger.witness.nodes import FOLLOWED, BlockSource, ExecutingNode
from certledger.verifier.errors import CertledgerError

log = structlog.get_logger(__name__)
POLL_SECONDS = 1.0
"""Seconds from one look for new blocks to the next."""


class BlockForeignError(CertledgerError):
    """The node that is followed gave a block that does not follow from those before it."""

    code = "chain.block_foreign"


class OwnGenesisSource:
    """Blocks of another node, but the genesis that was stored here, so that a start needs none."""

    def __init__(self, file: Path, source: BlockSource) -> None:
        self._file, self._source = file, source

    def genesis(self) -> Any:
        """Return the parameters that the chain began with."""
        if self._file.exists():
            with closing(SqliteDB(connect_reader(self._file))) as db:
                current = stored_genesis(db)
            if current is not None:
                return format_genesis(current)
        return self._source.genesis()

    def head(self) -> int:
        """Return the number of the newest block there."""
        return self._source.head()

    def raw_block(self, number: int) -> bytes:
        """Return a block's RLP."""
        return self._source.raw_block(number)


class ReplicaNode:
    """Follows a chain and answers JSON-RPC from its own copy, on a loopback address.

    `lag` is how many seconds a block may lie ahead of `clock`.  It takes no transactions.

    Raises:
        ChainForeignError: the chain began with another block than `genesis` (32 bytes).
        ChainUnreachableError: the first start, and the node that is followed does not answer.
    """

    def __init__(
        self,
        home: Path,
        source: BlockSource,
        genesis: bytes,
        *,
        lag: int,
        clock: Callable[[], int],
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        own = OwnGenesisSource(home / FOLLOWED, source)
        chain_id = parse_genesis(own.genesis()).chain_id
        self._node = ExecutingNode(home, own, genesis, lag=lag, clock=clock)
        self._readers = Readers(home / FOLLOWED, chain_id)
        dispatcher = RpcDispatcher(self._readers, Bystander(), chain_id)
        self._server = ChainServer(dispatcher, host, port)
        self._server.start()

    @property
    def url(self) -> str:
        """Where it answers."""
        return self._server.url

    def follow(self, stop: threading.Event) -> None:
        """Take the blocks that come until `stop` is set; a node that is away is asked again.

        Raises:
            BlockForeignError: a block does not follow; what was taken before stays.
        """
        while not stop.is_set():
            try:
                self._node.advance()
            except BlockRejectedError as error:
                raise BlockForeignError(f"the node that is followed lies: {error}") from error
            except ChainUnreachableError as error:
                log.warning("followed_node_away", reason=str(error)[:200])
            stop.wait(POLL_SECONDS)

    def close(self) -> None:
        """Take no more calls, and give the home free."""
        self._server.close()
        self._readers.close()
        self._node.close()
