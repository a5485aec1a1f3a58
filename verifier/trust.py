"""Check 6: is the block of a checkpoint authentic and final, and when was it (SPEC section 15)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from verifier.checkpoint import Checkpoint, Note, check_cosignature
from verifier.errors import ProofInvalid
from verifier.policy import LedgerPin, TrustPolicy
from verifier.rpc import Block, NodeFailed, NodeRefused, SlotProof
from verifier.stateproof import check_account, check_slot
from verifier.vocabulary import Outcome, Way

TAG_UNKNOWN = frozenset({-32000, -32001, -32602, -39001})
"""How nodes say that they know no `finalized` block: a server error that names it (geth), resource
not found, invalid params (tags before the merge), unknown block.  A node that is busy says -32005
or -32603, and must not thereby turn the weaker rule on."""


class Node(Protocol):
    """A node of the chain, asked for what it believes.  Raises NodeFailed where it cannot say."""

    def block(self, which: int | str) -> Block | None:
        """Return the block of a number or tag, None where there is none."""

    def proof(self, address: bytes, position: bytes, number: int) -> SlotProof | None:
        """Return the proof of one slot at block `number`, None where the state is gone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Slot:
    """The slot that the evidence has proved: position and value, 32 bytes each, brake and all."""

    position: bytes
    value: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """How check 6 ended, and T (seconds) where it passed.

    `detail` is what a node said, for a log; it is no part of a result, which must be repeatable.
    """

    code: str
    time: int | None = None
    way: Way | None = None
    detail: str = ""

    @property
    def outcome(self) -> Outcome:
        """Passed or unknown: an untrusted block proves no fault of the certificate."""
        return Outcome.PASS if self.code == "ok" else Outcome.UNKNOWN


# Witnesses -------------------------------------------------------------------------------------


def judge_by_witnesses(note: Note, policy: TrustPolicy, ledger: LedgerPin) -> Judgement:
    """Return whether enough operators of the policy have cosigned the checkpoint.

    T is the k-th greatest time among distinct operators in service at the block, so that no
    single witness, and no k - 1 of them, can make evidence look fresher than it is.
    """
    way, checkpoint = Way.WITNESSES, note.checkpoint
    code = _excluded(note, policy, ledger, way)
    if code is not None:
        return Judgement(code=code, way=way)
    latest: dict[str, int] = {}
    for line in note.cosignatures:
        witness = policy.find_witness(line)
        if witness is not None and witness.in_service(checkpoint.number):
            latest[witness.operator] = max(line.time, latest.get(witness.operator, 0))
    if len(latest) < policy.trust.threshold:
        return Judgement(code="block.witnesses_too_few", way=way)
    time = sorted(latest.values(), reverse=True)[policy.trust.threshold - 1]
    if abs(time - checkpoint.time) > policy.block_lag:
        return Judgement(code="block.clock", way=way)
    return Judgement(code="ok", time=time, way=way)


def _excluded(note: Note, policy: TrustPolicy, ledger: LedgerPin, way: Way) -> str | None:
    """Return the code that settles the matter before anybody is asked, None where none does."""
    checkpoint, last = note.checkpoint, ledger.retired
    if checkpoint.identity != ledger.identity:
        return "block.other_ledger"
    if not _cosignatures_good(note, policy):
        return "checkpoint.unusable"
    if way not in policy.trust.ways:
        return "block.untrusted"
    if last is not None and checkpoint.number > last.number:
        return "block.untrusted"  # Whatever a retired ledger still says, nobody answers for it.
    if last is not None and checkpoint.number == last.number and checkpoint != last:
        return "block.differs"
    return None


def _cosignatures_good(note: Note, policy: TrustPolicy) -> bool:
    """Return whether every line by a key of the policy verifies.

    Other lines are ignored, as C2SP has it: a new witness must not make evidence unusable for
    those who still hold the policy from before it.
    """
    known = ((policy.find_witness(line), line) for line in note.cosignatures)
    return all(
        check_cosignature(note.checkpoint, line, witness.key)
        for witness, line in known
        if witness is not None
    )


# A node ----------------------------------------------------------------------------------------


def judge_by_node(
    note: Note,
    node: Node,
    policy: TrustPolicy,
    ledger: LedgerPin,
    *,
    way: Way = Way.NODE,
    slot: Slot | None = None,
) -> Judgement:
    """Return whether `node` knows the checkpoint's block, and as final.

    The hash of a block is compared, never recomputed: permissioned chains hash their headers in
    ways of their own.  T is the block's time, or that of the newest final block where `slot` is
    proved to hold the same value there.
    """
    code = _excluded(note, policy, ledger, way)
    if code is not None:
        return Judgement(code=code, way=way)
    checkpoint = note.checkpoint
    try:
        # The final block first: what is asked after it about a lower number cannot change.
        final = newest_final(node, policy.trust.confirmations)
        if final is None or final.number < checkpoint.number:
            return Judgement(code="block.not_final", way=way)
        known = node.block(checkpoint.number)
    except NodeFailed as error:
        return Judgement(code="block.node_unreachable", way=way, detail=str(error))
    if known is None:
        return Judgement(code="block.not_final", way=way)
    if known != _as_block(checkpoint):
        return Judgement(code="block.differs", way=way)
    time = checkpoint.time
    if (
        slot is not None
        and final.number > checkpoint.number
        and _unchanged(node, ledger, slot, final)
    ):
        time = max(time, final.time)
    return Judgement(code="ok", time=time, way=way)


def _as_block(checkpoint: Checkpoint) -> Block:
    return Block(
        number=checkpoint.number,
        hash=checkpoint.block_hash,
        state_root=checkpoint.state_root,
        time=checkpoint.time,
    )


def newest_final(node: Node, confirmations: int) -> Block | None:
    """Return the newest block that `node` calls final, or that is `confirmations` deep.

    Raises:
        NodeFailed: the node does not say.
    """
    try:
        final = node.block("finalized")
    except NodeRefused as error:
        if error.number not in TAG_UNKNOWN:
            raise
        final = None
    if final is not None:
        return final
    latest = node.block("latest")
    if latest is None or latest.number < confirmations:
        return None
    return node.block(latest.number - confirmations)


def _unchanged(node: Node, ledger: LedgerPin, slot: Slot, at: Block) -> bool:
    """Return whether the slot is proved to hold the same value at block `at`.

    No answer and a wrong one leave what the checkpoint itself has proved: an older T.
    """
    try:
        proof = node.proof(ledger.address, slot.position, at.number)
        if proof is None:
            return False
        account = check_account(at.state_root, ledger.address, proof.account)
        if account is None or account.code_hash != ledger.code_hash:
            return False
        return check_slot(account.storage_root, slot.position, proof.slot) == slot.value
    except (NodeFailed, ProofInvalid):
        return False
