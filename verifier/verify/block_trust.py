"""Check 6: a checkpoint's block is authentic and final; its time T (SPEC section 15)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from certledger.verifier.errors import ProofInvalidError
from certledger.verifier.formats.checkpoint import Checkpoint, Note, check_cosignature
from certledger.verifier.formats.issuer_state import without_brake
from certledger.verifier.formats.policy import LedgerPin, TrustPolicy
from certledger.verifier.formats.state_proof import check_account, check_slot
from certledger.verifier.node_rpc import NodeBlock, NodeFailedError, NodeRefusedError, SlotProof
from certledger.verifier.verify.basis import FINAL_CHECKPOINT, OWN_NODE, by_witnesses
from certledger.verifier.vocabulary import Outcome, Way

TOO_FEW_WITNESSES = "block.witnesses_too_few"
TAG_UNKNOWN = frozenset({-32000, -32001, -32602, -39001})
"""Error codes of nodes without the `finalized` tag: server error that names it (geth), resource not
found, invalid params (before the merge), unknown block.  A busy node returns -32005 or -32603,
which must not enable the weaker rule by confirmations.
"""


class TrustNode(Protocol):
    """Interface of a node; every call raises NodeFailedError without a usable response."""

    def block(self, which: int | str) -> NodeBlock | None:
        """Return the block of a number or tag, None where there is none."""

    def proof(self, address: bytes, position: bytes, number: int) -> SlotProof | None:
        """Return the proof of one slot at block `number`, None where the state is pruned."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Slot:
    """The proved slot of the evidence: position and value (with hold flag), 32 bytes each."""

    position: bytes
    value: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """Result of check 6, with T (seconds) if it passed.

    `basis` names who vouches for the block.  `overtaken`: a later final block is proved to have
    another state of the issuer, so the evidence's status and standing may be out of date.
    `unanswered`: a node was asked and added nothing to the witnesses, so newer state may be
    withheld.  `end`: time (seconds) of the final checkpoint of a retired ledger; ages count up to
    it.  `detail` is the node's message for logs; results must be reproducible and omit it.
    """

    code: str
    time: int | None = None
    way: Way | None = None
    basis: str = ""
    overtaken: bool = False
    unanswered: bool = False
    end: int | None = None
    detail: str = ""

    @property
    def outcome(self) -> Outcome:
        """Pass or unknown: an untrusted block is no fault of the certificate."""
        return Outcome.PASS if self.code == "ok" else Outcome.UNKNOWN


# Witnesses -------------------------------------------------------------------------------------


def judge_by_witnesses(note: Note, policy: TrustPolicy, ledger: LedgerPin) -> Judgement:
    """Check that enough operators of the policy cosigned the checkpoint.

    T is the k-th greatest time among distinct operators in service at the block, so that fewer than
    k witnesses cannot make evidence look fresher than it is.  For the final checkpoint of a retired
    ledger the policy's own signatures vouch, and T is the time of that block.
    """
    way, checkpoint, end = Way.WITNESSES, note.checkpoint, end_of(ledger)
    if checkpoint == ledger.retired and _cosignatures_good(note, policy):
        time, basis = checkpoint.time, FINAL_CHECKPOINT
        return Judgement(code="ok", time=time, way=way, basis=basis, end=end)
    code = _excluded(note, policy, ledger, way)
    if code is not None:
        return Judgement(code=code, way=way)
    latest: dict[str, int] = {}
    for line in note.cosignatures:
        witness = policy.find_witness(line)
        if witness is not None and witness.in_service(checkpoint):
            latest[witness.operator] = max(line.time, latest.get(witness.operator, 0))
    if len(latest) < policy.trust.threshold:
        return Judgement(code=TOO_FEW_WITNESSES, way=way)
    time = sorted(latest.values(), reverse=True)[policy.trust.threshold - 1]
    if abs(time - checkpoint.time) > policy.block_lag:
        return Judgement(code="block.clock", way=way)
    operators = {witness.operator for witness in policy.in_service(checkpoint)}
    return Judgement(
        code="ok",
        time=time,
        way=way,
        basis=by_witnesses(latest, total=len(operators)),
        end=end,
    )


def end_of(ledger: LedgerPin) -> int | None:
    """Return the time (seconds) at which a retired ledger ended, None for one in service."""
    return None if ledger.retired is None else ledger.retired.time


def _excluded(note: Note, policy: TrustPolicy, ledger: LedgerPin, way: Way) -> str | None:
    """Return a code that holds whatever node or witnesses say, or None."""
    checkpoint, last = note.checkpoint, ledger.retired
    if checkpoint.identity != ledger.identity:
        return "block.other_ledger"
    if not _cosignatures_good(note, policy):
        return "checkpoint.unusable"
    if way not in policy.trust.ways:
        return "block.untrusted"
    if last is not None and checkpoint.number > last.number:
        return "block.untrusted"  # Nothing later than its end is trusted.
    if last is not None and checkpoint.number == last.number and checkpoint != last:
        return "block.differs"
    return None


def _cosignatures_good(note: Note, policy: TrustPolicy) -> bool:
    """Check every cosignature by a key of the policy.

    Other lines are ignored (C2SP): a new witness must not invalidate evidence for older policies.
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
    """A node's view of a checkpoint: a code of check 6, and later state.

    `final` is its newest final block; `moved` whether the slot is proved to differ there (without
    the hold flag), None where nothing is proved.
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
    """Check that `node`, trusted alone, has the checkpoint's block as final.

    Block hashes are compared, not recomputed: permissioned chains hash headers differently.  T is
    the block's time, or that of the newest final block where `slot` is proved unchanged.
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
    return Judgement(
        code="ok",
        time=time,
        way=way,
        basis=basis,
        overtaken=bool(seen.moved),
        end=end_of(ledger),
    )


def look_ahead(
    checkpoint: Checkpoint,
    node: TrustNode,
    policy: TrustPolicy,
    ledger: LedgerPin,
    slot: Slot | None,
) -> Sighting:
    """Return `node`'s view of a checkpoint's block, and of the issuer's slot since."""
    try:
        # Read the final block first: blocks below it cannot change any more.
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
    # What happens on a retired ledger after its final checkpoint changes nothing.
    if slot is not None and ledger.retired is None and final.number > checkpoint.number:
        moved = has_moved(node, ledger, slot, final)
    return Sighting(code="ok", final=final, moved=moved)


def as_block(checkpoint: Checkpoint) -> NodeBlock:
    """Return the block that a checkpoint names, as a node returns it."""
    return NodeBlock(
        number=checkpoint.number,
        hash=checkpoint.block_hash,
        state_root=checkpoint.state_root,
        time=checkpoint.time,
    )


def newest_final(node: TrustNode, confirmations: int) -> NodeBlock | None:
    """Return the newest block with tag `finalized`, or else `confirmations` deep.

    Raises:
        NodeFailedError: the node has no usable response.
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
    """Return whether the slot is proved to differ at block `at`, without the hold flag.

    None where the proof is missing or invalid.
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
