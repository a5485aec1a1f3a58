"""A running embedded chain: chain, miner and JSON-RPC server on one home."""

import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final

from certledger.ledger.devchain.chain import (
    DurableChain,
    genesis_hash,
    open_chain,
    stored_genesis,
)
from certledger.ledger.devchain.db import SqliteDB, connect_writer, hold_lock
from certledger.ledger.devchain.errors import GenesisMismatchError, HomeInUseError
from certledger.ledger.devchain.future_blocks import SignedHead, drop_future_blocks
from certledger.ledger.devchain.genesis import Genesis
from certledger.ledger.devchain.miner import Miner
from certledger.ledger.devchain.rpc import RpcDispatcher
from certledger.ledger.devchain.server import ChainServer, answer_body
from certledger.ledger.devchain.view import Readers

FILE: Final = "chain.sqlite"
LOCK: Final = "chain.lock"
_MIN_CHAIN_ID, _MAX_CHAIN_ID = 2**20, 2**31
MAX_LEAD: Final = 120.0
"""Seconds that block times may run ahead of the clock; below the tolerance of verifiers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeSettings:
    """Settings of a node.

    Attributes:
        chain_id: random for a new home if None; otherwise it must be the stored one.
        funded: wei for each address (20 bytes) at genesis of a new home.
        heartbeat: seconds after which an idle chain mines an empty block, None for never.
        timestamp: seconds of the genesis block, now if None.
        max_lead: seconds that block times may run ahead of the clock.
        find_signed: returns the newest signed block; called only if the head lies ahead of the
            clock, None if there are no witnesses to ask.
        paused: whether to mine no block now, because the clock is wrong.
    """

    chain_id: int | None = None
    funded: Mapping[bytes, int] = field(default_factory=dict)
    host: str = "127.0.0.1"
    port: int = 0
    heartbeat: float | None = None
    timestamp: int | None = None
    max_lead: float = MAX_LEAD
    clock: Callable[[], float] = time.time
    find_signed: Callable[[], SignedHead | None] = lambda: None
    paused: Callable[[], bool] = lambda: False


class RunningNode:
    """A chain that is served at `url` until it is closed, and in this process by `answer`."""

    def __init__(self, home: Path, settings: NodeSettings) -> None:
        self._stack = ExitStack()
        self._is_open = True
        try:
            self._open(home, settings)
        except BaseException:
            self._stack.close()
            raise

    def _open(self, home: Path, settings: NodeSettings) -> None:
        home.mkdir(parents=True, exist_ok=True)
        try:
            self._stack.enter_context(hold_lock(home / LOCK))
        except BlockingIOError as error:
            raise HomeInUseError(home) from error
        db = SqliteDB(connect_writer(home / FILE))
        self._stack.callback(db.close)
        chain = _open_or_begin(db, settings)
        drop_future_blocks(chain, int(settings.clock()), settings.find_signed)
        self.chain_id, self.genesis_hash = chain.chain_id, genesis_hash(chain)
        readers = Readers(home / FILE, chain.chain_id)
        self._stack.callback(readers.close)
        miner = Miner(
            chain,
            clock=settings.clock,
            heartbeat=settings.heartbeat,
            max_lead=settings.max_lead,
            paused=settings.paused,
        )
        self._rpc = RpcDispatcher(readers, miner, chain.chain_id)
        server = ChainServer(self._rpc, settings.host, settings.port)
        miner.start()
        self._stack.callback(miner.close)
        server.start()
        self._stack.callback(server.close)
        self.url = server.url

    def answer(self, body: bytes) -> bytes:
        """Return the JSON-RPC response to a request, without HTTP.

        Raises:
            ConnectionRefusedError: the node is closed.
        """
        if not self._is_open:
            raise ConnectionRefusedError("the node is closed")
        return answer_body(self._rpc, body)

    def close(self) -> None:
        """Stop serving, finish the current block, unlock the home."""
        self._is_open = False
        self._stack.close()

    def __enter__(self) -> "RunningNode":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_node(
    home: Path,
    *,
    chain_id: int | None = None,
    funded: Mapping[bytes, int] | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    heartbeat: float | None = None,
    timestamp: int | None = None,
    clock: Callable[[], float] = time.time,
    find_signed: Callable[[], SignedHead | None] = lambda: None,
    paused: Callable[[], bool] = lambda: False,
) -> RunningNode:
    """Start a node on the chain in `home`, which is begun if there is none.

    Raises:
        HomeInUseError: another node has locked the home.
        GenesisMismatchError: the chain in it has another id.
        NotLoopbackError: `host` is not a loopback address.
    """
    settings = NodeSettings(
        chain_id=chain_id,
        funded=funded or {},
        host=host,
        port=port,
        heartbeat=heartbeat,
        timestamp=timestamp,
        clock=clock,
        find_signed=find_signed,
        paused=paused,
    )
    return RunningNode(home, settings)


def _open_or_begin(db: SqliteDB, settings: NodeSettings) -> DurableChain:
    current = stored_genesis(db)
    if current is not None:
        if settings.chain_id not in (None, current.chain_id):
            raise GenesisMismatchError("chain id", current.chain_id, settings.chain_id)
        return open_chain(db, current)
    drawn = _MIN_CHAIN_ID + secrets.randbelow(_MAX_CHAIN_ID - _MIN_CHAIN_ID)
    genesis = Genesis(
        chain_id=drawn if settings.chain_id is None else settings.chain_id,
        timestamp=int(settings.clock()) if settings.timestamp is None else settings.timestamp,
        alloc=dict(settings.funded),
    )
    return open_chain(db, genesis)
