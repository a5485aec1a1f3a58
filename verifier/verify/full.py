"""Verdicts on full evidence: the ten checks in order (SPEC section 18)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats import presentation
from certledger.verifier.formats.catalog import Entry, disobeyed
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.formats.issuer_state import IssuerState
from certledger.verifier.formats.policy import LedgerPin, TrustPolicy
from certledger.verifier.formats.record import Record
from certledger.verifier.formats.statements import ZERO
from certledger.verifier.formats.status_tree import CELLS
from certledger.verifier.slot_init import slot_init
from certledger.verifier.verify.block_trust import Judgement, Slot
from certledger.verifier.verify.checks import (
    check_dates,
    check_freshness,
    check_holder,
    check_inclusion,
    check_status,
)
from certledger.verifier.verify.content_check import Paper, check_content
from certledger.verifier.verify.proofs import FORGETFUL, ProofCache, check_signature
from certledger.verifier.verify.result import result_of
from certledger.verifier.verify.trust_sources import Judge
from certledger.verifier.verify.verdict import CHECKS, Result, unusable
from certledger.verifier.vocabulary import CheckName

# Bound once: on Python 3.11 the attribute of an enumeration costs ten times a global.
(
    _CONTENT,
    _INCLUSION,
    _ANCHOR,
    _SIGNATURE,
    _ENTITLEMENT,
    _BLOCK,
    _FRESHNESS,
    _STATUS,
    _DATES,
    _HOLDER,
) = CHECKS


@dataclass(frozen=True, kw_only=True, slots=True)
class Current:
    """A verifier's state of an issuer at a trusted block after that of the evidence.

    `state` is None where that block lacks what the evidence proves, so that status and standing are
    unknown; `word` (32 bytes) is the certificate's status word.
    """

    judgement: Judgement
    state: IssuerState | None = None
    word: bytes = ZERO


Newer: TypeAlias = Callable[[Evidence, LedgerPin, Judgement], Current | None]
"""Returns the issuer's state after the evidence's block (already checked), or None."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """Input of a verification.

    `now` is in seconds since 1970; `judge` checks the trust in the checkpoint's block; `request` is
    the counter's challenge to the holder, or None; `seen` returns whether this counter accepted a
    presentation (by its mark) before; `newer` returns the issuer's later state.
    """

    policy: TrustPolicy
    judge: Judge
    now: int
    documents: Sequence[Paper] = ()
    request: presentation.Request | None = None
    seen: Callable[[bytes], bool] = field(default=lambda mark: False)
    newer: Newer = field(default=lambda evidence, ledger, judgement: None)


def verify_bytes(data: bytes, question: Question) -> Result:
    """Return the verdict on the bytes of an evidence file; bad input is a verdict, not an error."""
    try:
        evidence = Evidence.parse(data)
    except CertledgerError as error:
        return unusable(error.code)
    return verify(evidence, question)


def verify(evidence: Evidence, question: Question, memo: ProofCache = FORGETFUL) -> Result:
    """Return the verdict on `evidence`."""
    block = bring_up(evidence, question, judge_block(evidence, question, memo))
    return answer(evidence, question, block, read_clock(evidence.record, question, block), memo)


def answer(
    evidence: Evidence,
    question: Question,
    block: JudgedBlock,
    clock: Clock,
    memo: ProofCache = FORGETFUL,
) -> Result:
    """Return the verdict for a checked block and clock.

    Without a presentation the result does not depend on `question.now`, so it can be cached.
    """
    if not question.policy.accepts(evidence.TYPE):
        return unusable("schema.version")
    issuer = evidence.issuer if block.state is None else block.state
    known = block.known
    return result_of(
        _judge(evidence, question, block, clock, memo),
        showing=evidence.shown,
        proved=memo.proved(
            issuer.name, evidence.catalog.entry, evidence.statement, evidence.anchor.block
        ),
        time=known.time,
        timely=clock.timely,
        basis=known.basis,
        unanswered=known.unanswered,
        retired=known.end is not None,
    )


@slot_init
@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """Clock-dependent results: codes of checks 9 and 7, and whether T is not in the future.

    `freshness` is valid only if the block is trusted.
    """

    dates: str
    freshness: str
    timely: bool


def read_clock(record: Record, question: Question, block: JudgedBlock) -> Clock:
    """Run the checks that depend on the clock."""
    now, known = question.now, block.known
    time = known.time
    if time is None:
        return Clock(dates=check_dates(record, now), freshness="block.needed", timely=False)
    freshness = "freshness.overtaken"
    if not known.overtaken:
        freshness = check_freshness(
            record.category, question.policy, time=time, now=now, end=known.end
        )
    return Clock(
        dates=check_dates(record, now),
        freshness=freshness,
        timely=time <= now + question.policy.clock_tolerance,
    )


def _judge(
    evidence: Evidence, question: Question, block: JudgedBlock, clock: Clock, memo: ProofCache
) -> dict[CheckName, str]:
    """Return the code of each check; a check whose input is unproved gets a `.needed` code."""
    record, statement, showing = evidence.record, evidence.statement, evidence.shown
    entry = memo.entry(evidence.catalog, statement.catalog)
    own = entry if entry is not None and entry.order == (record.category, record.entry) else None
    codes = {
        _CONTENT: check_content(showing, question.documents, own),
        _INCLUSION: check_inclusion(showing.leaf, record.index, statement, evidence.path),
        _BLOCK: block.judgement.code,
        _DATES: clock.dates,
        _HOLDER: _holder(evidence, question, block),
    }
    rests = (_SIGNATURE, _ENTITLEMENT, _STATUS)
    if block.judgement.code != "ok" or block.judgement.time is None or block.ledger is None:
        needing = (_ANCHOR, _FRESHNESS, *rests)
        return codes | dict.fromkeys(needing, "block.needed")
    codes[_FRESHNESS] = clock.freshness
    anchor, signature = _batch(evidence, block, block.ledger, memo)
    codes[_ANCHOR] = anchor
    if anchor != "ok":
        return codes | dict.fromkeys(rests, "anchor.needed")
    if (
        signature == "ok"
        and question.policy.countersignature
        and statement.countersignature == ZERO
    ):
        signature = "signature.countersignature_missing"
    codes[_SIGNATURE] = signature
    codes[_ENTITLEMENT] = _entitlement(record, entry)
    codes[_STATUS] = _status(evidence, block, memo)
    return codes


def _batch(
    evidence: Evidence, block: JudgedBlock, ledger: LedgerPin, memo: ProofCache
) -> tuple[str, str]:
    """Return the codes of checks 3 and 4; keys are those of the newest state."""
    if evidence.issuer.issuer != evidence.record.issuer:
        return "anchor.other_body", "anchor.needed"
    anchor, signature = memo.batch(
        ledger.identity,
        block.slot,
        evidence.issuer,
        evidence.anchor,
        evidence.statement,
        evidence.signature,
        evidence.signer,
    )
    if anchor == "ok" and block.state is not None:
        digest = evidence.statement.digest(ledger.identity)
        signature = check_signature(
            digest, evidence.signature, evidence.signer, evidence.anchor, block.state
        )
    return anchor, signature


# 6 block ---------------------------------------------------------------------------------------


@slot_init
@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedBlock:
    """The block of the evidence after check 6.

    `slot` is the issuer's slot under the block's state root, or the code of check 3.  `current` is
    the issuer's state at a later block, if the verifier has one.
    """

    judgement: Judgement
    ledger: LedgerPin | None = None
    slot: Slot | str = "block.needed"
    current: Current | None = None

    @property
    def known(self) -> Judgement:
        """Judgement of the newest known block, the source of T and basis."""
        return self.judgement if self.current is None else self.current.judgement

    @property
    def state(self) -> IssuerState | None:
        """The issuer's state at the newest block, None where it is the evidence's own."""
        return None if self.current is None else self.current.state


def bring_up(evidence: Evidence, question: Question, block: JudgedBlock) -> JudgedBlock:
    """Add the verifier's later state of the issuer, if any."""
    if block.judgement.code != "ok" or block.ledger is None:
        return block
    current = question.newer(evidence, block.ledger, block.judgement)
    if current is not None and current.state is None:
        overtaken = replace(block.judgement, overtaken=True)
        return replace(block, current=Current(judgement=overtaken))
    return replace(block, current=current) if current is not None else block


def judge_block(
    evidence: Evidence, question: Question, memo: ProofCache = FORGETFUL
) -> JudgedBlock:
    """Run check 6 on the evidence's checkpoint."""
    if question.policy.ended(question.now):
        return JudgedBlock(judgement=Judgement(code="policy.ended"))
    note = memo.note(evidence.checkpoint)
    if note is None:
        return JudgedBlock(judgement=Judgement(code="checkpoint.unusable"))
    ledger = question.policy.for_ledger(note.checkpoint.identity)
    if ledger is None:
        return JudgedBlock(judgement=Judgement(code="block.other_ledger"))
    slot = memo.slot(
        evidence.issuer.issuer,
        note.checkpoint.state_root,
        ledger,
        evidence.account_proof,
        evidence.slot_proof,
    )
    judgement = question.judge(note, ledger, None if isinstance(slot, str) else slot)
    return JudgedBlock(judgement=judgement, ledger=ledger, slot=slot)


# 5 entitlement, 8 status, 10 holder ------------------------------------------------------------


def _entitlement(record: Record, entry: Entry | None) -> str:
    if entry is None:
        return "entitlement.entry_unproved"
    if entry.order != (record.category, record.entry):
        return "entitlement.entry_differs"
    broken = disobeyed(record, entry)
    return broken[0] if broken else "ok"


def _status(evidence: Evidence, block: JudgedBlock, memo: ProofCache) -> str:
    index = evidence.record.index
    if block.current is not None and block.state is not None:
        return check_status(index, block.current.word, block.state.standing)
    if memo.word(evidence.word, index // CELLS) != evidence.issuer.status:
        return "status.unproved"
    return check_status(index, evidence.word.word, evidence.issuer.standing)


def _holder(evidence: Evidence, question: Question, block: JudgedBlock) -> str:
    code = check_holder(
        evidence.shown,
        evidence.presentation,
        question.request,
        identity=None if block.ledger is None else block.ledger.identity,
        policy=question.policy,
        now=question.now,
    )
    presented = evidence.presentation
    if code == "ok" and presented is not None and question.seen(presented.mark):
        return "holder.replayed"
    return code
