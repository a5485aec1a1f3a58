"""The embedded chain: a durable Ethereum chain in one SQLite file, served over JSON-RPC."""

from importlib import import_module
from typing import TYPE_CHECKING

from certledger.ledger.chain.embedded.errors import (
    BlockAhead,
    BlockMalformed,
    BlockMismatch,
    BlockOutOfPlace,
    BlockRefused,
    EmbeddedChainError,
    GenesisMalformed,
    GenesisMismatch,
    HomeInUse,
    NotLoopback,
    TransactionRefused,
)

if TYPE_CHECKING:
    from certledger.ledger.chain.embedded.genesis import Genesis
    from certledger.ledger.chain.embedded.node import NodeSettings, RunningNode, open_node
    from certledger.ledger.chain.embedded.replay import Follower

__all__ = [
    "BlockAhead",
    "BlockMalformed",
    "BlockMismatch",
    "BlockOutOfPlace",
    "BlockRefused",
    "EmbeddedChainError",
    "Follower",
    "Genesis",
    "GenesisMalformed",
    "GenesisMismatch",
    "HomeInUse",
    "NodeSettings",
    "NotLoopback",
    "RunningNode",
    "TransactionRefused",
    "open_node",
]

# py-evm takes a second to import, so nothing of it is loaded before one of these is asked for.
_LATE = {
    "Follower": "replay",
    "Genesis": "genesis",
    "NodeSettings": "node",
    "RunningNode": "node",
    "open_node": "node",
}


def __getattr__(name: str) -> object:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
