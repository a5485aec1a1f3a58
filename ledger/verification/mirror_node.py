"""The service's mirror as a node that verdicts may rest on (SPEC section 18.1, check 6)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial

from certledger.ledger.chain.client import EthereumChain
from certledger.ledger.core.errors import ChainUnreachableError
from certledger.ledger.core.values import Block as ChainBlock
from certledger.ledger.core.values import StoredCheckpoint
from certledger.ledger.publish.evidence import IssuerView
from certledger.ledger.store.unit_of_work import Store, Unit
from certledger.ledger.verification.bounded_executor import BoundedExecutor
from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.checkpoint import Note, parse_note
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.formats.issuer_state import ISSUER
from certledger.verifier.formats.policy import LedgerPin, TrustPolicy
from certledger.verifier.formats.state_proof import slot_position
from certledger.verifier.formats.status_tree import CELLS
from certledger.verifier.node_rpc import NodeBlock, NodeUnreachableError, SlotProof
from certledger.verifier.verify.basis import OPERATOR_NODE
from certledger.verifier.verify.block_trust import (
    Judgement,
    Slot,
    as_block,
    has_moved,
    judge_by_node,
    judge_by_witnesses,
)
from certledger.verifier.verify.full import Current
from certledger.verifier.verify.trust_sources import Judge, way_of_nodes

FRESH_SECONDS = 0.5
"""Seconds for which the checkpoint that was read last counts as the newest."""
_MAX_CACHED_BLOCKS = 4_096


@dataclass(kw_only=True)
class MirrorNode:
    """Serves blocks and proofs from the store, and blocks that it lacks from the chain `behind`.

    The chain is called through `asking`, so that a node that hangs delays only requests that need
    it.  Blocks of checkpoints are final, and their proofs were checked when they were made.

    `_blocks` caches final blocks by number and is cleared when full.
    """

    store: Store
    ledger: LedgerPin
    behind: EthereumChain
    clock: Callable[[], float]
    asking: BoundedExecutor = field(
        default_factory=lambda: BoundedExecutor(most=8, seconds=1.0, rest=10.0)
    )
    _newest: StoredCheckpoint | None = None
    _read: float = 0.0
    _blocks: dict[int, NodeBlock] = field(default_factory=dict, repr=False)
    _issuers: dict[bytes, str] = field(default_factory=dict, repr=False)

    @property
    def number(self) -> int:
        """The number of the newest checkpoint that was read, -1 for none."""
        return -1 if self._newest is None else self._newest.number

    @property
    def fresh(self) -> bool:
        """Whether the newest checkpoint was read less than `FRESH_SECONDS` ago."""
        return self.clock() < self._read + FRESH_SECONDS

    def newest(self, known: int = 0) -> StoredCheckpoint | None:
        """Return the newest checkpoint, read again if the caller knows a later block."""
        now, current = self.clock(), self._newest
        if current is None or current.number < known or now >= self._read + FRESH_SECONDS:
            with self.store.begin(write=False) as unit:
                self._newest = unit.checkpoint()
                self._issuers = {
                    slot_position(row.state.issuer): row.state.issuer for row in unit.issuers()
                }
            self._read = now
        return self._newest

    def block(self, which: int | str) -> NodeBlock | None:
        """Return a block; `finalized` and `latest` are the newest checkpoint's.

        Raises:
            NodeFailedError: the chain's node does not answer.
        """
        newest = self.newest()
        if newest is None:
            raise NodeUnreachableError("there is no checkpoint yet")
        if isinstance(which, str) or which == newest.number:
            return _block_of(newest)
        if which not in self._blocks:
            found = self._look_up(which)
            if found is None or which > newest.number:
                return found
            if len(self._blocks) >= _MAX_CACHED_BLOCKS:
                self._blocks.clear()
            self._blocks[which] = found
        return self._blocks[which]

    def _look_up(self, number: int) -> NodeBlock | None:
        with self.store.begin(write=False) as unit:
            current = unit.checkpoint(number)
        if current is not None:
            return _block_of(current)
        try:
            found = self.asking.ask(partial(self.behind.block, number))
        except ChainUnreachableError as error:
            raise NodeUnreachableError(str(error)) from error
        return None if found is None else _block_of(found)

    def proof(self, address: bytes, position: bytes, number: int) -> SlotProof | None:
        """Return the proof of an issuer's slot at a checkpoint, None if it is not stored."""
        issuer = self._issuers.get(position)
        if address != self.ledger.address or issuer is None or not ISSUER.fullmatch(issuer):
            return None
        with self.store.begin(write=False) as unit:
            return _proof_of(unit, number, issuer)


def _block_of(current: StoredCheckpoint | ChainBlock) -> NodeBlock:
    return NodeBlock(
        number=current.number, hash=current.hash, state_root=current.state_root, time=current.time
    )


def _proof_of(unit: Unit, number: int, issuer: str) -> SlotProof | None:
    checkpoint, nodes = unit.checkpoint(number), unit.slot_proof(number, issuer)
    if checkpoint is None or nodes is None:
        return None
    return SlotProof(account=checkpoint.account, slot=tuple(nodes))


class MirrorJudge:
    """Judges blocks by witnesses and by the service's mirror (check 6); thread-safe.

    If the newest checkpoint is later than that of the evidence, time and basis of the judgement are
    those of the newest; if the issuer's slot has changed since, the evidence is overtaken.
    """

    def __init__(self, policy: TrustPolicy, node: MirrorNode) -> None:
        self._policy, self._node, self._lock = policy, node, threading.Lock()
        self._judge = lru_cache(maxsize=_MAX_CACHED_BLOCKS)(self._judge_at)
        self._block = lru_cache(maxsize=_MAX_CACHED_BLOCKS)(self._judge_block)

    def __call__(self, note: Note, ledger: LedgerPin, slot: Slot | None) -> Judgement:
        """Return the judgement of a checkpoint's block."""
        with self._lock:
            newest = self._node.newest(note.checkpoint.number)
        # Cache key: note, ledger, slot, and the newest checkpoint's note with its cosignatures, so
        # that nothing goes stale.  Cleared after an unreachable node: that may pass.  The lock is
        # released before the node is called, so requests for other blocks do not wait for it.
        found = self._judge(note, ledger, slot, None if newest is None else newest.note)
        if found.code == "block.node_unreachable":
            self._judge.cache_clear()
            self._block.cache_clear()
        return found

    def _judge_at(
        self, note: Note, ledger: LedgerPin, slot: Slot | None, newest: str | None
    ) -> Judgement:
        own = self._block(note, ledger, newest)
        if own.code != "ok" or newest is None:
            return own
        last = parse_note(newest)
        latest = self._block(last, ledger, newest)
        if last.checkpoint == note.checkpoint:
            return latest if latest.code == "ok" else own
        if slot is None or last.checkpoint.number < note.checkpoint.number:
            return own
        moved = has_moved(self._node, ledger, slot, as_block(last.checkpoint))
        if moved:
            return replace(own, overtaken=True)
        return latest if moved is False and latest.code == "ok" else own

    def _judge_block(self, note: Note, ledger: LedgerPin, newest: str | None) -> Judgement:
        """Return the judgement by witnesses, or by the mirror if the policy allows it."""
        witnessed = judge_by_witnesses(note, self._policy, ledger)
        way = way_of_nodes(self._policy)
        asked = judge_by_node(note, self._node, self._policy, ledger, way=way, basis=OPERATOR_NODE)
        decided = asked.code == "block.differs" or witnessed.code != "ok"
        return asked if decided else witnessed


def find_newer(
    view: Callable[[str], IssuerView],
    judge: Judge,
    evidence: Evidence,
    ledger: LedgerPin,
    judgement: Judgement,
) -> Current | None:
    """Return the mirror's newest state of an issuer whose evidence is overtaken, else None.

    `view` returns an issuer at the newest checkpoint.  The evidence stays overtaken if the mirror
    lacks that issuer, or the policy does not trust the newest checkpoint yet.
    """
    if not judgement.overtaken:
        return None
    record = evidence.record
    try:
        current = view(record.issuer)
    except CertledgerError:
        return None
    latest = judge(parse_note(current.checkpoint.note), ledger, None)
    if latest.code != "ok" or record.index >= current.state.certificates:
        return None
    word = current.trees.status.word(record.index // CELLS)
    return Current(judgement=latest, state=current.state, word=word)
