"""Unattended decisions: a pure function of the book, the evidence, the policy and the instant.

The decision rests on the verdicts of evidence files alone, so that who has the files can make it
again (SPEC section 24).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.formats.canonical_json import Json
from certledger.verifier.reform.application import (
    ApplicationAnswer,
    LineAnswer,
    LineOutcome,
    ShownCertificate,
    answer_application,
    words_of,
)
from certledger.verifier.reform.book import ApplicantKind, Book, Name
from certledger.verifier.reform.book_edition import BookEdition
from certledger.verifier.reform.exemptions import exemptions
from certledger.verifier.reform.holders import HolderRelation
from certledger.verifier.reform.operator_record import GRANTED, PERSON, REFUSED
from certledger.verifier.reform.rule_evaluator import RuleError, Scalar, evaluate
from certledger.verifier.reform.rules import parsed_condition
from certledger.verifier.verify.checks import today
from certledger.verifier.verify.full import Question, verify_bytes
from certledger.verifier.verify.verdict import Result
from certledger.verifier.vocabulary import Verdict

_DAY_SECONDS = 86_400
_HOLDER_SALT = bytes(32)
"""Digests of numbers end with the decision, so that a fixed salt gives nothing away."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """An outcome with its reason.

    `condition` is the number of the rule's condition that decided, 0 where none did; `line` the
    number of the line that did, 0 likewise.
    """

    outcome: str
    code: str
    words: Name
    condition: int = 0
    line: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class DecisionBasis:
    """Everything that a decision follows from; `files` are evidence files in their order."""

    edition: BookEdition
    item: str
    applicant: ApplicantKind
    files: Sequence[bytes]
    question: Question


@dataclass(frozen=True, kw_only=True, slots=True)
class DecisionResult:
    """A decision with the details of its record.

    `leaves` are those of the certificates that could be read, `valid` of those that were valid.
    """

    decision: Decision
    details: dict[str, Json]
    leaves: Sequence[bytes]
    valid: frozenset[bytes]


Judging = Callable[[bytes, Question], Result]
"""Returns the verdict on an evidence file; one with caches returns the same as `verify_bytes`."""


def decide(basis: DecisionBasis, judging: Judging = verify_bytes) -> DecisionResult:
    """Return the decision and what its record says.

    Raises:
        BookUnknownError: the book has no such item.
    """
    book, question = basis.edition.book, basis.question
    asked = exemptions(book, basis.item, basis.applicant)
    shown = [ShownCertificate.from_result(judging(one, question)) for one in basis.files]
    answer = answer_application(asked, shown, question.now, _HOLDER_SALT)
    rule = book.rules.get(basis.item)
    decision = decide_application(book, basis.item, answer, shown)
    leaves = sorted({bytes.fromhex(one.leaf) for one in shown if one.leaf})
    details: dict[str, Json] = {
        "applicant": str(basis.applicant),
        "book": basis.edition.digest.hex(),
        "code": decision.code,
        "condition": decision.condition,
        "evidence": [sha256(one).hex() for one in basis.files],
        "item": basis.item,
        "leaves": [leaf.hex() for leaf in leaves],
        "line": decision.line,
        "policy": question.policy.version,
        "rule": 0 if rule is None else rule.version,
    }
    return DecisionResult(
        decision=decision,
        details=details,
        leaves=leaves,
        valid=frozenset(bytes.fromhex(one.leaf) for one in shown if one.verdict is Verdict.VALID),
    )


def decide_application(
    book: Book, item: str, answer: ApplicationAnswer, shown: Sequence[ShownCertificate]
) -> Decision:
    """Return the decision on an application for one item."""
    rule = book.rules.get(item)
    if rule is None or not book.items[item].unattended:
        words = Name(zh="该事项没有自动办理规则", en="The item has no rule for unattended handling")
        return Decision(outcome=PERSON, code="rule.absent", words=words)
    unmet = [one for one in answer.lines if one.line.required and one.outcome is not _MET]
    if unmet:
        return _unmet(item, unmet)
    values = rule_values(item, answer, shown)
    for number, condition in enumerate(rule.conditions, 1):
        try:
            holds = evaluate(parsed_condition(condition.expression), values)
        except RuleError as error:
            words = Name(zh="规则无法判断，转人工", en=f"The rule cannot tell: {error}")
            return Decision(outcome=PERSON, code=error.code, words=words, condition=number)
        if not holds:
            return Decision(
                outcome=condition.otherwise,
                code="rule.condition",
                words=condition.words,
                condition=number,
            )
    words = Name(zh="符合全部条件", en="All materials and conditions are met")
    return Decision(outcome=GRANTED, code="ok", words=words)


_MET = LineOutcome.MET


def _unmet(item: str, lines: Sequence[LineAnswer]) -> Decision:
    """Return the decision where a required line is not met.

    Only a certificate that was shown and is not genuine or not in force refuses; what is missing
    or unknown goes to a person.
    """
    against = [one for one in lines if one.outcome is LineOutcome.NOT_MET and one.place is not None]
    first = (against or list(lines))[0]
    number = next((line for of, line in first.line.asked_by if of == item), 0)
    outcome = REFUSED if against and first.code != "evidence.used" else PERSON
    return Decision(outcome=outcome, code=first.code, words=words_of(first.code), line=number)


def rule_values(
    item: str, answer: ApplicationAnswer, shown: Sequence[ShownCertificate]
) -> Mapping[str, Scalar | Mapping[str, Scalar]]:
    """Return the variables of a rule: `today`, `applicant`, and `m1`, `m2` … for the lines."""
    values: dict[str, Scalar | Mapping[str, Scalar]] = {
        "today": today(answer.at).isoformat(),
        "applicant": str(answer.asked.applicant),
    }
    for line in answer.lines:
        for code, number in line.line.asked_by:
            if code == item:
                values[f"m{number}"] = _line_values(line, shown)
    return values


def _line_values(line: LineAnswer, shown: Sequence[ShownCertificate]) -> Mapping[str, Scalar]:
    met = line.outcome is LineOutcome.MET
    if line.place is None or not met:
        return {"met": met}
    one = shown[line.place]
    return {
        **one.fields,
        "met": met,
        "category": one.category,
        "own": line.holder is HolderRelation.APPLICANT,
        "age_days": (line.age or 0) // _DAY_SECONDS,
    }
