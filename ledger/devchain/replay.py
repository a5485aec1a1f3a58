"""A replica of the chain that executes every block, and so trusts no other node."""

from pathlib import Path

from eth.abc import BlockHeaderAPI

from certledger.ledger.devchain.chain import open_chain
from certledger.ledger.devchain.db import SqliteDB, connect_writer
from certledger.ledger.devchain.genesis import Genesis
from certledger.ledger.devchain.view import View

NEVER = 2**63
"""A time (seconds) that no block reaches."""


class ChainReplica:
    """An own copy of a chain with the same genesis, fed with raw blocks.

    A block is durable when `take` returns.
    """

    def __init__(self, file: Path, genesis: Genesis) -> None:
        """Open the replica in `file`.

        Raises:
            GenesisMismatchError: the chain in it has another genesis.
        """
        self._db = SqliteDB(connect_writer(file))
        self._chain = open_chain(self._db, genesis)
        self._view = View(self._db, genesis.chain_id)

    @property
    def head(self) -> BlockHeaderAPI:
        """The header of the last block."""
        return self._chain.get_canonical_head()

    def block(self, number: int) -> BlockHeaderAPI | None:
        """Return the header of a block, None if there is none."""
        return self._view.header_by_number(number)

    def take(self, raw: bytes, latest: int = NEVER) -> BlockHeaderAPI:
        """Execute the RLP-encoded block `raw` on the head, and store it.

        `latest` (seconds) is the latest time that the block may have.

        Raises:
            BlockAheadError: it is of a later time, and may be taken then.
            BlockRejectedError: it is no block, does not follow the head, or claims another result.
        """
        return self._chain.follow(raw, latest)

    def close(self) -> None:
        """Close the file."""
        self._db.close()
