"""Combines witnesses and nodes into one judge of blocks (check 6)."""

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
"""Checks the trust in the block of a checkpoint on a ledger of the policy.

The slot is the one that the evidence proves under that block, or None.
"""

_Found = TypeVar("_Found")
_REMEMBERED = 256
"""Cached checkpoints with checked cosignatures; counters meet few different ones a day."""


def choose_judge(
    policy: TrustPolicy,
    node: TrustNode | None = None,
    *,
    trusted: TrustNode | None = None,
    unanswered: Callable[[str], None] = lambda code: None,
) -> Judge:
    """Return the judge that uses the witnesses of `policy`, and a node if given.

    `node` supplements the witnesses: it can reject a block, and prove that the issuer's state
    changed since.  It never replaces witnesses or makes evidence fresher, since it may lie.
    `trusted` is a node trusted alone, if the policy allows it; of node and witnesses the later T
    counts. `unanswered` is called with a code where a node adds nothing: no response, an older
    chain, or no proof of the slot; the judgement has the same flag.

    Results of witnesses never change and are cached; a node is asked each time.
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
        if reason := _why_nothing(seen, note, slot, retired=ledger.retired is not None):
            unanswered(reason)
            return replace(witnessed, unanswered=True)
        return replace(witnessed, overtaken=True) if seen.moved else witnessed

    return judge


class NodeNotAllowedError(CertledgerError):
    """The policy does not allow trust in a node alone."""

    code = "policy.node_alone"
    exit_status = ExitStatus.UNUSABLE


def open_judge(policy: TrustPolicy, rpc: str | None, trust_node: str | None) -> Judge:
    """Return the judge of a command: `rpc` supplements witnesses, `trust_node` is trusted alone.

    Standard error reports a `rpc` that adds nothing, because an attacker on the network can
    suppress newer state.

    Raises:
        NodeUnreachableError: no address of a node.
        NodeNotAllowedError: the policy does not allow trust in `trust_node` alone.
    """
    if trust_node is not None and way_of_nodes(policy) not in policy.trust.ways:
        raise NodeNotAllowedError("the policy does not let a block rest on a node alone")
    node, trusted = (
        None if url is None else RememberingNode(RpcClient(url)) for url in (rpc, trust_node)
    )
    return choose_judge(policy, node, trusted=trusted, unanswered=cache(warn_unanswered))


def _why_nothing(seen: Sighting, note: Note, slot: Slot | None, *, retired: bool) -> str:
    """Return the code for a node that adds nothing to a checkpoint, empty if it adds something."""
    if seen.code != "ok" or seen.final is None:
        return seen.code
    newer = seen.final.number > note.checkpoint.number and not retired
    return "anchor.proof_unusable" if newer and slot is not None and seen.moved is None else ""


def way_of_nodes(policy: TrustPolicy) -> Way:
    """Return the way in which `policy` allows a node alone; `node` if it does not."""
    return Way.RPC if Way.RPC in policy.trust.ways else Way.NODE


def _later(asked: Judgement, witnessed: Judgement) -> Judgement:
    """Return the judgement of a trusted node or the witnesses, whichever has the later T.

    A node that is down does not affect the witnesses' result.  A node with another block does: one
    side lies, and the result is unknown.
    """
    if asked.code == "block.differs" or witnessed.code != "ok":
        return asked
    if asked.code != "ok":
        return replace(witnessed, unanswered=True)
    later = max(asked, witnessed, key=lambda judgement: judgement.time or 0)
    return replace(later, overtaken=asked.overtaken)


class RememberingNode:
    """Caches a node's responses: many certificates share few blocks and issuers.

    After one connection failure the node is not asked again, so that a hundred files do not wait
    for a hundred timeouts.
    """

    def __init__(self, node: TrustNode) -> None:
        self._failure: NodeUnreachableError | None = None
        self._block, self._proof = cache(node.block), cache(node.proof)

    def block(self, which: int | str) -> NodeBlock | None:
        """Return the block of a number or tag, None where there is none."""
        return self._ask(lambda: self._block(which))

    def proof(self, address: bytes, position: bytes, number: int) -> SlotProof | None:
        """Return the proof of one slot at block `number`, None where the state is pruned."""
        return self._ask(lambda: self._proof(address, position, number))

    def _ask(self, ask: Callable[[], _Found]) -> _Found:
        if self._failure is not None:
            raise self._failure
        try:
            return ask()
        except NodeUnreachableError as error:
            self._failure = error
            raise
