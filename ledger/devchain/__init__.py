"""The embedded chain: a durable Ethereum chain in one SQLite file, served over JSON-RPC."""

from importlib import import_module
from typing import TYPE_CHECKING

from certledger.ledger.devchain.errors import (
    BlockAheadError,
    BlockMalformedError,
    BlockMismatchError,
    BlockOutOfPlaceError,
    BlockRejectedError,
    EmbeddedChainError,
    GenesisMalformedError,
    GenesisMismatchError,
    HomeInUseError,
    NotLoopbackError,
    TransactionRejectedError,
)

if TYPE_CHECKING:
    from certledger.ledger.devchain.genesis import Genesis
    from certledger.ledger.devchain.node import NodeSettings, RunningNode, open_node
    from certledger.ledger.devchain.replay import ChainReplica

__all__ = [
    "BlockAheadError",
    "BlockMalformedError",
    "BlockMismatchError",
    "BlockOutOfPlaceError",
    "BlockRejectedError",
    "ChainReplica",
    "EmbeddedChainError",
    "Genesis",
    "GenesisMalformedError",
    "GenesisMismatchError",
    "HomeInUseError",
    "NodeSettings",
    "NotLoopbackError",
    "RunningNode",
    "TransactionRejectedError",
    "open_node",
]

# py-evm takes a second to import, so these names are imported on first use.
_LATE = {
    "ChainReplica": "replay",
    "Genesis": "genesis",
    "NodeSettings": "node",
    "RunningNode": "node",
    "open_node": "node",
}


def __getattr__(name: str) -> object:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
