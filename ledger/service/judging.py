"""What the service itself knows of the chain, as a node that verdicts may rest on (check 6)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache, partial

from ledger.ports import Block as ChainBlock
from ledger.ports import Chain, ChainUnreachable, Checkpoint, ReadUnit
from ledger.service.beside import Beside
from ledger.service.ports import ServiceStore
from verifier.checkpoint import Note
from verifier.judges import Judge, choose_judge
from verifier.policy import LedgerPin, TrustPolicy
from verifier.rpc import Block, NodeUnreachable, SlotProof
from verifier.state import ISSUER
from verifier.stateproof import slot_position
from verifier.trust import Judgement, Slot

FRESH_SECONDS = 0.5
"""How long the newest checkpoint that was read counts as the newest."""
_KEPT = 4_096


@dataclass(kw_only=True)
class HeldNode:
    """Answers from what the store mirrors; `behind` is the chain, for what it lacks.

    The chain is asked by `asking`: a node that hangs must not keep those waiting who ask about
    something else.

    Blocks of checkpoints are final, and their proofs were checked when they were captured.
    """

    store: ServiceStore
    ledger: LedgerPin
    behind: Chain
    clock: Callable[[], float]
    asking: Beside = field(default_factory=lambda: Beside(most=8, seconds=1.0, rest=10.0))
    _newest: Checkpoint | None = None
    _read: float = 0.0
    _blocks: dict[int, Block] = field(default_factory=dict, repr=False)
    _issuers: dict[bytes, str] = field(default_factory=dict, repr=False)

    @property
    def number(self) -> int:
        """The number of the newest checkpoint that was read, -1 where none was."""
        return -1 if self._newest is None else self._newest.number

    @property
    def fresh(self) -> bool:
        """Whether the newest checkpoint was read just now."""
        return self.clock() < self._read + FRESH_SECONDS

    def newest(self, known: int = 0) -> Checkpoint | None:
        """Return the newest checkpoint, read anew where the caller knows of a later block."""
        now, held = self.clock(), self._newest
        if held is None or held.number < known or now >= self._read + FRESH_SECONDS:
            with self.store.begin(write=False) as unit:
                self._newest = unit.checkpoint()
                self._issuers = {
                    slot_position(body.state.issuer): body.state.issuer for body in unit.bodies()
                }
            self._read = now
        return self._newest

    def block(self, which: int | str) -> Block | None:
        """Return a block; `finalized` and `latest` are the newest checkpoint's.

        Raises:
            NodeFailed: the chain's node was asked and cannot say.
        """
        newest = self.newest()
        if newest is None:
            raise NodeUnreachable("no block has been made a checkpoint yet")
        if isinstance(which, str) or which == newest.number:
            return _block_of(newest)
        if which not in self._blocks:
            found = self._look_up(which)
            if found is None or which > newest.number:
                return found
            if len(self._blocks) >= _KEPT:
                self._blocks.clear()
            self._blocks[which] = found
        return self._blocks[which]

    def _look_up(self, number: int) -> Block | None:
        with self.store.begin(write=False) as unit:
            held = unit.checkpoint(number)
        if held is not None:
            return _block_of(held)
        try:
            found = self.asking.ask(partial(self.behind.block, number))
        except ChainUnreachable as error:
            raise NodeUnreachable(str(error)) from error
        return None if found is None else _block_of(found)

    def proof(self, address: bytes, position: bytes, number: int) -> SlotProof | None:
        """Return the proof of a body's slot at a checkpoint, None where it is not kept."""
        issuer = self._issuers.get(position)
        if address != self.ledger.address or issuer is None or not ISSUER.fullmatch(issuer):
            return None
        with self.store.begin(write=False) as unit:
            return _proof_of(unit, number, issuer)


def _block_of(held: Checkpoint | ChainBlock) -> Block:
    return Block(number=held.number, hash=held.hash, state_root=held.state_root, time=held.time)


def _proof_of(unit: ReadUnit, number: int, issuer: str) -> SlotProof | None:
    checkpoint, nodes = unit.checkpoint(number), unit.slot_proof(number, issuer)
    if checkpoint is None or nodes is None:
        return None
    return SlotProof(account=checkpoint.account, slot=tuple(nodes))


def judge_from(policy: TrustPolicy, node: HeldNode) -> Judge:
    """Return the judge that asks witnesses and `node`; the same question is answered once.

    What is remembered holds for one newest checkpoint: the next one may show a later state.
    """
    ask = choose_judge(policy, node)
    lock = threading.Lock()

    @lru_cache(maxsize=_KEPT)
    def asked(note: Note, ledger: LedgerPin, slot: Slot | None, newest: int) -> Judgement:
        return ask(note, ledger, slot)

    def judge(note: Note, ledger: LedgerPin, slot: Slot | None) -> Judgement:
        with lock:
            newest = node.newest(note.checkpoint.number)
        number = -1 if newest is None else newest.number
        # The node may hang: whoever asks about another block does not wait for it.
        found = asked(note, ledger, slot, number)
        if found.code == "block.node_unreachable":
            asked.cache_clear()
        return found

    return judge
