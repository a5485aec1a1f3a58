"""The nodes of a witness: an Ethereum node of its own, or a replica of the embedded chain."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from certledger.ledger.witness.state import MemoryDamagedError
from certledger.verifier.errors import CertledgerError
from certledger.verifier.node_rpc import NodeBlock, RpcClient
from certledger.verifier.verify.block_trust import newest_final

if TYPE_CHECKING:
    from eth.abc import BlockHeaderAPI


FOLLOWED = "followed.sqlite"
"""The chain that was executed here, in the folder of the follower."""


class ChainForeignError(CertledgerError):
    """The chain's genesis is not the one that the policy pins."""

    code = "witness.chain_foreign"


class NothingFinalError(CertledgerError):
    """The own node has no final block yet; ask again."""

    code = "witness.nothing_final"


class BlockSource(Protocol):
    """An untrusted source of raw blocks."""

    def genesis(self) -> Any:
        """Return the parameters of the genesis block, as JSON."""

    def head(self) -> int:
        """Return the number of the newest block."""

    def raw_block(self, number: int) -> bytes:
        """Return a block's RLP."""


class RpcNode:
    """An Ethereum node that the witness's own region runs, and trusts.

    `confirmations` is the depth at which a block is final if the node has no `finalized` tag.
    """

    def __init__(self, rpc: RpcClient, confirmations: int) -> None:
        self._rpc, self._confirmations = rpc, confirmations

    def advance(self) -> None:
        """Do nothing: the node follows the chain by itself."""

    def final(self) -> NodeBlock:
        """Return the node's newest final block.

        Raises:
            NodeFailedError: the node does not answer.
            NothingFinalError: its chain has no final block yet.
        """
        block = newest_final(self._rpc, self._confirmations)
        if block is None:
            raise NothingFinalError("no block is final on the own node yet")
        return block

    def block(self, number: int) -> NodeBlock | None:
        """Return the node's block of a number."""
        return self._rpc.block(number)


class ExecutingNode:
    """Replica of the embedded chain: it fetches blocks and executes them, in order.

    A server can withhold blocks, but an invalid block is rejected.  A block more than `lag` seconds
    ahead of the clock waits: it could not be signed, and the server may drop it once its own clock
    is right.
    """

    def __init__(
        self,
        folder: Path,
        source: BlockSource,
        genesis_hash: bytes,
        *,
        lag: int,
        clock: Callable[[], int],
    ) -> None:
        from certledger.ledger.devchain.errors import EmbeddedChainError
        from certledger.ledger.devchain.genesis import parse_genesis
        from certledger.ledger.devchain.replay import ChainReplica

        self._source, self._lag, self._clock = source, lag, clock
        folder.mkdir(parents=True, exist_ok=True)
        genesis, file = parse_genesis(source.genesis()), folder / FOLLOWED
        try:
            self._follower = ChainReplica(file, genesis)
        except EmbeddedChainError as error:
            raise ChainForeignError(f"{file} has another chain: {error}") from error
        except sqlite3.DatabaseError as error:
            raise MemoryDamagedError(f"{file} is damaged: {error}") from error
        first = self._follower.block(0)
        if first is None or first.hash != genesis_hash:
            self._follower.close()
            raise ChainForeignError("the chain did not begin with the block the policy pins")

    def advance(self) -> None:
        """Execute new blocks, up to the first that lies ahead of the clock.

        Raises:
            BlockRejectedError: a block is not valid after those before it.
        """
        from certledger.ledger.devchain.errors import BlockAheadError

        last = self._source.head()
        for number in range(self._follower.head.block_number + 1, last + 1):
            try:
                self._follower.take(self._source.raw_block(number), self._clock() + self._lag)
            except BlockAheadError:
                return

    def final(self) -> NodeBlock:
        """Return the last block executed: with one producer, the chain has no reorganisations."""
        return as_node_block(self._follower.head)

    def block(self, number: int) -> NodeBlock | None:
        """Return a block that was executed here."""
        header = self._follower.block(number)
        return None if header is None else as_node_block(header)

    def close(self) -> None:
        """Close the replica's database."""
        self._follower.close()


def as_node_block(header: BlockHeaderAPI) -> NodeBlock:
    """Convert a header of py-evm."""
    return NodeBlock(
        number=header.block_number,
        hash=bytes(header.hash),
        state_root=bytes(header.state_root),
        time=header.timestamp,
    )


class RpcSource:
    """Raw blocks over JSON-RPC; `call` sends one request and returns its result."""

    def __init__(self, call: Callable[[str, list[Any]], Any]) -> None:
        self._call = call

    def genesis(self) -> Any:
        """Return the parameters of the genesis block."""
        return self._call("certledger_genesis", [])

    def head(self) -> int:
        """Return the number of the newest block."""
        return int(self._call("eth_blockNumber", []), 16)

    def raw_block(self, number: int) -> bytes:
        """Return a block's RLP."""
        return bytes.fromhex(self._call("debug_getRawBlock", [hex(number)])[2:])
