"""From full evidence to a verdict: the ten numbered checks (SPEC section 18)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from verifier import merkle, presentation
from verifier.catalog import bound_root, disobeyed
from verifier.checkpoint import Checkpoint, parse_note
from verifier.checks import (
    check_dates,
    check_freshness,
    check_holder,
    check_inclusion,
    check_key,
    check_status,
)
from verifier.codes import CODES
from verifier.conclude import Proved, conclude
from verifier.content import check_content
from verifier.errors import ProofInvalid, Refused
from verifier.evidence import BatchAnchor, Evidence
from verifier.judges import Judge
from verifier.policy import LedgerPin, TrustPolicy
from verifier.state import BodyState, batch_leaf, without_brake
from verifier.statements import ZERO, Batch, address_of, signed_by
from verifier.stateproof import check_account, check_slot, slot_position
from verifier.status import CELLS
from verifier.trust import Judgement
from verifier.verdict import Result, unusable
from verifier.vocabulary import CheckName


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What is asked of a piece of evidence, and on whose trust.

    `now` is in seconds since 1970; `judge` says whether the checkpoint's block is to be trusted;
    `request` is what the asking counter gave the holder to sign, None where it asked for nothing;
    `seen` tells whether this counter has accepted a presentation (by its signature) before.
    """

    policy: TrustPolicy
    judge: Judge
    now: int
    documents: Sequence[bytes] = ()
    request: presentation.Request | None = None
    seen: Callable[[bytes], bool] = field(default=lambda signature: False)


def verify_bytes(data: bytes, question: Question) -> Result:
    """Return the verdict on the bytes of an evidence file; bad input is a verdict, not an error."""
    try:
        evidence = Evidence.parse(data)
    except Refused as error:
        return unusable(f"{CODES['evidence.unusable'].en}: {error.code}")
    return verify(evidence, question)


def verify(evidence: Evidence, question: Question) -> Result:
    """Return the verdict on `evidence`."""
    block = judge_block(evidence, question)
    codes = _judge(evidence, question, block)
    return conclude(
        codes,
        record=evidence.record,
        disclosures=evidence.disclosures,
        proved=Proved(
            body=evidence.body.name,
            entry=evidence.catalog.entry,
            statement=evidence.statement,
            block=evidence.anchor.block,
        ),
        time=block.judgement.time,
        horizon=question.now + question.policy.clock_tolerance,
    )


_ENTRY_UNKNOWN = frozenset({"entitlement.entry_unproved", "entitlement.entry_differs"})


def _judge(evidence: Evidence, question: Question, block: Block) -> dict[CheckName, str]:
    """Return the code of each check.  What rests on another check is judged only if that passed."""
    record, statement, time = evidence.record, evidence.statement, block.judgement.time
    trusted = block.judgement.code == "ok"
    entitlement = _entitlement(evidence)
    entry = None if entitlement in _ENTRY_UNKNOWN else evidence.catalog.entry
    anchor = _anchor(evidence, block) if trusted else "block.needed"
    needed = "anchor.needed" if trusted else "block.needed"
    anchored = anchor == "ok"
    return {
        CheckName.CONTENT: check_content(record, evidence.disclosures, question.documents, entry),
        CheckName.INCLUSION: check_inclusion(record, statement, evidence.path),
        CheckName.ANCHOR: anchor,
        CheckName.SIGNATURE: _signature(evidence, question, block) if anchored else needed,
        CheckName.ENTITLEMENT: entitlement if anchored else needed,
        CheckName.BLOCK: block.judgement.code,
        CheckName.FRESHNESS: (
            check_freshness(record.category, question.policy, time=time, now=question.now)
            if trusted and time is not None
            else "block.needed"
        ),
        CheckName.STATUS: _status(evidence) if anchored else needed,
        CheckName.DATES: check_dates(record, question.now),
        CheckName.HOLDER: _holder(evidence, question, block),
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """The block that the evidence speaks of, once judged (check 6)."""

    judgement: Judgement
    checkpoint: Checkpoint | None = None
    ledger: LedgerPin | None = None


def judge_block(evidence: Evidence, question: Question) -> Block:
    """Return what the policy and its way of trust say of the evidence's checkpoint."""
    if question.now > question.policy.ends:
        return Block(judgement=Judgement(code="policy.ended"))
    try:
        checkpoint = parse_note(evidence.checkpoint).checkpoint
    except Refused:
        return Block(judgement=Judgement(code="checkpoint.unusable"))
    ledger = question.policy.for_ledger(checkpoint.identity)
    if ledger is None:
        return Block(judgement=Judgement(code="block.other_ledger"))
    judgement = question.judge(evidence, ledger)
    return Block(judgement=judgement, checkpoint=checkpoint, ledger=ledger)


# 3 anchor --------------------------------------------------------------------------------------


def _anchor(evidence: Evidence, block: Block) -> str:
    assert block.checkpoint is not None
    assert block.ledger is not None
    if evidence.body.issuer != evidence.record.issuer:
        return "anchor.other_body"
    code = check_state(
        evidence.body,
        state_root=block.checkpoint.state_root,
        ledger=block.ledger,
        account_proof=evidence.account_proof,
        slot_proof=evidence.slot_proof,
    )
    if code != "ok":
        return code
    return check_batch(
        evidence.statement, evidence.anchor, evidence.body, identity=block.ledger.identity
    )


def check_state(
    body: BodyState,
    *,
    state_root: bytes,
    ledger: LedgerPin,
    account_proof: Sequence[bytes],
    slot_proof: Sequence[bytes],
) -> str:
    """Return whether the ledger's contract holds exactly this state of the body, as a code.

    A proof that does not verify says nothing; only one that verifies and shows another value
    speaks against the state.
    """
    try:
        account = check_account(state_root, ledger.address, account_proof)
        if account is None or account.code_hash != ledger.code_hash:
            return "anchor.other_contract"
        slot = check_slot(account.storage_root, slot_position(body.issuer), slot_proof)
    except ProofInvalid:
        return "anchor.proof_unusable"
    if slot == ZERO:
        return "anchor.body_absent"
    return "ok" if without_brake(slot) == body.digest() else "anchor.state_differs"


def check_batch(statement: Batch, anchor: BatchAnchor, body: BodyState, *, identity: bytes) -> str:
    """Return whether a batch stands in its body's tree, as a code."""
    if statement.sequence > body.batches:
        return "anchor.batch_pending"
    leaf = batch_leaf(
        digest=statement.digest(identity),
        catalog=statement.catalog,
        key=anchor.key,
        block=anchor.block,
    )
    try:
        merkle.check_peak(leaf, statement.sequence - 1, body.batches, anchor.path, body.peaks)
    except ProofInvalid:
        return "anchor.batch_unproved"
    return "ok"


# 4 signature, 5 entitlement, 8 status, 10 holder -----------------------------------------------


def _signature(evidence: Evidence, question: Question, block: Block) -> str:
    assert block.ledger is not None
    anchor, keys = evidence.anchor, evidence.body.keys
    if anchor.key >= len(keys) or address_of(evidence.signer) != keys[anchor.key].address:
        return "signature.signer_differs"
    if (code := check_key(keys[anchor.key], anchor.block)) != "ok":
        return code
    digest = evidence.statement.digest(block.ledger.identity)
    if not signed_by(digest, evidence.signature, evidence.signer):
        return "signature.damaged"
    if question.policy.countersignature and evidence.statement.countersignature == ZERO:
        return "signature.countersignature_missing"
    return "ok"


def _entitlement(evidence: Evidence) -> str:
    proof, record = evidence.catalog, evidence.record
    leaf = merkle.leaf_hash(proof.entry.canonical())
    try:
        root = merkle.implied_root(leaf, proof.place, proof.count, proof.path)
    except ProofInvalid:
        return "entitlement.entry_unproved"
    if bound_root(proof.count, root) != evidence.statement.catalog:
        return "entitlement.entry_unproved"
    if proof.entry.order != (record.category, record.entry):
        return "entitlement.entry_differs"
    broken = disobeyed(record, proof.entry)
    return broken[0] if broken else "ok"


def _status(evidence: Evidence) -> str:
    index = evidence.record.index
    try:
        root = evidence.word.implied_root(index // CELLS)
    except ProofInvalid:
        return "status.unproved"
    if root != evidence.body.status:
        return "status.unproved"
    return check_status(index, evidence.word.word, evidence.body.standing)


def _holder(evidence: Evidence, question: Question, block: Block) -> str:
    code = check_holder(
        evidence.record,
        evidence.disclosures,
        evidence.presentation,
        question.request,
        identity=None if block.ledger is None else block.ledger.identity,
        policy=question.policy,
        now=question.now,
    )
    presented = evidence.presentation
    if code == "ok" and presented is not None and question.seen(presented.signature):
        return "holder.replayed"
    return code
