"""Unattended decisions of the service: evidence brought up to date, decided, signed and stored."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from certledger.ledger.core.book_values import DecisionLeaf, StoredDecision
from certledger.ledger.core.receipt_chain import ReceiptChain
from certledger.ledger.keys import Signer
from certledger.ledger.publish.evidence import (
    EvidenceMaker,
    EvidencePendingError,
    EvidenceUnknownError,
)
from certledger.ledger.reform.bookshelf import BookDayError
from certledger.ledger.reform.record_writer import add_record
from certledger.ledger.store.unit_of_work import Store, Unit
from certledger.ledger.verification.questions import VerifyRequest, question_of
from certledger.ledger.verification.verdicts import showing
from certledger.ledger.verification.verification_receipt import draw_reference
from certledger.verifier.errors import CertledgerError, MalformedError
from certledger.verifier.formats.canonical_json import Members, parse
from certledger.verifier.formats.checkpoint import parse_note
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.reform.application import MAX_APPLICATION_EVIDENCE
from certledger.verifier.reform.book import ApplicantKind
from certledger.verifier.reform.book_edition import BookEdition
from certledger.verifier.reform.decision import Decision, DecisionBasis, decide
from certledger.verifier.reform.operator_record import (
    DECISION_TYPE,
    OperatorRecord,
    record_content,
)
from certledger.verifier.verify.checks import today
from certledger.verifier.verify.full import Question

_CODE = re.compile(r"[A-Z0-9-]{4,24}")


@dataclass(frozen=True, kw_only=True, slots=True)
class DecisionRequest:
    """An application for one item that is to be decided."""

    item: str
    applicant: ApplicantKind
    evidence: tuple[VerifyRequest, ...]


def parse_decision_request(data: bytes, limit: int) -> DecisionRequest:
    """Return the request of a body: `item`, `applicant` and evidence as files or look-ups.

    Raises:
        MalformedError: it is none; a code of `question_of` where evidence is of another form.
    """
    read = Members(parse(data, limit), "decision")
    item, applicant = read.text("item", _CODE), read.text("applicant", longest=16)
    if applicant not in list(ApplicantKind):
        read.fail("applicant", "person, foreigner or company")
    listed = read.array("evidence", 0, MAX_APPLICATION_EVIDENCE)
    read.done()
    evidence = tuple(question_of(one, f"evidence[{at}]") for at, one in enumerate(listed))
    if any(one.code or one.documents or one.nonce or one.earlier for one in evidence):
        # They would be left aside: a replay has the evidence files alone.
        raise MalformedError(
            "evidence.form", "a decision rests on files or look-ups, not on codes or what is beside"
        )
    return DecisionRequest(item=item, applicant=ApplicantKind(applicant), evidence=evidence)


@dataclass(frozen=True, kw_only=True, slots=True)
class DecisionAnswer:
    """A decision with its record, and the evidence that it rests on, which the counter keeps."""

    decision: Decision
    record: OperatorRecord
    bundle: Sequence[bytes]

    def format(self) -> bytes:
        """Return the answer as JSON; `DecisionFile.parse` reads it."""
        words = {"words_en": self.decision.words.en, "words_zh": self.decision.words.zh}
        answer = {"code": self.decision.code, "outcome": self.decision.outcome, **words}
        return b'{"bundle":[%b],"decision":%b,"record":%b,"reference":%b}' % (
            b",".join(self.bundle),
            orjson.dumps(answer),
            self.record.format(),
            orjson.dumps(self.record.reference),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class DecisionMaker:
    """Decides applications; safe for several threads.  `making` is locked while `maker` works."""

    store: Store
    maker: EvidenceMaker
    making: threading.Lock
    identity: bytes
    operator: Signer

    def decide(
        self,
        request: DecisionRequest,
        edition: BookEdition,
        question: Question,
        *,
        caller: str,
        party: str,
    ) -> DecisionAnswer:
        """Decide, sign and store; `caller` names the credential, `party` who is behind it.

        Raises:
            BookUnknownError: the book has no such item.
            BookDayError: another edition came in meanwhile; ask again.
        """
        if request.item not in edition.book.items:
            raise MalformedError("item.unknown", f"the book has no item {request.item}")
        bundle = [self._newest(one, question) for one in request.evidence]
        basis = DecisionBasis(
            edition=edition,
            item=request.item,
            applicant=request.applicant,
            files=bundle,
            question=question,
        )
        result = decide(basis)
        content = record_content(
            DECISION_TYPE,
            result.details,
            outcome=result.decision.outcome,
            identity=self.identity,
            operator=self.operator.address,
            reference=draw_reference(),
            caller=caller,
            checked=question.now,
            leaves=result.leaves,
        )
        with self.store.begin() as unit:
            # Locks, as an import does: no edition comes in between the check and the decision.
            unit.receipt_chain(ReceiptChain.VERIFICATIONS)
            _check_edition(unit, edition, question.now)
            record = add_record(unit, content, self.operator, party=party, leaves=result.leaves)
            unit.add_decision(_stored(record, party), _leaves_of(bundle, result.valid))
        return DecisionAnswer(decision=result.decision, record=record, bundle=bundle)

    def _newest(self, asked: VerifyRequest, question: Question) -> bytes:
        """Return evidence at the newest checkpoint that shows the same; the file itself if none.

        Also the file itself where that checkpoint is not cosigned yet and the issuer's state is the
        same: then nothing is newer.
        """
        try:
            with self.making:
                if asked.lookup is not None:
                    made = self.maker.of_lookup(asked.lookup.digest)
                    return showing(made, asked.lookup).format()
                given = Evidence.parse(asked.evidence or b"")
                newest = self.maker.of_leaf(given.record.leaf())
            if newest.issuer == given.issuer and not self._trusted(newest, question):
                return asked.evidence or b""
            return newest.showing(given.disclosures).format()
        except (MalformedError, EvidenceUnknownError, EvidencePendingError):
            # What cannot be read or is not of this ledger is judged as it was handed in.
            return asked.evidence or b"{}"

    def _trusted(self, evidence: Evidence, question: Question) -> bool:
        """Return whether the policy trusts the block of evidence of ours."""
        pin = question.policy.for_ledger(self.identity)
        note = parse_note(evidence.checkpoint)
        return pin is not None and question.judge(note, pin, None).code == "ok"


def _check_edition(unit: Unit, edition: BookEdition, now: int) -> None:
    day = today(now).isoformat()
    holding = [one for one in unit.book_editions() if one.holds_from <= day]
    if not holding or holding[-1].digest != edition.digest:
        raise BookDayError("another edition of the book is in force now; try again")


def _leaves_of(bundle: Sequence[bytes], valid: frozenset[bytes]) -> Sequence[DecisionLeaf]:
    """Return the certificates of a bundle that were valid, each once: others overtake nothing."""
    found: dict[bytes, DecisionLeaf] = {}
    for data in bundle:
        try:
            record = Evidence.parse(data).record
        except CertledgerError:
            continue
        leaf = record.leaf()
        if leaf in valid:
            found[leaf] = DecisionLeaf(leaf=leaf, issuer=record.issuer, index=record.index)
    return list(found.values())


def _stored(record: OperatorRecord, party: str) -> StoredDecision:
    return StoredDecision(
        reference=record.reference,
        item=str(record.details["item"]),
        outcome=record.outcome,
        party=party,
        checked=record.checked,
    )
