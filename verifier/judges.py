"""The ways of trust that a verifier was given, made into one judge of blocks (check 6)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from typing import TypeAlias, TypeVar

from verifier.checkpoint import Note
from verifier.policy import LedgerPin, TrustPolicy
from verifier.rpc import Block, NodeUnreachable, SlotProof
from verifier.trust import Judgement, Node, Slot, judge_by_node, judge_by_witnesses
from verifier.vocabulary import Way

Judge: TypeAlias = Callable[[Note, LedgerPin, Slot | None], Judgement]
"""Says of a checkpoint on a ledger of the policy whether to trust its block.

The slot is the one that the evidence proves under that block, None where it proves none.
"""

_Found = TypeVar("_Found")
_REMEMBERED = 256
"""Checkpoints whose cosignatures are not checked twice: counters meet the same few all day."""


def choose_judge(policy: TrustPolicy, node: Node | None = None) -> Judge:
    """Return the judge that asks the witnesses of `policy` and, where one is given, `node`.

    Whoever vouches for the later instant counts: a node that is down does not undo what the
    witnesses have signed.  A node that knows another block than the witnesses settles the matter
    the other way: then somebody lies, and the answer is unknown.  What witnesses have signed
    never changes and is remembered; a node is asked each time.
    """
    way = Way.RPC if Way.RPC in policy.trust.ways else Way.NODE

    @lru_cache(maxsize=_REMEMBERED)
    def witnessed_by(note: Note, ledger: LedgerPin) -> Judgement:
        return judge_by_witnesses(note, policy, ledger)

    def judge(note: Note, ledger: LedgerPin, slot: Slot | None) -> Judgement:
        witnessed = witnessed_by(note, ledger)
        if node is None:
            return witnessed
        asked = judge_by_node(note, node, policy, ledger, way=way, slot=slot)
        if asked.code == "block.differs" or witnessed.code != "ok":
            return asked
        if asked.code != "ok":
            return witnessed
        return max(asked, witnessed, key=lambda judgement: judgement.time or 0)

    return judge


class RememberingNode:
    """A node that is asked each question once: many certificates share few blocks and bodies.

    One that could not be reached once is not asked again, so that a hundred files do not wait a
    hundred times for it.
    """

    def __init__(self, node: Node) -> None:
        self._failure: NodeUnreachable | None = None
        self._block, self._proof = cache(node.block), cache(node.proof)

    def block(self, which: int | str) -> Block | None:
        """Return the block of a number or tag, None where there is none."""
        return self._ask(lambda: self._block(which))

    def proof(self, address: bytes, position: bytes, number: int) -> SlotProof | None:
        """Return the proof of one slot at block `number`, None where the state is gone."""
        return self._ask(lambda: self._proof(address, position, number))

    def _ask(self, ask: Callable[[], _Found]) -> _Found:
        if self._failure is not None:
            raise self._failure
        try:
            return ask()
        except NodeUnreachable as error:
            self._failure = error
            raise
