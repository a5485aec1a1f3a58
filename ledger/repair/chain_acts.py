"""Read the chain once: acts without a valid row, and digests of issuers' names."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection

from certledger.ledger.audit.mirror import MirrorObserver, Reach
from certledger.ledger.repair.transaction import raw
from certledger.ledger.store.tables import ACTS
from certledger.verifier.audit.findings import AuditFault
from certledger.verifier.audit.replay import NullObserver, Replay, ReplayedAct
from certledger.verifier.audit.sources import Nothing
from certledger.verifier.formats.policy import LedgerPin
from certledger.verifier.node_rpc import NodeBlock, NodeFailedError, RpcClient

SPAN = 2_000


@dataclass(frozen=True, kw_only=True, slots=True)
class ChainActs:
    """Result of reading the chain up to `head`.

    `unsound` are acts whose row the audit faults, by digest; `absent` those without a row.
    """

    head: NodeBlock
    unsound: dict[bytes, ReplayedAct]
    absent: dict[bytes, ReplayedAct]
    names: set[bytes]


@dataclass
class _Unsound(NullObserver):
    """Collects the acts whose row the audit would fault."""

    connection: Connection
    acts: dict[bytes, ReplayedAct] = field(default_factory=dict)
    absent: dict[bytes, ReplayedAct] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._rules = MirrorObserver(self.connection, Reach(head=0))

    def observe_act(self, act: ReplayedAct) -> list[AuditFault]:
        query = raw(ACTS).where(ACTS.c.digest == act.digest)
        if self.connection.execute(query).first() is None:
            self.acts[act.digest] = self.absent[act.digest] = act
            return []
        try:
            sound = not self._rules.compare_act(act)
        except (AttributeError, TypeError, ValueError):
            sound = False
        if not sound:
            self.acts[act.digest] = act
        return []


def read_chain(node: RpcClient, pin: LedgerPin, start: int, connection: Connection) -> ChainActs:
    """Read every act since the deployment.

    Raises:
        NodeFailedError: the node does not answer.
    """
    observer = _Unsound(connection)
    replay = Replay(pin=pin, published=Nothing(), observer=observer, now=0)
    head = _block(node, "latest")
    for first in range(start, head.number + 1, SPAN):
        block: NodeBlock | None = None
        for log in node.logs(pin.address, first, min(first + SPAN - 1, head.number)):
            if block is None or block.number != log.block:
                block = _block(node, log.block)
            replay.apply(log, block.time)
            replay.tasks.clear()
    names = {issuer.name for issuer in replay.issuers.values()}
    return ChainActs(head=head, unsound=observer.acts, absent=observer.absent, names=names)


def _block(node: RpcClient, which: int | str) -> NodeBlock:
    block = node.block(which)
    if block is None:
        raise NodeFailedError(f"the node has no block {which}")
    return block
