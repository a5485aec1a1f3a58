"""Check 6: is the block of a checkpoint authentic and final, and when was it (SPEC section 15)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from certledger.verifier.errors import ProofInvalidError
from certledger.verifier.formats.checkpoint import Checkpoint, Note, check_cosignature
from certledger.verifier.formats.issuer_state import without_brake
from certledger.verifier.formats.policy import LedgerPin, TrustPolicy
from certledger.verifier.formats.state_proof import check_account, check_slot
from certledger.verifier.node_rpc import NodeBlock, NodeFailedError, NodeRefusedError, SlotProof
from certledger.verifier.verify.basis import OWN_NODE, by_witnesses
from certledger.verifier.vocabulary import Outcome, Way

TAG_UNKNOWN = frozenset({-32000, -32001, -32602, -39001})
"""How nodes say that they know no `finalized` block: a server error that names it (geth), resource
not found, invalid params (tags before the merge), unknown block.  A node that is busy says -32005
or -32603, and must not thereby turn the weaker rule on."""


class TrustNode(Protocol):
    """A node of the chain; every call raises NodeFailedError where it has no answer."""

    def block(self, which: int | str) -> NodeBlock | None:
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

    `basis` says on whom the block rests where it passed.  `overtaken` says that a later final
    block is proved to hold another state of the issuer, so that what the evidence says of status
    and standing is no longer known to hold; `unanswered` that a node was asked and told nothing
    beyond what others have signed: whoever stands between may keep newer knowledge back.
    `detail` is what a node said, for a log; it is no part of a result, which must be repeatable.
    """

    code: str
    time: int | None = None
    way: Way | None = None
    basis: str = ""
    overtaken: bool = False
    unanswered: bool = False
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
    operators = {witness.operator for witness in policy.in_service(checkpoint.number)}
    return Judgement(
        code="ok", time=time, way=way, basis=by_witnesses(latest, total=len(operators))
    )


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Sighting:
    """What a node says of a checkpoint: a code of check 6, and what it holds beyond it.

    `final` is its newest final block; `moved` whether the slot is proved to hold another state
    there (brake aside), None where nothing is proved.
    """

    code: str
    final: NodeBlock | None = None
    moved: bool | None = None
    detail: str = ""


def judge_by_node(
    note: Note,
    node: TrustNode,
    policy: TrustPolicy,
    ledger: LedgerPin,
    *,
    way: Way = Way.NODE,
    slot: Slot | None = None,
    basis: str = OWN_NODE,
) -> Judgement:
    """Return whether `node` knows the checkpoint's block, and as final: it is trusted alone.

    The hash of a block is compared, never recomputed: permissioned chains hash their headers in
    ways of their own.  T is the block's time, or that of the newest final block where `slot` is
    proved to hold the same state there.
    """
    code = _excluded(note, policy, ledger, way)
    if code is not None:
        return Judgement(code=code, way=way)
    seen = look_ahead(note.checkpoint, node, policy, ledger, slot)
    if seen.code != "ok" or seen.final is None:
        return Judgement(code=seen.code, way=way, detail=seen.detail)
    time = note.checkpoint.time
    if seen.moved is False:
        time = max(time, seen.final.time)
    return Judgement(code="ok", time=time, way=way, basis=basis, overtaken=bool(seen.moved))


def look_ahead(
    checkpoint: Checkpoint,
    node: TrustNode,
    policy: TrustPolicy,
    ledger: LedgerPin,
    slot: Slot | None,
) -> Sighting:
    """Return what `node` says of a checkpoint's block, and of the issuer's slot since."""
    try:
        # The final block first: what is asked after it about a lower number cannot change.
        final = newest_final(node, policy.trust.confirmations)
        if final is None or final.number < checkpoint.number:
            return Sighting(code="block.not_final")
        known = node.block(checkpoint.number)
    except NodeFailedError as error:
        return Sighting(code="block.node_unreachable", detail=str(error))
    if known is None:
        return Sighting(code="block.not_final")
    if known != as_block(checkpoint):
        return Sighting(code="block.differs")
    moved = None
    if slot is not None and final.number > checkpoint.number:
        moved = has_moved(node, ledger, slot, final)
    return Sighting(code="ok", final=final, moved=moved)


def as_block(checkpoint: Checkpoint) -> NodeBlock:
    """Return the block that a checkpoint names, as a node tells it."""
    return NodeBlock(
        number=checkpoint.number,
        hash=checkpoint.block_hash,
        state_root=checkpoint.state_root,
        time=checkpoint.time,
    )


def newest_final(node: TrustNode, confirmations: int) -> NodeBlock | None:
    """Return the newest block that `node` calls final, or that is `confirmations` deep.

    Raises:
        NodeFailedError: the node does not say.
    """
    try:
        final = node.block("finalized")
    except NodeRefusedError as error:
        if error.number not in TAG_UNKNOWN:
            raise
        final = None
    if final is not None:
        return final
    latest = node.block("latest")
    if latest is None or latest.number < confirmations:
        return None
    return node.block(latest.number - confirmations)


def has_moved(node: TrustNode, ledger: LedgerPin, slot: Slot, at: NodeBlock) -> bool | None:
    """Return whether the slot is proved to hold another state at block `at`, brake aside.

    No answer and a wrong one prove nothing: None.
    """
    try:
        proof = node.proof(ledger.address, slot.position, at.number)
        if proof is None:
            return None
        account = check_account(at.state_root, ledger.address, proof.account)
        if account is None or account.code_hash != ledger.code_hash:
            return None
        value = check_slot(account.storage_root, slot.position, proof.slot)
    except (NodeFailedError, ProofInvalidError):
        return None
    return without_brake(value) != without_brake(slot.value)
