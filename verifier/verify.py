"""From evidence to a verdict: the ten numbered checks (SPEC section 18)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone

from verifier import merkle
from verifier.catalog import bound_root, disobeyed
from verifier.certificate import (
    NUMBER,
    Disclosure,
    Value,
    derived_salt,
    describe_document,
    format_disclosure,
)
from verifier.checkpoint import Checkpoint, parse_note
from verifier.codes import CODES
from verifier.encoding import Json, format_time
from verifier.errors import Malformed, ProofInvalid
from verifier.evidence import Evidence
from verifier.hashing import sha256, sm3
from verifier.policy import LedgerPin, TrustPolicy
from verifier.state import BodyState, Key, batch_leaf, without_brake
from verifier.statements import LONGEST_LIFE, ZERO, address_of, signed_by
from verifier.stateproof import check_account, check_slot, slot_position
from verifier.status import CELLS, read_cell
from verifier.trust import Judgement
from verifier.vocabulary import CheckName, Outcome, Purpose, Standing, Status, Verdict

CHINA = timezone(timedelta(hours=8))


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What is asked of a piece of evidence, and on whose trust.

    `now` is in seconds since 1970; `judge` says whether the checkpoint's block is to be trusted;
    `audience` and `nonce` are the asking counter's, None where it has none; `seen` tells whether
    this counter has accepted a presentation (by its signature) before.
    """

    policy: TrustPolicy
    judge: Callable[[Evidence, LedgerPin], Judgement]
    now: int
    documents: Sequence[bytes] = ()
    audience: str | None = None
    nonce: str | None = None
    seen: Callable[[bytes], bool] = field(default=lambda signature: False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """How one check ended: a code of `verifier.codes`, and what is to be said about it."""

    check: CheckName
    code: str
    detail: str = ""

    @property
    def outcome(self) -> Outcome:
        """Pass, fail or unknown."""
        return CODES[self.code].outcome

    def to_json(self) -> Json:
        """Return the finding as a result carries it."""
        return {
            "number": self.check.number,
            "name": str(self.check),
            "outcome": str(self.outcome),
            "code": self.code,
            "detail": self.detail or CODES[self.code].en,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """A verdict with its reasons.  `as_of` (seconds since 1970) is None where nothing is known."""

    verdict: Verdict
    findings: tuple[Finding, ...]
    as_of: int | None = None
    certificate: Mapping[str, Json] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def to_json(self) -> Json:
        """Return the result as SPEC 18.4 writes it."""
        value: dict[str, Json] = {
            "verdict": str(self.verdict),
            "checks": [finding.to_json() for finding in self.findings],
            "certificate": dict(self.certificate),
            "warnings": list(self.warnings),
        }
        if self.as_of is not None:
            value["as_of"] = format_time(self.as_of)
        return value


def verify_bytes(data: bytes, question: Question) -> Result:
    """Return the verdict on the bytes of an evidence file; bad input is a verdict, not an error."""
    try:
        evidence = Evidence.parse(data)
    except Malformed as error:
        return unusable(f"{CODES['evidence.unusable'].en}: {error.code}")
    return verify(evidence, question)


def unusable(detail: str) -> Result:
    """Return the verdict on something that cannot be read as evidence."""
    findings = tuple(
        Finding(check=check, code="evidence.unusable", detail=detail) for check in CheckName
    )
    return Result(verdict=Verdict.CANNOT_TELL, findings=findings)


def verify(evidence: Evidence, question: Question) -> Result:
    """Return the verdict on `evidence`."""
    block = judge_block(evidence, question)
    codes = _judge(evidence, question, block)
    proved = {check for check, code in codes.items() if code == "ok"} >= _PROVED
    time = block.judgement.time
    return Result(
        verdict=_decide(codes, timely=time is not None and time <= _horizon(question)),
        findings=tuple(Finding(check=check, code=codes[check]) for check in CheckName),
        as_of=time if codes[CheckName.BLOCK] == "ok" else None,
        certificate=describe(evidence, proved=proved),
        warnings=_warnings(evidence) if proved else (),
    )


_PROVED = frozenset(list(CheckName)[:6])
"""The checks that make a certificate genuine."""


def _judge(evidence: Evidence, question: Question, block: Block) -> dict[CheckName, str]:
    """Return the code of each check.  What rests on another check is judged only if that passed."""
    trusted = block.judgement.code == "ok"
    entitlement = _entitlement(evidence)
    anchor = _anchor(evidence, block) if trusted else "block.needed"
    needed = "anchor.needed" if trusted else "block.needed"
    anchored = anchor == "ok"
    return {
        CheckName.CONTENT: _content(evidence, question, entitlement not in _ENTRY_UNKNOWN),
        CheckName.INCLUSION: _inclusion(evidence),
        CheckName.ANCHOR: anchor,
        CheckName.SIGNATURE: _signature(evidence, question, block) if anchored else needed,
        CheckName.ENTITLEMENT: entitlement if anchored else needed,
        CheckName.BLOCK: block.judgement.code,
        CheckName.FRESHNESS: _freshness(evidence, question, block) if trusted else needed,
        CheckName.STATUS: _status(evidence) if anchored else needed,
        CheckName.DATES: _dates(evidence, question.now),
        CheckName.HOLDER: _holder(evidence, question, block),
    }


def _decide(codes: Mapping[CheckName, str], *, timely: bool) -> Verdict:
    """Return the verdict of SPEC 18.2; `timely` says that T is not beyond now and tolerance."""
    outcome = {check: CODES[code].outcome for check, code in codes.items()}
    failed = {check for check in CheckName if outcome[check] is Outcome.FAIL}
    passed = {check for check in CheckName if outcome[check] is Outcome.PASS}
    if failed & {CheckName.CONTENT, CheckName.INCLUSION}:
        return Verdict.NOT_GENUINE
    if CheckName.BLOCK in passed and failed & _PROVED:
        return Verdict.NOT_GENUINE
    if not passed >= _PROVED:
        return Verdict.CANNOT_TELL
    if codes[CheckName.STATUS] in _FOR_EVER:
        return Verdict.NOT_IN_FORCE
    if CheckName.DATES in failed and timely:
        return Verdict.NOT_IN_FORCE
    if CheckName.STATUS in failed and CheckName.FRESHNESS in passed:
        return Verdict.NOT_IN_FORCE
    return Verdict.VALID if len(passed) == len(CheckName) else Verdict.CANNOT_TELL


_FOR_EVER = frozenset({"status.revoked", "status.superseded", "status.body_struck"})
_ENTRY_UNKNOWN = frozenset({"entitlement.entry_unproved", "entitlement.entry_differs"})


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
    except Malformed:
        return Block(judgement=Judgement(code="checkpoint.unusable"))
    ledger = question.policy.for_ledger(checkpoint.identity)
    if ledger is None:
        return Block(judgement=Judgement(code="block.other_ledger"))
    judgement = question.judge(evidence, ledger)
    return Block(judgement=judgement, checkpoint=checkpoint, ledger=ledger)


def _horizon(question: Question) -> int:
    """Return the latest instant that does not lie in the future, given the clock's tolerance."""
    return question.now + question.policy.clock_tolerance


# 1 content -------------------------------------------------------------------------------------


def _content(evidence: Evidence, question: Question, entry_proved: bool) -> str:
    places = evidence.shown_places()
    if None in places:
        return "content.field_differs"
    entry, bound = evidence.catalog.entry, evidence.record.bound
    shown = dict(zip(places, evidence.disclosures, strict=True))
    for place, part in shown.items():
        if entry_proved and part.name != entry.name_at(place or 0, bound=bound):
            return "content.name_differs"
    compared = [_compare(evidence, content) for content in question.documents]
    for code in ("content.document_differs", "content.sm3_unavailable"):
        if code in compared:
            return code
    needed = {0, *(entry.place_of(name) for name in entry.shown)}
    if "ok" in compared or (entry_proved and needed <= set(shown)):
        return "ok"
    return "content.nothing_compared"


def _compare(evidence: Evidence, content: bytes) -> str:
    """Return how `content` compares with the documents of the record."""
    described = [part.value for part in evidence.disclosures if isinstance(part.value, Mapping)]
    code = _access_code(evidence.disclosures)
    if code is None and not described:
        return "content.nothing_compared"
    plain = describe_document(content)
    for value in described:
        if all(value[name] == plain[name] for name in plain):
            return _compare_sm3(value, content)
    if code is not None:
        digest = sm3(content)
        forms: list[Value] = [plain] if digest is None else [plain, {**plain, "sm3": digest.hex()}]
        if _is_recorded(evidence, code, forms):
            return "ok"
        if digest is None:
            return "content.sm3_unavailable"
    return "content.document_differs"


def _compare_sm3(value: Mapping[str, str | int], content: bytes) -> str:
    if "sm3" not in value:
        return "ok"
    if (digest := sm3(content)) is None:
        return "content.sm3_unavailable"
    return "ok" if digest.hex() == value["sm3"] else "content.document_differs"


def _access_code(disclosures: Sequence[Disclosure]) -> str | None:
    return next((part.salt for part in disclosures if part.name == NUMBER), None)


def _is_recorded(evidence: Evidence, code: str, forms: Sequence[Value]) -> bool:
    """Return whether a document of one of `forms` stands in the record, its salt being derived."""
    return any(
        sha256(format_disclosure(derived_salt(code, place), "document", form).encode()) == digest
        for place, digest in enumerate(evidence.record.digests)
        if place
        for form in forms
    )


# 2 inclusion -----------------------------------------------------------------------------------


def _inclusion(evidence: Evidence) -> str:
    statement = evidence.statement
    if not 0 <= evidence.place < statement.count:
        return "inclusion.index_outside"
    try:
        leaf = evidence.record.leaf()
        root = merkle.implied_root(leaf, evidence.place, statement.count, evidence.path)
    except ProofInvalid:
        return "inclusion.path_differs"
    return "ok" if root == statement.root else "inclusion.path_differs"


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
    return code if code != "ok" else _batch_in_state(evidence, block.ledger.identity)


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


def _batch_in_state(evidence: Evidence, identity: bytes) -> str:
    statement, body = evidence.statement, evidence.body
    if statement.sequence > body.batches:
        return "anchor.batch_pending"
    leaf = batch_leaf(
        digest=statement.digest(identity),
        catalog=statement.catalog,
        key=evidence.anchor.key,
        block=evidence.anchor.block,
    )
    try:
        merkle.check_peak(
            leaf, statement.sequence - 1, body.batches, evidence.anchor.path, body.peaks
        )
    except ProofInvalid:
        return "anchor.batch_unproved"
    return "ok"


# 4 signature -----------------------------------------------------------------------------------


def _signature(evidence: Evidence, question: Question, block: Block) -> str:
    assert block.ledger is not None
    anchor = evidence.anchor
    key = evidence.body.keys[anchor.key] if anchor.key < len(evidence.body.keys) else None
    if key is None or address_of(evidence.signer) != key.address:
        return "signature.signer_differs"
    if code := _key_may_not(key, anchor.block):
        return code
    digest = evidence.statement.digest(block.ledger.identity)
    if not signed_by(digest, evidence.signature, evidence.signer):
        return "signature.damaged"
    if question.policy.countersignature and evidence.statement.countersignature == ZERO:
        return "signature.countersignature_missing"
    return "ok"


def _key_may_not(key: Key, block: int) -> str:
    if block >= key.end:
        return "signature.key_ended"
    return "" if key.speaks(Purpose.BATCHES, block) else "signature.purpose"


# 5 entitlement ---------------------------------------------------------------------------------


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


# 7 freshness, 8 status, 9 dates, 10 holder -----------------------------------------------------


def _freshness(evidence: Evidence, question: Question, block: Block) -> str:
    time = block.judgement.time
    assert time is not None
    if time > _horizon(question):
        return "freshness.future"
    greatest = question.policy.max_age(evidence.record.category)
    return "ok" if question.now - time <= greatest else "freshness.stale"


_STATUS_CODES = {
    Status.VALID: "ok",
    Status.REVOKED: "status.revoked",
    Status.SUSPENDED: "status.suspended",
    Status.SUPERSEDED: "status.superseded",
}


def _status(evidence: Evidence) -> str:
    if evidence.body.standing is Standing.STRUCK:
        return "status.body_struck"
    index = evidence.record.index
    try:
        root = evidence.word.implied_root(index // CELLS)
    except ProofInvalid:
        return "status.unproved"
    if root != evidence.body.status:
        return "status.unproved"
    code = _STATUS_CODES[read_cell(evidence.word.word, index)]
    if code not in _FOR_EVER and evidence.body.standing is Standing.SUSPENDED:
        return "status.body_suspended"
    return code


def today(now: int) -> date:
    """Return the calendar day in China Standard Time at `now`."""
    return datetime.fromtimestamp(now, CHINA).date()


def _dates(evidence: Evidence, now: int) -> str:
    record, day = evidence.record, today(now)
    if day < record.issued:
        return "dates.not_yet"
    return "dates.expired" if record.expires is not None and day > record.expires else "ok"


def _holder(evidence: Evidence, question: Question, block: Block) -> str:
    if not evidence.record.bound:
        return "ok"
    if evidence.presentation is None:
        return "holder.presentation_missing"
    if block.ledger is None:
        return "holder.presentation_unusable"
    return evidence.presentation.check(
        evidence=evidence,
        identity=block.ledger.identity,
        policy=question.policy,
        now=question.now,
        audience=question.audience,
        nonce=question.nonce,
        seen=question.seen,
    )


# What is shown ---------------------------------------------------------------------------------


def describe(evidence: Evidence, *, proved: bool) -> Json:
    """Return what a result says of the certificate; fields and names only where it is proved."""
    record = evidence.record
    value: dict[str, Json] = {
        "leaf": record.leaf().hex(),
        "issuer": record.issuer,
        "index": record.index,
        "category": record.category,
        "edition": record.edition,
        "issued": record.issued.isoformat(),
    }
    if record.expires is not None:
        value["expires"] = record.expires.isoformat()
    return value | _describe_proved(evidence) if proved else value


def _describe_proved(evidence: Evidence) -> Json:
    entry, record = evidence.catalog.entry, evidence.record
    shown = [place for place in evidence.shown_places() if place is not None]
    return {
        "body": evidence.body.name,
        "name_zh": entry.name_zh,
        "name_en": entry.name_en,
        "anchored": {
            "block": evidence.anchor.block,
            "not_after": format_time(evidence.statement.not_after),
        },
        "shown": [
            {"name": part.name, "value": dict(part.value)}
            if isinstance(part.value, Mapping)
            else {"name": part.name, "value": part.value}
            for part in evidence.disclosures
        ],
        "withheld": [
            entry.name_at(place, bound=record.bound)
            for place in range(len(record.digests))
            if place not in shown
        ],
    }


def _warnings(evidence: Evidence) -> tuple[str, ...]:
    """Return the codes of warnings; the statement cannot have been carried before its last week."""
    earliest = datetime.fromtimestamp(evidence.statement.not_after - LONGEST_LIFE, CHINA).date()
    lag = timedelta(days=evidence.catalog.entry.lag_days)
    return ("anchoring.late",) if earliest - evidence.record.issued > lag else ()
