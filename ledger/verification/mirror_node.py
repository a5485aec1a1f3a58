"""What the service itself knows of the chain, as a node that verdicts may rest on (check 6)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial

from certledger.ledger.core.ports import Block as ChainBlock
from certledger.ledger.core.ports import Chain, ChainUnreachableError, ReadUnit, StoredCheckpoint
from certledger.ledger.core.service_ports import ServiceStore
from certledger.ledger.publish.evidence import IssuerView
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
"""How long the newest checkpoint that was read counts as the newest."""
_MAX_CACHED_BLOCKS = 4_096


@dataclass(kw_only=True)
class MirrorNode:
    """Answers from what the store mirrors; `behind` is the chain, for what it lacks.

    The chain is asked by `asking`: a node that hangs must not keep those waiting who ask about
    something else.

    Blocks of checkpoints are final, and their proofs were checked when they were captured.
    """

    store: ServiceStore
    ledger: LedgerPin
    behind: Chain
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
        """The number of the newest checkpoint that was read, -1 where none was."""
        return -1 if self._newest is None else self._newest.number

    @property
    def fresh(self) -> bool:
        """Whether the newest checkpoint was read just now."""
        return self.clock() < self._read + FRESH_SECONDS

    def newest(self, known: int = 0) -> StoredCheckpoint | None:
        """Return the newest checkpoint, read anew where the caller knows of a later block."""
        now, current = self.clock(), self._newest
        if current is None or current.number < known or now >= self._read + FRESH_SECONDS:
            with self.store.begin(write=False) as unit:
                self._newest = unit.checkpoint()
                self._issuers = {
                    slot_position(body.state.issuer): body.state.issuer for body in unit.bodies()
                }
            self._read = now
        return self._newest

    def block(self, which: int | str) -> NodeBlock | None:
        """Return a block; `finalized` and `latest` are the newest checkpoint's.

        Raises:
            NodeFailedError: the chain's node was asked and cannot say.
        """
        newest = self.newest()
        if newest is None:
            raise NodeUnreachableError("no block has been made a checkpoint yet")
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
        """Return the proof of a body's slot at a checkpoint, None where it is not kept."""
        issuer = self._issuers.get(position)
        if address != self.ledger.address or issuer is None or not ISSUER.fullmatch(issuer):
            return None
        with self.store.begin(write=False) as unit:
            return _proof_of(unit, number, issuer)


def _block_of(current: StoredCheckpoint | ChainBlock) -> NodeBlock:
    return NodeBlock(
        number=current.number, hash=current.hash, state_root=current.state_root, time=current.time
    )


def _proof_of(unit: ReadUnit, number: int, issuer: str) -> SlotProof | None:
    checkpoint, nodes = unit.checkpoint(number), unit.slot_proof(number, issuer)
    if checkpoint is None or nodes is None:
        return None
    return SlotProof(account=checkpoint.account, slot=tuple(nodes))


class MirrorJudge:
    """Judges blocks by the witnesses and the service's own mirror (check 6); for several threads.

    What the service holds is never older than what it is asked about: where its newest checkpoint
    is later than that of the evidence, T and basis are those of the newest, and where the issuer's
    slot has another state there, the evidence is overtaken.
    """

    def __init__(self, policy: TrustPolicy, node: MirrorNode) -> None:
        self._policy, self._node, self._lock = policy, node, threading.Lock()
        self._judge = lru_cache(maxsize=_MAX_CACHED_BLOCKS)(self._judge_at)
        self._block = lru_cache(maxsize=_MAX_CACHED_BLOCKS)(self._judge_block)

    def __call__(self, note: Note, ledger: LedgerPin, slot: Slot | None) -> Judgement:
        """Return the judgement of a checkpoint's block; the same question is answered once."""
        with self._lock:
            newest = self._node.newest(note.checkpoint.number)
        # A cached answer holds for one newest checkpoint and the cosignatures it has by now.
        # The node may hang: whoever asks about another block does not wait for it.
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
        """Return the judgement by witnesses, or else by the mirror where the policy allows it."""
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
    """Return what the mirror holds of an issuer whose evidence is overtaken, None for other.

    `view` gives an issuer at the newest checkpoint.  What the mirror lacks or cannot prove, and
    a newest checkpoint that the policy does not trust yet, leave the evidence overtaken.
    """
    if not judgement.overtaken:
        return None
    record = evidence.record
    try:
        body = view(record.issuer)
    except CertledgerError:
        return None
    latest = judge(parse_note(body.checkpoint.note), ledger, None)
    if latest.code != "ok" or record.index >= body.state.certificates:
        return None
    word = body.trees.status.word(record.index // CELLS)
    return Current(judgement=latest, state=body.state, word=word)
