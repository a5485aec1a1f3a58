"""The ways of trust that a verifier was given, made into one judge of blocks (check 6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache, lru_cache
from typing import TypeAlias, TypeVar

from certledger.verifier.console import warn_unanswered
from certledger.verifier.errors import CertledgerError, ExitStatus
from certledger.verifier.formats.checkpoint import Note
from certledger.verifier.formats.policy import LedgerPin, TrustPolicy
from certledger.verifier.node_rpc import NodeBlock, NodeUnreachableError, RpcClient, SlotProof
from certledger.verifier.verify.block_trust import (
    Judgement,
    Sighting,
    Slot,
    TrustNode,
    judge_by_node,
    judge_by_witnesses,
    look_ahead,
)
from certledger.verifier.vocabulary import Way

Judge: TypeAlias = Callable[[Note, LedgerPin, Slot | None], Judgement]
"""Says of a checkpoint on a ledger of the policy whether to trust its block.

The slot is the one that the evidence proves under that block, None where it proves none.
"""

_Found = TypeVar("_Found")
_REMEMBERED = 256
"""Checkpoints whose cosignatures are not checked twice: counters meet the same few all day."""


def choose_judge(
    policy: TrustPolicy,
    node: TrustNode | None = None,
    *,
    trusted: TrustNode | None = None,
    unanswered: Callable[[str], None] = lambda code: None,
) -> Judge:
    """Return the judge that asks the witnesses of `policy`, and a node where one is given.

    `node` adds newer knowledge to what witnesses have signed: it can refuse a block, and it can
    show that the issuer's state has moved since.  It never stands in for witnesses, and it makes
    nothing fresher, for it may lie.  `trusted` is a node that the verifier rests on alone, where
    the policy allows that; whoever vouches for the later instant counts then.  `unanswered` is
    called with a code where a node adds nothing, for it does not answer, knows less or does not
    prove the slot; the judgement says so too.

    What witnesses have signed never changes and is cached; a node is asked each time.
    """

    @lru_cache(maxsize=_REMEMBERED)
    def witnessed_by(note: Note, ledger: LedgerPin) -> Judgement:
        return judge_by_witnesses(note, policy, ledger)

    def judge(note: Note, ledger: LedgerPin, slot: Slot | None) -> Judgement:
        witnessed = witnessed_by(note, ledger)
        if trusted is not None:
            asked = judge_by_node(
                note, trusted, policy, ledger, way=way_of_nodes(policy), slot=slot
            )
            judged = _later(asked, witnessed)
            if judged.unanswered:
                unanswered(asked.code)
            return judged
        if node is None or witnessed.code != "ok":
            return witnessed
        seen = look_ahead(note.checkpoint, node, policy, ledger, slot)
        if seen.code == "block.differs":
            return Judgement(code=seen.code, way=witnessed.way)
        if reason := _why_nothing(seen, note, slot):
            unanswered(reason)
            return replace(witnessed, unanswered=True)
        return replace(witnessed, overtaken=True) if seen.moved else witnessed

    return judge


class NodeNotAllowedError(CertledgerError):
    """The policy does not let a block rest on a node alone."""

    code = "policy.node_alone"
    exit_status = ExitStatus.UNUSABLE


def open_judge(policy: TrustPolicy, rpc: str | None, trust_node: str | None) -> Judge:
    """Return the judge of a command: `rpc` adds what a node knows, `trust_node` rests on one.

    Where `rpc` adds nothing, standard error says so: else whoever stands between could silently
    bring the old knowledge back.

    Raises:
        NodeUnreachableError: no address of a node.
        NodeNotAllowedError: the policy does not let `trust_node` be relied on alone.
    """
    if trust_node is not None and way_of_nodes(policy) not in policy.trust.ways:
        raise NodeNotAllowedError("the policy does not let a block rest on a node alone")
    node, trusted = (
        None if url is None else RememberingNode(RpcClient(url)) for url in (rpc, trust_node)
    )
    return choose_judge(policy, node, trusted=trusted, unanswered=cache(warn_unanswered))


def _why_nothing(seen: Sighting, note: Note, slot: Slot | None) -> str:
    """Return the code that says why a node adds nothing to a checkpoint, empty where it does."""
    if seen.code != "ok" or seen.final is None:
        return seen.code
    newer = seen.final.number > note.checkpoint.number
    return "anchor.proof_unusable" if newer and slot is not None and seen.moved is None else ""


def way_of_nodes(policy: TrustPolicy) -> Way:
    """Return the way in which `policy` lets a node be trusted alone; `node` where it does not."""
    return Way.RPC if Way.RPC in policy.trust.ways else Way.NODE


def _later(asked: Judgement, witnessed: Judgement) -> Judgement:
    """Return the judgement of a trusted node and the witnesses: whose T is later counts.

    A node that is down does not undo what the witnesses have signed.  One that knows another
    block settles the matter the other way: then somebody lies, and the answer is unknown.
    """
    if asked.code == "block.differs" or witnessed.code != "ok":
        return asked
    if asked.code != "ok":
        return replace(witnessed, unanswered=True)
    later = max(asked, witnessed, key=lambda judgement: judgement.time or 0)
    return replace(later, overtaken=asked.overtaken)


class RememberingNode:
    """A node that is asked each question once: many certificates share few blocks and bodies.

    One that could not be reached once is not asked again, so that a hundred files do not wait a
    hundred times for it.
    """

    def __init__(self, node: TrustNode) -> None:
        self._failure: NodeUnreachableError | None = None
        self._block, self._proof = cache(node.block), cache(node.proof)

    def block(self, which: int | str) -> NodeBlock | None:
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
        except NodeUnreachableError as error:
            self._failure = error
            raise
