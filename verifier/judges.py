"""The ways of trust that a verifier was given, made into one judge of blocks (check 6)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TypeAlias

from verifier.checkpoint import Note, parse_note
from verifier.errors import ProofInvalid
from verifier.evidence import Evidence
from verifier.policy import LedgerPin, TrustPolicy
from verifier.rpc import Block, SlotProof
from verifier.stateproof import check_account, check_slot, slot_position
from verifier.trust import Judgement, Node, Slot, judge_by_node, judge_by_witnesses
from verifier.vocabulary import Way

Judge: TypeAlias = Callable[[Evidence, LedgerPin], Judgement]
"""Says of the block that evidence speaks of, on a ledger of the policy, whether to trust it."""


def choose_judge(policy: TrustPolicy, node: Node | None = None) -> Judge:
    """Return the judge that asks the witnesses of `policy` and, where one is given, `node`.

    Whoever vouches for the later instant counts: a node that is down does not undo what the
    witnesses have signed.  A node that knows another block than the witnesses settles the matter
    the other way: then somebody lies, and the answer is unknown.
    """
    way = Way.RPC if Way.RPC in policy.trust.ways else Way.NODE

    def judge(evidence: Evidence, ledger: LedgerPin) -> Judgement:
        note = parse_note(evidence.checkpoint)
        witnessed = judge_by_witnesses(note, policy, ledger)
        if node is None:
            return witnessed
        slot = _proved_slot(evidence, note, ledger)
        asked = judge_by_node(note, node, policy, ledger, way=way, slot=slot)
        if asked.code == "block.differs" or witnessed.code != "ok":
            return asked
        if asked.code != "ok":
            return witnessed
        return max(asked, witnessed, key=lambda judgement: judgement.time or 0)

    return judge


def _proved_slot(evidence: Evidence, note: Note, ledger: LedgerPin) -> Slot | None:
    position = slot_position(evidence.body.issuer)
    try:
        account = check_account(note.checkpoint.state_root, ledger.address, evidence.account_proof)
        if account is None:
            return None
        value = check_slot(account.storage_root, position, evidence.slot_proof)
    except ProofInvalid:
        return None
    return Slot(position=position, value=value)


class RememberingNode:
    """A node that is asked each question once: many certificates share few blocks and bodies."""

    def __init__(self, node: Node) -> None:
        self.block: Callable[[int | str], Block | None] = cache(node.block)
        self.proof: Callable[[bytes, bytes, int], SlotProof | None] = cache(node.proof)
